//! What a part of a template refers to.

use serde_json::Value as Json;

use super::EdgeKind;

/// One reference: to a resource or a parameter of the same template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// The logical id, or the name of a pseudo parameter.
    pub(super) target: &'a str,
    pub(super) kind: EdgeKind,
    /// The attribute that is read; empty for the resource itself.
    pub(super) attribute: &'a str,
}

/// All references in `value`, in the order in which they stand.
pub(super) fn of(value: &Json) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    walk(value, &mut found);
    found
}

/// What `DependsOn` of a resource names.
pub(super) fn depends_on(resource: &Json) -> Vec<&str> {
    match &resource["DependsOn"] {
        Json::String(one) => vec![one],
        Json::Array(all) => all.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn walk<'a>(value: &'a Json, found: &mut Vec<Reference<'a>>) {
    match value {
        Json::Array(items) => items.iter().for_each(|item| walk(item, found)),
        Json::Object(map) => {
            for (key, argument) in map {
                intrinsic(key, argument, found);
                walk(argument, found);
            }
        }
        _ => {}
    }
}

fn intrinsic<'a>(function: &str, argument: &'a Json, found: &mut Vec<Reference<'a>>) {
    let first = argument[0].as_str();
    match function {
        "Ref" => found.extend(argument.as_str().map(|name| dotted(name, EdgeKind::Ref))),
        "Fn::GetAtt" => found.extend(match (argument.as_str(), first) {
            (Some(text), _) => Some(dotted(text, EdgeKind::GetAtt)),
            (_, Some(target)) => {
                let attribute = argument[1].as_str().unwrap_or_default();
                Some(Reference { target, kind: EdgeKind::GetAtt, attribute })
            }
            _ => None,
        }),
        "Fn::Sub" => {
            let own = |name: &str| argument[1].get(name).is_some();
            let text = argument.as_str().or(first).unwrap_or_default();
            let names = variables(text).filter(|name| !own(name));
            found.extend(names.map(|name| dotted(name, EdgeKind::Sub)));
        }
        _ => {}
    }
}

/// `Vpc`, or `Vpc.CidrBlock`.
fn dotted(name: &str, kind: EdgeKind) -> Reference<'_> {
    let (target, attribute) = name.split_once('.').unwrap_or((name, ""));
    Reference { target, kind, attribute }
}

/// The names in `${…}`; `${!…}` stands for itself.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name.trim())
        .filter(|name| !name.starts_with('!'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_reference_is_found_in_place() {
        let value = json!({
            "A": { "Ref": "Vpc" },
            "B": [{ "Fn::GetAtt": ["Key", "Arn"] }, { "Fn::GetAtt": "Role.Arn" }],
            "C": { "Fn::Sub": "${Bucket}/${!Literal}/${AWS::Region}/${Table.Arn}" },
            "D": { "Fn::Sub": ["${Own}-${Queue}", { "Own": { "Ref": "Topic" } }] },
        });
        let found: Vec<_> =
            of(&value).into_iter().map(|r| (r.target, r.kind, r.attribute)).collect();
        assert_eq!(
            found,
            [
                ("Vpc", EdgeKind::Ref, ""),
                ("Key", EdgeKind::GetAtt, "Arn"),
                ("Role", EdgeKind::GetAtt, "Arn"),
                ("Bucket", EdgeKind::Sub, ""),
                ("AWS::Region", EdgeKind::Sub, ""),
                ("Table", EdgeKind::Sub, "Arn"),
                ("Queue", EdgeKind::Sub, ""),
                ("Topic", EdgeKind::Ref, ""),
            ]
        );
    }

    #[test]
    fn depends_on_is_one_name_or_a_list() {
        assert_eq!(depends_on(&json!({ "DependsOn": "A" })), ["A"]);
        assert_eq!(depends_on(&json!({ "DependsOn": ["A", "B"] })), ["A", "B"]);
        assert!(depends_on(&json!({})).is_empty());
    }
}
