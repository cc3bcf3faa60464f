//! Inputs of the efs stack.

use super::FunctionSpec;

/// Where EFS keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// In every zone of the region.
    #[default]
    Regional,
    /// In the first zone only: cheaper, faster writes, less durable. Needs
    /// [`NetworkSpec::availability_zones`](super::NetworkSpec::availability_zones).
    OneZone,
}

/// The shared file system and the `git-store` function on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EfsSpec {
    /// Where the data lies. Default regional.
    pub storage: Storage,
    /// Encryption at rest with the key of tenants' data. Default true.
    pub encrypted: bool,
    /// Whether AWS Backup takes daily backups. Default true.
    pub backup: bool,
    /// Days without access after which files move to infrequent access:
    /// 1, 7, 14, 30, 60, 90, 180, 270 or 365. Default 30.
    pub archive_after_days: u16,
    /// POSIX user and group id of the access point. Default 1000.
    pub posix_id: u32,
    /// The git-store function. Default 512 MB, 30 seconds, 50 executions.
    pub git_store: FunctionSpec,
}

impl Default for EfsSpec {
    fn default() -> Self {
        Self {
            storage: Storage::default(),
            encrypted: true,
            backup: true,
            archive_after_days: 30,
            posix_id: 1000,
            git_store: FunctionSpec { reserved_concurrency: 50, ..FunctionSpec::default() },
        }
    }
}
