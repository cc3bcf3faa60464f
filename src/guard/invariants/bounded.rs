//! Pipelines make bounded roles alone, and cannot take the bounds away.
//!
//! Asked of IAM's own logic, and not of the text: what must be denied is denied whatever
//! else is attached to the pipeline's role later on.

use std::collections::BTreeSet;

use serde_json::Value;
use stacks::StackTemplate;

use super::iam::{Decision, Policy, Request, decide};
use super::principals::{Role, roles};
use super::resolve::{ACCOUNT, Environment};
use super::{PIPELINE_KEPT_OUT, ROLE_BOUNDED, about, requests};
use crate::guard::Finding;

const ROLE: &str = "AWS::IAM::Role";
const MANAGED: &str = "AWS::IAM::ManagedPolicy";
const PROPERTY: &str = "PermissionsBoundary";
const UNBIND: &str = "iam:DeleteRolePermissionsBoundary";

/// A policy that bounds roles.
struct Boundary {
    stack: usize,
    id: String,
    arn: String,
    policy: Policy,
}

/// Findings about roles without bounds, and about pipelines that could free themselves.
/// An environment without a boundary has none.
pub(super) fn bounded(environment: &Environment<'_>) -> Vec<Finding> {
    let boundaries = boundaries(environment);
    let mut findings = Vec::new();
    if boundaries.is_empty() {
        return findings;
    }
    let makes_one = |at: usize| boundaries.iter().any(|it| it.stack == at);
    for (at, stack) in environment.stacks().filter(|(at, _)| !makes_one(*at)) {
        for role in stack.template.resources().filter(|it| it.type_name == ROLE) {
            let own = environment.text(at, &role.properties()[PROPERTY]);
            if !boundaries.iter().any(|it| it.arn == own) {
                let found = if own.is_empty() { "nothing" } else { own.as_str() };
                let wanted: Vec<&str> = boundaries.iter().map(|it| it.arn.as_str()).collect();
                let wanted = wanted.join(" or ");
                findings.push(about(ROLE_BOUNDED, stack, (role.id, ROLE), PROPERTY, found, wanted));
            }
        }
    }
    // Who makes a boundary cannot be within it, and no pipeline may deploy that stack.
    let makers: Vec<&StackTemplate> =
        environment.stacks().filter(|(at, _)| makes_one(*at)).map(|(_, stack)| stack).collect();
    let apart = Environment::new(makers.iter().copied());
    for role in roles(&apart).iter().filter(|role| makes_roles(role)) {
        if let Some(stack) = makers.get(role.stack) {
            findings.extend(kept_out(&apart, stack, role, &boundaries));
        }
    }
    for boundary in &boundaries {
        let Some((_, stack)) = environment.stacks().nth(boundary.stack) else { continue };
        let bounded = Request::new(UNBIND, &format!("arn:aws:iam::{ACCOUNT}:role/any"));
        let policies = std::slice::from_ref(&boundary.policy);
        let place = (boundary.id.as_str(), MANAGED);
        findings.extend(not_denied(stack, place, policies, [bounded]));
    }
    findings
}

/// The managed policies that a statement asks for when roles are made.
fn boundaries(environment: &Environment<'_>) -> Vec<Boundary> {
    let mut asked = BTreeSet::new();
    for (at, stack) in environment.stacks() {
        for resource in stack.template.resources() {
            if resource.type_name.starts_with("AWS::IAM::") {
                collect(environment, at, resource.properties(), &mut asked);
            }
        }
    }
    let mut found = Vec::new();
    for (at, stack) in environment.stacks() {
        for resource in stack.template.resources().filter(|it| it.type_name == MANAGED) {
            let Some(arn) = environment.arn(at, resource.id).filter(|arn| asked.contains(arn))
            else {
                continue;
            };
            let texts = |value: &Value| environment.texts(at, value);
            let policy = Policy::read(&resource.properties()["PolicyDocument"], &texts);
            found.push(Boundary { stack: at, id: resource.id.to_owned(), arn, policy });
        }
    }
    found
}

/// Values of `iam:PermissionsBoundary` in conditions, and of `PermissionsBoundary` of roles.
fn collect(environment: &Environment<'_>, at: usize, value: &Value, arns: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if key == "iam:PermissionsBoundary" || key == PROPERTY {
                    arns.extend(environment.texts(at, value));
                }
                collect(environment, at, value, arns);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(environment, at, item, arns);
            }
        }
        _ => {}
    }
}

fn makes_roles(role: &Role) -> bool {
    let statements = role.policies.iter().flat_map(Policy::statements);
    let mut actions = statements.filter(|it| it.allows()).flat_map(|it| it.named().0);
    actions.any(|action| action.eq_ignore_ascii_case("iam:CreateRole"))
}

/// Findings about what the role of a pipeline is not denied of the stack that it stands in.
fn kept_out(
    environment: &Environment<'_>,
    stack: &StackTemplate,
    role: &Role,
    boundaries: &[Boundary],
) -> Option<Finding> {
    let mut asked = vec![Request::new(UNBIND, &format!("arn:aws:iam::{ACCOUNT}:role/any"))];
    for action in ["iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"] {
        asked.push(Request::new(action, &role.arn));
    }
    for boundary in boundaries {
        asked.push(Request::new("iam:CreatePolicyVersion", &boundary.arn));
    }
    let region = &stack.region;
    let this = format!("arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{}/1", stack.stack_name);
    for action in ["DeleteStack", "ExecuteChangeSet", "UpdateStack"] {
        asked.push(Request::new(&format!("cloudformation:{action}"), &this));
    }
    for resource in stack.template.resources() {
        let Some(arn) = environment.arn(role.stack, resource.id) else { continue };
        match resource.type_name {
            "AWS::SSM::Parameter" => asked.push(Request::new("ssm:PutParameter", &arn)),
            "AWS::KMS::Key" => {
                for action in ["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"] {
                    // Its keys have a tag with its name.
                    let tag = ("aws:ResourceTag/stack", stack.name.as_str());
                    asked.push(Request::new(action, &arn).with(tag.0, &[tag.1]));
                }
            }
            _ => {}
        }
    }
    not_denied(stack, (&role.id, ROLE), &role.policies, asked)
}

/// A finding for the first of the requests that no statement denies.
fn not_denied(
    stack: &StackTemplate,
    place: (&str, &str),
    policies: &[Policy],
    asked: impl IntoIterator<Item = Request>,
) -> Option<Finding> {
    let free = asked
        .into_iter()
        .find(|request| !matches!(decide(policies, request), Decision::Denied(_)))?;
    let found = format!("{} is not denied", requests::show(&free));
    let wanted = "a statement that denies it";
    Some(about(PIPELINE_KEPT_OUT, stack, place, "Policies", found, wanted))
}
