//! The platform's infrastructure as typed Rust: a [`StackSpec`](spec::StackSpec)
//! goes in, CloudFormation templates come out. Nothing here talks to AWS, and the
//! same spec gives the same bytes.
//!
//! [`cfn`] is the toolkit; every other public function makes one stack with it.
#![forbid(unsafe_code)]

pub mod artefacts;
pub mod budget;
pub mod cfn;
pub mod efs;
pub mod network;
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
/// let names: Vec<_> = stacks.iter().map(|stack| stack.stack_name.as_str()).collect();
/// assert_eq!(names, ["acme-dev-artefacts", "acme-dev-network", "acme-dev-efs", "acme-dev-budget"]);
/// # Ok::<(), stacks::SpecErrors>(())
/// ```
pub fn synthesize(spec: &spec::StackSpec) -> Result<Vec<StackTemplate>, SpecErrors> {
    validate::validate(spec)?;
    let naming = spec.naming();
    let artefacts = artefacts::artefacts(&naming);
    let network =
        network::network(&naming, &spec.network).map_err(|error| SpecErrors(vec![error]))?;
    let efs = efs::efs(&naming, &spec.efs, &network);
    let budget = budget::budget(&naming, &spec.budget);
    let stacks = [artefacts.stack, network.stack, efs.stack, budget.stack];
    Ok(stacks.into_iter().map(|stack| stack.finish(&spec.region)).collect())
}
