//! The stacks that come with platformctl, under the rules that come with it.

use platformctl::guard::invariants::invariants;
use platformctl::guard::{CheckReport, Exemptions, Finding, RuleSet, check_with};
use runtime_core::functions::Function;
use serde_json::Value;
use stacks::spec::{
    Endpoints, FunctionSpec, GatewaySpec, IdentitySpec, MemorySpec, Nat, PipelineProvider,
    PipelineSpec, RuntimeSpec, StackSpec, StageKind, StageSpec, StageStacks, Strategy, TokenSpec,
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
    spec.network.endpoints = Endpoints::Platform;
    spec.platform.functions = Function::ALL
        .into_iter()
        .filter(|function| *function != Function::GitStore)
        .map(|function| (function, FunctionSpec::default()))
        .collect();
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

/// With agents in a region of their own.
fn two_regions() -> StackSpec {
    let mut spec = spec();
    spec.runtime_region = "eu-west-1".into();
    spec.network.endpoints = Endpoints::Platform;
    spec.runtime_network.endpoints = Endpoints::Platform;
    spec.runtime_network.nat = Nat::Single;
    spec.runtime_network.flow_logs = true;
    spec.agentcore.runtime = Some(RuntimeSpec {
        image: Some("111122223333.dkr.ecr.eu-west-1.amazonaws.com/agents:1".to_owned()),
        models: vec!["eu.amazon.nova-lite-v1:0".to_owned()],
        ..RuntimeSpec::default()
    });
    spec.agentcore.memory =
        Some(MemorySpec { strategies: vec![Strategy::Facts], ..MemorySpec::default() });
    spec.agentcore.gateway = Some(GatewaySpec {
        tokens: Some(TokenSpec {
            discovery_url: "https://login.acme.example/.well-known/openid-configuration".to_owned(),
            audiences: vec!["acme".to_owned()],
            clients: Vec::new(),
        }),
        semantic_search: true,
    });
    spec
}

#[test]
fn what_a_second_region_adds_passes() {
    let report = checked(&two_regions());
    let added = ["runtime-identity", "runtime-network", "peering", "metrics", "agentcore"];
    let findings: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| added.iter().any(|stack| finding.place().starts_with(stack)))
        .map(Finding::place)
        .collect();
    assert!(findings.is_empty(), "{report}");
    let registry = report.exempted.iter().find(|it| it.exemption.stack == "agentcore");
    assert!(registry.is_some(), "agentcore was not looked at");
}

/// An exemption that covers nothing any more should go.
#[test]
fn every_embedded_exemption_is_needed() {
    let mut with_pipelines = spec();
    with_pipelines.identity = identity();
    let reports = [checked(&with_pipelines), checked(&two_regions())];
    for exemption in Exemptions::embedded().expect("exemptions").all() {
        let used = reports
            .iter()
            .flat_map(|report| &report.exempted)
            .any(|exempted| exempted.exemption == *exemption);
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
