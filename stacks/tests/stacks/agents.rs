//! Where agents run, in one region and in two.

use runtime_core::functions::Function;
use serde_json::Value;
use stacks::agentcore::{Agentcore, agentcore};
use stacks::cfn::Naming;
use stacks::construct::watch::Watch;
use stacks::identity::runtime_identity;
use stacks::network::runtime_network;
use stacks::spec::{AgentcoreSpec, Architecture, FunctionSpec, GatewaySpec, StackSpec, TokenSpec};
use stacks::{DeployValue, StackTemplate};

use crate::specs;

fn names(spec: &StackSpec) -> Vec<String> {
    let stacks = stacks::synthesize(spec).unwrap().into_iter();
    stacks.map(|stack| format!("{} {}", stack.region, stack.name)).collect()
}

fn find(spec: &StackSpec, name: &str) -> StackTemplate {
    let stacks = stacks::synthesize(spec).unwrap();
    stacks.into_iter().find(|stack| stack.name == name).unwrap()
}

/// What the deployer fills in from another region.
fn from_elsewhere(stack: &StackTemplate) -> Vec<String> {
    let outputs = stack.deploy_parameters.iter().filter_map(|parameter| match &parameter.value {
        DeployValue::Output { stack, region, output, .. } => {
            Some(format!("{region} {stack} {output}"))
        }
        _ => None,
    });
    outputs.collect()
}

#[test]
fn stacks_of_two_regions_in_order() {
    assert_eq!(
        names(&specs::two_region()),
        [
            "eu-west-2 artefacts",
            "eu-west-2 identity",
            "eu-west-2 network",
            "eu-west-1 runtime-identity",
            "eu-west-1 runtime-network",
            "eu-west-2 peering",
            "eu-west-1 runtime-peering",
            "eu-west-2 metrics",
            "eu-west-2 efs",
            "eu-west-2 platform",
            "eu-west-1 agentcore",
            "eu-west-2 observability",
            "eu-west-2 budget",
            "eu-west-2 tenant-globex",
            "eu-west-1 tenant-globex-runtime",
        ]
    );
}

#[test]
fn what_is_not_wanted_is_not_there() {
    let mut spec = specs::two_region();
    spec.agentcore.metrics.keep = false;
    assert!(!names(&spec).contains(&"eu-west-2 metrics".to_owned()));
    spec.agentcore = AgentcoreSpec::default();
    assert!(!names(&spec).contains(&"eu-west-1 agentcore".to_owned()));
    spec.runtime_region = spec.region.clone();
    spec.tenants.clear();
    assert_eq!(names(&spec).len(), names(&specs::dev()).len());
}

#[test]
fn in_one_region_agents_share_the_network_and_the_keys() {
    let mut spec = specs::two_region();
    spec.runtime_region = spec.region.clone();
    spec.network = spec.runtime_network.clone();
    let stack = find(&spec, "agentcore");
    assert_eq!(stack.region, "eu-west-2");
    assert_eq!(stack.depends_on, ["identity", "network"]);
    assert!(stack.deploy_parameters.is_empty());
    assert!(stack.template.resource("MetricStream").is_none());
}

#[test]
fn only_values_of_the_other_region_are_passed_by_the_deployer() {
    let spec = specs::two_region();
    assert_eq!(from_elsewhere(&find(&spec, "peering")), ["eu-west-1 runtime-network VpcId"]);
    let back = from_elsewhere(&find(&spec, "runtime-peering"));
    assert_eq!(back, ["eu-west-2 peering ConnectionId"]);
    assert_eq!(
        from_elsewhere(&find(&spec, "agentcore")),
        ["eu-west-2 metrics BucketArn", "eu-west-2 identity PlatformConfigKey"]
    );
}

/// Both ways: a route in every zone's table, to the other network's range.
#[test]
fn routes_lead_both_ways() {
    let spec = specs::two_region();
    for (name, range) in [("peering", "10.41.0.0/16"), ("runtime-peering", "10.40.0.0/16")] {
        let stack = find(&spec, name);
        let routes: Vec<Value> = stack
            .template
            .resources()
            .filter(|resource| resource.type_name == "AWS::EC2::Route")
            .map(|route| route.properties()["DestinationCidrBlock"].clone())
            .collect();
        assert_eq!(routes, [range, range], "{name}");
    }
}

/// The private ranges of each side are let in by the other side's endpoints and network
/// ACL, on the port of HTTPS alone.
#[test]
fn peers_reach_endpoints_and_nothing_else() {
    let spec = specs::two_region();
    let ranges = [
        ("network", ["10.41.16.0/20", "10.41.48.0/20"]),
        ("runtime-network", ["10.40.16.0/20", "10.40.48.0/20"]),
    ];
    for (name, peer) in ranges {
        let template = find(&spec, name).template;
        let of = |kind: &str| -> Vec<Value> {
            let all = template.resources().filter(|resource| resource.type_name == kind);
            all.map(|resource| resource.properties().clone()).collect()
        };
        let groups: Vec<Value> = of("AWS::EC2::SecurityGroupIngress")
            .into_iter()
            .filter(|rule| rule["CidrIp"].is_string())
            .collect();
        let ports: Vec<Value> = of("AWS::EC2::NetworkAclEntry")
            .into_iter()
            .filter(|rule| peer.iter().any(|range| rule["CidrBlock"] == *range))
            .filter(|rule| rule["Egress"] == false)
            .collect();
        assert_eq!((groups.len(), ports.len()), (2, 2), "{name}");
        for (index, range) in peer.iter().enumerate() {
            assert_eq!(groups[index]["CidrIp"], *range);
            assert_eq!(
                (&groups[index]["FromPort"], &groups[index]["ToPort"]),
                (&443.into(), &443.into())
            );
            assert_eq!(ports[index]["PortRange"], serde_json::json!({ "From": 443, "To": 443 }));
        }
    }
    let mut none = specs::two_region();
    none.network.endpoints = stacks::spec::Endpoints::None;
    let text = find(&none, "network").template.to_json();
    assert!(!text.contains("10.41."), "nothing to reach, and yet a rule for the peer");
}

/// With the functions that are not built yet, which `synthesize` refuses.
fn with_functions() -> Agentcore {
    let mut spec = specs::two_region();
    spec.agentcore = AgentcoreSpec {
        gateway: Some(GatewaySpec {
            tokens: Some(TokenSpec {
                discovery_url: "https://login.acme.example/.well-known/openid-configuration".into(),
                audiences: vec!["acme".into()],
                clients: vec!["agents".into()],
            }),
            semantic_search: true,
        }),
        functions: [Function::GatewayRequest, Function::GatewayResponse]
            .map(|function| (function, FunctionSpec::default()))
            .into(),
        ..AgentcoreSpec::default()
    };
    let naming = Naming::new("acme", "stage", "eu-west-1");
    let keys = runtime_identity(&naming).keys;
    let network = runtime_network(&naming, &spec.runtime_network, &keys, &spec.network).unwrap();
    let place = (&network).into();
    agentcore(&naming, &spec.agentcore, Architecture::Arm64, place, &keys, None)
}

#[test]
fn functions_look_at_what_passes_the_gateway() {
    let made = with_functions();
    let functions: Vec<_> = made
        .watched
        .iter()
        .filter_map(|watch| match watch {
            Watch::Function { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(functions, ["acme-stage-gateway-request", "acme-stage-gateway-response"]);
    let stack = made.stack.finish();
    assert!(stack.depends_on.contains(&"runtime-artefacts".to_owned()));
    let gateway = stack.template.resource("Gateway").unwrap();
    let points: Vec<_> = gateway.properties()["InterceptorConfigurations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["InterceptionPoints"][0], &one["Interceptor"]["Lambda"]["Arn"]["Ref"]))
        .collect();
    assert_eq!(
        points,
        [
            (&"REQUEST".into(), &"GatewayRequestAlias".into()),
            (&"RESPONSE".into(), &"GatewayResponseAlias".into())
        ]
    );
    assert_eq!(gateway.properties()["AuthorizerType"], "CUSTOM_JWT");
    insta::assert_snapshot!("gateway_with_functions", stack.template.to_yaml());
}
