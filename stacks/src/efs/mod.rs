//! The efs stack: the shared file system and the `git-store` function on it.

mod files;

use runtime_core::functions::Function;
use runtime_core::names::STORE_ROOT;
use serde_json::json;

use crate::cfn::aws::lambda::function;
use crate::cfn::iam::{Operator, Statement};
use crate::cfn::{Naming, Options, Published, Stack, Value, select};
use crate::construct::function::{OurFunction, Surroundings};
use crate::construct::turn::Turn;
use crate::construct::watch::Watch;
use crate::identity::Keys;
use crate::network::Network;
use crate::spec::{Architecture, EfsSpec, Storage};
use files::Files;

/// How often all wikis are maintained: cold reads are slow from about a thousand commits
/// after the last time, and one call goes on for as long as an invocation may.
const MAINTAIN: &str = "rate(1 hour)";

/// Where the function finds the access point.
const MOUNT_PATH: &str = "/mnt/pages";

/// What the stack gives to others.
#[derive(Debug)]
pub struct Efs {
    /// The id of the file system.
    pub file_system_id: Published<String>,
    /// The name of the `git-store` function.
    pub git_store_name: Published<String>,
    /// The ARN of the alias of the `git-store` function.
    pub git_store_arn: Published<String>,
    /// What is to be watched.
    pub watched: Vec<Watch>,
    /// The stack itself.
    pub stack: Stack,
}

/// One encrypted file system, reachable only through its access point, and the
/// function that keeps git repositories on it.
///
/// ```
/// use stacks::spec::{Architecture, EfsSpec, IdentitySpec, NetworkSpec};
/// use stacks::{cfn::Naming, efs::efs, identity::identity, network::network};
///
/// let naming = Naming::new("acme", "dev", "eu-west-2");
/// let keys = identity(&naming, &IdentitySpec::default()).keys;
/// let network = network(&naming, &NetworkSpec::default(), &keys)?;
/// let efs = efs(&naming, &EfsSpec::default(), Architecture::Arm64, &network, &keys);
/// assert_eq!(efs.stack.finish().depends_on, ["network", "artefacts", "identity"]);
/// # Ok::<(), stacks::SpecError>(())
/// ```
pub fn efs(
    naming: &Naming,
    spec: &EfsSpec,
    architecture: Architecture,
    network: &Network,
    keys: &Keys,
) -> Efs {
    let mut stack = Stack::new("efs", naming);
    stack.describe("The shared file system and the git-store function on it");

    let subnets = private_subnets(&mut stack, spec.storage, network);
    let group = stack.import(&network.lambda_group);
    let files_group = stack.import(&network.efs_group);
    let around = Surroundings::new(&mut stack, architecture, subnets.clone(), group, keys);

    let files = files::files(
        &mut stack,
        spec,
        around.data_key(),
        &subnets,
        &files_group,
        &network.first_zone,
    );
    let mount = function::FileSystemConfig::new(files.access_point.arn(), MOUNT_PATH);
    // Lambda mounts the file system when it creates the function.
    let mounted = Options::new().depends_on_all(&files.mount_targets);
    let git_store = OurFunction::new(
        Function::GitStore,
        &spec.git_store,
        "Keeps wikis as git repositories on the shared file system",
    )
    .variable(STORE_ROOT, MOUNT_PATH)
    .may("files", [use_files(&files)])
    .mounts(mount, mounted)
    .add(&mut stack, &around);

    let turn = Turn {
        function: Function::GitStore.name(),
        name: "maintain",
        rate: MAINTAIN,
        input: json!({ "operation": "maintain" }),
        description: "Puts the packs of many commits into few",
    };
    turn.add(&mut stack, &git_store, around.data_key());

    stack.output("GitStoreLogGroup", git_store.logs.id());
    stack.output("GitStoreDeadLetters", git_store.dead_letters.queue_url());
    Efs {
        file_system_id: stack.publish("file-system-id", files.system.id()),
        git_store_name: stack.publish("git-store-name", git_store.function.id()),
        git_store_arn: stack.publish("git-store-arn", git_store.alias.id()),
        watched: git_store.watched,
        stack,
    }
}

fn use_files(files: &Files) -> Statement {
    Statement::allow(["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"])
        .sid("Files")
        .resource(files.system.arn())
        .when(Operator::StringEquals, "elasticfilesystem:AccessPointArn", files.access_point.arn())
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
