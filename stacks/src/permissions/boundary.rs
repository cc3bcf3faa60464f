//! The boundary of an environment's roles: what they may do at the most, whoever writes
//! their policies.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::scope::Scope;
use super::statements::{BOUNDED, PASS_ROLE, pass_roles};
use crate::StackTemplate;
use crate::cfn::iam::{Operator, PolicyDocument, Statement};
use crate::cfn::{ResourceView, Value};

/// Allows the actions that the roles of `templates` have today, and no others. In IAM
/// and STS they reach only the environment's roles, make none that lacks `boundary`, and pass them
/// only to services that those roles trust.
pub(crate) fn boundary(
    templates: &[StackTemplate],
    scope: &Scope,
    boundary: &Value<String>,
) -> PolicyDocument {
    let resources = templates.iter().flat_map(|stack| stack.template.resources());
    let actions: BTreeSet<String> = resources.flat_map(|it| allowed(&it)).collect();
    let about_roles = |action: &&str| action.starts_with("iam:") || action.starts_with("sts:");
    let (iam, work): (Vec<_>, Vec<_>) = actions.iter().map(String::as_str).partition(about_roles);
    let (bounded, other): (Vec<_>, Vec<_>) =
        iam.into_iter().partition(|action| BOUNDED.contains(action));
    let mut statements = Vec::new();
    if !work.is_empty() {
        statements.push(Statement::allow(work).sid("Work").resource("*"));
    }
    if !bounded.is_empty() {
        statements.push(
            Statement::allow(bounded).sid("BoundedRoles").resource(scope.roles()).when(
                Operator::StringEquals,
                "iam:PermissionsBoundary",
                boundary,
            ),
        );
    }
    let (pass, other): (Vec<_>, Vec<_>) =
        other.into_iter().partition(|action| *action == PASS_ROLE);
    if !pass.is_empty() {
        statements.push(pass_roles(scope, templates));
    }
    if !other.is_empty() {
        statements.push(Statement::allow(other).sid("Roles").resource(scope.roles()));
    }
    // Of use to nobody who has none of the above, and a boundary may not be empty.
    statements.push(
        Statement::deny(["iam:DeleteRolePermissionsBoundary"]).sid("StaysBounded").resource("*"),
    );
    PolicyDocument::new(statements)
}

/// The actions that a role's own policies, or a policy for roles, allow.
fn allowed(resource: &ResourceView<'_>) -> Vec<String> {
    let properties = resource.properties();
    let documents: Vec<&Json> = match resource.type_name {
        "AWS::IAM::Role" => {
            let policies = properties["Policies"].as_array().into_iter().flatten();
            policies.map(|policy| &policy["PolicyDocument"]).collect()
        }
        "AWS::IAM::ManagedPolicy" | "AWS::IAM::Policy" | "AWS::IAM::RolePolicy" => {
            vec![&properties["PolicyDocument"]]
        }
        _ => Vec::new(),
    };
    let statements =
        documents.into_iter().flat_map(|it| it["Statement"].as_array().into_iter().flatten());
    let allow = statements.filter(|statement| statement["Effect"] == "Allow");
    allow
        .flat_map(|statement| match &statement["Action"] {
            Json::Array(actions) => actions.clone(),
            one => vec![one.clone()],
        })
        .filter_map(|action| action.as_str().map(str::to_owned))
        .collect()
}
