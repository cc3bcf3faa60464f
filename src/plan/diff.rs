//! The static diff: one template against another, offline.

use serde_json::{Map, Value};
use stacks::cfn::schema::TypeInfo;

use super::change::{Action, Change, PropertyChange, Replacement};

/// Longest value that is shown whole.
const SHOWN: usize = 60;

/// Top-level sections compared as a whole, beside `Resources`.
const SECTIONS: &[&str] = &["Parameters", "Mappings", "Conditions", "Outputs", "Transform"];

/// Resource changes, and changes outside resources as one line each. `old` is
/// the deployed template, or `None` for a new stack.
pub fn diff(old: Option<&Value>, new: &Value) -> (Vec<Change>, Vec<String>) {
    let empty = Map::new();
    let resources = |template: Option<&Value>| {
        template
            .and_then(|template| template.get("Resources"))
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    };
    let (before, after) = (resources(old), resources(Some(new)));
    let mut changes = Vec::new();
    for (id, resource) in &after {
        match before.get(id) {
            None => changes.push(whole(Action::Add, id, resource)),
            Some(was) => changes.extend(modified(id, was, resource)),
        }
    }
    for (id, resource) in &before {
        if !after.contains_key(id) {
            changes.push(whole(Action::Remove, id, resource));
        }
    }
    let mut other = Vec::new();
    if let Some(old) = old {
        for section in SECTIONS {
            let part = |template: &Value| {
                template
                    .get(section)
                    .and_then(Value::as_object)
                    .cloned()
                    .unwrap_or_else(|| empty.clone())
            };
            other.extend(section_changes(section, &part(old), &part(new)));
        }
        if old.get("Description") != new.get("Description") {
            other.push("~ Description".to_owned());
        }
    }
    (changes, other)
}

fn section_changes(
    section: &str,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
) -> Vec<String> {
    let added =
        new.keys().filter(|key| !old.contains_key(*key)).map(|key| format!("+ {section}.{key}"));
    let changed = new
        .iter()
        .filter(|(key, value)| old.get(*key).is_some_and(|was| was != *value))
        .map(|(key, _)| format!("~ {section}.{key}"));
    let removed =
        old.keys().filter(|key| !new.contains_key(*key)).map(|key| format!("- {section}.{key}"));
    added.chain(changed).chain(removed).collect()
}

fn type_of(resource: &Value) -> String {
    resource.get("Type").and_then(Value::as_str).unwrap_or("unknown type").to_owned()
}

fn whole(action: Action, id: &str, resource: &Value) -> Change {
    Change {
        action,
        resource: id.to_owned(),
        resource_type: type_of(resource),
        properties: Vec::new(),
    }
}

fn modified(id: &str, old: &Value, new: &Value) -> Option<Change> {
    if old == new {
        return None;
    }
    let resource_type = type_of(new);
    let mut properties = Vec::new();
    if type_of(old) != resource_type {
        properties.push(PropertyChange {
            path: "Type".into(),
            before: Some(type_of(old)),
            after: Some(resource_type.clone()),
            replacement: Replacement::Always,
        });
    }
    let empty = Value::Object(Map::new());
    let info = stacks::cfn::schema::lookup(&resource_type);
    let (was, is) =
        (old.get("Properties").unwrap_or(&empty), new.get("Properties").unwrap_or(&empty));
    walk("", was, is, info, &mut properties);
    for attribute in ["DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Condition", "Metadata"]
    {
        let (was, is) = (old.get(attribute), new.get(attribute));
        if was != is {
            properties.push(PropertyChange {
                path: attribute.to_owned(),
                before: was.map(shown),
                after: is.map(shown),
                replacement: Replacement::Never,
            });
        }
    }
    let replaced = properties.iter().any(|change| change.replacement == Replacement::Always);
    let action = if replaced { Action::Replace } else { Action::Modify };
    Some(Change { action, resource: id.to_owned(), resource_type, properties })
}

/// Descends into objects, so that the path names the smallest thing that changed.
/// Lists are compared whole: their items have no identity.
fn walk(
    path: &str,
    old: &Value,
    new: &Value,
    info: Option<&TypeInfo>,
    found: &mut Vec<PropertyChange>,
) {
    if old == new {
        return;
    }
    if let (Value::Object(was), Value::Object(is)) = (old, new)
        && !is_intrinsic(was)
        && !is_intrinsic(is)
    {
        let keys = is.keys().chain(was.keys().filter(|key| !is.contains_key(*key)));
        for key in keys {
            let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let absent = Value::Null;
            walk(
                &below,
                was.get(key).unwrap_or(&absent),
                is.get(key).unwrap_or(&absent),
                info,
                found,
            );
        }
        return;
    }
    let fixed = info.is_some_and(|info| {
        // A change of a whole object also changes the fixed properties below it.
        let below = format!("{path}.");
        info.replaces(path) || info.create_only.iter().any(|fixed| fixed.starts_with(&below))
    });
    let present = |value: &Value| (!value.is_null()).then(|| shown(value));
    found.push(PropertyChange {
        path: path.to_owned(),
        before: present(old),
        after: present(new),
        replacement: if fixed { Replacement::Always } else { Replacement::Never },
    });
}

fn is_intrinsic(object: &Map<String, Value>) -> bool {
    object.len() == 1 && object.keys().all(|key| key == "Ref" || key.starts_with("Fn::"))
}

/// A value in one short line.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() > SHOWN {
        let start: String = text.chars().take(SHOWN - 1).collect();
        format!("{start}…")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(resources: &Value) -> Value {
        json!({ "Resources": resources })
    }

    #[test]
    fn a_new_stack_is_all_additions_in_the_templates_order() {
        let new =
            template(&json!({"Vpc": {"Type": "AWS::EC2::VPC"}, "A": {"Type": "AWS::EC2::Subnet"}}));
        let (changes, other) = diff(None, &new);
        let ids: Vec<_> =
            changes.iter().map(|change| (change.action, change.resource.as_str())).collect();
        assert_eq!(ids, [(Action::Add, "Vpc"), (Action::Add, "A")]);
        assert!(other.is_empty());
    }

    #[test]
    fn the_same_template_is_no_change() {
        let new = template(
            &json!({"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}}),
        );
        assert_eq!(diff(Some(&new), &new), (vec![], vec![]));
    }

    #[test]
    fn a_create_only_property_means_replacement_and_another_does_not() {
        let subnet = |cidr: &str, public: bool| {
            template(&json!({"S": {"Type": "AWS::EC2::Subnet", "Properties":
                {"VpcId": {"Ref": "Vpc"}, "CidrBlock": cidr, "MapPublicIpOnLaunch": public}}}))
        };
        let (changes, _) = diff(Some(&subnet("10.0.0.0/24", false)), &subnet("10.0.1.0/24", false));
        assert_eq!(changes[0].action, Action::Replace);
        assert_eq!(changes[0].properties[0].path, "CidrBlock");
        let (changes, _) = diff(Some(&subnet("10.0.0.0/24", false)), &subnet("10.0.0.0/24", true));
        assert_eq!(changes[0].action, Action::Modify);
        assert_eq!(changes[0].properties[0].after.as_deref(), Some("true"));
    }

    #[test]
    fn paths_name_the_smallest_change() {
        let of = |path: &str| {
            template(&json!({"P": {"Type": "AWS::EFS::AccessPoint", "Properties":
                {"FileSystemId": {"Ref": "F"}, "RootDirectory": {"Path": path}}}}))
        };
        let (changes, _) = diff(Some(&of("/a")), &of("/b"));
        assert_eq!(changes[0].properties[0].path, "RootDirectory.Path");
        assert_eq!(changes[0].action, Action::Replace);
    }

    #[test]
    fn removals_and_outputs_are_seen() {
        let old = json!({"Resources": {"A": {"Type": "AWS::SQS::Queue"}}, "Outputs": {"X": {"Value": 1}}});
        let new = json!({"Resources": {}, "Outputs": {"X": {"Value": 2}, "Y": {"Value": 1}}});
        let (changes, other) = diff(Some(&old), &new);
        assert_eq!(changes[0].action, Action::Remove);
        assert_eq!(other, ["+ Outputs.Y", "~ Outputs.X"]);
    }
}
