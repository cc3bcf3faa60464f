//! What the role of every function may do, beside its own work.

use runtime_core::tables::TENANT_ID;

use crate::cfn::aws::{iam, logs, sqs};
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Handle, Stack, Value, arn, sub};

/// Makes the role. `work` is what this function does, by policy name.
pub(super) fn role(
    stack: &mut Stack,
    id: &str,
    function: &str,
    logs: &Handle<logs::LogGroup>,
    dead_letters: &Handle<sqs::Queue>,
    data_key: &Value<String>,
    work: Vec<(&str, Vec<Statement>)>,
) -> Handle<iam::Role> {
    let trust =
        Statement::allow(["sts:AssumeRole"]).principal(Principal::service("lambda.amazonaws.com"));
    let common = [
        ("telemetry", vec![write_logs(logs), send_traces()]),
        ("dead-letters", vec![send_to(dead_letters), encrypt(data_key)]),
        ("network", network_interfaces(function)),
    ];
    let policies: Vec<_> = work
        .into_iter()
        .chain(common)
        .map(|(name, statements)| iam::role::Policy::new(PolicyDocument::new(statements), name))
        .collect();
    let role = iam::Role::new(PolicyDocument::new([trust]))
        .description(format!("What {function} may do"))
        .policies(policies);
    stack.add(format!("{id}Role"), role)
}

/// Makes the role that a function takes to act for one tenant. The trust names the
/// function's role, and wants the tag: a session without one could reach nothing, and
/// shall not be. The function's own policy allows it too: where roles have a boundary,
/// the trust alone is not enough.
pub(super) fn tenant_role(
    stack: &mut Stack,
    id: &str,
    function: &str,
    own: &Handle<iam::Role>,
    statements: Vec<Statement>,
) -> Handle<iam::Role> {
    let trust = Statement::allow(["sts:AssumeRole", "sts:TagSession"])
        .principal(Principal::aws(own.arn()))
        .when(Operator::Null, &format!("aws:RequestTag/{TENANT_ID}"), "false")
        .when(Operator::ForAllValuesStringEquals, "aws:TagKeys", TENANT_ID);
    let policy = iam::role::Policy::new(PolicyDocument::new(statements), "tenant");
    let role = iam::Role::new(PolicyDocument::new([trust]))
        .description(format!("What {function} may do for the tenant of its session"))
        .policies([policy]);
    let role = stack.add(format!("{id}TenantRole"), role);
    let take = Statement::allow(["sts:AssumeRole", "sts:TagSession"])
        .sid("ActForATenant")
        .resource(role.arn());
    let policy = iam::Policy::new(PolicyDocument::new([take]), "tenants").roles([own.id()]);
    stack.add(format!("{id}ActsForTenants"), policy);
    role
}

fn write_logs(logs: &Handle<logs::LogGroup>) -> Statement {
    Statement::allow(["logs:CreateLogStream", "logs:PutLogEvents"]).sid("Logs").resource(logs.arn())
}

/// X-Ray knows no resources: IAM takes `*` alone.
fn send_traces() -> Statement {
    Statement::allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"])
        .sid("Traces")
        .resource("*")
}

fn send_to(queue: &Handle<sqs::Queue>) -> Statement {
    Statement::allow(["sqs:SendMessage"]).sid("DeadLetters").resource(queue.arn())
}

/// Whoever puts events into an encrypted queue uses its key, through SQS and for
/// nothing else.
pub(crate) fn encrypt(key: &Value<String>) -> Statement {
    Statement::allow(["kms:Decrypt", "kms:GenerateDataKey"])
        .sid("EncryptDeadLetters")
        .resource(key)
        .when(Operator::StringEquals, "kms:ViaService", sub("sqs.${AWS::Region}.amazonaws.com"))
}

/// The Lambda service, in the role's name, puts the function into the VPC.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html> gives the
/// actions, the resource of those that take one, and the denial.
fn network_interfaces(function: &str) -> Vec<Statement> {
    const CHANGE: [&str; 4] = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
    ];
    // EC2 describes everything or nothing: IAM takes `*` alone.
    const DESCRIBE: [&str; 4] = [
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
    ];
    let change = Statement::allow(CHANGE).sid("NetworkInterfaces").resource(arn("ec2", "*/*"));
    let describe = Statement::allow(DESCRIBE).sid("DescribeNetwork").resource("*");
    let not_from_the_code = Statement::deny(CHANGE.into_iter().chain(DESCRIBE))
        .sid("NotFromTheCode")
        .resource("*")
        .when(
            Operator::ArnEquals,
            "lambda:SourceFunctionArn",
            arn("lambda", &format!("function:{function}")),
        );
    vec![change, describe, not_from_the_code]
}
