//! Platforms larger than that of `examples/dev`: two regions, and tenants' own stacks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::platform::{Platform, block_on};
use crate::seen::{SeenStack, are_complete};

const HOME: &str = "eu-west-2";
const AWAY: &str = "eu-west-1";
const PREFIX: &str = "acme-stage-";

/// The stacks of both regions, each where its template says.
fn stacks(platform: &Platform) -> BTreeMap<String, SeenStack> {
    let mut all = BTreeMap::new();
    for region in [HOME, AWAY] {
        let wanted: BTreeSet<String> = platform
            .synthesized()
            .into_iter()
            .filter(|stack| stack.region == region)
            .map(|stack| stack.name)
            .collect();
        let found = platform.stacks_of(PREFIX, region);
        assert!(found.keys().all(|name| wanted.contains(name)), "{region}: {:?}", found.keys());
        all.extend(found);
    }
    all
}

#[test]
fn two_regions_are_one_platform() {
    let platform = Platform::of("two-region");
    platform.local(&["status"]).exits(0).prints("not deployed").prints(AWAY);
    let deployed = platform.local(&["deploy"]).exits(0).prints(AWAY).prints("created");
    let first = stacks(&platform);
    are_complete(&first, &platform.templates());
    let outputs = |name: &str, output: &str| first[name].outputs[output].clone();

    // Dependency order: nothing begins before what it needs has ended.
    let finished: Vec<&str> = deployed
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix(" ✓ deploy ")?.split_whitespace().next())
        .collect();
    let position = |name: &str| finished.iter().position(|it| *it == name).unwrap();
    let mut crossed = 0;
    for stack in platform.synthesized() {
        for need in &stack.depends_on {
            assert!(position(need) < position(&stack.name), "{need}, {}: {finished:?}", stack.name);
            let of_need = platform.synthesized().into_iter().find(|it| it.name == *need).unwrap();
            crossed += usize::from(of_need.region != stack.region);
        }
    }
    assert!(crossed >= 3, "{crossed} dependencies between regions");
    // What one region made is a value in the other.
    let client = platform.aws_in(AWAY).cloudformation;
    let routes = client.describe_stacks().stack_name("acme-stage-runtime-peering").send();
    let routes = block_on(routes).unwrap();
    let parameters: Vec<_> =
        routes.stacks()[0].parameters().iter().filter_map(|it| it.parameter_value()).collect();
    let peering = outputs("peering", "ConnectionId");
    assert!(parameters.contains(&peering.as_str()), "{parameters:?}");
    // Names of hosts are those of the region.
    assert!(outputs("runtime-network", "AgentcoreHost").contains(AWAY));
    assert!(outputs("runtime-identity", "TenantDataKey").contains(AWAY));
    assert!(outputs("identity", "TenantDataKey").contains(HOME));

    platform.local(&["deploy"]).exits(0).prints("nothing to change");
    assert_eq!(stacks(&platform), first);
    platform.local(&["diff", "--detailed-exitcode"]).exits(0).prints("no changes");
    let status = platform.local(&["status", "-o", "json"]).exits(0).json();
    for row in status["stacks"].as_array().unwrap() {
        let stack = &first[row["name"].as_str().unwrap()];
        assert_eq!(row["resources"], stack.resources.len());
        assert_eq!((&row["status"], &row["protected"]), (&"CREATE_COMPLETE".into(), &true.into()));
    }
    platform.local(&["status"]).exits(0).prints(HOME).prints(AWAY);
    let shown = platform.local(&["outputs"]).exits(0).stdout;
    let row = shown.lines().find(|line| line.contains("runtime-network.VpcId")).unwrap();
    assert!(row.contains(AWAY) && row.contains(&outputs("runtime-network", "VpcId")), "{row}");

    destroyed_with_what_it_keeps(&platform, &first);
}

/// Destroys a protected platform; only what its templates retain stays, in both regions.
fn destroyed_with_what_it_keeps(platform: &Platform, first: &BTreeMap<String, SeenStack>) {
    let all =
        ["destroy", "--with-artefacts", "--yes", "--reason", "the test is over", "-o", "json"];
    platform.local(&all).exits(1).complains("protected against deletion");
    assert_eq!(&stacks(platform), first);
    platform.edit("protect: true", "protect: false");
    platform.local(&["deploy"]).exits(0).prints("updated");
    let report = platform.local(&all).exits(0).json();
    assert_eq!(stacks(platform), BTreeMap::new());

    let mut kept = BTreeMap::new();
    for row in report["stacks"].as_array().unwrap() {
        assert_eq!(row["status"], "deleted", "{row}");
        for (id, physical) in row["retained"].as_object().unwrap() {
            let stack = row["name"].as_str().unwrap();
            assert_eq!(physical, &first[stack].resources[id].1);
            kept.insert((stack.to_owned(), id.clone()), physical.clone());
        }
    }
    let mut wanted = BTreeSet::new();
    for stack in platform.synthesized() {
        for resource in stack.template.resources() {
            let retained = resource.body["DeletionPolicy"].as_str().unwrap_or_default();
            if retained.starts_with("Retain") {
                wanted.insert((stack.name.clone(), resource.id.to_owned()));
                // Data, and what the account has once.
                let data = ["S3", "KMS", "EFS", "DynamoDB", "BedrockAgentCore"];
                let service = resource.type_name.split("::").nth(1).unwrap();
                assert!(data.contains(&service) || resource.id == "ApiLogRole", "{}", resource.id);
            }
        }
    }
    assert_eq!(kept.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    // The buckets are there, except that of the artefacts, which was asked for.
    let buckets = block_on(platform.aws().s3.list_buckets().send()).unwrap();
    let left: BTreeSet<_> =
        buckets.buckets().iter().filter_map(|it| it.name()).map(str::to_owned).collect();
    let artefacts = |name: &String| name.contains("-artefacts-");
    let rest: BTreeSet<_> =
        platform.buckets().into_iter().filter(|name| !artefacts(name)).collect();
    assert_eq!(left, rest);

    platform.local(&["deploy"]).exits(1).complains("what an earlier destroy kept");
    assert_eq!(stacks(platform), BTreeMap::new());
    platform.run(&["local", "reset", "--yes"]).exits(0);
    platform.local(&["deploy"]).exits(0).prints("created");
    are_complete(&stacks(platform), &platform.templates());
}

#[test]
fn tenants_with_stacks_of_their_own_are_deployed_beside_each_other() {
    let platform = Platform::of("many-tenants");
    let file = platform.path("platform.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let own = |number: usize| format!("tenant-{number:03}, tier: premium");
    // Five of the hundreds; the pooled ones stay.
    let few: Vec<&str> = text
        .lines()
        .filter(|line| {
            !line.contains("{ id: tenant-")
                || !line.contains("tier: premium")
                || (1..=5).any(|number| line.contains(&own(number)))
        })
        .collect();
    fs::write(&file, few.join("\n")).unwrap();
    let tenants: Vec<_> =
        platform.names().into_iter().filter(|name| name.starts_with("tenant-")).collect();
    assert_eq!(tenants.len(), 5);

    let there = || platform.stacks_of("acme-many-", HOME);
    platform.local(&["deploy", "--concurrency", "3"]).exits(0).prints("created");
    are_complete(&there(), &platform.templates());
    // One template, values of their own.
    let roles: BTreeSet<String> =
        tenants.iter().map(|name| there()[name].outputs["RoleArn"].clone()).collect();
    assert_eq!(roles.len(), 5);
    platform.local(&["deploy", "tenant-*"]).exits(0).prints("nothing to change");
    let status = platform.local(&["status", "-o", "json"]).exits(0).json();
    let whole = |row: &Value| row["status"] == "CREATE_COMPLETE";
    assert!(status["stacks"].as_array().unwrap().iter().all(whole), "{status}");
}
