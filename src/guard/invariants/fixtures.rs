//! Small environments for tests.
#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

use serde_json::{Value, json};
use stacks::spec::StackSpec;
use stacks::{DeployParameter, DeployValue, StackTemplate};

use super::retained::HOLD_DATA;

/// A stack of these resources, called `acme-dev-<name>`, in eu-west-2.
pub(super) fn stack(name: &str, resources: Value) -> StackTemplate {
    with(name, json!({ "Resources": resources }))
}

/// A stack with this template. What holds data is retained, unless it says otherwise.
pub(super) fn with(name: &str, mut template: Value) -> StackTemplate {
    for resource in template["Resources"].as_object_mut().into_iter().flat_map(|it| it.values_mut())
    {
        let holds_data = resource["Type"].as_str().is_some_and(|it| HOLD_DATA.contains(&it));
        if holds_data && resource.get("DeletionPolicy").is_none() {
            resource["DeletionPolicy"] = json!("RetainExceptOnCreate");
            resource["UpdateReplacePolicy"] = json!("Retain");
        }
    }
    let spec = StackSpec::new("acme", "dev", "eu-west-2");
    let mut stack = stacks::synthesize(&spec).expect("stacks").remove(0);
    stack.name = name.to_owned();
    stack.stack_name = format!("acme-dev-{name}");
    stack.depends_on.clear();
    stack.deploy_parameters.clear();
    stack.template = serde_json::from_value(template).expect("a template");
    stack
}

/// The stack of a tenant with these statements in its role.
pub(super) fn tenant(id: &str, statements: Value) -> StackTemplate {
    let role = json!({
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": { "Fn::Sub": "acme-dev-tenant-${TenantId}" },
            "AssumeRolePolicyDocument": { "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "bedrock-agentcore.amazonaws.com" },
                "Action": "sts:AssumeRole",
            }] },
            "Policies": [{ "PolicyName": "own", "PolicyDocument": { "Statement": statements } }],
        },
    });
    let template = json!({
        "Parameters": {
            "TenantId": { "Type": "String" },
            "Bucket": {
                "Type": "AWS::SSM::Parameter::Value<String>",
                "Default": "/acme/dev/platform/results-bucket",
            },
        },
        "Resources": { "ExecutionRole": role },
    });
    let mut stack = with(&format!("tenant-{id}"), template);
    let value = DeployValue::Literal { value: id.to_owned() };
    stack.deploy_parameters.push(DeployParameter { name: "TenantId".to_owned(), value });
    stack
}

/// What tenants share: a bucket and a key.
pub(super) fn shared() -> StackTemplate {
    stack(
        "platform",
        json!({
            "Results": {
                "Type": "AWS::S3::Bucket",
                "Properties": { "BucketName": { "Fn::Sub": "acme-dev-results-${AWS::AccountId}" } },
            },
            "ResultsParameter": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {
                    "Name": "/acme/dev/platform/results-bucket",
                    "Type": "String",
                    "Value": { "Ref": "Results" },
                },
            },
            "Key": { "Type": "AWS::KMS::Key", "Properties": {} },
        }),
    )
}
