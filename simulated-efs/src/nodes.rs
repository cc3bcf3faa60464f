//! The files and folders that the kernel knows of, by the number that it knows them by.

use std::{
    collections::{HashMap, HashSet},
    ffi::{OsStr, OsString},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use rustix::{fs::Stat, io::Errno};

/// The number of the mount's own folder, fixed by FUSE.
pub(crate) const ROOT: u64 = 1;

/// Numbers from here on are given where a backing inode's own number is taken: by a file of
/// another device, or because it is [`ROOT`].
const INVENTED: u64 = 1 << 48;

/// Names that are remembered of one folder. Beyond that, none is added, and the kernel is
/// told not to remember them either.
const NAMES: usize = 100_000;

/// What tells one state of a file from another: length and times. NFS has a change
/// attribute for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    size: i64,
    modified: (i64, u64),
    changed: (i64, u64),
}

impl Stamp {
    pub(crate) fn of(stat: &Stat) -> Self {
        #[expect(clippy::unnecessary_cast, reason = "the types differ by platform")]
        Self {
            size: stat.st_size as i64,
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as u64),
            changed: (stat.st_ctime as i64, stat.st_ctime_nsec as u64),
        }
    }
}

/// What the client remembers of a file or folder.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The state that the cached bytes, or the cached names of a folder, are of.
    pub(crate) content: Option<Stamp>,
    /// The state that the kernel was last told the attributes of.
    pub(crate) attributes: Option<Stamp>,
    /// Until when the client would not ask for the attributes again.
    pub(crate) fresh_until: Option<Instant>,
    /// Bytes written here that have not been sent to the server.
    pub(crate) dirty: u64,
    /// A name of it was removed through this client. The file then stays readable here, as
    /// the NFS client sees to; removed elsewhere, it is stale.
    pub(crate) removed_here: bool,
    /// Names in this folder, present or absent, that the kernel was told to remember.
    names: HashSet<OsString>,
}

impl Memory {
    /// Remembers that the kernel knows `name`. False if it must not.
    fn remember_name(&mut self, name: &OsStr) -> bool {
        self.names.len() < NAMES && {
            self.names.insert(name.to_owned());
            true
        }
    }

    pub(crate) fn take_names(&mut self) -> HashSet<OsString> {
        std::mem::take(&mut self.names)
    }
}

/// A file or folder that the kernel knows.
#[derive(Debug)]
pub(crate) struct Node {
    /// The number, for the kernel and for `stat`.
    pub(crate) number: u64,
    /// Opened with `O_PATH`: it stays the same file however it is renamed.
    file: OwnedFd,
    memory: Mutex<Memory>,
}

impl Node {
    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A path that leads to this very file, for calls that take no descriptor of this sort.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }

    pub(crate) fn stat(&self) -> Result<Stat, Errno> {
        rustix::fs::fstat(&self.file)
    }

    /// The kernel is about to be told whether `name` is in this folder. False if it must not
    /// remember the answer.
    pub(crate) fn remember(&self, name: &OsStr) -> Result<bool, Errno> {
        // Before the name is looked up: what changes from now on makes the answer doubtful.
        let stamp = Stamp::of(&self.stat()?);
        let mut memory = self.memory();
        memory.content.get_or_insert(stamp);
        Ok(memory.remember_name(name))
    }

    /// Does `change` to this folder. The client's own change does not make it doubt
    /// what it knows of the folder: the server's answer says how the folder was before and
    /// is after.
    pub(crate) fn change<T>(&self, change: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
        let before = self.stat().map(|stat| Stamp::of(&stat));
        let result = change();
        let after = self.stat().map(|stat| Stamp::of(&stat));
        let mut memory = self.memory();
        if let (Ok(before), Ok(after)) = (before, after)
            && memory.content.is_none_or(|known| known == before)
        {
            memory.content = Some(after);
        }
        result
    }
}

impl AsFd for Node {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

type Inode = (u64, u64);

#[derive(Debug)]
struct Known {
    node: Arc<Node>,
    inode: Inode,
    /// How often the kernel was told of it, less how often it forgot.
    lookups: u64,
}

#[derive(Debug, Default)]
struct Tables {
    by_number: HashMap<u64, Known>,
    by_inode: HashMap<Inode, u64>,
    invented: u64,
}

/// All nodes.
#[derive(Debug)]
pub(crate) struct Nodes {
    tables: Mutex<Tables>,
}

impl Nodes {
    pub(crate) fn new(root: OwnedFd) -> Result<Self, Errno> {
        let nodes = Self { tables: Mutex::default() };
        let inode = inode(&rustix::fs::fstat(&root)?);
        let node = Arc::new(Node { number: ROOT, file: root, memory: Mutex::default() });
        let mut tables = nodes.lock();
        tables.by_number.insert(ROOT, Known { node, inode, lookups: 1 });
        tables.by_inode.insert(inode, ROOT);
        drop(tables);
        Ok(nodes)
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, number: u64) -> Result<Arc<Node>, Errno> {
        let tables = self.lock();
        tables.by_number.get(&number).map(|known| Arc::clone(&known.node)).ok_or(Errno::STALE)
    }

    /// The node of a backing inode, if the kernel knows it.
    pub(crate) fn of_inode(&self, stat: &Stat) -> Option<Arc<Node>> {
        let tables = self.lock();
        let number = tables.by_inode.get(&inode(stat))?;
        tables.by_number.get(number).map(|known| Arc::clone(&known.node))
    }

    /// The node of `file`, which the kernel is about to be told of.
    pub(crate) fn enter(&self, file: OwnedFd, stat: &Stat) -> Arc<Node> {
        let inode = inode(stat);
        let mut tables = self.lock();
        if let Some(number) = tables.by_inode.get(&inode).copied()
            && let Some(known) = tables.by_number.get_mut(&number)
        {
            known.lookups += 1;
            return Arc::clone(&known.node);
        }
        let mut number = inode.1;
        if number <= ROOT || number >= INVENTED || tables.by_number.contains_key(&number) {
            number = INVENTED + tables.invented;
            tables.invented += 1;
        }
        let node = Arc::new(Node { number, file, memory: Mutex::default() });
        tables.by_number.insert(number, Known { node: Arc::clone(&node), inode, lookups: 1 });
        tables.by_inode.insert(inode, number);
        node
    }

    /// The kernel forgets `times` of the times that it was told of a node.
    pub(crate) fn forget(&self, number: u64, times: u64) {
        let mut tables = self.lock();
        let Some(known) = tables.by_number.get_mut(&number) else { return };
        known.lookups = known.lookups.saturating_sub(times);
        if known.lookups == 0 && number != ROOT {
            let inode = known.inode;
            tables.by_number.remove(&number);
            tables.by_inode.remove(&inode);
        }
    }
}

#[expect(clippy::unnecessary_cast, reason = "the types differ by platform")]
fn inode(stat: &Stat) -> Inode {
    (stat.st_dev as u64, stat.st_ino as u64)
}

#[cfg(test)]
mod tests {
    use rustix::fs::{Mode, OFlags};

    use super::*;

    fn open(path: &std::path::Path) -> (OwnedFd, Stat) {
        let file = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let stat = rustix::fs::fstat(&file).unwrap();
        (file, stat)
    }

    #[test]
    fn hard_links_share_a_node_until_all_look_ups_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "1").unwrap();
        std::fs::hard_link(dir.path().join("a"), dir.path().join("b")).unwrap();
        let nodes = Nodes::new(open(dir.path()).0).unwrap();
        let (file, stat) = open(&dir.path().join("a"));
        let a = nodes.enter(file, &stat);
        let (file, stat) = open(&dir.path().join("b"));
        let b = nodes.enter(file, &stat);
        assert_eq!(a.number, b.number);
        nodes.forget(a.number, 1);
        assert!(nodes.get(a.number).is_ok());
        nodes.forget(a.number, 1);
        assert_eq!(nodes.get(a.number).unwrap_err(), Errno::STALE);
        nodes.forget(ROOT, 10);
        assert!(nodes.get(ROOT).is_ok());
    }
}
