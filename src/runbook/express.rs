//! Expressions: `{{ inputs.x }}` in texts, and bare ones in `when` and `until`.
//!
//! The language is that of Jinja, by minijinja. A text that is one expression keeps the
//! expression's type; what is undefined is an error, never an empty text.

use std::collections::BTreeSet;

use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde_json::Value;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, with the expression.
    pub message: String,
    /// Whether something in it is not there, or not yet.
    pub undefined: bool,
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
}

/// Whether a text has an expression in it.
pub fn is_dynamic(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Whether a value has an expression in it, at any depth.
pub fn has_expression(value: &Value) -> bool {
    match value {
        Value::String(text) => is_dynamic(text),
        Value::Array(items) => items.iter().any(has_expression),
        Value::Object(fields) => fields.values().any(has_expression),
        _ => false,
    }
}

/// The expression that a text is, if it is one and nothing else.
fn whole(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("}}")).then(|| inner.trim())
}

/// The expression of a `when` or `until`, which may be written in braces too.
fn bare(text: &str) -> &str {
    whole(text).unwrap_or_else(|| text.trim())
}

fn fault(text: &str, error: &minijinja::Error) -> Fault {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let undefined = error.kind() == ErrorKind::UndefinedError;
    let what = if undefined { "something in it is undefined".to_owned() } else { what };
    Fault { message: format!("`{}`: {what}", text.trim()), undefined }
}

/// The value of one expression.
fn evaluate(expression: &str, scope: &Value) -> Result<Value, Fault> {
    let environment = environment();
    let compiled =
        environment.compile_expression(expression).map_err(|error| fault(expression, &error))?;
    let value = compiled
        .eval(minijinja::Value::from(Serde(scope)))
        .map_err(|error| fault(expression, &error))?;
    if value.is_undefined() {
        let message = format!("`{expression}` is undefined");
        return Err(Fault { message, undefined: true });
    }
    serde_json::to_value(&value)
        .map_err(|error| Fault { message: format!("`{expression}`: {error}"), undefined: false })
}

/// The value of a text with expressions in it.
pub fn render(text: &str, scope: &Value) -> Result<Value, Fault> {
    if !is_dynamic(text) {
        return Ok(Value::String(text.to_owned()));
    }
    if let Some(expression) = whole(text) {
        return evaluate(expression, scope);
    }
    environment()
        .render_str(text, minijinja::Value::from(Serde(scope)))
        .map(Value::String)
        .map_err(|error| fault(text, &error))
}

/// A text with its expressions filled in, as text.
pub fn render_text(text: &str, scope: &Value) -> Result<String, Fault> {
    Ok(match render(text, scope)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

/// A value with the expressions in its texts filled in.
pub fn render_deep(value: &Value, scope: &Value) -> Result<Value, Fault> {
    Ok(match value {
        Value::String(text) => render(text, scope)?,
        Value::Array(items) => {
            Value::Array(items.iter().map(|it| render_deep(it, scope)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, it)| Ok((key.clone(), render_deep(it, scope)?)))
                .collect::<Result<_, _>>()?,
        ),
        other => other.clone(),
    })
}

/// Whether an expression holds.
pub fn holds(expression: &str, scope: &Value) -> Result<bool, Fault> {
    Ok(match evaluate(bare(expression), scope)? {
        Value::Null => false,
        Value::Bool(holds) => holds,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    })
}

/// The value of a bare expression.
pub fn value_of(expression: &str, scope: &Value) -> Result<Value, Fault> {
    evaluate(bare(expression), scope)
}

/// The variables that a text with expressions reads, such as `steps.healthy.previous`.
pub fn read_by_text(text: &str) -> Result<BTreeSet<String>, Fault> {
    if !is_dynamic(text) {
        return Ok(BTreeSet::new());
    }
    let environment = environment();
    let template = environment.template_from_str(text).map_err(|error| fault(text, &error))?;
    Ok(template.undeclared_variables(true).into_iter().collect())
}

/// The variables that a bare expression reads.
pub fn read_by_expression(expression: &str) -> Result<BTreeSet<String>, Fault> {
    let environment = environment();
    let expression = bare(expression);
    let compiled =
        environment.compile_expression(expression).map_err(|error| fault(expression, &error))?;
    Ok(compiled.undeclared_variables(true).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Value {
        json!({
            "inputs": { "n": 3, "tenant": "acme", "none": null },
            "steps": { "usage": { "percent": 92, "items": ["a", "b"], "a-b": 1 } },
        })
    }

    #[test]
    fn a_text_that_is_one_expression_keeps_its_type() {
        assert_eq!(render("{{ inputs.n }}", &scope()), Ok(json!(3)));
        assert_eq!(render(" {{ steps.usage.items }} ", &scope()), Ok(json!(["a", "b"])));
        assert_eq!(render("{{ steps.usage['a-b'] }}", &scope()), Ok(json!(1)));
        assert_eq!(render("n is {{ inputs.n }}", &scope()), Ok(json!("n is 3")));
        assert_eq!(render("{{ inputs.n }}{{ inputs.n }}", &scope()), Ok(json!("33")));
        assert_eq!(render("plain", &scope()), Ok(json!("plain")));
        let deep = json!({ "a": ["{{ inputs.tenant }}", 1], "b": null });
        assert_eq!(render_deep(&deep, &scope()), Ok(json!({ "a": ["acme", 1], "b": null })));
    }

    #[test]
    fn what_is_undefined_is_an_error_unless_there_is_a_default() {
        for text in ["{{ inputs.x }}", "a {{ steps.usage.nothing }}", "{{ steps.no.field }}"] {
            let fault = render(text, &scope()).expect_err(text);
            assert!(fault.undefined, "{fault:?}");
        }
        assert_eq!(render("{{ inputs.x | default('y') }}", &scope()), Ok(json!("y")));
        assert!(!render("{{ inputs. }}", &scope()).expect_err("syntax").undefined);
    }

    #[test]
    fn conditions_may_stand_in_braces_and_compare() {
        for held in [
            "steps.usage.percent > 90",
            "{{ inputs.tenant == 'acme' }}",
            "'a' in steps.usage.items",
        ] {
            assert_eq!(holds(held, &scope()), Ok(true), "{held}");
        }
        for not in ["inputs.none", "not inputs.n", "inputs.tenant != 'acme' and true"] {
            assert_eq!(holds(not, &scope()), Ok(false), "{not}");
        }
    }

    #[test]
    fn what_is_read_is_known_without_a_value() {
        let read = read_by_text("{{ inputs.x }} and {{ steps.a.b.c | default(config.region) }}");
        let read: Vec<_> = read.expect("good").into_iter().collect();
        assert_eq!(read, ["config.region", "inputs.x", "steps.a.b.c"]);
        let read = read_by_expression("steps.a.n > 3").expect("good");
        assert_eq!(read.into_iter().collect::<Vec<_>>(), ["steps.a.n"]);
    }
}
