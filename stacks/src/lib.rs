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
pub mod observability;
pub mod platform;
pub mod spec;
pub mod tenant;

mod error;
mod quotas;
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
/// assert_eq!(names, ["artefacts", "identity", "network", "efs", "platform", "observability", "budget"]);
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
    let watched = [efs.watched.as_slice(), &platform.watched].concat();
    let observability = observability::observability(
        &home,
        &spec.observability,
        keys,
        &watched,
        &["efs", "platform"],
    );
    let budget = budget::budget(&home, &spec.budget);
    let away = home.in_region(&spec.runtime_region);
    let runtime_identity = spec.two_regions().then(|| identity::runtime_identity(&away));
    let runtime_keys = runtime_identity.as_ref().map_or(keys, |identity| &identity.keys);
    let tenants = tenant::stacks(spec, &platform, keys, runtime_keys);
    let shared = [artefacts.stack, identity.stack, network.stack, efs.stack, platform.stack];
    let mut stacks: Vec<_> = shared
        .into_iter()
        .chain(runtime_identity.map(|identity| identity.stack))
        .map(cfn::Stack::finish)
        .collect();
    stacks.extend(tenants);
    stacks.push(observability.stack.finish());
    stacks.push(budget.stack.finish());
    quotas::check(&stacks, spec)?;
    Ok(stacks)
}
