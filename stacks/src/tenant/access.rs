//! What a tenant's agents may reach: the tenant's own, and nothing of another's.

use runtime_core::names::{RESULTS_PREFIX, TAG_TENANT};
use runtime_core::tables;

use super::{name, parameters};
use crate::cfn::aws::iam;
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Handle, Stack, Value, arn, pseudo, sub, sub_with};

/// Reads and writes of items by their keys. `Scan`, `PartiQL` and streams have no
/// leading key to hold them to, and are not among them.
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

const OBJECTS: [&str; 4] =
    ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"];

/// Services decrypt and make data keys in the name of whoever calls them.
pub(super) const DATA_KEYS: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey"];

/// The role in which the tenant's agents run, in whichever region.
pub(super) fn role(
    stack: &mut Stack,
    runtime_region: &str,
    bucket: &Value<String>,
    key: &Value<String>,
) -> Handle<iam::Role> {
    let policies =
        [("items", vec![items(stack)]), ("results", results(bucket)), ("keys", keys(key))];
    let policies: Vec<_> = policies
        .into_iter()
        .map(|(name, statements)| iam::role::Policy::new(PolicyDocument::new(statements), name))
        .collect();
    let role = iam::Role::new(PolicyDocument::new([trust(runtime_region)]))
        .role_name(name(stack))
        .description(sub("What agents of tenant ${TenantId} may reach"))
        .policies(policies);
    stack.add("Role", role)
}

/// `AgentCore`, for agents of this account and of the region in which they run.
fn trust(runtime_region: &str) -> Statement {
    let agents =
        format!("arn:${{AWS::Partition}}:bedrock-agentcore:{runtime_region}:${{AWS::AccountId}}:*");
    Statement::allow(["sts:AssumeRole"])
        .principal(Principal::service("bedrock-agentcore.amazonaws.com"))
        .when(Operator::StringEquals, "aws:SourceAccount", pseudo::account_id())
        .when(Operator::ArnLike, "aws:SourceArn", sub(agents))
}

/// Items whose partition key is the tenant's id, in tables where every item's is one.
///
/// `ForAllValues` holds when the request has no leading keys at all: the second
/// condition asks for one.
fn items(stack: &Stack) -> Statement {
    let statement = Statement::allow(ITEMS)
        .sid("OwnItems")
        .when(Operator::ForAllValuesStringEquals, "dynamodb:LeadingKeys", parameters::id())
        .when(Operator::Null, "dynamodb:LeadingKeys", "false");
    tables::ALL.iter().filter(|table| table.tenant_scoped()).fold(statement, |statement, table| {
        let name = format!("table/{}", stack.naming().name(table.name));
        let statement = statement.resource(arn("dynamodb", &name));
        table.indexes.iter().fold(statement, |statement, index| {
            statement.resource(arn("dynamodb", &format!("{name}/index/{}", index.name)))
        })
    })
}

/// Objects below the tenant's prefix, and their list.
fn results(bucket: &Value<String>) -> Vec<Statement> {
    let own = format!("{RESULTS_PREFIX}${{TenantId}}/*");
    let bucket_arn = |path: &str| {
        let arn = format!("arn:${{AWS::Partition}}:s3:::${{Bucket}}{path}");
        sub_with(arn, [("Bucket", bucket.clone())])
    };
    let objects =
        Statement::allow(OBJECTS).sid("OwnObjects").resource(bucket_arn(&format!("/{own}")));
    let list = Statement::allow(["s3:ListBucket"])
        .sid("ListOwnObjects")
        .resource(bucket_arn(""))
        .when(Operator::StringLike, "s3:prefix", sub(own));
    vec![objects, list]
}

/// The key of tenants' data. Tables and objects are encrypted by their services, which
/// choose the encryption context themselves: there, what the service lets through
/// counts. What an agent encrypts itself is bound to its tenant by the context.
fn keys(key: &Value<String>) -> Vec<Statement> {
    let through = ["dynamodb", "s3"].into_iter().fold(
        Statement::allow(DATA_KEYS).sid("ThroughServices").resource(key),
        |statement, service| {
            let service = sub(format!("{service}.${{AWS::Region}}.amazonaws.com"));
            statement.when(Operator::StringEquals, "kms:ViaService", service)
        },
    );
    let own = Statement::allow(["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"])
        .sid("OwnContext")
        .resource(key)
        .when(
            Operator::StringEquals,
            &format!("kms:EncryptionContext:{TAG_TENANT}"),
            parameters::id(),
        );
    vec![through, own]
}
