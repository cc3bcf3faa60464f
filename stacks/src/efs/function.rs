//! The `git-store` function and what it needs to run.

use runtime_core::names::{LOG_FILTER, STORE_ROOT};

use super::files::Files;
use crate::cfn::aws::lambda::{self, function};
use crate::cfn::aws::{iam, kms, logs, sqs};
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Handle, Options, Stack, Value, arn};
use crate::spec::{Architecture, EfsSpec};

/// Where the function finds the access point.
const MOUNT_PATH: &str = "/mnt/pages";

/// How long failed events wait for somebody to look: the longest SQS offers, 14 days.
const DEAD_LETTER_SECONDS: i64 = 14 * 24 * 60 * 60;

/// Where the function runs and where its code comes from.
pub(super) struct Place {
    pub(super) subnets: Vec<Value<String>>,
    pub(super) group: Value<String>,
    pub(super) bucket: Value<String>,
    pub(super) key: Value<String>,
}

/// The log group is deleted with the stack: its name is fixed, and one that stayed
/// would be in the way of the next stack.
pub(super) fn logs(
    stack: &mut Stack,
    spec: &EfsSpec,
    name: &str,
    key: &Handle<kms::Key>,
) -> Handle<logs::LogGroup> {
    let group = logs::LogGroup::new()
        .log_group_name(name)
        .retention_in_days(spec.log_retention_days)
        .kms_key_id(key.arn());
    stack.add("LogGroup", group)
}

pub(super) fn dead_letters(stack: &mut Stack, function: &str) -> Handle<sqs::Queue> {
    let queue = sqs::Queue::new()
        .queue_name(format!("{function}-dead-letters"))
        .message_retention_period(DEAD_LETTER_SECONDS)
        .sqs_managed_sse_enabled(true);
    stack.add("DeadLetters", queue)
}

pub(super) fn role(
    stack: &mut Stack,
    function: &str,
    files: &Files,
    logs: &Handle<logs::LogGroup>,
    dead_letters: &Handle<sqs::Queue>,
) -> Handle<iam::Role> {
    let trust =
        Statement::allow(["sts:AssumeRole"]).principal(Principal::service("lambda.amazonaws.com"));
    let policy = |name: &str, statements: Vec<Statement>| {
        iam::role::Policy::new(PolicyDocument::new(statements), name)
    };
    let role = iam::Role::new(PolicyDocument::new([trust]))
        .description("What the git-store function may do")
        .policies([
            policy("files", vec![use_files(files)]),
            policy("telemetry", vec![write_logs(logs), send_traces()]),
            policy("dead-letters", vec![send_to(dead_letters)]),
            policy("network", network_interfaces(function)),
        ]);
    stack.add("GitStoreRole", role)
}

fn use_files(files: &Files) -> Statement {
    Statement::allow(["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"])
        .sid("Files")
        .resource(files.system.arn())
        .when(Operator::StringEquals, "elasticfilesystem:AccessPointArn", files.access_point.arn())
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

#[expect(clippy::too_many_arguments, reason = "each is a resource that the function refers to")]
pub(super) fn function(
    stack: &mut Stack,
    spec: &EfsSpec,
    name: &str,
    place: &Place,
    files: &Files,
    logs: &Handle<logs::LogGroup>,
    dead_letters: &Handle<sqs::Queue>,
    role: &Handle<iam::Role>,
) -> Handle<lambda::Function> {
    let code = function::Code::new().s3_bucket(&place.bucket).s3_key(&place.key);
    let architecture = match spec.architecture {
        Architecture::Arm64 => function::Architecture::Arm64,
        Architecture::X86_64 => function::Architecture::X86_64,
    };
    let network = function::VpcConfig::new()
        .subnet_ids(place.subnets.clone())
        .security_group_ids([&place.group]);
    let environment = [(STORE_ROOT, MOUNT_PATH), (LOG_FILTER, "info")];
    let git_store = lambda::Function::new(code, role.arn())
        .function_name(name)
        .description("Keeps wikis as git repositories on the shared file system")
        .runtime(function::Runtime::ProvidedAl2023)
        .handler("bootstrap")
        .architectures([architecture])
        .memory_size(spec.memory_mb)
        .timeout(spec.timeout_seconds)
        .reserved_concurrent_executions(spec.reserved_concurrency)
        .environment(function::Environment::new().variables(environment))
        .vpc_config(network)
        .file_system_configs([function::FileSystemConfig::new(
            files.access_point.arn(),
            MOUNT_PATH,
        )])
        .tracing_config(function::TracingConfig::new().mode(function::Mode::Active))
        .dead_letter_config(function::DeadLetterConfig::new().target_arn(dead_letters.arn()))
        .logging_config(function::LoggingConfig::new().log_group(logs.id()));
    // Lambda mounts the file system when it creates the function.
    let mounted = Options::new().depends_on_all(&files.mount_targets);
    stack.add_with("GitStore", git_store, mounted)
}
