//! Tags on everything that takes them.

use serde_json::{Map, Value as Json, json};

use super::schema::{TagShape, Tagging};

/// Adds the tags that are not there yet. A tag that was set stays as it is, and so
/// does a whole tag property that an intrinsic yields.
pub(super) fn complete(properties: &mut Json, tagging: Tagging, tags: &[(String, Json)]) {
    let Json::Object(properties) = properties else { return };
    match tagging.shape {
        TagShape::List => {
            let entry = properties.entry(tagging.property).or_insert_with(|| json!([]));
            if let Json::Array(list) = entry {
                complete_list(list, tags);
            }
        }
        TagShape::Map => {
            let entry = properties.entry(tagging.property).or_insert_with(|| json!({}));
            if let Json::Object(map) = entry
                && !is_intrinsic(map)
            {
                for (key, value) in tags {
                    map.entry(key).or_insert_with(|| value.clone());
                }
            }
        }
    }
}

fn complete_list(list: &mut Vec<Json>, tags: &[(String, Json)]) {
    for (key, value) in tags {
        if !list.iter().any(|tag| tag["Key"] == **key) {
            list.push(json!({ "Key": key, "Value": value }));
        }
    }
}

fn is_intrinsic(map: &Map<String, Json>) -> bool {
    map.keys().any(|key| key == "Ref" || key.starts_with("Fn::"))
}
