//! Roles and all policies that are attached to them, wherever they stand.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::iam::Policy;
use super::resolve::Environment;

/// A role with its policies.
#[derive(Debug)]
pub(super) struct Role {
    /// The stack that makes it.
    pub(super) stack: usize,
    /// Its logical id.
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) trust: Policy,
    pub(super) policies: Vec<Policy>,
    /// The keys of session tags that its policies compare with.
    pub(super) tags: Vec<String>,
}

/// Every role of an environment.
pub(super) fn roles(environment: &Environment<'_>) -> Vec<Role> {
    roles_of(environment, &(0..usize::MAX))
}

/// The roles that some stacks make, with the policies that any stack attaches to them.
pub(super) fn roles_of(environment: &Environment<'_>, stacks: &Range<usize>) -> Vec<Role> {
    let mut roles: Vec<Role> = Vec::new();
    let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
    for (at, stack) in environment.stacks().filter(|(at, _)| stacks.contains(at)) {
        let texts = |value: &Value| environment.texts(at, value);
        for resource in stack.template.resources() {
            if resource.type_name != "AWS::IAM::Role" {
                continue;
            }
            let properties = resource.properties();
            let inline = properties["Policies"].as_array().into_iter().flatten();
            by_name.insert(environment.name(at, resource.id), roles.len());
            roles.push(Role {
                stack: at,
                id: resource.id.to_owned(),
                arn: environment.arn(at, resource.id).unwrap_or_default(),
                trust: Policy::read(&properties["AssumeRolePolicyDocument"], &texts),
                policies: inline.map(|it| Policy::read(&it["PolicyDocument"], &texts)).collect(),
                tags: tags(&properties["Policies"]),
            });
        }
    }
    attach(environment, &mut roles, &by_name);
    roles
}

/// Policies that are resources of their own, in the same stack or another one.
fn attach(environment: &Environment<'_>, roles: &mut [Role], by_name: &BTreeMap<String, usize>) {
    let read = |at: usize, document: &Value| {
        (Policy::read(document, &|value| environment.texts(at, value)), tags(document))
    };
    let mut managed: BTreeMap<String, (usize, &Value)> = BTreeMap::new();
    for (at, stack) in environment.stacks() {
        for resource in stack.template.resources() {
            let properties = resource.properties();
            let of = match resource.type_name {
                "AWS::IAM::RolePolicy" => environment.texts(at, &properties["RoleName"]),
                "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy" => {
                    environment.texts(at, &properties["Roles"])
                }
                _ => continue,
            };
            let document = &properties["PolicyDocument"];
            let holders: Vec<usize> =
                of.iter().filter_map(|name| by_name.get(name)).copied().collect();
            if !holders.is_empty() {
                let (policy, tags) = read(at, document);
                for role in holders {
                    roles[role].policies.push(policy.clone());
                    roles[role].tags.extend(tags.clone());
                }
            }
            if let Some(arn) = environment.arn(at, resource.id) {
                managed.insert(arn, (at, document));
            }
        }
    }
    for role in roles {
        let stack = environment.stacks().nth(role.stack).map(|(_, stack)| stack);
        let Some(resource) = stack.and_then(|it| it.template.resource(&role.id)) else { continue };
        for arn in environment.texts(role.stack, &resource.properties()["ManagedPolicyArns"]) {
            if let Some((at, document)) = managed.get(&arn) {
                let (policy, tags) = read(*at, document);
                role.policies.push(policy);
                role.tags.extend(tags);
            }
        }
    }
}

/// The keys after `aws:PrincipalTag/` in a policy.
fn tags(policy: &Value) -> Vec<String> {
    let policy = policy.to_string();
    let in_key = |c: char| c.is_alphanumeric() || "_-.:/@+=".contains(c);
    let mut found: Vec<String> = policy
        .split("aws:PrincipalTag/")
        .skip(1)
        .map(|rest| rest.split(|c| !in_key(c)).next().unwrap_or_default().to_owned())
        .collect();
    found.sort();
    found.dedup();
    found
}
