//! EFS's latency under the page store of the local platform, whose file systems are plain
//! folders.

use std::fs;
use std::path::{Path, PathBuf};

use simulated_efs::{Cache, Mounted, Profile, SimulatedEfs};

use crate::error::{Context as _, Error, Result};

/// The profiles that `--simulate-latency` takes.
pub const PROFILES: [&str; 2] = ["efs-regional", "efs-one-zone"];

/// Mounts over the file systems of the local platform, gone when dropped.
#[derive(Debug)]
pub struct Simulated(Vec<Mounted>);

impl Simulated {
    /// Mounts over every file system in `mounts`. Functions that run already do not see it:
    /// they have their folders open.
    pub fn over(mounts: &Path, profile: &str) -> Result<Self> {
        let profile: Profile =
            profile.parse().map_err(|error| Error::usage("no such profile").caused_by(error))?;
        let mut mounted = Vec::new();
        for folder in folders(mounts)? {
            let mount = SimulatedEfs::mount_over(&folder, profile, Cache::Nfs);
            mounted.push(mount.map_err(|error| {
                Error::failed("cannot simulate EFS's latency on this machine").caused_by(error)
            })?);
        }
        if mounted.is_empty() {
            return Err(Error::failed("the local platform has no file system yet")
                .hint("make it: `platformctl bootstrap --local`"));
        }
        Ok(Self(mounted))
    }

    /// How often the file systems were asked, as NFS clients ask.
    pub fn round_trips(&self) -> u64 {
        self.0.iter().map(|mounted| mounted.counts().round_trips()).sum()
    }

    /// Unmounts.
    pub fn end(self) -> Result<()> {
        for mounted in self.0 {
            mounted.unmount().map_err(|error| {
                Error::failed("cannot end the simulation of EFS's latency").caused_by(error)
            })?;
        }
        Ok(())
    }
}

/// Removes what a run that was killed has left mounted. True if there was something.
pub fn clear(mounts: &Path) -> Result<bool> {
    let mut cleared = false;
    for folder in folders(mounts)? {
        cleared |= SimulatedEfs::clear(&folder).map_err(|error| {
            Error::failed("a simulation of EFS's latency was cut off").caused_by(error)
        })?;
    }
    Ok(cleared)
}

/// One folder for each file system. A mount without its process cannot be looked at, and
/// so names decide.
fn folders(mounts: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    let unreadable = || format!("failed to list {}", mounts.display());
    if !mounts.exists() {
        return Ok(folders);
    }
    for entry in fs::read_dir(mounts).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        if entry.file_name().to_string_lossy().starts_with("fs-") {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_is_slow_for_as_long_as_it_is_simulated() {
        let mounts = tempfile::tempdir().unwrap();
        assert!(Simulated::over(mounts.path(), "efs-regional").is_err(), "nothing is there");
        let folder = mounts.path().join("fs-1");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("before"), "before").unwrap();
        if SimulatedEfs::available().is_err() {
            // Said, with the reason, by `tests/local/bench.rs`.
            return;
        }
        let simulated = Simulated::over(mounts.path(), "efs-one-zone").unwrap();
        assert_eq!(fs::read_to_string(folder.join("before")).unwrap(), "before");
        fs::write(folder.join("meanwhile"), "meanwhile").unwrap();
        assert!(simulated.round_trips() >= 4, "{}", simulated.round_trips());
        simulated.end().unwrap();
        assert_eq!(fs::read_to_string(folder.join("meanwhile")).unwrap(), "meanwhile");
        assert!(!clear(mounts.path()).unwrap());
        let other = Simulated::over(mounts.path(), "efs-nowhere").unwrap_err();
        assert!(other.message().contains("no such profile"), "{other}");
    }
}
