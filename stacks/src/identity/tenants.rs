//! The role in which CloudFormation makes the stacks of siloed tenants.
//!
//! The provisioner starts those stacks and may do nothing in them itself: whatever
//! template it is made to send, the role reaches the names of tenants alone, and makes
//! roles only within the environment's boundary.

use crate::cfn::aws::iam;
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Naming, Stack, Value, pseudo, sub};
use crate::permissions::{Account, Holder, POLICIES_OF_A_ROLE, Scope, policies};
use crate::{SpecError, StackTemplate};

/// The short name of the role.
pub(crate) const ROLE: &str = "tenant-stacks";

/// The ARN of the role. It has a path of its own, which those that make roles may not
/// touch.
pub(crate) fn role_arn(naming: &Naming) -> Value<String> {
    let (prefix, name) = (naming.prefix(), naming.name(ROLE));
    sub(format!("arn:aws:iam::${{AWS::AccountId}}:role/{prefix}/{name}"))
}

/// Adds the role. `templates` are those of every tier.
pub(super) fn role(
    stack: &mut Stack,
    naming: &Naming,
    boundary: Value<String>,
    templates: &[StackTemplate],
) -> Result<(), SpecError> {
    let scope = Scope::new(naming, templates, Account::OfTheStack).of_tenants();
    let documents = policies(templates, &scope, &Holder::Tenants { boundary });
    if documents.len() > POLICIES_OF_A_ROLE {
        return Err(SpecError::new(
            "tiers",
            format!("the stacks of tenants need {} policies", documents.len()),
            format!("a role takes {POLICIES_OF_A_ROLE}; leave the provisioner out"),
        ));
    }
    let prefix = naming.prefix();
    let mut made = Vec::new();
    for (at, document) in documents.into_iter().enumerate() {
        let policy = iam::ManagedPolicy::new(document)
            .description(format!("What stacks of tenants need, part {}", at + 1))
            .path(format!("/{prefix}/"));
        made.push(stack.add(format!("TenantStacksPolicy{}", at + 1), policy).id());
    }
    let trust = Statement::allow(["sts:AssumeRole"])
        .principal(Principal::service("cloudformation.amazonaws.com"))
        .when(Operator::StringEquals, "aws:SourceAccount", pseudo::account_id());
    let role = iam::Role::new(PolicyDocument::new([trust]))
        .role_name(naming.name(ROLE))
        .path(format!("/{prefix}/"))
        .description("CloudFormation, for the stacks of siloed tenants")
        .managed_policy_arns(made);
    stack.add("TenantStacksRole", role);
    Ok(())
}
