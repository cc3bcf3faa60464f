//! The permissions that deploying stacks needs, derived from their templates: the
//! provider schemas say which actions CloudFormation calls for each type, and names of
//! ours say on which resources.

mod actions;
mod boundary;
mod packing;
mod scope;
mod statements;

pub(crate) use packing::POLICIES_OF_A_ROLE;
pub use packing::{MANAGED_POLICY_SIZE, size};
pub use scope::{Account, Scope};

pub(crate) use boundary::boundary;

use crate::StackTemplate;
use crate::cfn::Value;
use crate::cfn::iam::PolicyDocument;

/// Who the permissions are for.
#[derive(Debug, Clone)]
pub enum Holder {
    /// Somebody who makes and removes all of an environment, its identity stack included.
    Operator,
    /// A pipeline that deploys. It makes roles only within the boundary, and cannot
    /// change what it is itself allowed.
    Deployer {
        /// The ARN of the policy that bounds every role it makes.
        boundary: Value<String>,
    },
    /// CloudFormation, when it makes the stacks of tenants. Who starts them has
    /// permissions of their own for that.
    Tenants {
        /// The ARN of the policy that bounds every role it makes.
        boundary: Value<String>,
    },
    /// A pipeline that looks at what a deploy would do.
    Planner,
}

/// The least-privilege policies for handling `templates`: as few documents as hold all
/// statements, each small enough for a managed policy. They belong together; a role
/// takes up to ten.
///
/// ```
/// use stacks::permissions::{Account, Holder, Scope, policies};
///
/// let spec = stacks::spec::StackSpec::new("acme", "dev", "eu-west-2");
/// let templates = stacks::synthesize(&spec)?;
/// let account = Account::Known("111122223333".to_owned());
/// let scope = Scope::new(&spec.naming(), &templates, account);
/// assert!(policies(&templates, &scope, &Holder::Operator).len() <= 10);
/// # Ok::<(), stacks::SpecErrors>(())
/// ```
pub fn policies(
    templates: &[StackTemplate],
    scope: &Scope,
    holder: &Holder,
) -> Vec<PolicyDocument> {
    packing::pack(statements::statements(templates, scope, holder))
}

#[cfg(test)]
mod tests;
