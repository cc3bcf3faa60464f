//! What roles of AgentCore have in common.

use crate::cfn::aws::iam;
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Handle, Naming, Stack, Value, arn, pseudo, sub};

/// A role that AgentCore takes on for this account's resources whose ARNs match, and for
/// nobody else's. Statements are given by policy name.
pub(super) fn role(
    stack: &mut Stack,
    id: &str,
    description: &str,
    source: &str,
    policies: Vec<(&str, Vec<Statement>)>,
) -> Handle<iam::Role> {
    let trust = Statement::allow(["sts:AssumeRole"])
        .principal(Principal::service("bedrock-agentcore.amazonaws.com"))
        .when(Operator::StringEquals, "aws:SourceAccount", pseudo::account_id())
        .when(Operator::ArnLike, "aws:SourceArn", arn("bedrock-agentcore", source));
    let policies: Vec<_> = policies
        .into_iter()
        .map(|(name, statements)| iam::role::Policy::new(PolicyDocument::new(statements), name))
        .collect();
    let role =
        iam::Role::new(PolicyDocument::new([trust])).description(description).policies(policies);
    stack.add(id, role)
}

/// Tokens in the name of the workload identities that AgentCore makes for `owner`.
pub(super) fn workload_tokens(owner: &str, actions: &[&'static str]) -> Statement {
    Statement::allow(actions.iter().copied())
        .sid("WorkloadTokens")
        .resource(arn("bedrock-agentcore", "workload-identity-directory/default"))
        .resource(arn(
            "bedrock-agentcore",
            &format!("workload-identity-directory/default/workload-identity/{owner}-*"),
        ))
}

/// The use of a key through AgentCore and in no other way.
pub(super) fn key_through_agentcore(key: &Value<String>, actions: &[&'static str]) -> Statement {
    Statement::allow(actions.iter().copied()).sid("Key").resource(key).when(
        Operator::StringEquals,
        "kms:ViaService",
        sub("bedrock-agentcore.${AWS::Region}.amazonaws.com"),
    )
}

/// A name for what takes letters, digits and underscores only: `acme_dev_agents`.
pub(super) fn underscored(naming: &Naming, what: &str) -> String {
    naming.name(what).replace('-', "_")
}
