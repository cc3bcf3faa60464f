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
    dev_budget: dev "budget",
    full_artefacts: full "artefacts",
    full_identity: full "identity",
    full_network: full "network",
    full_efs: full "efs",
    full_budget: full "budget",
    one_zone_network: one_zone "network",
    one_zone_efs: one_zone "efs",
    one_zone_budget: one_zone "budget",
}
