//! What is said when a runbook is run, checked against what it asks for.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use runtime_core::tenant::TenantId;
use serde_json::{Map, Value, json};

use super::express;
use super::model::{Input, InputType};
use super::{Loaded, Span};
use crate::config::suggest;
use crate::error::{Error, Result};

static REGION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$").expect("a constant that the tests compile")
});

/// What of the platform inputs and expressions are checked against.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The configuration, as data.
    pub config: Value,
    /// Short names of the stacks.
    pub stacks: Vec<String>,
    /// Short names of the queues.
    pub queues: Vec<String>,
}

/// The values of a runbook's inputs: what was given, defaults, and none.
pub fn resolve(
    loaded: &Loaded,
    given: &BTreeMap<String, Value>,
    known: &Known,
) -> Result<Map<String, Value>> {
    let asked = &loaded.runbook.inputs;
    if let Some(unknown) = given.keys().find(|name| !asked.contains_key(*name)) {
        let names: Vec<String> = asked.keys().cloned().collect();
        let id = &loaded.runbook.id;
        let error = Error::usage(format!("runbook {id} has no input {unknown}"));
        return Err(if names.is_empty() {
            error.hint("it takes none")
        } else {
            error.hint(suggest(unknown, &names))
        });
    }
    let mut values = Map::new();
    let mut missing = Vec::new();
    for (name, input) in asked {
        let scope = json!({ "config": known.config, "inputs": values });
        let value = match given.get(name) {
            Some(value) => value.clone(),
            None => match &input.default {
                Some(default) => express::render_deep(default, &scope).map_err(|fault| {
                    Error::usage(fault.message).at(loaded.place(&format!("inputs.{name}.default")))
                })?,
                None if input.optional => Value::Null,
                None => {
                    missing.push(format!("--input {name}={}  {}", example(input), input.about));
                    continue;
                }
            },
        };
        let value = if value.is_null() && input.optional {
            value
        } else {
            one(name, input, &value, known)?
        };
        allowed(loaded, name, input, &value, &scope)?;
        values.insert(name.clone(), value);
    }
    if missing.is_empty() {
        return Ok(values);
    }
    let id = &loaded.runbook.id;
    Err(Error::usage(format!("runbook {id} has to be told more"))
        .caused_by(missing.join("\n"))
        .hint(format!("`platformctl runbook show {id}` says what for")))
}

/// A value of the input's kind, out of a text or a value.
fn one(name: &str, input: &Input, value: &Value, known: &Known) -> Result<Value> {
    let wrong = |expected: &str| {
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Error::usage(format!("input {name}: `{shown}` is not {expected}"))
    };
    let text = || match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let named = |what: &str, names: &[String]| {
        let text = text().ok_or_else(|| wrong(what))?;
        if names.is_empty() || names.contains(&text) {
            return Ok(Value::String(text));
        }
        Err(wrong(what).hint(suggest(&text, names)))
    };
    Ok(match input.kind {
        InputType::String => Value::String(text().ok_or_else(|| wrong("a text"))?),
        InputType::Integer => {
            let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
            let number = number.ok_or_else(|| wrong("a whole number"))?;
            if input.min.is_some_and(|min| number < min)
                || input.max.is_some_and(|max| number > max)
            {
                let least = input.min.map_or_else(String::new, |min| format!(", at least {min}"));
                let most = input.max.map_or_else(String::new, |max| format!(", at most {max}"));
                return Err(wrong(&format!("in its range{least}{most}")));
            }
            json!(number)
        }
        InputType::Boolean => {
            let told = match value.as_str() {
                Some("true") => Some(true),
                Some("false") => Some(false),
                _ => value.as_bool(),
            };
            json!(told.ok_or_else(|| wrong("true or false"))?)
        }
        InputType::Tenant => {
            let text = text().ok_or_else(|| wrong("a tenant's id"))?;
            text.parse::<TenantId>().map_err(|error| wrong("a tenant's id").caused_by(error))?;
            Value::String(text)
        }
        InputType::Region => {
            let text = text().filter(|text| REGION.is_match(text));
            Value::String(text.ok_or_else(|| wrong("a region such as eu-west-1"))?)
        }
        InputType::Stack => named("one of the stacks", &known.stacks)?,
        InputType::Queue => named("one of the queues", &known.queues)?,
        InputType::Duration => {
            let text = text().ok_or_else(|| wrong("a duration such as 15m"))?;
            Span::parse(&text).map_err(|_| wrong("a duration such as 15m"))?;
            Value::String(text)
        }
        InputType::Choice => named("one of the choices", &input.choices)?,
    })
}

fn allowed(loaded: &Loaded, name: &str, input: &Input, value: &Value, scope: &Value) -> Result<()> {
    let Some(expression) = &input.allowed else { return Ok(()) };
    let place = || loaded.place(&format!("inputs.{name}.allowed"));
    let values = express::value_of(expression, scope)
        .map_err(|fault| Error::usage(fault.message).at(place()))?;
    let Value::Array(values) = values else {
        return Err(Error::usage(format!("`{expression}` is no list")).at(place()));
    };
    if value.is_null() || values.contains(value) {
        return Ok(());
    }
    let names: Vec<String> = values
        .iter()
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect();
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Err(Error::usage(format!("input {name}: `{text}` is not allowed here"))
        .hint(suggest(&text, &names)))
}

/// A value of that kind, for the lint and for hints.
pub(super) fn example(input: &Input) -> String {
    match input.kind {
        InputType::String => "TEXT".to_owned(),
        InputType::Integer => input.min.unwrap_or(1).to_string(),
        InputType::Boolean => "true".to_owned(),
        InputType::Tenant => "acme".to_owned(),
        InputType::Region => "eu-west-1".to_owned(),
        InputType::Stack => "STACK".to_owned(),
        InputType::Queue => "QUEUE".to_owned(),
        InputType::Duration => "15m".to_owned(),
        InputType::Choice => input.choices.first().cloned().unwrap_or_default(),
    }
}
