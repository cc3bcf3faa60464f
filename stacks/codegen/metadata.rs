//! From the schemas to the table that `cfn::schema::lookup` searches.

use serde_json::Value;

use super::load::Schema;
use super::resolve::pointers;

/// The source of one `TypeInfo`.
pub(super) fn entry(schema: &Schema) -> Result<String, String> {
    let root = &schema.root;
    let paths = |key: &str| {
        let joined: Vec<_> = pointers(root, key).iter().map(|path| path.join(".")).collect();
        slice(joined.iter().map(String::as_str))
    };
    let permissions = |handler: &str| {
        let list = &root["handlers"][handler]["permissions"];
        slice(list.as_array().into_iter().flatten().filter_map(Value::as_str))
    };
    Ok(format!(
        "TypeInfo {{ name: {:?}, create_only: {}, conditional_create_only: {}, read_only: {}, \
         write_only: {}, primary_identifier: {}, tagging: {}, permissions: Permissions {{ \
         create: {}, read: {}, update: {}, delete: {}, tag: {} }} }},",
        schema.type_name,
        paths("createOnlyProperties"),
        paths("conditionalCreateOnlyProperties"),
        paths("readOnlyProperties"),
        paths("writeOnlyProperties"),
        paths("primaryIdentifier"),
        tagging(root)?,
        permissions("create"),
        permissions("read"),
        permissions("update"),
        permissions("delete"),
        slice(
            root["tagging"]["permissions"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
        ),
    ))
}

/// The table; the entries come sorted by name.
pub(super) fn table(entries: &[String]) -> String {
    format!("static TYPES: &[TypeInfo] = &[\n{}\n];\n", entries.join("\n"))
}

fn tagging(root: &Value) -> Result<String, String> {
    let taggable = root["tagging"]["taggable"].as_bool().or(root["taggable"].as_bool());
    if taggable == Some(false) {
        return Ok("None".into());
    }
    let pointer = root["tagging"]["tagProperty"].as_str().unwrap_or("/properties/Tags");
    let Some(property) = root.pointer(pointer) else { return Ok("None".into()) };
    let name = pointer.trim_start_matches("/properties/");
    let property = followed(root, property);
    let shape = match property["type"].as_str() {
        Some("array") => {
            let item = followed(root, &property["items"]);
            let has = |key: &str| item["properties"].get(key).is_some();
            if !has("Key") || !has("Value") {
                return Err(format!("{pointer} is a list, but not of Key and Value"));
            }
            "List"
        }
        Some("object") => "Map",
        other => return Err(format!("{pointer} is {other:?}: tags are a list or a map")),
    };
    Ok(format!("Some(Tagging {{ property: {name:?}, shape: TagShape::{shape} }})"))
}

fn followed<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|p| root.pointer(p.trim_start_matches('#')));
    target.map_or(schema, |target| followed(root, target))
}

fn slice<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = items.map(|item| format!("{item:?}")).collect();
    format!("&[{}]", quoted.join(", "))
}
