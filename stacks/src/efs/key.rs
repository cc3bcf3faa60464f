//! The key that encrypts the file system and the logs.

use crate::cfn::aws::kms;
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Handle, Naming, Options, Stack, arn, pseudo, sub};

/// Everything that keeps the key manageable: without these for the account, nobody
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

/// A key that rotates every year and outlives the stack, as what it encrypts does.
pub(super) fn key(stack: &mut Stack, naming: &Naming, log_group: &str) -> Handle<kms::Key> {
    let key = stack.add_with(
        "Key",
        kms::Key::new()
            .description("Encrypts the shared file system and the logs of its functions")
            .enable_key_rotation(true)
            .key_policy(policy(log_group)),
        Options::new().retain(),
    );
    let alias = format!("alias/{}", naming.name("efs"));
    stack.add("KeyAlias", kms::Alias::new(alias, key.id()));
    key
}

/// In a key's policy, the resource `*` is the key itself.
fn policy(log_group: &str) -> PolicyDocument {
    let administration = Statement::allow(ADMINISTRATION)
        .sid("Administration")
        .principal(Principal::account())
        .resource("*");
    let files = Statement::allow(USE)
        .sid("FilesOfThisAccount")
        .principal(Principal::account())
        .resource("*")
        .when(Operator::StringEquals, "kms:CallerAccount", pseudo::account_id())
        .when(
            Operator::StringEquals,
            "kms:ViaService",
            sub("elasticfilesystem.${AWS::Region}.amazonaws.com"),
        );
    // EFS works by a grant that it creates for itself.
    let grants = Statement::allow(["kms:CreateGrant"])
        .sid("GrantsToServices")
        .principal(Principal::account())
        .resource("*")
        .when(Operator::Bool, "kms:GrantIsForAWSResource", "true");
    let logs = Statement::allow(USE)
        .sid("LogsOfTheFunction")
        .principal(Principal::service(sub("logs.${AWS::Region}.amazonaws.com")))
        .resource("*")
        .when(
            Operator::ArnEquals,
            "kms:EncryptionContext:aws:logs:arn",
            arn("logs", &format!("log-group:{log_group}")),
        );
    PolicyDocument::new([administration, files, grants, logs])
}
