//! Refuses what an account could not hold, before anything is deployed.

use std::collections::BTreeMap;

use crate::spec::{QuotasSpec, StackSpec};
use crate::{SpecError, SpecErrors, StackTemplate};

/// What a stack takes of the account.
#[derive(Clone, Copy, Default)]
struct Uses {
    roles: u32,
    api_keys: u32,
}

/// Counts what all stacks take together, and looks into each template once.
pub(crate) fn check(stacks: &[StackTemplate], spec: &StackSpec) -> Result<(), SpecErrors> {
    let QuotasSpec { stacks: most_stacks, iam_roles, api_keys } = spec.quotas;
    let mut templates: BTreeMap<&str, Uses> = BTreeMap::new();
    let mut regions: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let mut roles = 0;
    for stack in stacks {
        let uses = *templates.entry(&stack.template_name).or_insert_with(|| uses(stack));
        roles += uses.roles;
        let region = regions.entry(&stack.region).or_default();
        region.0 += 1;
        region.1 += uses.api_keys;
    }
    let siloed = spec.siloed().count();
    let mut errors = Vec::new();
    let mut at_most = |count: u32, most: u32, what: &str, place: &str, quota: &str| {
        if count <= most {
            return;
        }
        errors.push(SpecError::new(
            "tenants",
format!("{siloed} siloed tenants and the platform need {count} {what}{place}, and an account may have {most}"),
            format!("have AWS raise the quota and write it as quotas.{quota}, make tiers pooled, or spread tenants over accounts"),
        ));
    };
    for (region, (count, keys)) in &regions {
        let place = format!(" in {region}");
        at_most(*count, most_stacks, "stacks", &place, "stacks");
        at_most(*keys, api_keys, "API keys", &place, "api_keys");
    }
    at_most(roles, iam_roles, "IAM roles", "", "iam_roles");
    if errors.is_empty() { Ok(()) } else { Err(SpecErrors(errors)) }
}

fn uses(stack: &StackTemplate) -> Uses {
    let mut uses = Uses::default();
    for resource in stack.template.resources() {
        match resource.type_name {
            "AWS::IAM::Role" => uses.roles += 1,
            "AWS::ApiGateway::ApiKey" => uses.api_keys += 1,
            _ => {}
        }
    }
    uses
}
