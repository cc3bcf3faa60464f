//! Roles and all policies that are attached to them, wherever they stand.

use std::collections::BTreeMap;

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
    let mut roles: Vec<Role> = Vec::new();
    let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
    for (at, stack) in environment.stacks() {
        let texts = |value: &serde_json::Value| environment.texts(at, value);
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
                tags: tags(&properties["Policies"].to_string()),
            });
        }
    }
    attach(environment, &mut roles, &by_name);
    roles
}

/// Policies that are resources of their own, in the same stack or another one.
fn attach(environment: &Environment<'_>, roles: &mut [Role], by_name: &BTreeMap<String, usize>) {
    let mut managed: BTreeMap<String, (Policy, Vec<String>)> = BTreeMap::new();
    for (at, stack) in environment.stacks() {
        let texts = |value: &serde_json::Value| environment.texts(at, value);
        for resource in stack.template.resources() {
            let properties = resource.properties();
            let of = match resource.type_name {
                "AWS::IAM::RolePolicy" => texts(&properties["RoleName"]),
                "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy" => texts(&properties["Roles"]),
                _ => continue,
            };
            let policy = Policy::read(&properties["PolicyDocument"], &texts);
            let tags = tags(&properties["PolicyDocument"].to_string());
            for role in of.iter().filter_map(|name| by_name.get(name)) {
                roles[*role].policies.push(policy.clone());
                roles[*role].tags.extend(tags.clone());
            }
            if let Some(arn) = environment.arn(at, resource.id) {
                managed.insert(arn, (policy, tags));
            }
        }
    }
    for role in roles {
        let stack = environment.stacks().nth(role.stack).map(|(_, stack)| stack);
        let Some(resource) = stack.and_then(|it| it.template.resource(&role.id)) else { continue };
        for arn in environment.texts(role.stack, &resource.properties()["ManagedPolicyArns"]) {
            if let Some((policy, tags)) = managed.get(&arn) {
                role.policies.push(policy.clone());
                role.tags.extend(tags.clone());
            }
        }
    }
}

/// The keys after `aws:PrincipalTag/` in a policy.
fn tags(policy: &str) -> Vec<String> {
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
