//! Proof by real calls.

use runtime_core::names::GIT_STORE;
use serde::Serialize;
use serde_json::{Value, json};
use stacks::StackTemplate;

use crate::aws::Regional;
use crate::error::{Error, Result};
use crate::event::Events;
use crate::signal::Cancel;

/// A function that is called, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The function's whole name.
    pub function: String,
    /// The payload. It must not change anything.
    pub payload: Value,
}

/// A call that was made.
#[derive(Debug, Clone, Serialize)]
pub struct Called {
    /// The function's whole name.
    pub function: String,
    /// Wall time in milliseconds, as the caller sees it.
    pub wall_ms: f64,
    /// What it answered.
    pub answer: Value,
}

/// What of `templates` can be called in `region` without changing anything: the page store
/// answers to `ping`.
pub fn probes(templates: &[StackTemplate], region: &str, prefix: &str) -> Vec<Probe> {
    let function = format!("{prefix}-{GIT_STORE}");
    let there = templates.iter().filter(|stack| stack.region == region).any(|stack| {
        stack.template.resources().any(|resource| {
            resource.type_name == "AWS::Lambda::Function"
                && resource.properties()["FunctionName"] == function.as_str()
        })
    });
    let payload = json!({ "operation": "ping" });
    there.then_some(Probe { function, payload }).into_iter().collect()
}

impl Probe {
    /// Calls it. An answer of `{"error": …}` is an error, as an exception is.
    pub async fn call(&self, aws: &Regional, events: &Events, cancel: &Cancel) -> Result<Called> {
        let Self { function, payload } = self;
        let answer = aws.invoke_when_ready(function, payload, events, cancel).await?;
        let refused = answer.payload.get("error").is_some() && answer.payload.get("ok").is_none();
        if refused {
            let said = answer.payload["error"].to_string();
            return Err(
                Error::failed(format!("function {function} answers with an error")).caused_by(said)
            );
        }
        Ok(Called { function: function.clone(), wall_ms: answer.wall_ms, answer: answer.payload })
    }
}
