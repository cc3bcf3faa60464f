//! The stacks that come with platformctl, under the rules that come with it.

use platformctl::guard::invariants::invariants;
use platformctl::guard::{CheckReport, Exemptions, Finding, RuleSet, check_with};
use serde_json::Value;
use stacks::spec::{
    IdentitySpec, Nat, PipelineProvider, PipelineSpec, StackSpec, StageKind, StageSpec, StageStacks,
};

use crate::TODAY;

fn checked(spec: &StackSpec) -> CheckReport {
    let stacks = stacks::synthesize(spec).expect("stacks");
    let templates: Vec<(&str, &Value)> =
        stacks.iter().map(|stack| (stack.name.as_str(), stack.template.as_value())).collect();
    let exemptions = Exemptions::embedded().expect("exemptions");
    let between = invariants(&stacks);
    check_with(&templates, &RuleSet::embedded(), &exemptions, TODAY, between).expect("a report")
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
    spec.identity = identity();
    let report = checked(&spec);
    assert!(report.passed(), "{report}");
}

/// A pipeline that plans and one that deploys.
fn identity() -> IdentitySpec {
    let stage = |name: &str, kind| StageSpec {
        name: name.to_owned(),
        branch: "main".to_owned(),
        environment: None,
        kind,
        stacks: StageStacks::All,
    };
    let pipeline = PipelineSpec {
        provider: PipelineProvider::GitHub { subject: None },
        project: "acme/wiki".to_owned(),
        existing_provider: false,
        stages: vec![stage("plan", StageKind::Plan), stage("deploy", StageKind::Deploy)],
    };
    IdentitySpec { pipelines: vec![pipeline], issuers: Vec::new() }
}

/// An exemption that covers nothing any more should go.
#[test]
fn every_embedded_exemption_is_needed() {
    let mut spec = spec();
    spec.identity = identity();
    let report = checked(&spec);
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
