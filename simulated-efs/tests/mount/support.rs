//! Mounts in temporary folders.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use simulated_efs::{Cache, Counts, Mounted, Profile, SimulatedEfs};
use tempfile::TempDir;

/// False, and says why, where nothing can be mounted.
pub fn can_mount() -> bool {
    match SimulatedEfs::available() {
        Ok(()) => true,
        Err(error) => {
            println!("skipped: {error}");
            false
        }
    }
}

/// A process that starts has, for a moment, all files open that its parent has, and closes
/// them: which the file system sees. So none starts while operations are counted.
static STARTS: RwLock<()> = RwLock::new(());

/// Held by tests that count.
pub fn no_process_starts() -> RwLockReadGuard<'static, ()> {
    STARTS.read().unwrap_or_else(PoisonError::into_inner)
}

/// Held by tests that start processes.
pub fn processes_start() -> RwLockWriteGuard<'static, ()> {
    STARTS.write().unwrap_or_else(PoisonError::into_inner)
}

/// A backing folder and any number of clients.
pub struct Server {
    // Declared first, dropped first: what is mounted cannot be removed.
    clients: Vec<Mounted>,
    folder: TempDir,
}

impl Server {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("backing")).unwrap();
        Self { clients: Vec::new(), folder }
    }

    pub fn backing(&self) -> PathBuf {
        self.folder.path().join("backing")
    }

    /// Mounts once more; the client's number.
    pub fn mount(&mut self, profile: Profile, cache: Cache) -> usize {
        let number = self.clients.len();
        let at = self.folder.path().join(format!("client-{number}"));
        fs::create_dir(&at).unwrap();
        self.clients.push(SimulatedEfs::mount(self.backing(), at, profile, cache).unwrap());
        number
    }

    pub fn path(&self, client: usize) -> &Path {
        self.clients[client].path()
    }

    pub fn counts(&self, client: usize) -> Counts {
        self.clients[client].counts()
    }

    /// What `work` costs `client`.
    pub fn cost<T>(&self, client: usize, work: impl FnOnce(&Path) -> T) -> (Counts, T) {
        let before = self.counts(client);
        let result = work(self.path(client));
        (self.counts(client).since(&before), result)
    }
}
