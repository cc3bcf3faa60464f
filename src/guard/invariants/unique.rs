//! No two resources of an environment have the same name.

use std::collections::BTreeMap;

use stacks::cfn::ResourceView;

use super::iam::HOLE;
use super::resolve::Environment;
use super::{NAME_UNIQUE, about, names};
use crate::guard::Finding;

/// Types with names that [`names`] does not know, and the property with the name.
const OTHERS: &[(&str, &str)] = &[
    ("AWS::Budgets::Budget", "Budget.BudgetName"),
    ("AWS::CloudFront::Function", "Name"),
    ("AWS::CloudFront::OriginAccessControl", "OriginAccessControlConfig.Name"),
    ("AWS::CloudFront::ResponseHeadersPolicy", "ResponseHeadersPolicyConfig.Name"),
    ("AWS::CloudWatch::Dashboard", "DashboardName"),
    ("AWS::CloudWatch::MetricStream", "Name"),
    ("AWS::Events::Archive", "ArchiveName"),
    ("AWS::IAM::OIDCProvider", "Url"),
    ("AWS::KMS::Alias", "AliasName"),
    ("AWS::Logs::QueryDefinition", "Name"),
    ("AWS::Logs::ResourcePolicy", "PolicyName"),
    ("AWS::Scheduler::ScheduleGroup", "Name"),
    ("AWS::WAFv2::WebACL", "Name"),
    ("AWS::XRay::Group", "GroupName"),
    ("AWS::XRay::SamplingRule", "SamplingRule.RuleName"),
];

/// Services whose names are those of the whole account, wherever the stack is.
const GLOBAL: [&str; 4] = ["AWS::Budgets::", "AWS::CloudFront::", "AWS::IAM::", "AWS::S3::"];

/// Types of which several may have the same name.
const NOT_UNIQUE: [&str; 1] = ["AWS::ApiGateway::ApiKey"];

/// Findings about names that an earlier resource has. Names that nobody knows yet, and
/// those that CloudFormation makes up, are not looked at.
pub(super) fn unique(environment: &Environment<'_>) -> Vec<Finding> {
    let mut taken: BTreeMap<(&str, String, String), String> = BTreeMap::new();
    let mut findings = Vec::new();
    for (at, stack) in environment.stacks() {
        for resource in stack.template.resources() {
            let Some(property) = property(&resource) else { continue };
            let value = property.split('.').fold(resource.properties(), |value, key| &value[key]);
            let name = environment.text(at, value);
            if name.is_empty() || name.contains(HOLE) {
                continue;
            }
            let global = GLOBAL.iter().any(|service| resource.type_name.starts_with(service));
            let region = if global { String::new() } else { stack.region.clone() };
            // IAM does not tell upper from lower, and in the others only a mistake differs so.
            let within = environment.text(at, &resource.properties()[parent(resource.type_name)]);
            let key =
                (kind(resource.type_name), region, format!("{within}/{}", name.to_lowercase()));
            let place = format!("{} / {}", stack.name, resource.id);
            match taken.get(&key) {
                None => drop(taken.insert(key, place)),
                Some(other) => findings.push(about(
                    NAME_UNIQUE,
                    stack,
                    (resource.id, resource.type_name),
                    property,
                    format!("{name}, the name of {other}"),
                    "a name of its own",
                )),
            }
        }
    }
    findings
}

fn property(resource: &ResourceView<'_>) -> Option<&'static str> {
    if NOT_UNIQUE.contains(&resource.type_name) {
        return None;
    }
    let other = OTHERS.iter().find(|(kind, _)| *kind == resource.type_name);
    other
        .map(|(_, property)| *property)
        .or_else(|| names::of(resource.type_name).map(|named| named.property))
}

/// The property with what names are unique within; one that no resource has for most.
fn parent(type_name: &str) -> &'static str {
    match type_name {
        "AWS::Events::Rule" => "EventBusName",
        "AWS::Scheduler::Schedule" => "GroupName",
        "AWS::WAFv2::WebACL" => "Scope",
        _ => "",
    }
}

/// Types that share their names.
fn kind(type_name: &str) -> &str {
    match type_name {
        "AWS::CloudWatch::CompositeAlarm" => "AWS::CloudWatch::Alarm",
        other => other,
    }
}
