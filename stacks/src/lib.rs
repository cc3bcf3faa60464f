//! The platform's infrastructure as typed Rust: a [`StackSpec`](spec::StackSpec)
//! goes in, CloudFormation templates come out. Nothing here talks to AWS, and the
//! same spec gives the same bytes.
//!
//! [`cfn`] is the toolkit; every other public function makes one stack with it.
#![forbid(unsafe_code)]

pub mod artefacts;
pub mod budget;
pub mod cfn;
pub mod construct;
pub mod efs;
pub mod identity;
pub mod network;
pub mod permissions;
pub mod platform;
pub mod spec;

mod error;
mod subnets;
mod validate;

pub use cfn::{DeployParameter, DeployValue, StackTemplate, Template};
pub use error::{SpecError, SpecErrors};

/// All stacks of an environment, each after those it depends on.
///
/// ```
/// use stacks::spec::StackSpec;
///
/// let spec = StackSpec::new("acme", "dev", "eu-west-2");
/// let stacks = stacks::synthesize(&spec)?;
/// let names: Vec<_> = stacks.iter().map(|stack| stack.name.as_str()).collect();
/// assert_eq!(names, ["artefacts", "identity", "network", "efs", "platform", "budget"]);
/// # Ok::<(), stacks::SpecErrors>(())
/// ```
pub fn synthesize(spec: &spec::StackSpec) -> Result<Vec<StackTemplate>, SpecErrors> {
    validate::validate(spec)?;
    let failed = |error| SpecErrors(vec![error]);
    let home = spec.naming();
    let artefacts = artefacts::artefacts(&home);
    let identity = identity::identity(&home, &spec.identity);
    let keys = &identity.keys;
    let network = network::network(&home, &spec.network, keys).map_err(failed)?;
    let efs = efs::efs(&home, &spec.efs, spec.architecture, &network, keys);
    let platform = platform::platform(&home, &spec.platform, &spec.tiers, &network, keys);
    let budget = budget::budget(&home, &spec.budget);
    let before = artefacts.stack.finish();
    let after = [network.stack, efs.stack, platform.stack, budget.stack];
    let mut stacks: Vec<_> = after.into_iter().map(cfn::Stack::finish).collect();
    // Pipelines may do what the others need; their place in the order stays.
    stacks.insert(0, before);
    let identity = identity::finish(identity, &home, &spec.identity, &stacks)?;
    stacks.insert(1, identity);
    Ok(stacks)
}
