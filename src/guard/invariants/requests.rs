//! What somebody could ask for that is a tenant's.

use std::ops::Range;

use runtime_core::names::TAG_TENANT;
use runtime_core::tables;

use super::iam::{HOLE, Policy, Request};
use super::principals::Role;
use super::resolve::{ACCOUNT, Environment};

const ITEMS: [&str; 8] = [
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
];

/// These name no leading key, and show every tenant's items.
const WITHOUT_KEYS: [&str; 6] = [
    "dynamodb:ExportTableToPointInTime",
    "dynamodb:GetRecords",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLSelect",
    "dynamodb:Query",
    "dynamodb:Scan",
];

/// What can be done with resources of a type.
const ACTIONS: &[(&str, &[&str])] = &[
    ("AWS::ApiGateway::ApiKey", &["apigateway:GET", "apigateway:PATCH", "apigateway:DELETE"]),
    (
        "AWS::BedrockAgentCore::Memory",
        &[
            "bedrock-agentcore:CreateEvent",
            "bedrock-agentcore:DeleteMemory",
            "bedrock-agentcore:GetEvent",
            "bedrock-agentcore:GetMemoryRecord",
            "bedrock-agentcore:ListEvents",
            "bedrock-agentcore:RetrieveMemoryRecords",
        ],
    ),
    ("AWS::DynamoDB::Table", &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"]),
    ("AWS::IAM::Role", &["iam:PassRole", "iam:PutRolePolicy", "sts:AssumeRole"]),
    ("AWS::KMS::Key", &["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]),
    ("AWS::Lambda::Function", &["lambda:InvokeFunction", "lambda:UpdateFunctionCode"]),
    ("AWS::Logs::LogGroup", &["logs:FilterLogEvents", "logs:GetLogEvents"]),
    ("AWS::S3::Bucket", &["s3:ListBucket"]),
    ("AWS::SQS::Queue", &["sqs:ReceiveMessage", "sqs:SendMessage"]),
    ("AWS::SSM::Parameter", &["ssm:GetParameter", "ssm:GetParameters", "ssm:PutParameter"]),
    ("AWS::SecretsManager::Secret", &["secretsmanager:GetSecretValue"]),
];

/// Everything of `victim` that `id` could ask for: what is in the victim's stacks, and
/// its part of what tenants share.
pub(super) fn of_tenant(
    environment: &Environment<'_>,
    id: &str,
    victim: &str,
    theirs: &Range<usize>,
) -> Vec<Request> {
    let mut asked = Vec::new();
    for (at, stack) in environment.stacks().filter(|(at, _)| theirs.contains(at)) {
        for resource in stack.template.resources() {
            let actions = ACTIONS.iter().find(|(name, _)| *name == resource.type_name);
            if let (Some((_, actions)), Some(arn)) = (actions, environment.arn(at, resource.id)) {
                asked.extend(actions.iter().map(|action| Request::new(action, &arn)));
            }
        }
    }
    let places = places(environment);
    for (region, prefix) in &places {
        asked.extend(items(region, prefix, id, victim));
        asked.extend(by_name(region, prefix, victim));
    }
    for (at, stack) in environment.stacks().filter(|(at, _)| !theirs.contains(at)) {
        for resource in stack.template.resources() {
            let Some(arn) = environment.arn(at, resource.id) else { continue };
            match resource.type_name {
                "AWS::S3::Bucket" => asked.extend(objects(&arn, victim)),
                "AWS::KMS::Key" => asked.extend(keys(&arn, victim)),
                _ => {}
            }
        }
    }
    asked.sort();
    asked.dedup();
    asked
}

/// Regions, and what names begin with, such as `acme-dev`.
fn places(environment: &Environment<'_>) -> Vec<(String, String)> {
    let mut places: Vec<_> = environment
        .stacks()
        .map(|(_, stack)| {
            let prefix = stack.stack_name.strip_suffix(&stack.name).unwrap_or(&stack.stack_name);
            (stack.region.clone(), prefix.trim_end_matches('-').to_owned())
        })
        .collect();
    places.sort();
    places.dedup();
    places
}

fn items(region: &str, prefix: &str, id: &str, victim: &str) -> Vec<Request> {
    let leading = "dynamodb:LeadingKeys";
    let mut asked = Vec::new();
    for table in tables::ALL {
        let arn = format!("arn:aws:dynamodb:{region}:{ACCOUNT}:table/{prefix}-{}", table.name);
        let indexes = table.indexes.iter().map(|index| format!("{arn}/index/{}", index.name));
        for arn in [arn.clone()].into_iter().chain(indexes) {
            for action in ITEMS {
                asked.push(Request::new(action, &arn).with(leading, &[victim]));
                asked.push(Request::new(action, &arn).with(leading, &[id, victim]));
            }
            asked.extend(WITHOUT_KEYS.iter().map(|action| Request::new(action, &arn)));
        }
        asked.push(Request::new("dynamodb:GetRecords", &format!("{arn}/stream/2026-01-01")));
    }
    asked
}

fn objects(bucket: &str, victim: &str) -> Vec<Request> {
    let mut asked = vec![
        Request::new("s3:ListBucket", bucket),
        Request::new("s3:ListBucket", bucket).with("s3:prefix", &[""]),
    ];
    for prefix in ["", "results/", "tenants/"] {
        let below = format!("{prefix}{victim}/");
        let object = format!("{bucket}/{below}secret.json");
        for action in ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectVersion"] {
            asked.push(Request::new(action, &object));
        }
        for prefix in [below.clone(), format!("{below}a/")] {
            asked.push(Request::new("s3:ListBucket", bucket).with("s3:prefix", &[&prefix]));
        }
    }
    asked
}

fn keys(key: &str, victim: &str) -> Vec<Request> {
    let context = format!("kms:EncryptionContext:{TAG_TENANT}");
    let actions = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"];
    let both = |action: &str| {
        [Request::new(action, key), Request::new(action, key).with(&context, &[victim])]
    };
    actions.into_iter().flat_map(both).chain([Request::new("kms:CreateGrant", key)]).collect()
}

/// What the names of a tenant's resources would be.
fn by_name(region: &str, prefix: &str, victim: &str) -> Vec<Request> {
    let arn = |service: &str, rest: &str| format!("arn:aws:{service}:{region}:{ACCOUNT}:{rest}");
    let path = prefix.replacen('-', "/", 1);
    let memory = format!("{prefix}-{victim}").replace('-', "_");
    let secrets = [
        format!("secret:{prefix}-tenant-{victim}-a1b2c3"),
        format!("secret:{path}/tenants/{victim}/api-key-a1b2c3"),
    ];
    let mut asked = vec![
        Request::new(
            "ssm:GetParameter",
            &arn("ssm", &format!("parameter/{path}/tenants/{victim}/tier")),
        ),
        Request::new(
            "ssm:GetParametersByPath",
            &arn("ssm", &format!("parameter/{path}/tenants/{victim}")),
        ),
        Request::new("ssm:GetParametersByPath", &arn("ssm", &format!("parameter/{path}/tenants"))),
        Request::new(
            "bedrock-agentcore:GetEvent",
            &arn("bedrock-agentcore", &format!("memory/{memory}-0123456789")),
        ),
        Request::new("apigateway:GET", &format!("arn:aws:apigateway:{region}::/apikeys")),
        assume(&format!("arn:aws:iam::{ACCOUNT}:role/{prefix}-tenant-{victim}")),
    ];
    asked.extend(
        secrets.iter().map(|rest| {
            Request::new("secretsmanager:GetSecretValue", &arn("secretsmanager", rest))
        }),
    );
    asked
}

/// Taking on a role.
pub(super) fn assume(role: &str) -> Request {
    Request::new("sts:AssumeRole", role)
}

/// One request for each action and resource that a role's statements allow, with what
/// their conditions ask for; by `Sid`. Wildcards are filled in. What depends on values
/// that nobody knows yet is left out.
pub(super) fn named_by(role: &Role, id: &str) -> Vec<(String, Request)> {
    let mut asked = Vec::new();
    for statement in role.policies.iter().flat_map(Policy::statements) {
        if !statement.allows() {
            continue;
        }
        let fill = |text: &str| filled(text, &role.tags, id);
        let mut context = Vec::new();
        for (key, value) in statement.conditions().iter().filter_map(|it| it.example()) {
            context.push((key.to_owned(), fill(value)));
        }
        let (actions, resources) = statement.named();
        let unknown = |texts: &[String]| texts.iter().any(|text| text.contains(HOLE));
        let values: Vec<String> = context.iter().map(|(_, value)| value.clone()).collect();
        if unknown(&values) {
            continue;
        }
        for action in actions.iter().filter(|action| !action.contains(['*', '?', HOLE])) {
            for resource in resources.iter().filter(|resource| !resource.contains(HOLE)) {
                let mut request = Request::new(action, &fill(resource));
                for (key, value) in &context {
                    request = request.with(key, &[value]);
                }
                asked.push((statement.sid().to_owned(), request));
            }
        }
    }
    asked
}

/// A text of a policy with something in place of each wildcard, and the tenant in place
/// of its tag.
fn filled(text: &str, tags: &[String], id: &str) -> String {
    let tagged = tags.iter().fold(text.to_owned(), |text, tag| {
        text.replace(&format!("${{aws:PrincipalTag/{tag}}}"), id)
    });
    tagged.replace(['*', '?'], "x")
}

/// A request in a session with these tags.
pub(super) fn tagged(mut request: Request, tags: &[String], id: &str) -> Request {
    for tag in tags {
        request = request.with(&format!("aws:PrincipalTag/{tag}"), &[id]);
    }
    request
}

/// A request in words.
pub(super) fn show(request: &Request) -> String {
    let Request { action, resource, context, .. } = request;
    let shown: Vec<_> = context
        .iter()
        .filter(|(key, _)| !key.starts_with("aws:principaltag/"))
        .map(|(key, values)| format!("{key} {}", values.join(", ")))
        .collect();
    if shown.is_empty() {
        format!("{action} on {resource}")
    } else {
        format!("{action} on {resource} with {}", shown.join(" and "))
    }
}
