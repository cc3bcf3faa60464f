//! The store, through the events that its Lambda answers.

use std::path::PathBuf;

use git_store::{Store, service};
use serde_json::{Value, json};

use crate::{Peer, Result};

pub(crate) struct Ours {
    store: Store,
}

impl Ours {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { store: Store::new(folder) }
    }

    fn ask(&self, event: Value) -> Result<Value> {
        let reply = serde_json::to_value(service::answer(&self.store, event))?;
        if reply["status"] == "error" || reply.get("error").is_some() || reply.get("code").is_some()
        {
            return Err(format!("the store refused: {reply}").into());
        }
        Ok(reply)
    }
}

impl Peer for Ours {
    fn init(&mut self, name: &str) -> Result<()> {
        self.ask(json!({"operation": "init", "wiki": name})).map(drop)
    }

    fn write(&mut self, name: &str, path: &str, body: &str) -> Result<()> {
        self.ask(json!({
            "operation": "write", "wiki": name, "path": path, "body": body, "message": "Write",
            "author": {"name": "Measurer", "email": "measurer@example.com"},
        }))
        .map(drop)
    }

    fn read(&mut self, name: &str, path: &str) -> Result<String> {
        let reply = self.ask(json!({"operation": "read", "wiki": name, "path": path}))?;
        find(&reply, "body")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| format!("no body in {reply}").into())
    }

    fn history(&mut self, name: &str, limit: u32) -> Result<usize> {
        let mut found = 0;
        let mut from = Value::Null;
        while found < limit as usize {
            let mut event = json!({
                "operation": "history", "wiki": name, "limit": limit as usize - found,
            });
            if !from.is_null() {
                event["from"] = from;
            }
            let reply = self.ask(event)?;
            let commits = find(&reply, "commits").and_then(Value::as_array).map_or(0, Vec::len);
            found += commits;
            from = find(&reply, "next").cloned().unwrap_or(Value::Null);
            if from.is_null() || commits == 0 {
                break;
            }
        }
        Ok(found)
    }

    fn maintain(&mut self, name: &str) -> Result<()> {
        loop {
            let reply = self.ask(json!({"operation": "maintain", "wiki": name}))?;
            if find(&reply, "finished") == Some(&Value::Bool(true)) {
                return Ok(());
            }
        }
    }
}

/// The value of `field`, wherever the reply has it.
fn find<'a>(reply: &'a Value, field: &str) -> Option<&'a Value> {
    match reply {
        Value::Object(fields) => {
            fields.get(field).or_else(|| fields.values().find_map(|inner| find(inner, field)))
        }
        _ => None,
    }
}
