//! The stacks that come with platformctl, under the rules that come with it.

use platformctl::guard::{CheckReport, Exemptions, Finding, RuleSet, check};
use runtime_core::functions::Function;
use serde_json::Value;
use stacks::spec::{FunctionSpec, Nat, StackSpec};

use crate::TODAY;

fn checked(spec: &StackSpec) -> CheckReport {
    let stacks = stacks::synthesize(spec).expect("stacks");
    let templates: Vec<(&str, &Value)> =
        stacks.iter().map(|stack| (stack.name.as_str(), stack.template.as_value())).collect();
    let exemptions = Exemptions::embedded().expect("exemptions");
    check(&templates, &RuleSet::embedded(), &exemptions, TODAY).expect("a report")
}

fn spec() -> StackSpec {
    StackSpec::new("acme", "dev", "eu-west-2")
}

#[test]
fn the_smallest_environment_passes() {
    let report = checked(&spec());
    assert!(report.findings.is_empty(), "{report}");
}

#[test]
fn the_largest_environment_passes() {
    let mut spec = spec();
    spec.network.zones = 3;
    spec.network.nat = Nat::PerZone;
    spec.network.flow_logs = true;
    spec.network.interface_endpoints = vec!["ssm".to_owned(), "secretsmanager".to_owned()];
    spec.platform.functions = Function::ALL
        .into_iter()
        .filter(|function| *function != Function::GitStore)
        .map(|function| (function, FunctionSpec::default()))
        .collect();
    let report = checked(&spec);
    assert!(report.passed(), "{report}");
}

/// An exemption that covers nothing any more should go.
#[test]
fn every_embedded_exemption_is_needed() {
    let report = checked(&spec());
    for exemption in Exemptions::embedded().expect("exemptions").all() {
        let used = report.exempted.iter().any(|exempted| exempted.exemption == *exemption);
        assert!(used, "{exemption:?}");
    }
}

#[test]
fn a_file_system_without_encryption_is_refused() {
    let mut spec = spec();
    spec.efs.encrypted = false;
    let report = checked(&spec);
    let places: Vec<String> = report.findings.iter().map(Finding::place).collect();
    assert_eq!(places, ["efs / FileSystem / Encrypted"], "{report}");
    assert!(!report.passed());
}
