//! The file system, its mount targets and its access point.

use crate::cfn::aws::efs::{self, access_point, file_system};
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Handle, Options, Stack, Value};
use crate::spec::{EfsSpec, Storage};

/// The folder of the file system that functions see as their root.
const ROOT: &str = "/pages";

/// What a client may do with files, all told.
const CLIENT: [&str; 3] = [
    "elasticfilesystem:ClientMount",
    "elasticfilesystem:ClientRootAccess",
    "elasticfilesystem:ClientWrite",
];

/// The file system and the ways to it.
pub(super) struct Files {
    pub(super) system: Handle<efs::FileSystem>,
    pub(super) access_point: Handle<efs::AccessPoint>,
    pub(super) mount_targets: Vec<Handle<efs::MountTarget>>,
}

pub(super) fn files(
    stack: &mut Stack,
    spec: &EfsSpec,
    key: &Value<String>,
    subnets: &[Value<String>],
    group: &Value<String>,
    zone: &Value<String>,
) -> Files {
    let system =
        stack.add_with("FileSystem", file_system(spec, key, zone), Options::new().retain());
    let mount_targets = ('A'..='Z')
        .zip(subnets)
        .map(|(letter, subnet)| {
            let target = efs::MountTarget::new(system.id(), [group], subnet);
            stack.add(format!("MountTarget{letter}"), target)
        })
        .collect();
    let access_point = stack.add("AccessPoint", access_point(&system, spec.posix_id));
    Files { system, access_point, mount_targets }
}

fn file_system(spec: &EfsSpec, key: &Value<String>, zone: &Value<String>) -> efs::FileSystem {
    let backup =
        if spec.backup { file_system::Status::Enabled } else { file_system::Status::Disabled };
    let system = efs::FileSystem::new()
        .encrypted(spec.encrypted)
        .performance_mode(file_system::PerformanceMode::GeneralPurpose)
        .throughput_mode(file_system::ThroughputMode::Elastic)
        .lifecycle_policies(lifecycle(spec.archive_after_days))
        .backup_policy(file_system::BackupPolicy::new(backup))
        .file_system_policy(policy());
    let system = if spec.encrypted { system.kms_key_id(key) } else { system };
    match spec.storage {
        Storage::Regional => system,
        // The network puts its first subnets into the same zone.
        Storage::OneZone => system.availability_zone_name(zone),
    }
}

/// Files that nobody reads move to cheaper storage, and back when somebody does.
fn lifecycle(days: u16) -> [file_system::LifecyclePolicy; 2] {
    use file_system::{LifecyclePolicy, TransitionToIa, TransitionToPrimaryStorageClass};
    let idle = match days {
        1 => TransitionToIa::After1Day,
        7 => TransitionToIa::After7Days,
        14 => TransitionToIa::After14Days,
        60 => TransitionToIa::After60Days,
        90 => TransitionToIa::After90Days,
        180 => TransitionToIa::After180Days,
        270 => TransitionToIa::After270Days,
        365 => TransitionToIa::After365Days,
        // The default; other values are refused before synthesis.
        _ => TransitionToIa::After30Days,
    };
    [
        LifecyclePolicy::new().transition_to_ia(idle),
        LifecyclePolicy::new()
            .transition_to_primary_storage_class(TransitionToPrimaryStorageClass::After1Access),
    ]
}

/// Nothing without TLS, nothing but through an access point and a mount target, and
/// then what a role's own policy allows.
///
/// The access point is not named: it needs the file system to exist first.
fn policy() -> PolicyDocument {
    let tls = Statement::deny(CLIENT).sid("TlsOnly").principal(Principal::anyone()).when(
        Operator::Bool,
        "aws:SecureTransport",
        "false",
    );
    let access_point = Statement::deny(CLIENT)
        .sid("AccessPointOnly")
        .principal(Principal::anyone())
        .when(Operator::Null, "elasticfilesystem:AccessPointArn", "true");
    let mount_target =
        Statement::allow(["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"])
            .sid("RolesOfThisAccount")
            .principal(Principal::account())
            .when(Operator::Bool, "elasticfilesystem:AccessedViaMountTarget", "true");
    PolicyDocument::new([tls, access_point, mount_target])
}

/// Whoever comes in this way is one POSIX user, in one folder.
fn access_point(system: &Handle<efs::FileSystem>, posix_id: u32) -> efs::AccessPoint {
    let id = posix_id.to_string();
    let owner = access_point::CreationInfo::new(&id, &id, "0750");
    efs::AccessPoint::new(system.id())
        .posix_user(access_point::PosixUser::new(&id, &id))
        .root_directory(access_point::RootDirectory::new().path(ROOT).creation_info(owner))
}
