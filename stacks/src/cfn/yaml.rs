//! Templates as YAML. The only file that knows which YAML library writes them.

use serde_json::{Map, Value as Json};
use serde_yaml::Value as Yaml;
use serde_yaml::value::{Tag, TaggedValue};

/// The YAML of a template, with short-form intrinsics.
pub(super) fn to_yaml(body: &Json) -> String {
    // Everything in a template is strings, numbers, lists and maps with string
    // keys, and no tag stands directly on a tag: nothing that YAML cannot hold.
    let text = serde_yaml::to_string(&convert(body)).unwrap_or_default();
    WORDS.iter().fold(text, |text, word| text.replace(&marked(word), word))
}

/// Booleans of YAML 1.1, which CloudFormation reads and the library does not write: it
/// leaves them without quotes.
const WORDS: [&str; 16] = [
    "y", "Y", "yes", "Yes", "YES", "n", "N", "no", "No", "NO", "on", "On", "ON", "off", "Off",
    "OFF",
];

/// A text in the place of a word, which the library has to quote.
fn marked(word: &str) -> String {
    format!("@a-word-and-no-boolean:{word}@")
}

fn convert(value: &Json) -> Yaml {
    match value {
        Json::Null => Yaml::Null,
        Json::Bool(flag) => Yaml::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Yaml::Number(whole.into()),
            (None, float) => Yaml::Number(float.unwrap_or_default().into()),
        },
        Json::String(text) if WORDS.contains(&text.as_str()) => Yaml::String(marked(text)),
        Json::String(text) => Yaml::String(text.clone()),
        Json::Array(items) => Yaml::Sequence(items.iter().map(convert).collect()),
        Json::Object(map) => short_form(map).unwrap_or_else(|| long_form(map)),
    }
}

fn long_form(map: &Map<String, Json>) -> Yaml {
    Yaml::Mapping(map.iter().map(|(key, value)| (key.as_str().into(), convert(value))).collect())
}

/// `{"Ref": "A"}` as `!Ref A`, `{"Fn::GetAtt": ["A", "B"]}` as `!GetAtt A.B`.
fn short_form(map: &Map<String, Json>) -> Option<Yaml> {
    let mut entries = map.iter();
    let (Some((key, argument)), None) = (entries.next(), entries.next()) else { return None };
    let name = if key == "Ref" { "Ref" } else { key.strip_prefix("Fn::")? };
    let value = match get_att(name, argument) {
        Some(path) => Yaml::String(path),
        None => convert(argument),
    };
    // YAML has no tag on a tag; such an outer function stays in its long form.
    if matches!(value, Yaml::Tagged(_)) {
        return None;
    }
    Some(Yaml::Tagged(Box::new(TaggedValue { tag: Tag::new(name), value })))
}

fn get_att(function: &str, argument: &Json) -> Option<String> {
    let (id, path) = (argument[0].as_str()?, argument[1].as_str()?);
    (function == "GetAtt").then(|| format!("{id}.{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_booleans_to_others_are_quoted() {
        let body = serde_json::json!({ "Mode": "OFF", "List": ["no", "none"], "Flag": true });
        assert_eq!(to_yaml(&body), "Mode: 'OFF'\nList:\n- 'no'\n- none\nFlag: true\n");
    }
}
