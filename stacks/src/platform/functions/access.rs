//! What functions may do, in statements that name what they are about.

use runtime_core::names::RESULTS_PREFIX;
use runtime_core::tables::{TENANT_ID, Table};

use super::Parts;
use crate::cfn::aws::{dynamodb, s3, sqs};
use crate::cfn::iam::{Operator, Statement};
use crate::cfn::{Handle, Value, sub_with};
use crate::construct::bucket::objects;

const READ: [&str; 3] = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"];

const WRITE: [&str; 8] = [
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
];

/// The tag of the session, as a variable of policies.
fn tenant() -> String {
    format!("${{aws:PrincipalTag/{TENANT_ID}}}")
}

/// Reads tables.
pub(super) fn read(parts: &Parts, sid: &str, tables: &[Table]) -> Statement {
    on(parts, Statement::allow(READ).sid(sid), tables)
}

/// Reads and writes tables.
pub(super) fn write(parts: &Parts, sid: &str, tables: &[Table]) -> Statement {
    on(parts, Statement::allow(WRITE).sid(sid), tables)
}

/// Finds and deletes items.
pub(super) fn purge(parts: &Parts, sid: &str, tables: &[Table]) -> Statement {
    on(parts, Statement::allow(["dynamodb:BatchWriteItem", "dynamodb:Query"]).sid(sid), tables)
}

/// Confines a statement to the items of the session's tenant. A request without keys
/// would satisfy a condition on all of them: there have to be some.
pub(super) fn of_tenant(statement: Statement) -> Statement {
    statement.when(Operator::ForAllValuesStringEquals, "dynamodb:LeadingKeys", tenant()).when(
        Operator::Null,
        "dynamodb:LeadingKeys",
        "false",
    )
}

fn on(parts: &Parts, statement: Statement, tables: &[Table]) -> Statement {
    tables.iter().fold(statement, |statement, definition| {
        let table: &Handle<dynamodb::Table> = parts.tables.of(definition);
        let statement = statement.resource(table.arn());
        if definition.indexes.is_empty() {
            return statement;
        }
        statement.resource(sub_with("${Table}/index/*", [("Table", table.arn())]))
    })
}

/// Uses a key through services, and not by itself.
pub(super) fn use_key(sid: &str, key: &Value<String>, services: &[&str]) -> Statement {
    let statement =
        Statement::allow(["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"])
            .sid(sid)
            .resource(key);
    services.iter().fold(statement, |statement, service| {
        let service = crate::cfn::sub(format!("{service}.${{AWS::Region}}.amazonaws.com"));
        statement.when(Operator::StringEquals, "kms:ViaService", service)
    })
}

/// Reads or writes what lies under the tenant's prefix of a bucket.
pub(super) fn tenants_objects(sid: &str, action: &str, bucket: &Handle<s3::Bucket>) -> Statement {
    // `!` keeps CloudFormation from filling in what IAM fills in.
    let prefix = format!("{RESULTS_PREFIX}${{!aws:PrincipalTag/{TENANT_ID}}}/");
    Statement::allow([action]).sid(sid).resource(objects(bucket, &prefix))
}

/// Lists what lies there.
pub(super) fn list_objects(sid: &str, bucket: &Handle<s3::Bucket>) -> Statement {
    let prefix = format!("{RESULTS_PREFIX}{}/*", tenant());
    Statement::allow(["s3:ListBucket"]).sid(sid).resource(bucket.arn()).when(
        Operator::StringLike,
        "s3:prefix",
        prefix,
    )
}

/// Adds records to the audit trail. The bucket's lock keeps them.
pub(super) fn audit(parts: &Parts) -> Statement {
    Statement::allow(["s3:PutObject"]).sid("Audit").resource(objects(&parts.buckets.audit, ""))
}

/// Says what happened.
pub(super) fn announce(parts: &Parts) -> Statement {
    Statement::allow(["events:PutEvents"]).sid("Announce").resource(parts.bus.arn())
}

/// Puts work into a queue.
pub(super) fn send(sid: &str, queue: &Handle<sqs::Queue>) -> Statement {
    Statement::allow(["sqs:SendMessage"]).sid(sid).resource(queue.arn())
}

/// Takes work from a queue, as Lambda does in the role's name.
pub(super) fn take(queue: &Handle<sqs::Queue>) -> Statement {
    Statement::allow([
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    ])
    .sid("TakeWork")
    .resource(queue.arn())
}

/// Reads the stream of a table, as Lambda does in the role's name.
pub(super) fn follow(table: &Handle<dynamodb::Table>) -> Statement {
    Statement::allow([
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    ])
    .sid("FollowStream")
    .resource(table.stream_arn())
}
