//! The contract's document as API Gateway imports it.
//!
//! The document is `OpenAPI` 3.1; API Gateway reads 3.0.1, knows fewer keywords, and
//! needs none of the documentation. What is left is what it acts on: parameters and
//! bodies, by which it validates requests.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html>

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// The version that API Gateway imports.
const VERSION: &str = "3.0.1";

/// Keywords of schemas that API Gateway validates by, and that mean the same in both
/// versions. Others are dropped, `exclusiveMinimum` and the like are translated.
const SAME: [&str; 19] = [
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "required",
    "minProperties",
    "maxProperties",
    "properties",
    "items",
    "additionalProperties",
    "allOf",
];

/// An operation without its documentation: parameters are written out, and only the
/// names of bodies stay references.
pub(super) fn operation(document: &Value, operation: &Value, status: u16) -> Value {
    let mut out = Map::new();
    out.insert("operationId".into(), operation["operationId"].clone());
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters: Vec<_> = parameters.map(|it| parameter(resolved(document, it))).collect();
    if !parameters.is_empty() {
        out.insert("parameters".into(), parameters.into());
    }
    if let Some(body) = operation.get("requestBody") {
        let body = &body["content"]["application/json"]["schema"];
        let body = json!({
            "required": true,
            "content": { "application/json": { "schema": schema(body) } },
        });
        out.insert("requestBody".into(), body);
    }
    // A function's answer goes out as it is: no schema belongs to it here.
    out.insert("responses".into(), json!({ status.to_string(): { "description": "Done" } }));
    out.into()
}

/// The whole: paths as they are, and the schemas that their bodies need.
pub(super) fn document(document: &Value, paths: Map<String, Value>) -> Value {
    let paths = Value::Object(paths);
    let mut wanted = BTreeSet::new();
    names(&paths, &mut wanted);
    let mut schemas = Map::new();
    while let Some(name) = wanted.pop_first() {
        if schemas.contains_key(&name) {
            continue;
        }
        let schema = schema(&document["components"]["schemas"][&name]);
        names(&schema, &mut wanted);
        schemas.insert(name, schema);
    }
    schemas.sort_keys();
    json!({
        "openapi": VERSION,
        "info": { "title": document["info"]["title"], "version": document["info"]["version"] },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

/// A schema of 3.1, which is JSON Schema, as one of 3.0.
pub(super) fn schema(schema: &Value) -> Value {
    let Value::Object(from) = schema else { return schema.clone() };
    // In 3.0 nothing counts beside a reference.
    if let Some(reference) = from.get("$ref") {
        return json!({ "$ref": reference });
    }
    let mut out = Map::new();
    for (key, value) in from {
        match (key.as_str(), value) {
            ("type", Value::Array(kinds)) => {
                let mut named = kinds.iter().filter(|kind| *kind != "null");
                if let Some(kind) = named.next() {
                    out.insert("type".into(), kind.clone());
                }
                if kinds.iter().any(|kind| kind == "null") {
                    out.insert("nullable".into(), true.into());
                }
            }
            // JSON Schema knows any format, 3.0 these of numbers.
            ("format", Value::String(format)) if format.starts_with("uint") => {}
            ("const", value) => drop(out.insert("enum".into(), json!([value]))),
            ("oneOf", Value::Array(choices)) => drop(out.insert("enum".into(), constants(choices))),
            ("exclusiveMinimum", limit) => {
                out.insert("minimum".into(), limit.clone());
                out.insert("exclusiveMinimum".into(), true.into());
            }
            ("exclusiveMaximum", limit) => {
                out.insert("maximum".into(), limit.clone());
                out.insert("exclusiveMaximum".into(), true.into());
            }
            ("properties", Value::Object(properties)) => {
                let properties =
                    properties.iter().map(|(name, it)| (name.clone(), self::schema(it)));
                out.insert(key.clone(), Value::Object(properties.collect()));
            }
            ("items" | "additionalProperties", inner) => {
                out.insert(key.clone(), self::schema(inner));
            }
            ("allOf", Value::Array(all)) => {
                out.insert(key.clone(), all.iter().map(self::schema).collect());
            }
            (key, value) if SAME.contains(&key) => {
                out.insert(key.to_owned(), value.clone());
            }
            _ => {}
        }
    }
    out.into()
}

/// An enumeration whose values have descriptions of their own: one constant each.
fn constants(choices: &[Value]) -> Value {
    let constant = |choice: &Value| choice.get("const").cloned();
    choices.iter().filter_map(constant).collect()
}

fn parameter(parameter: &Value) -> Value {
    json!({
        "name": parameter["name"],
        "in": parameter["in"],
        "required": parameter["required"],
        // Of parameters, API Gateway looks only whether they are there.
        "schema": { "type": parameter["schema"]["type"] },
    })
}

/// What a reference within the document leads to.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let reference = value["$ref"].as_str().and_then(|text| text.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

/// The names of the schemas that a value refers to.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            let reference = map.get("$ref").and_then(Value::as_str);
            found.extend(reference.and_then(|text| text.rsplit('/').next()).map(str::to_owned));
            map.values().for_each(|value| names(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_translated() {
        let cases = [
            (json!({ "type": ["string", "null"] }), json!({ "type": "string", "nullable": true })),
            (json!({ "type": "string", "const": "a" }), json!({ "type": "string", "enum": ["a"] })),
            (
                json!({ "oneOf": [{ "type": "string", "const": "a", "description": "A" }, { "const": "b" }] }),
                json!({ "enum": ["a", "b"] }),
            ),
            (
                json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 }),
                json!({ "type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 1, "exclusiveMaximum": true }),
            ),
            (
                json!({ "type": "integer", "format": "uint32", "minimum": 1, "description": "It", "examples": [1], "default": 1 }),
                json!({ "type": "integer", "minimum": 1 }),
            ),
            (
                json!({ "$ref": "#/components/schemas/Tier", "description": "Its tier" }),
                json!({ "$ref": "#/components/schemas/Tier" }),
            ),
            (
                json!({ "type": "array", "items": { "type": ["integer"], "title": "n" } }),
                json!({ "type": "array", "items": { "type": "integer" } }),
            ),
        ];
        for (from, to) in cases {
            assert_eq!(schema(&from), to);
        }
    }

    /// Properties may be called like keywords.
    #[test]
    fn a_property_is_no_keyword() {
        let from = json!({ "properties": { "description": { "type": "string" } } });
        assert_eq!(schema(&from), from);
    }

    /// What the contract uses and this file does not know would be validated by nobody.
    #[test]
    fn no_keyword_of_the_contract_is_lost_but_documentation() {
        const TRANSLATED: [&str; 5] =
            ["$ref", "const", "oneOf", "exclusiveMinimum", "exclusiveMaximum"];
        const DOCUMENTATION: [&str; 4] = ["description", "title", "default", "examples"];
        fn keywords(schema: &Value, found: &mut BTreeSet<String>) {
            for (key, value) in schema.as_object().into_iter().flatten() {
                found.insert(key.clone());
                match (key.as_str(), value) {
                    ("properties", Value::Object(all)) => {
                        all.values().for_each(|it| keywords(it, found));
                    }
                    (_, Value::Array(all)) => all.iter().for_each(|it| keywords(it, found)),
                    (_, inner) => keywords(inner, found),
                }
            }
        }
        let contract = runtime_core::api::openapi::document();
        let mut found = BTreeSet::new();
        for schema in contract["components"]["schemas"].as_object().unwrap().values() {
            keywords(schema, &mut found);
        }
        let known: Vec<_> = SAME.into_iter().chain(TRANSLATED).chain(DOCUMENTATION).collect();
        found.retain(|keyword| !known.contains(&keyword.as_str()));
        assert!(found.is_empty(), "{found:?}");
    }
}
