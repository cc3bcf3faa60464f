//! Keys and session tags: statements that lean on a condition have one.

use serde_json::Value;
use stacks::StackTemplate;

use super::resolve::Environment;
use super::{KEY_USE_CONFINED, SESSION_TAG_USED, about};
use crate::guard::Finding;

const ROLE: &str = "AWS::IAM::Role";
const POLICIES: [&str; 2] = ["AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"];

/// What reads or writes under a key.
const KEY_USE: [&str; 3] = ["kms:decrypt", "kms:encrypt", "kms:generatedatakey"];

/// Findings about statements of roles that allow more than what they are for.
pub(super) fn confined(environment: &Environment<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, stack) in environment.stacks() {
        for resource in stack.template.resources().filter(|it| POLICIES.contains(&it.type_name)) {
            let document = &resource.properties()["PolicyDocument"];
            // A rule of its own is about keys that nobody names.
            let named = |it: &&Value| it["Resource"] != "*";
            for statement in statements(document).filter(named) {
                if uses_key(statement) && !has_key_condition(statement) {
                    let place = (resource.id, resource.type_name);
                    findings.push(key_use(stack, place, "PolicyDocument", statement));
                }
            }
        }
        for resource in stack.template.resources().filter(|it| it.type_name == ROLE) {
            let properties = resource.properties();
            let place = (resource.id, ROLE);
            let policies = properties["Policies"].as_array().into_iter().flatten();
            for statement in policies.flat_map(|it| statements(&it["PolicyDocument"])) {
                if uses_key(statement) && !has_key_condition(statement) {
                    findings.push(key_use(stack, place, "Policies", statement));
                }
            }
            let trust = &properties["AssumeRolePolicyDocument"];
            let tagged = statements(trust).any(|it| actions(it).any(|it| it == "sts:tagsession"));
            let uses_tags = properties["Policies"].to_string().contains("aws:PrincipalTag/");
            if tagged && !uses_tags && !properties["Policies"].is_null() {
                let found = "no statement that looks at a tag";
                let wanted = "aws:PrincipalTag in conditions or resources";
                findings.push(about(SESSION_TAG_USED, stack, place, "Policies", found, wanted));
            }
        }
    }
    findings
}

fn key_use(
    stack: &StackTemplate,
    place: (&str, &str),
    property: &str,
    statement: &Value,
) -> Finding {
    let found = "a statement without a condition";
    let wanted = "kms:ViaService or kms:EncryptionContext";
    let mut finding = about(KEY_USE_CONFINED, stack, place, property, found, wanted);
    finding.statement = statement["Sid"].as_str().map(str::to_owned);
    finding
}

/// The statements of a document that allow something.
fn statements(document: &Value) -> impl Iterator<Item = &Value> {
    let all = document["Statement"].as_array().into_iter().flatten();
    all.filter(|statement| statement["Effect"] == "Allow")
}

/// The actions of a statement, in lowercase.
fn actions(statement: &Value) -> impl Iterator<Item = String> {
    let action = &statement["Action"];
    let all = action.as_array().map_or(std::slice::from_ref(action), Vec::as_slice);
    all.iter().filter_map(|action| action.as_str().map(str::to_lowercase))
}

fn uses_key(statement: &Value) -> bool {
    actions(statement).any(|action| KEY_USE.contains(&action.as_str()))
}

fn has_key_condition(statement: &Value) -> bool {
    let operators = statement["Condition"].as_object().into_iter().flatten();
    let mut keys = operators.flat_map(|(_, keys)| keys.as_object().into_iter().flatten());
    keys.any(|(key, _)| {
        let key = key.to_lowercase();
        key == "kms:viaservice" || key.starts_with("kms:encryptioncontext")
    })
}
