//! The identity stack: keys, pipelines, and who signs users in.

mod keys;

use crate::cfn::{Naming, Published, Stack};
use crate::spec::IdentitySpec;

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

/// Who may do what, and the keys that keep data to itself.
///
/// ```
/// use stacks::{cfn::Naming, identity::identity, spec::IdentitySpec};
///
/// let identity = identity(&Naming::new("acme", "dev", "eu-west-2"), &IdentitySpec::default());
/// assert_eq!(identity.keys.logs.path(), "/acme/dev/identity/logs-key");
/// ```
pub fn identity(naming: &Naming, spec: &IdentitySpec) -> Identity {
    let IdentitySpec {} = spec;
    let mut stack = Stack::new("identity", naming);
    stack.describe("Keys, pipelines, and who signs users in");
    let keys = keys::keys(&mut stack);
    Identity { keys, stack }
}

/// The keys of the runtime region: a key stays in its region.
pub fn runtime_identity(naming: &Naming) -> Identity {
    let mut stack = Stack::new("runtime-identity", naming);
    stack.describe("Keys of the region in which agents run");
    let keys = keys::keys(&mut stack);
    Identity { keys, stack }
}
