//! One KMS key for each class of data.

use runtime_core::names::TAG_TENANT;

use super::Keys;
use crate::cfn::aws::kms;
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Options, Published, Stack, arn, pseudo, sub};

/// Everything that keeps a key manageable: without these for the account, nobody
/// could change the policy again.
const ADMINISTRATION: [&str; 20] = [
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
];

const USE: [&str; 7] = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];

/// Makes the three keys of a region.
pub(super) fn keys(stack: &mut Stack) -> Keys {
    let data = [
        through(&["dynamodb", "elasticfilesystem", "s3", "sqs", "bedrock-agentcore"]),
        grants(&["dynamodb", "elasticfilesystem", "bedrock-agentcore"]),
        by_tenant(),
        events(),
        by_services("ServicesThatQueue", &["events.amazonaws.com", "sns.amazonaws.com"]),
    ];
    let config = [
        through(&["dynamodb", "firehose", "s3", "secretsmanager", "sns", "sqs", "ssm", "lambda"]),
        grants(&["dynamodb", "firehose", "lambda"]),
        events(),
        by_services("ServicesThatNotify", &["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]),
    ];
    Keys {
        tenant_data: key(stack, "tenant-data", "what tenants own", data.into()),
        platform_config: key(
            stack,
            "platform-config",
            "the platform's configuration",
            config.into(),
        ),
        logs: key(stack, "logs", "logs", vec![logs(stack)]),
    }
}

/// A key that rotates every year and outlives the stack, as what it encrypts does.
fn key(stack: &mut Stack, class: &str, what: &str, users: Vec<Statement>) -> Published<String> {
    let id = format!("{}Key", crate::cfn::camel(class));
    // In a key's policy, the resource `*` is the key itself.
    let administration = Statement::allow(ADMINISTRATION)
        .sid("Administration")
        .principal(Principal::account())
        .resource("*");
    let policy = PolicyDocument::new([administration].into_iter().chain(users));
    let key = stack.add_with(
        &id,
        kms::Key::new()
            .description(format!("Encrypts {what}"))
            .enable_key_rotation(true)
            .key_policy(policy),
        Options::new().retain(),
    );
    let alias = stack.naming().name(class);
    stack.add(format!("{id}Alias"), kms::Alias::new(format!("alias/{alias}"), key.id()));
    stack.publish(&format!("{class}-key"), key.arn())
}

/// Roles of this account use the key through these services; their own policies say
/// which of them may.
fn through(services: &[&str]) -> Statement {
    let statement = Statement::allow(USE).sid("ThroughServices");
    only_through(statement, services)
}

/// These work by grants that they create in the caller's name. The condition is that of
/// their documentation; `kms:GrantIsForAWSResource` is not in that of all:
/// <https://docs.aws.amazon.com/efs/latest/ug/EFSKMS.html>,
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html>,
/// <https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-encryption.html>.
fn grants(services: &[&str]) -> Statement {
    let statement = Statement::allow(["kms:CreateGrant"]).sid("GrantsToServices");
    only_through(statement, services)
}

fn only_through(statement: Statement, services: &[&str]) -> Statement {
    let statement = statement.principal(Principal::account()).resource("*").when(
        Operator::StringEquals,
        "kms:CallerAccount",
        pseudo::account_id(),
    );
    services.iter().fold(statement, |statement, service| {
        let service = sub(format!("{service}.${{AWS::Region}}.amazonaws.com"));
        statement.when(Operator::StringEquals, "kms:ViaService", service)
    })
}

/// What is encrypted for a tenant names it in the encryption context; roles' own
/// policies say which tenant they may name.
fn by_tenant() -> Statement {
    let context = format!("kms:EncryptionContext:{TAG_TENANT}");
    Statement::allow(["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"])
        .sid("ForATenant")
        .principal(Principal::account())
        .resource("*")
        .when(Operator::StringEquals, "kms:CallerAccount", pseudo::account_id())
        .when(Operator::Null, &context, "false")
}

/// AWS services that send to encrypted queues and topics in their own name. `EventBridge`
/// also looks at the key of a bus and its archive, and encrypts archived events again:
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/encryption-archives.html>
fn by_services(sid: &str, services: &[&str]) -> Statement {
    const ACTIONS: [&str; 5] = [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKey",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ];
    let statement = Statement::allow(ACTIONS).sid(sid).resource("*").when(
        Operator::StringEquals,
        "aws:SourceAccount",
        pseudo::account_id(),
    );
    services
        .iter()
        .fold(statement, |statement, service| statement.principal(Principal::service(*service)))
}

/// `EventBridge` does not say for whom it sends to a queue or a topic: a condition on
/// the source would drop every event in silence. The policies of queues and topics have
/// that condition
/// (<https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services>).
fn events() -> Statement {
    Statement::allow(["kms:Decrypt", "kms:GenerateDataKey"])
        .sid("Events")
        .principal(Principal::service("events.amazonaws.com"))
        .resource("*")
}

/// CloudWatch Logs encrypts the environment's log groups, and no others.
fn logs(stack: &Stack) -> Statement {
    let naming = stack.naming();
    let ours = ["aws/lambda", "aws/vpc", "aws/apigateway", "aws/bedrock-agentcore"]
        .map(|service| format!("log-group:/{service}/{}", naming.name("*")))
        .into_iter()
        .chain([
            format!("log-group:aws-waf-logs-{}", naming.name("*")),
            // Agents' runtimes have no hyphens in their names.
            format!(
                "log-group:/aws/bedrock-agentcore/runtimes/{}",
                naming.name("*").replace('-', "_")
            ),
        ]);
    let statement = Statement::allow(USE)
        .sid("LogsOfThisEnvironment")
        .principal(Principal::service(sub("logs.${AWS::Region}.amazonaws.com")))
        .resource("*");
    ours.fold(statement, |statement, group| {
        statement.when(Operator::ArnLike, "kms:EncryptionContext:aws:logs:arn", arn("logs", &group))
    })
}
