//! The platform's infrastructure as typed Rust: a [`StackSpec`](spec::StackSpec)
//! goes in, CloudFormation templates come out. Nothing here talks to AWS, and the
//! same spec gives the same bytes.
//!
//! [`cfn`] is the toolkit; every other public function makes one stack with it.
#![forbid(unsafe_code)]

pub mod agentcore;
pub mod artefacts;
pub mod budget;
pub mod cfn;
pub mod construct;
pub mod efs;
pub mod identity;
pub mod metrics;
pub mod network;
pub mod platform;
pub mod spec;

mod elsewhere;
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
    let network = if spec.two_regions() {
        network::peered_network(&home, &spec.network, keys, &spec.runtime_network)
    } else {
        network::network(&home, &spec.network, keys)
    };
    let network = network.map_err(failed)?;
    let elsewhere = elsewhere::Elsewhere::of(spec, keys, &network).map_err(failed)?;
    let efs = efs::efs(&home, &spec.efs, spec.architecture, &network, keys);
    let platform = platform::platform(&home, &spec.platform, &spec.tiers, &network, keys);
    let agentcore = (!spec.agentcore.is_empty()).then(|| {
        let (place, keys) = match &elsewhere {
            Some(elsewhere) => ((&elsewhere.network).into(), &elsewhere.identity.keys),
            None => ((&network).into(), keys),
        };
        let metrics = elsewhere.as_ref().and_then(|elsewhere| elsewhere.metrics.as_ref());
        let naming = home.in_region(&spec.runtime_region);
        agentcore::agentcore(&naming, &spec.agentcore, spec.architecture, place, keys, metrics)
    });
    let budget = budget::budget(&home, &spec.budget);

    let mut stacks = vec![artefacts.stack, identity.stack, network.stack];
    stacks.extend(elsewhere.into_iter().flat_map(elsewhere::Elsewhere::stacks));
    stacks.extend([efs.stack, platform.stack]);
    stacks.extend(agentcore.map(|agentcore| agentcore.stack));
    stacks.push(budget.stack);
    Ok(stacks.into_iter().map(cfn::Stack::finish).collect())
}
