//! The efs stack: the shared file system and the `git-store` function on it.

mod files;
mod function;
mod key;

use runtime_core::names::GIT_STORE;

use crate::cfn::{DeployValue, Naming, Published, Stack, Value, select};
use crate::network::Network;
use crate::spec::{EfsSpec, Storage};

/// What the stack gives to others.
#[derive(Debug)]
pub struct Efs {
    /// The id of the file system.
    pub file_system_id: Published<String>,
    /// The name of the `git-store` function.
    pub git_store_name: Published<String>,
    /// The ARN of the `git-store` function.
    pub git_store_arn: Published<String>,
    /// The stack itself.
    pub stack: Stack,
}

/// One encrypted file system, reachable only through its access point, and the
/// function that keeps git repositories on it.
///
/// ```
/// use stacks::spec::{EfsSpec, NetworkSpec};
/// use stacks::{cfn::Naming, efs::efs, network::network};
///
/// let naming = Naming::new("acme", "dev");
/// let network = network(&naming, &NetworkSpec::default())?;
/// let efs = efs(&naming, &EfsSpec::default(), &network);
/// assert_eq!(efs.stack.finish("eu-west-2").depends_on, ["network", "artefacts"]);
/// # Ok::<(), stacks::SpecError>(())
/// ```
pub fn efs(naming: &Naming, spec: &EfsSpec, network: &Network) -> Efs {
    let mut stack = Stack::new("efs", naming);
    stack.describe("The shared file system and the git-store function on it");

    let place = function::Place {
        subnets: private_subnets(&mut stack, spec.storage, network),
        group: stack.import(&network.lambda_group),
        bucket: stack.deploy_parameter("ArtefactBucket", DeployValue::ArtefactBucket),
        key: stack.deploy_parameter(
            "GitStoreCodeKey",
            DeployValue::CodeKey { function: GIT_STORE.into() },
        ),
    };
    let files_group = stack.import(&network.efs_group);

    let name = naming.name(GIT_STORE);
    let log_group = format!("/aws/lambda/{name}");
    let key = key::key(&mut stack, naming, &log_group);
    let files =
        files::files(&mut stack, spec, &key, &place.subnets, &files_group, &network.first_zone);
    let logs = function::logs(&mut stack, spec, &log_group, &key);
    let dead_letters = function::dead_letters(&mut stack, &name);
    let role = function::role(&mut stack, &name, &files, &logs, &dead_letters);
    let git_store =
        function::function(&mut stack, spec, &name, &place, &files, &logs, &dead_letters, &role);

    stack.output("GitStoreLogGroup", logs.id());
    stack.output("GitStoreDeadLetters", dead_letters.queue_url());
    Efs {
        file_system_id: stack.publish("file-system-id", files.system.id()),
        git_store_name: stack.publish("git-store-name", git_store.id()),
        git_store_arn: stack.publish("git-store-arn", git_store.arn()),
        stack,
    }
}

/// The subnets with a mount target. A function has to stay in these zones; storage
/// in one zone has its only mount target there.
fn private_subnets(stack: &mut Stack, storage: Storage, network: &Network) -> Vec<Value<String>> {
    let subnets = stack.import(&network.private_subnets);
    let zones = match storage {
        Storage::Regional => network.zones,
        Storage::OneZone => 1,
    };
    (0..zones).map(|zone| select(zone, &subnets)).collect()
}
