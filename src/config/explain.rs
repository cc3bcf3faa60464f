//! Turns what a parser says against a file into what an operator reads:
//! the place, the message without the parser's own words, and the fix.

use serde_json::Value;

use super::locate::{Positions, Segment, segments};
use crate::error::{Error, Place};

/// What a kind of file may say, for errors about it.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Its JSON Schema.
    pub schema: fn() -> Value,
    /// The command that prints the schema.
    pub command: &'static str,
}

/// A text that is no YAML at all.
pub(super) fn malformed(name: &str, error: &serde_yaml::Error) -> Error {
    let (line, column) =
        error.location().map(|place| (place.line(), place.column())).unwrap_or_default();
    let place = Place { file: name.to_owned(), line, column, field: String::new() };
    let message = without_position(&error.to_string(), line, column);
    Error::usage(format!("malformed YAML: {message}"))
        .at(place)
        .hint("indent with spaces, and close every quote and bracket")
}

/// A YAML that is not of its shape.
pub(super) fn explain(
    name: &str,
    shape: &Shape,
    positions: &Positions,
    error: &serde_path_to_error::Error<serde_yaml::Error>,
) -> Error {
    let message = error.inner().to_string();
    let path = error.path().to_string();
    let path = if path == "." || path == "?" { String::new() } else { path };
    let unknown = quoted_after(&message, "unknown field `");
    let twice = quoted_after(&message, "duplicate field `");
    let field = match unknown.as_ref().or(twice.as_ref()) {
        Some(key) if path.is_empty() => key.clone(),
        // The path already ends with the unknown key when the parser saw it as a field.
        Some(key) if path == *key || path.ends_with(&format!(".{key}")) => path,
        Some(key) => format!("{path}.{key}"),
        None => path,
    };
    let (line, column) =
        error.inner().location().map(|place| (place.line(), place.column())).unwrap_or_default();
    let message = without_position(&message, line, column);
    let (line, column) = positions.of_field(&field).unwrap_or((line, column));
    let place = Place { file: name.to_owned(), line, column, field };
    let message = without_path(&message, &place.field);
    if let Some(key) = unknown {
        let known = known_keys(message);
        return Error::usage(format!("unknown field `{key}`"))
            .at(place)
            .hint(suggest(&key, &known));
    }
    if twice.is_some() {
        return Error::usage("written twice").at(place).hint("keep one of them");
    }
    let meaning = describe(&(shape.schema)(), &place.field);
    let shown = Error::usage(in_plain_words(message)).at(place);
    match meaning {
        Some(meaning) => shown.hint(meaning),
        None => shown.hint(format!("`{}` prints every field with its meaning", shape.command)),
    }
}

/// The message without the position, which is shown before it.
fn without_position(message: &str, line: usize, column: usize) -> String {
    message.replacen(&format!(" at line {line} column {column}"), "", 1)
}

/// The message without the path that the parser puts before it: the field's, or
/// that of one of its ancestors.
fn without_path<'a>(message: &'a str, field: &str) -> &'a str {
    let ends = field.char_indices().filter(|(_, c)| matches!(c, '.' | '[')).map(|(at, _)| at);
    ends.chain([field.len()])
        .find_map(|end| message.strip_prefix(&field[..end])?.strip_prefix(": "))
        .unwrap_or(message)
}

/// The parser's words for types, as people say them.
fn in_plain_words(message: &str) -> String {
    if message.starts_with("invalid IP address syntax") {
        return "not an address range such as 10.40.0.0/16".to_owned();
    }
    let message = message.replace("invalid type: unit value", "nothing is given");
    let message = message.replace("unknown variant", "unknown value");
    let Some((found, expected)) = message.split_once(", expected ") else { return message };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" => "a whole number",
        "a sequence" => "a list",
        "a map" => "a mapping",
        other if other.starts_with("struct ") => "a mapping of fields",
        other => other,
    };
    format!("{found}, expected {expected}")
}

fn quoted_after(message: &str, start: &str) -> Option<String> {
    let rest = message.split_once(start)?.1;
    rest.split_once('`').map(|(quoted, _)| quoted.to_owned())
}

/// The keys that the parser would have accepted, from its message.
fn known_keys(message: &str) -> Vec<String> {
    let Some((_, known)) = message.split_once(", expected ") else { return Vec::new() };
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Names what of `known` is nearest to `key`, and all of it.
pub fn suggest(key: &str, known: &[String]) -> String {
    let all = known.join(", ");
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(key, candidate), candidate))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|left, right| left.0.total_cmp(&right.0));
    match nearest {
        Some((_, candidate)) => format!("did you mean `{candidate}`? valid here: {all}"),
        None => format!("valid here: {all}"),
    }
}

/// What the published schema says about a field, with its range.
fn describe(schema: &Value, field: &str) -> Option<String> {
    let mut node = schema;
    let mut described = None;
    for segment in segments(field) {
        node = match segment {
            Segment::Key(key) => resolved(schema, node)
                .get("properties")
                .and_then(|known| known.get(&key))
                .or_else(|| node.get("additionalProperties"))?,
            Segment::Index(_) => resolved(schema, node).get("items")?,
        };
        described =
            node.get("description").and_then(Value::as_str).map(str::to_owned).or(described);
    }
    let range = match (node["minimum"].as_u64(), node["maximum"].as_u64()) {
        (Some(least), Some(most)) if most < u64::from(u16::MAX) => format!(" ({least} to {most})"),
        _ => String::new(),
    };
    let described = described?.replace('\n', " ");
    Some(format!("{field}: {}{range}", described.trim_end_matches('.')))
}

fn resolved<'a>(schema: &'a Value, node: &'a Value) -> &'a Value {
    // What may be left out is this, or null.
    let node = node.get("anyOf").and_then(|either| either.get(0)).unwrap_or(node);
    let target = node.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
    target.and_then(|pointer| schema.pointer(pointer)).unwrap_or(node)
}
