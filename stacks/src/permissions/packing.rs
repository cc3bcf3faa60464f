//! Statements into as few policies as IAM's limits allow.

use serde_json::Value as Json;

use crate::cfn::Value;
use crate::cfn::iam::{PolicyDocument, Statement};

/// Characters that a managed policy may have, white space not counted
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
pub const MANAGED_POLICY_SIZE: usize = 6_144;

/// Managed policies that a role may have
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
pub(crate) const POLICIES_OF_A_ROLE: usize = 10;

/// Each policy is filled before the next begins: statements keep their order.
pub(super) fn pack(statements: Vec<Statement>) -> Vec<PolicyDocument> {
    let mut documents: Vec<Vec<Statement>> = Vec::new();
    for statement in statements {
        match documents.last_mut() {
            Some(last) if fits(last, &statement) => last.push(statement),
            _ => documents.push(vec![statement]),
        }
    }
    documents.into_iter().map(PolicyDocument::new).collect()
}

fn fits(statements: &[Statement], another: &Statement) -> bool {
    let mut together = statements.to_vec();
    together.push(another.clone());
    size(&Value::from(PolicyDocument::new(together)).into_json()) <= MANAGED_POLICY_SIZE
}

/// Characters of a policy once it is deployed, white space not counted: `Fn::Sub` is
/// replaced by its text, with an account of 12 digits.
pub fn size(policy: &Json) -> usize {
    deployed(policy).to_string().chars().filter(|character| !character.is_whitespace()).count()
}

fn deployed(json: &Json) -> Json {
    match json {
        Json::Object(map) => match map.get("Fn::Sub").and_then(Json::as_str) {
            Some(text) => text
                .replace("${AWS::AccountId}", "111122223333")
                .replace("${AWS::Partition}", "aws")
                .replace("${AWS::Region}", "ap-southeast-1")
                .into(),
            None => {
                let entries = map.iter().map(|(key, value)| (key.clone(), deployed(value)));
                Json::Object(entries.collect())
            }
        },
        Json::Array(list) => list.iter().map(deployed).collect(),
        other => other.clone(),
    }
}
