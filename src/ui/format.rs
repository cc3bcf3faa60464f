//! Output formats of results.

use clap::ValueEnum;
use serde_json::Value;

use crate::error::{Context as _, Error, Result};

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[value(alias = "table")]
    Text,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// JSON Lines: one line an item.
    Jsonl,
    /// For a merge request or a wiki.
    Markdown,
    /// SARIF 2.1.0, for code scanning; `check` only.
    Sarif,
    /// JUnit XML, for CI; `check` only.
    Junit,
    /// GitLab's Code Quality report; `check` only.
    Gitlab,
}

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set; also with `CLICOLOR_FORCE`.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Writes a value in a structured format.
pub(super) fn structured(value: &Value, format: Format) -> Result<String> {
    match format {
        Format::Yaml => serde_yaml::to_string(value).context("cannot write YAML"),
        Format::Jsonl => Ok(lines(value)),
        Format::Sarif | Format::Junit | Format::Gitlab => Err(Error::usage(
            "this verb has no such output",
        )
        .hint("sarif, junit and gitlab are written by `platformctl check`, without --query")),
        _ => {
            serde_json::to_string_pretty(value).map(|text| text + "\n").context("cannot write JSON")
        }
    }
}

/// Refuses what could only fail after the work is done: a format that the verb
/// does not write, and a query that is none.
pub(super) fn check(format: Format, query: Option<&str>, has_own_formats: bool) -> Result<()> {
    let is_of_check = matches!(format, Format::Sarif | Format::Junit | Format::Gitlab);
    if is_of_check && (!has_own_formats || query.is_some()) {
        structured(&Value::Null, format)?;
    }
    query.map_or(Ok(()), |expression| compile(expression).map(drop))
}

/// One line an item of a list; anything else in one line.
fn lines(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(|item| format!("{item}\n")).collect(),
        other => format!("{other}\n"),
    }
}

/// What the JMESPath expression picks: a text as it is, anything else structured.
pub(super) fn query(value: &Value, expression: &str, format: Format) -> Result<String> {
    let picked =
        compile(expression)?.search(value).map_err(|error| bad_query(expression, error))?;
    let picked = serde_json::to_value(&*picked).context("cannot read what the query picked")?;
    match (&picked, format) {
        (Value::String(text), Format::Text) => Ok(format!("{text}\n")),
        (_, Format::Text) => structured(&picked, Format::Json),
        _ => structured(&picked, format),
    }
}

fn compile(expression: &str) -> Result<jmespath::Expression<'static>> {
    jmespath::compile(expression).map_err(|error| bad_query(expression, error))
}

fn bad_query(expression: &str, error: jmespath::JmespathError) -> Error {
    Error::usage(format!("--query `{expression}` cannot be used"))
        .caused_by(error)
        .hint("the syntax is JMESPath: https://jmespath.org; `-o json` shows what can be picked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_query_picks_text_as_it_is_and_the_rest_as_json() {
        let value = json!({"stacks": [{"name": "efs", "resources": 12}]});
        assert_eq!(query(&value, "stacks[0].name", Format::Text).expect("query"), "efs\n");
        assert_eq!(query(&value, "stacks[0].resources", Format::Text).expect("query"), "12\n");
        assert_eq!(query(&value, "stacks[", Format::Text).expect_err("syntax").exit_code(), 2);
    }

    #[test]
    fn jsonl_has_one_line_an_item() {
        assert_eq!(
            structured(&json!([1, {"a": 2}]), Format::Jsonl).expect("lines"),
            "1\n{\"a\":2}\n"
        );
    }
}
