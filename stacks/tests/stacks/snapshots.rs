//! The templates of two environments, to the byte.

use stacks::StackTemplate;
use stacks::spec::StackSpec;

use crate::specs;

fn template(spec: &StackSpec, name: &str) -> StackTemplate {
    let stacks = stacks::synthesize(spec).unwrap();
    stacks.into_iter().find(|stack| stack.name == name).unwrap()
}

macro_rules! snapshots {
    ($($test:ident: $spec:ident $stack:literal),* $(,)?) => { $(
        #[test]
        fn $test() {
            let yaml = template(&specs::$spec(), $stack).template.to_yaml();
            insta::assert_snapshot!(stringify!($test), yaml);
        }
    )* };
}

snapshots! {
    dev_artefacts: dev "artefacts",
    dev_identity: dev "identity",
    dev_network: dev "network",
    dev_efs: dev "efs",
    dev_observability: dev "observability",
    dev_budget: dev "budget",
    dev_platform: dev "platform",
    complete_platform: complete "platform",
    complete_identity: complete "identity",
    full_artefacts: full "artefacts",
    full_identity: full "identity",
    full_network: full "network",
    full_efs: full "efs",
    full_observability: full "observability",
    full_budget: full "budget",
    full_tenant: full "tenant-globex",
    one_zone_network: one_zone "network",
    one_zone_identity: one_zone "identity",
    one_zone_efs: one_zone "efs",
    one_zone_observability: one_zone "observability",
    one_zone_budget: one_zone "budget",
    two_region_tenant: two_region "tenant-globex",
    two_region_tenant_runtime: two_region "tenant-globex-runtime",
    two_region_network: two_region "network",
    two_region_runtime_identity: two_region "runtime-identity",
    two_region_runtime_network: two_region "runtime-network",
    two_region_peering: two_region "peering",
    two_region_runtime_peering: two_region "runtime-peering",
    two_region_metrics: two_region "metrics",
    two_region_agentcore: two_region "agentcore",
}
