//! What holds data outlives its stack.

use serde_json::Value;

use super::resolve::Environment;
use super::{DATA_RETAINED, about};
use crate::guard::Finding;

/// What holds data, or the only key to it.
pub(super) const HOLD_DATA: [&str; 5] = [
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::EFS::FileSystem",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
];

/// Findings about what CloudFormation would delete with the stack or with an old version
/// of the resource. Both delete it when nothing is said.
pub(super) fn retained(environment: &Environment<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, stack) in environment.stacks() {
        for resource in stack.template.resources() {
            if !HOLD_DATA.contains(&resource.type_name) {
                continue;
            }
            for (attribute, good) in [
                ("DeletionPolicy", ["Retain", "RetainExceptOnCreate"].as_slice()),
                ("UpdateReplacePolicy", ["Retain"].as_slice()),
            ] {
                let found = &resource.body[attribute];
                if good.iter().any(|good| found == good) {
                    continue;
                }
                let found = match found {
                    Value::Null => "nothing".to_owned(),
                    other => other.to_string(),
                };
                let place = (resource.id, resource.type_name);
                findings.push(about(
                    DATA_RETAINED,
                    stack,
                    place,
                    attribute,
                    found,
                    good.join(" or "),
                ));
            }
        }
    }
    findings
}
