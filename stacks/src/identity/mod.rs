//! The identity stack: keys, pipelines, and who signs users in.

mod issuers;
mod keys;
mod pipelines;
pub(crate) mod tenants;
mod trust;

pub(crate) use pipelines::IDENTITY_STACKS;

use crate::cfn::{Naming, Published, Stack, Value, arn};
use crate::spec::IdentitySpec;
use crate::{SpecError, SpecErrors, StackTemplate};

/// ARNs of the KMS keys, one for each class of data.
#[derive(Debug, Clone)]
pub struct Keys {
    /// For what tenants own: files, tables, results, queues.
    pub tenant_data: Published<String>,
    /// For what the platform is configured with: secrets, topics, its own tables.
    pub platform_config: Published<String>,
    /// For logs.
    pub logs: Published<String>,
}

/// What the stack gives to others.
#[derive(Debug)]
pub struct Identity {
    /// The keys.
    pub keys: Keys,
    /// The stack itself.
    pub stack: Stack,
}

/// Who may do what, and the keys that keep data to itself. [`finish`] adds pipelines,
/// once the stacks that they deploy are known.
///
/// ```
/// use stacks::{cfn::Naming, identity::identity, spec::IdentitySpec};
///
/// let identity = identity(&Naming::new("acme", "dev", "eu-west-2"), &IdentitySpec::default());
/// assert_eq!(identity.keys.logs.path(), "/acme/dev/identity/logs-key");
/// ```
pub fn identity(naming: &Naming, spec: &IdentitySpec) -> Identity {
    let mut stack = Stack::new("identity", naming);
    stack.describe("Keys, pipelines, and who signs users in");
    let keys = keys::keys(&mut stack);
    issuers::issuers(&mut stack, &spec.issuers);
    Identity { keys, stack }
}

/// The finished stack: pipelines may do what the `others` need, and no more, and
/// CloudFormation what the templates of `tenants` need, for the provisioner.
///
/// # Errors
///
/// When a stage names a stack that is not there, or needs more than IAM has room for.
pub fn finish(
    identity: Identity,
    naming: &Naming,
    spec: &IdentitySpec,
    others: &[StackTemplate],
    tenants: &[StackTemplate],
) -> Result<StackTemplate, SpecErrors> {
    let mut stack = identity.stack;
    if let Some(arn) = naming.boundary() {
        let bounded = [others, tenants].concat();
        pipelines::boundary(&mut stack, naming, &arn, &bounded).map_err(one)?;
        if !tenants.is_empty() {
            tenants::role(&mut stack, naming, arn, tenants).map_err(one)?;
        }
    }
    pipelines::pipelines(&mut stack, naming, spec, others)?;
    Ok(stack.finish())
}

fn one(error: SpecError) -> SpecErrors {
    SpecErrors(vec![error])
}

/// The keys of the runtime region: a key stays in its region.
pub fn runtime_identity(naming: &Naming) -> Identity {
    let mut stack = Stack::new("runtime-identity", naming);
    stack.describe("Keys of the region in which agents run");
    let keys = keys::keys(&mut stack);
    Identity { keys, stack }
}

/// Below this are the issuers, by name: `<issuer>/issuer`, `/audience`, `/jwks-url` and
/// `/role-claim`.
///
/// ```
/// use stacks::{cfn::Naming, identity::issuers_path};
///
/// let naming = Naming::new("acme", "dev", "eu-west-2");
/// assert_eq!(issuers_path(&naming), "/acme/dev/identity/issuers");
/// ```
pub fn issuers_path(naming: &Naming) -> String {
    naming.ssm_path("identity", "issuers")
}

/// The ARN of all parameters of issuers, for the role that checks users' tokens.
pub fn issuers_arn(naming: &Naming) -> Value<String> {
    arn("ssm", &format!("parameter{}/*", issuers_path(naming)))
}
