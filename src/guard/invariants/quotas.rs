//! Limits of templates and names, and the quotas of an account.

use std::collections::BTreeMap;

use stacks::{StackTemplate, Template};

use super::iam::HOLE;
use super::resolve::Environment;
use super::{NAME_LENGTH, QUOTA, TEMPLATE_SIZE, about, names};
use crate::guard::Finding;

/// Most resources, parameters and outputs of a template, and bytes of its body
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>).
const RESOURCES: usize = 500;
const PARAMETERS: usize = 200;
const OUTPUTS: usize = 200;
const BODY: usize = 1_000_000;

/// Where a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the account.
    Account,
    /// In each region.
    Region,
    /// In each stack: a stack has one VPC.
    Network,
}

/// How many of a type a new account may have.
#[derive(Debug)]
struct Quota {
    type_name: &'static str,
    what: &'static str,
    place: Place,
    most: usize,
    source: &'static str,
}

const QUOTAS: &[Quota] = &[
    Quota {
        type_name: "AWS::ApiGateway::ApiKey",
        what: "API keys",
        place: Place::Region,
        most: 10_000,
        source: "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html",
    },
    Quota {
        type_name: "AWS::ApiGateway::UsagePlan",
        what: "usage plans",
        place: Place::Region,
        most: 300,
        source: "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html",
    },
    Quota {
        type_name: "AWS::BedrockAgentCore::ResourcePolicy",
        what: "resource policies of AgentCore",
        place: Place::Region,
        most: 10,
        source: "https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html",
    },
    Quota {
        type_name: "AWS::EC2::VPCEndpoint",
        what: "VPC endpoints",
        place: Place::Network,
        most: 50,
        source: "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html",
    },
    Quota {
        type_name: "AWS::IAM::Role",
        what: "IAM roles",
        place: Place::Account,
        most: 1_000,
        source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
    },
];

/// Stacks of an account in a region
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>).
const STACKS: usize = 2_000;

/// Findings about everything that is too many, too large or too long.
pub(super) fn quotas(environment: &Environment<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut last: Option<(&StackTemplate, Vec<Beyond>)> = None;
    for (at, stack) in environment.stacks() {
        // Stacks that share a template follow one another: it is measured once.
        let beyond = match last.take() {
            Some((other, beyond)) if other.template.is_shared_with(&stack.template) => beyond,
            _ => template(&stack.template),
        };
        findings.extend(beyond.iter().map(|(section, found, wanted)| {
            about(TEMPLATE_SIZE, stack, ("", ""), section, found, wanted)
        }));
        last = Some((stack, beyond));
        for resource in stack.template.resources() {
            let Some(named) = names::of(resource.type_name) else { continue };
            let property = &resource.properties()[named.property];
            let name = environment.text(at, property);
            let (longest, source) = named.longest;
            let length = name.chars().count();
            if length > longest && !name.contains(HOLE) {
                let found = format!("{length} characters, {name}");
                let wanted = format!("at most {longest} ({source})");
                let place = (resource.id, resource.type_name);
                findings.push(about(NAME_LENGTH, stack, place, named.property, found, wanted));
            }
        }
    }
    findings.extend(QUOTAS.iter().flat_map(|quota| counted(environment, quota)));
    findings.extend(stacks_of_regions(environment));
    findings
}

/// A section, what was found and what is wanted.
type Beyond = (&'static str, String, String);

/// In what a template is beyond CloudFormation's limits.
fn template(template: &Template) -> Vec<Beyond> {
    [
        ("Resources", template.resources().count(), RESOURCES, "resources"),
        ("Parameters", template.parameters().count(), PARAMETERS, "parameters"),
        ("Outputs", template.outputs().count(), OUTPUTS, "outputs"),
        ("", template.to_compact_json().len(), BODY, "bytes"),
    ]
    .into_iter()
    .filter(|(_, count, most, _)| count > most)
    .map(|(section, count, most, what)| {
        (section, format!("{count} {what}"), format!("at most {most}"))
    })
    .collect()
}

fn counted(environment: &Environment<'_>, quota: &Quota) -> Vec<Finding> {
    let Quota { type_name, what, place, most, source } = quota;
    let mut counts: BTreeMap<String, (usize, &StackTemplate)> = BTreeMap::new();
    for (_, stack) in environment.stacks() {
        let count = stack.template.resources().filter(|it| it.type_name == *type_name).count();
        let key = match place {
            Place::Account => String::new(),
            Place::Region => format!(" in {}", stack.region),
            Place::Network => format!(" in the {} stack", stack.name),
        };
        let entry = counts.entry(key).or_insert((0, stack));
        *entry = (entry.0 + count, stack);
    }
    let beyond = counts.into_iter().filter(|(_, (count, _))| count > most);
    beyond
        .map(|(place, (count, stack))| {
            let found = format!("{count} {what}{place}");
            about(QUOTA, stack, ("", type_name), "", found, format!("at most {most} ({source})"))
        })
        .collect()
}

fn stacks_of_regions(environment: &Environment<'_>) -> Vec<Finding> {
    let mut counts: BTreeMap<&str, (usize, &StackTemplate)> = BTreeMap::new();
    for (_, stack) in environment.stacks() {
        let entry = counts.entry(&stack.region).or_insert((0, stack));
        *entry = (entry.0 + 1, stack);
    }
    let beyond = counts.into_iter().filter(|(_, (count, _))| *count > STACKS);
    beyond
        .map(|(region, (count, stack))| {
            let found = format!("{count} stacks in {region}");
            let wanted = format!("at most {STACKS} (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html)");
            about(QUOTA, stack, ("", ""), "", found, wanted)
        })
        .collect()
}
