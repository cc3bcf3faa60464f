//! SSM parameters that are read, and who writes them.

use stacks::DeployValue;

use super::iam::{HOLE, Policy};
use super::principals::roles;
use super::resolve::{ACCOUNT, Environment};
use super::{PARAMETER, about};
use crate::guard::Finding;

/// Parameters that AWS publishes in every account.
const OF_AWS: &str = "/aws/service/";

/// Findings about what is read and never written, or written too late.
pub(super) fn reads(environment: &Environment<'_>) -> Vec<Finding> {
    let mut findings = by_templates(environment);
    findings.extend(by_roles(environment));
    findings
}

/// CloudFormation reads when it deploys: the writer is an earlier stack of the region.
fn by_templates(environment: &Environment<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, stack) in environment.stacks() {
        for (name, definition) in stack.template.parameters() {
            let kind = definition["Type"].as_str().unwrap_or_default();
            let given = stack.deploy_parameters.iter().find(|it| it.name == name);
            let path = match given.map(|it| &it.value) {
                Some(DeployValue::Literal { value }) => value.as_str(),
                _ => definition["Default"].as_str().unwrap_or_default(),
            };
            let is_read = kind.starts_with("AWS::SSM::Parameter::Value");
            if !is_read || path.starts_with(OF_AWS) {
                continue;
            }
            let writer = environment.writer(&stack.region, path);
            if writer.is_none_or(|writer| writer >= at) {
                let who = writer.and_then(|it| environment.stacks().nth(it));
                let found = match who {
                    Some((_, writer)) => format!("{path}, which {} writes later", writer.name),
                    None => format!("{path}, which nothing writes in {}", stack.region),
                };
                let place = (name, "Parameter");
                findings.push(about(
                    PARAMETER,
                    stack,
                    place,
                    "Default",
                    found,
                    "an earlier stack's",
                ));
            }
        }
    }
    findings
}

/// Functions read when they run: somebody writes what their roles name exactly.
fn by_roles(environment: &Environment<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for role in roles(environment) {
        let Some((_, stack)) = environment.stacks().nth(role.stack) else { continue };
        for statement in role.policies.iter().flat_map(Policy::statements) {
            let (actions, resources) = statement.named();
            let reads = actions.iter().any(|action| action.starts_with("ssm:GetParameter"));
            for arn in resources.iter().filter(|_| reads && statement.allows()) {
                let Some((region, path)) = parameter(arn) else { continue };
                let exact = !path.contains(['*', '?', '$', HOLE]);
                let start = path.split(['*', '?', '$', HOLE]).next().unwrap_or_default();
                let known = if exact {
                    environment.writer(region, path).is_some()
                } else {
                    start.len() <= 1 || environment.is_written_below(region, start)
                };
                // Parameters of tenants are written when there are tenants.
                let later = path.contains("/tenants/") || path.ends_with("/issuers/*");
                if !known && !later && !path.starts_with(OF_AWS) {
                    let place = (role.id.as_str(), "AWS::IAM::Role");
                    let found = format!("{path}, which nothing writes in {region}");
                    let mut finding =
                        about(PARAMETER, stack, place, "Policies", found, "a parameter of a stack");
                    finding.statement =
                        Some(statement.sid().to_owned()).filter(|sid| !sid.is_empty());
                    findings.push(finding);
                }
            }
        }
    }
    findings
}

/// Region and path of the ARN of a parameter.
fn parameter(arn: &str) -> Option<(&str, &str)> {
    let rest = arn.strip_prefix("arn:aws:ssm:")?;
    let (region, rest) = rest.split_once(':')?;
    Some((region, rest.strip_prefix(ACCOUNT)?.strip_prefix(":parameter")?))
}
