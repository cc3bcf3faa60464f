//! One lock for an environment on one machine: while a run changes it, no other run of
//! this machine may. It is a locked file, so that it is free as soon as its holder is
//! gone, however it went.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Context as _, Error, Kind, Result};

/// Who holds a lock file, as the next one is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalHolder {
    /// The run.
    pub run: String,
    /// What it does, such as `deploy`.
    pub verb: String,
    /// User and host.
    pub by: String,
    /// Since when: RFC 3339, UTC.
    pub since: String,
    /// Process id.
    pub pid: u32,
}

/// A held lock; released when dropped.
#[derive(Debug)]
pub struct LocalLock {
    file: File,
}

impl LocalLock {
    /// Takes the lock called `name` in the folder `locks`, or fails at once with
    /// who holds it (exit 5).
    pub fn acquire(locks: &Path, name: &str, holder: &LocalHolder) -> Result<Self> {
        std::fs::create_dir_all(locks)
            .with_context(|| format!("cannot make {}", locks.display()))?;
        let path = locks.join(format!("{name}.lock"));
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(held(&mut file, name)),
            Err(std::fs::TryLockError::Error(error)) => {
                return Err(
                    Error::failed(format!("cannot lock {}", path.display())).caused_by(error)
                );
            }
        }
        let lock = Self { file };
        lock.describe(holder)?;
        Ok(lock)
    }

    /// Changes what the next one is told of the holder.
    pub fn describe(&self, holder: &LocalHolder) -> Result<()> {
        let text = serde_json::to_string(holder).context("cannot describe the lock's holder")?;
        let mut file = &self.file;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()))
            .context("cannot write the lock's holder")
    }
}

fn held(file: &mut File, name: &str) -> Error {
    let mut text = String::new();
    let holder = file
        .read_to_string(&mut text)
        .ok()
        .and_then(|_| serde_json::from_str::<LocalHolder>(&text).ok());
    let error =
        Error::new(Kind::Locked, format!("the environment is locked by another run ({name})"));
    match holder {
        Some(LocalHolder { run, verb, by, since, pid }) => error
            .caused_by(format!("{verb}, run {run}, by {by} since {since}, process {pid}"))
            .hint(format!("follow it with `platformctl events {run} --follow`")),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(run: &str) -> LocalHolder {
        LocalHolder {
            run: run.into(),
            verb: "deploy".into(),
            by: "me@here".into(),
            since: "2026-11-20T09:41:07Z".into(),
            pid: 1,
        }
    }

    #[test]
    fn a_held_lock_names_its_holder_and_a_dropped_one_is_free() {
        let folder = tempfile::tempdir().expect("folder");
        let lock =
            LocalLock::acquire(folder.path(), "dev", &holder("2026-11-20-j81c")).expect("free");
        let error = LocalLock::acquire(folder.path(), "dev", &holder("x")).expect_err("held");
        assert_eq!(error.exit_code(), crate::error::exit::LOCKED);
        assert!(error.causes()[0].contains("2026-11-20-j81c"), "{:?}", error.causes());
        assert!(LocalLock::acquire(folder.path(), "prod", &holder("y")).is_ok());
        drop(lock);
        assert!(LocalLock::acquire(folder.path(), "dev", &holder("x")).is_ok());
    }
}
