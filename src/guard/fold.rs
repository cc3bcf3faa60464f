//! Folds what is constant in a template, so that rules see values.
//!
//! `{"Fn::Sub": "*"}` is `*`, a parameter with a default is its default, and a
//! policy document written as a JSON string is an object: without this, each rule
//! would have to know every way of writing a value. What cannot be known before
//! deployment (`GetAtt`, imports, parameters without a default) stays as it is,
//! and rules let it pass. `Fn::If` makes several templates, so that each of its outcomes,
//! nested ones too, is in one of them.

use serde_json::{Map, Value};

use super::template::MAX_OUTCOMES;

/// Properties whose only item may stand without its list. The engine's filters
/// (`Statement[ Effect == 'Allow' ]`) would look at the item's own fields instead
/// of the item, and pass it.
const LISTS: [&str; 3] = ["Statement", "Policies", "SecurityGroupIngress"];

/// The folded template: one value, or as many as an `Fn::If` in it has outcomes.
pub(super) fn fold(template: &Value) -> Vec<Value> {
    let parameters = template.get("Parameters").and_then(Value::as_object);
    let folder = Folder { parameters, mappings: template.get("Mappings") };
    let number = template.get("Resources").map_or(1, outcomes).min(MAX_OUTCOMES);
    (0..number)
        .map(|outcome| {
            let mut seen = template.clone();
            if let Some(resources) = seen.get_mut("Resources") {
                folder.value(resources, outcome);
            }
            seen
        })
        .collect()
}

/// How many templates it takes to see every outcome of every `Fn::If` in a value: those
/// that stand side by side are taken together, those within each other one by one.
pub(super) fn outcomes(value: &Value) -> usize {
    match (branches(value), value) {
        (Some((yes, no)), _) => outcomes(yes).saturating_add(outcomes(no)),
        (None, Value::Object(map)) => map.values().map(outcomes).max().unwrap_or(1),
        (None, Value::Array(list)) => list.iter().map(outcomes).max().unwrap_or(1),
        _ => 1,
    }
}

/// The branches of an `Fn::If`.
fn branches(value: &Value) -> Option<(&Value, &Value)> {
    let condition = value.as_object().filter(|map| map.len() == 1)?.get("Fn::If")?;
    Some((condition.get(1)?, condition.get(2)?))
}

struct Folder<'a> {
    parameters: Option<&'a Map<String, Value>>,
    mappings: Option<&'a Value>,
}

impl Folder<'_> {
    fn value(&self, value: &mut Value, mut outcome: usize) {
        // First: a branch that is `AWS::NoValue` would vanish from the function's own list.
        while let Some((branch, within)) = choose(value, outcome) {
            (*value, outcome) = (branch, within);
        }
        match value {
            Value::Object(map) => {
                self.map(map, outcome);
                if let Some(folded) = self.intrinsic(map) {
                    *value = folded;
                }
            }
            Value::Array(list) => {
                for item in list.iter_mut() {
                    self.value(item, outcome);
                }
                list.retain(|item| !is_no_value(item));
            }
            _ => {}
        }
    }

    fn map(&self, map: &mut Map<String, Value>, outcome: usize) {
        for (key, value) in map.iter_mut() {
            if key.ends_with("Policy") || key.ends_with("PolicyDocument") {
                parse_document(value);
            }
            self.value(value, outcome);
            if LISTS.contains(&key.as_str()) && is_plain_object(value) {
                *value = Value::Array(vec![value.take()]);
            }
        }
        // `{"Ref": "AWS::NoValue"}` means that the property is not there.
        map.retain(|_, value| !is_no_value(value));
    }

    /// The value of an intrinsic function that is known now.
    fn intrinsic(&self, map: &Map<String, Value>) -> Option<Value> {
        let (name, argument) = map.iter().next().filter(|_| map.len() == 1)?;
        match name.as_str() {
            "Ref" => self.reference(argument.as_str()?),
            "Fn::Sub" => self.sub(argument),
            "Fn::Join" => join(argument),
            "Fn::Select" => select(argument),
            "Fn::FindInMap" => self.find_in_map(argument),
            _ => None,
        }
    }

    /// A parameter's default. SSM parameters hold a name there, and `NoEcho` ones a secret.
    fn reference(&self, name: &str) -> Option<Value> {
        let parameter = self.parameters?.get(name)?;
        let kind = parameter.get("Type").and_then(Value::as_str)?;
        let hidden = parameter.get("NoEcho").is_some_and(|no| no != false && no != "false");
        if kind.starts_with("AWS::SSM::") || hidden {
            return None;
        }
        let default = parameter.get("Default")?;
        match default.as_str() {
            Some(text) if kind == "CommaDelimitedList" || kind.starts_with("List<") => {
                Some(text.split(',').map(|item| Value::from(item.trim())).collect())
            }
            _ => Some(default.clone()),
        }
    }

    /// Replaces what is known; `${Other}` stays in the text, so that rules see the rest of it.
    fn sub(&self, argument: &Value) -> Option<Value> {
        let (text, variables) = match argument {
            Value::String(text) => (text.as_str(), None),
            Value::Array(both) => (both.first()?.as_str()?, both.get(1).and_then(Value::as_object)),
            _ => return None,
        };
        let mut folded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) = after.split_once('}')?;
            folded.push_str(before);
            let given = variables.and_then(|variables| variables.get(name)).cloned();
            match given.or_else(|| self.reference(name)).as_ref().and_then(plain) {
                Some(value) => folded.push_str(&value),
                None => folded.extend(["${", name, "}"]),
            }
            rest = tail;
        }
        folded.push_str(rest);
        Some(Value::String(folded))
    }

    /// The value in `Mappings`, when all of its keys are known.
    fn find_in_map(&self, argument: &Value) -> Option<Value> {
        let keys = argument.as_array().filter(|keys| keys.len() >= 3)?;
        let mut found = self.mappings?;
        for key in &keys[..3] {
            found = found.get(plain(key)?)?;
        }
        Some(found.clone())
    }
}

/// The branch of an `Fn::If` that belongs to an outcome, and the outcome within it.
/// With fewer outcomes than others have, its last stands for the rest.
fn choose(value: &Value, outcome: usize) -> Option<(Value, usize)> {
    let (yes, no) = branches(value)?;
    Some(match outcome.checked_sub(outcomes(yes)) {
        None => (yes.clone(), outcome),
        Some(rest) => (no.clone(), rest),
    })
}

/// The value as text; references become `${Name}`, as in `Fn::Sub`.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Object(map) if map.len() == 1 => {
            let (name, argument) = map.iter().next()?;
            match (name.as_str(), argument) {
                ("Ref" | "Fn::GetAtt", Value::String(target)) => Some(format!("${{{target}}}")),
                ("Fn::GetAtt", Value::Array(parts)) => {
                    let parts: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
                    Some(format!("${{{}}}", parts?.join(".")))
                }
                (other, _) => Some(format!("${{{other}}}")),
            }
        }
        _ => None,
    }
}

fn join(argument: &Value) -> Option<Value> {
    let delimiter = argument.get(0)?.as_str()?;
    let parts: Option<Vec<String>> = argument.get(1)?.as_array()?.iter().map(plain).collect();
    Some(Value::String(parts?.join(delimiter)))
}

fn select(argument: &Value) -> Option<Value> {
    let index = match argument.get(0)? {
        Value::String(text) => text.parse().ok()?,
        number => usize::try_from(number.as_u64()?).ok()?,
    };
    argument.get(1)?.as_array()?.get(index).cloned()
}

/// An object that is no intrinsic function.
fn is_plain_object(value: &Value) -> bool {
    let Some(map) = value.as_object() else { return false };
    let is_function = |key: &String| key == "Ref" || key.starts_with("Fn::");
    !map.is_empty() && !map.keys().any(is_function)
}

fn is_no_value(value: &Value) -> bool {
    value.get("Ref").is_some_and(|target| target == "AWS::NoValue")
}

/// Some resource types take their policy as JSON text.
fn parse_document(value: &mut Value) {
    let text = match value {
        Value::String(text) => text.as_str(),
        _ => return,
    };
    if let Some(document @ Value::Object(_)) =
        text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok()).flatten()
    {
        *value = document;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "calls read better with `json!` in place")]
    fn folded(property: Value) -> Value {
        let template = json!({
            "Parameters": {
                "Plain": { "Type": "String", "Default": "*" },
                "Many": { "Type": "CommaDelimitedList", "Default": "a, b" },
                "Import": { "Type": "AWS::SSM::Parameter::Value<String>", "Default": "/a/b" },
                "Hidden": { "Type": "String", "NoEcho": true, "Default": "hunter2" },
                "Open": { "Type": "String" }
            },
            "Resources": { "R": { "Properties": { "P": property } } }
        });
        fold(&template).remove(0)["Resources"]["R"]["Properties"]["P"].clone()
    }

    #[test]
    fn known_values_are_folded() {
        assert_eq!(folded(json!({ "Fn::Sub": "*" })), json!("*"));
        assert_eq!(folded(json!({ "Fn::Sub": "${Plain}" })), json!("*"));
        assert_eq!(folded(json!({ "Ref": "Plain" })), json!("*"));
        assert_eq!(folded(json!({ "Ref": "Many" })), json!(["a", "b"]));
        assert_eq!(folded(json!({ "Fn::Join": ["", ["s3", ":", "*"]] })), json!("s3:*"));
        assert_eq!(folded(json!({ "Fn::Select": [1, ["a", "*"]] })), json!("*"));
        assert_eq!(folded(json!({ "Fn::Sub": ["${A}:*", { "A": "s3" }] })), json!("s3:*"));
    }

    #[test]
    fn unknown_values_stay() {
        for unknown in [
            json!({ "Ref": "Import" }),
            json!({ "Ref": "Hidden" }),
            json!({ "Ref": "Open" }),
            json!({ "Fn::GetAtt": ["Key", "Arn"] }),
        ] {
            assert_eq!(folded(unknown.clone()), unknown);
        }
        assert_eq!(folded(json!({ "Fn::Sub": "${B.Arn}/*" })), json!("${B.Arn}/*"));
        let join = json!({ "Fn::Join": ["/", [{ "Fn::GetAtt": ["B", "Arn"] }, "*"]] });
        assert_eq!(folded(join), json!("${B.Arn}/*"));
        assert_eq!(folded(json!({ "Fn::Sub": "${unclosed" })), json!({ "Fn::Sub": "${unclosed" }));
    }

    #[test]
    fn both_branches_of_a_condition_are_seen() {
        let template = json!({ "Resources": { "R": { "Properties": {
            "P": { "Fn::If": ["Prod", true, { "Ref": "AWS::NoValue" }] }
        } } } });
        let both = fold(&template);
        assert_eq!(both[0]["Resources"]["R"]["Properties"], json!({ "P": true }));
        assert_eq!(both[1]["Resources"]["R"]["Properties"], json!({}));
    }

    #[test]
    fn every_outcome_of_nested_conditions_is_seen() {
        let template = json!({ "Resources": { "R": { "Properties": {
            "Chain": { "Fn::If": ["Prod", "a", { "Fn::If": ["Stage", "b", "c"] }] },
            "Deep": { "Fn::If": ["Prod", { "X": { "Fn::If": ["Stage", 1, 2] } }, 3] },
            "Beside": { "Fn::If": ["Prod", true, false] }
        } } } });
        let all = fold(&template);
        let seen = |key: &str| -> Vec<Value> {
            all.iter().map(|it| it["Resources"]["R"]["Properties"][key].clone()).collect()
        };
        assert_eq!(seen("Chain"), [json!("a"), json!("b"), json!("c")]);
        assert_eq!(seen("Deep"), [json!({ "X": 1 }), json!({ "X": 2 }), json!(3)]);
        assert_eq!(seen("Beside"), [json!(true), json!(false), json!(false)]);
    }

    #[test]
    fn a_mapping_with_known_keys_is_looked_up() {
        let template = json!({
            "Mappings": { "Sizes": { "dev": { "Days": 3, "Open": ["*"] } } },
            "Parameters": { "Env": { "Type": "String", "Default": "dev" } },
            "Resources": { "R": { "Properties": {
                "Known": { "Fn::FindInMap": ["Sizes", { "Ref": "Env" }, "Open"] },
                "Unknown": { "Fn::FindInMap": ["Sizes", { "Ref": "AWS::Region" }, "Open"] }
            } } }
        });
        let properties = &fold(&template)[0]["Resources"]["R"]["Properties"];
        assert_eq!(properties["Known"], json!(["*"]));
        assert!(properties["Unknown"]["Fn::FindInMap"].is_array());
    }

    #[test]
    fn a_policy_written_as_text_is_an_object() {
        let template = json!({ "Resources": { "R": { "Properties": {
            "PolicyDocument": "{\"Statement\":[]}", "LifecyclePolicy": "{not json"
        } } } });
        let properties = &fold(&template)[0]["Resources"]["R"]["Properties"];
        assert_eq!(properties["PolicyDocument"], json!({ "Statement": [] }));
        assert_eq!(properties["LifecyclePolicy"], json!("{not json"));
    }
}
