//! Finds what expressions read that is not there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Linter;
use crate::config::suggest;
use crate::runbook::express::{self, Fault};
use crate::runbook::model::Step;
use crate::runbook::performer::Performer;

/// What every expression may read of the run itself.
const RUN: [&str; 7] = ["id", "runbook", "title", "reason", "by", "environment", "local"];

impl<P: Performer> Linter<'_, P> {
    /// Lints the expressions of a value; whether there are none.
    pub(super) fn value(&mut self, field: &str, value: &Value, also: Option<&str>) -> bool {
        match value {
            Value::String(text) => self.text_with(field, text, also),
            Value::Array(items) => {
                let mut plain = true;
                for (index, item) in items.iter().enumerate() {
                    plain &= self.value(&format!("{field}[{index}]"), item, also);
                }
                plain
            }
            Value::Object(fields) => {
                let mut plain = true;
                for (key, item) in fields {
                    plain &= self.value(&format!("{field}.{key}"), item, also);
                }
                plain
            }
            _ => true,
        }
    }

    pub(super) fn text(&mut self, field: &str, text: &str) {
        self.text_with(field, text, None);
    }

    fn text_with(&mut self, field: &str, text: &str, also: Option<&str>) -> bool {
        if !express::is_dynamic(text) {
            return true;
        }
        let also: Vec<&str> = also.into_iter().collect();
        self.read(field, express::read_by_text(text), &also);
        false
    }

    pub(super) fn expression(&mut self, field: &str, expression: &str, also: &[&str]) {
        self.read(field, express::read_by_expression(expression), also);
    }

    fn read(&mut self, field: &str, read: Result<BTreeSet<String>, Fault>, also: &[&str]) {
        match read {
            Err(fault) => {
                let hint = "such as {{ inputs.tenant }} or {{ steps.usage.percent }}";
                self.say(field, format!("{} cannot be read", fault.message), hint);
            }
            Ok(read) => {
                for variable in read {
                    if let Some((message, hint)) = self.undefined(&variable, also) {
                        self.say(field, message, hint);
                    }
                }
            }
        }
    }

    /// What is wrong with a variable, and what to do.
    fn undefined(&self, variable: &str, also: &[&str]) -> Option<(String, String)> {
        let mut parts = variable.split('.');
        let root = parts.next().unwrap_or_default();
        let name = parts.next();
        let unknown = |name: &str, known: &[String]| {
            Some((format!("`{variable}` is undefined"), suggest(name, known)))
        };
        let names = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        match (root, name) {
            ("inputs", Some(name)) => {
                let known: Vec<String> = self.loaded.runbook.inputs.keys().cloned().collect();
                if known.iter().any(|it| it == name) { None } else { unknown(name, &known) }
            }
            ("steps" | "outcomes", Some(name)) => {
                let Some(fields) = self.seen.get(name) else {
                    let known: Vec<String> = self.seen.keys().cloned().collect();
                    let (message, hint) = unknown(name, &known)?;
                    let later = self.exists(name).then(|| {
                        "only steps before this one, and not beside it, can be read".to_owned()
                    });
                    return Some((message, later.unwrap_or(hint)));
                };
                let (field, fields) = (parts.next()?, (*fields)?);
                if root == "outcomes" || fields.contains(&field) {
                    return None;
                }
                unknown(field, &names(fields))
            }
            ("run", Some(name)) => {
                if RUN.contains(&name) {
                    None
                } else {
                    unknown(name, &names(&RUN))
                }
            }
            ("config", Some(_)) => self.no_setting(variable),
            ("inputs" | "steps" | "outcomes" | "run" | "config", None) => None,
            _ if also.contains(&root) => None,
            _ => {
                let known = ["inputs", "steps", "outcomes", "config", "run"];
                unknown(root, &names(&[&known[..], also].concat()))
            }
        }
    }

    fn exists(&self, name: &str) -> bool {
        fn among(steps: &[Step], name: &str) -> bool {
            steps.iter().any(|step| {
                step.id == name || step.parallel.as_deref().is_some_and(|it| among(it, name))
            })
        }
        among(&self.loaded.runbook.steps, name)
    }

    /// What is wrong with `config.a.b`, by the schema of platform.yaml.
    fn no_setting(&self, variable: &str) -> Option<(String, String)> {
        let mut node = &self.schema;
        for part in variable.split('.').skip(1) {
            let node_here = node.get("anyOf").and_then(|either| either.get(0)).unwrap_or(node);
            let target = node_here["$ref"].as_str().and_then(|name| name.strip_prefix('#'));
            let shape = target.and_then(|it| self.schema.pointer(it)).unwrap_or(node_here);
            let known = shape["properties"].as_object()?;
            match known.get(part) {
                Some(next) => node = next,
                None => {
                    let known: Vec<String> = known.keys().cloned().collect();
                    return Some((format!("`{variable}` is undefined"), suggest(part, &known)));
                }
            }
        }
        None
    }
}
