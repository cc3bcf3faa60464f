//! One client of the simulated file system: what it asks the server for, what it remembers,
//! and what each operation costs it. The costs are explained in the crate's documentation.

use std::{
    collections::{HashMap, HashSet},
    ffi::{OsStr, OsString},
    io,
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use fuser::{INodeNo, Notifier};
use rustix::{
    fs::{AtFlags, Mode, OFlags, Stat},
    io::Errno,
};

use crate::{
    counts::{Class, Counters, Kind},
    delay::DelayLine,
    nodes::{Node, Nodes, Stamp},
    profile::{Cache, Profile},
};

/// Threads whose last look-up is remembered. Beyond that all are forgotten, which makes an
/// operation cost one round trip too many.
const THREADS: usize = 4_096;

/// An entry of a folder that is being read.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) kind: fuser::FileType,
    pub(crate) name: OsString,
}

/// An open file or folder.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) file: OwnedFd,
    /// Of a folder: its entries, as they were when reading began.
    pub(crate) entries: Mutex<Vec<Entry>>,
}

pub(crate) struct Client {
    pub(crate) nodes: Nodes,
    handles: Mutex<HashMap<u64, Arc<Handle>>>,
    next_handle: AtomicU64,
    pub(crate) cache: Cache,
    profile: Profile,
    counters: Arc<Counters>,
    notifier: Arc<OnceLock<Notifier>>,
    delays: DelayLine,
    /// The last name that each thread of the client's machine looked up, and in which folder.
    looked_up: Mutex<HashMap<u32, (u64, OsString)>>,
}

impl Client {
    pub(crate) fn new(
        root: OwnedFd,
        profile: Profile,
        cache: Cache,
        counters: Arc<Counters>,
        notifier: Arc<OnceLock<Notifier>>,
    ) -> io::Result<Self> {
        Ok(Self {
            nodes: Nodes::new(root)?,
            handles: Mutex::default(),
            next_handle: AtomicU64::new(1),
            cache,
            profile,
            counters,
            notifier,
            delays: DelayLine::start()?,
            looked_up: Mutex::default(),
        })
    }

    /// An operation begins: it is counted, and its delay counts from now.
    pub(crate) fn begin(&self, kind: Kind) -> Operation<'_> {
        self.counters.add(kind);
        Operation {
            client: self,
            kind,
            started: Instant::now(),
            delay: Duration::ZERO,
            credit: Duration::ZERO,
        }
    }

    /// Notes that `thread` looks up `name` in the folder `parent`.
    pub(crate) fn note_lookup(&self, thread: u32, parent: u64, name: &OsStr) {
        let mut looked_up = self.looked_up.lock().unwrap_or_else(PoisonError::into_inner);
        if looked_up.len() >= THREADS {
            looked_up.clear();
        }
        looked_up.insert(thread, (parent, name.to_owned()));
    }

    /// Whether the last name that `thread` looked up is this one. Says so once.
    fn has_just_looked_up(&self, thread: u32, parent: u64, name: &OsStr) -> bool {
        let mut looked_up = self.looked_up.lock().unwrap_or_else(PoisonError::into_inner);
        looked_up.remove(&thread).is_some_and(|last| last.0 == parent && last.1 == name)
    }

    pub(crate) fn caches(&self) -> bool {
        self.cache == Cache::Nfs
    }

    pub(crate) fn add_handle(&self, file: OwnedFd) -> u64 {
        let number = self.next_handle.fetch_add(1, Relaxed);
        let handle = Arc::new(Handle { file, entries: Mutex::default() });
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).insert(number, handle);
        number
    }

    pub(crate) fn handle(&self, number: u64) -> Result<Arc<Handle>, Errno> {
        let handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        handles.get(&number).cloned().ok_or(Errno::BADF)
    }

    pub(crate) fn drop_handle(&self, number: u64) {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }

    /// Finds `name` in `parent`, and enters it among the nodes.
    pub(crate) fn find(&self, parent: &Node, name: &OsStr) -> Result<(Arc<Node>, Stat), Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(parent, name, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&file)?;
        let node = self.nodes.enter(file, &stat);
        self.learn(&node, &stat);
        Ok((node, stat))
    }

    /// The client has just been told the attributes of `node`.
    pub(crate) fn learn(&self, node: &Node, stat: &Stat) {
        let mut memory = node.memory();
        memory.attributes = Some(Stamp::of(stat));
        memory.fresh_until = Some(Instant::now() + trust(self.cache, stat));
    }

    /// Close-to-open: what was cached of a file is good only if the file is unchanged. True
    /// if it is. If not, the kernel forgets the attributes at once, and the bytes when it
    /// gets the answer.
    pub(crate) fn revalidate(&self, node: &Node, stat: &Stat) -> bool {
        let stamp = Stamp::of(stat);
        let mut memory = node.memory();
        let same_content = memory.content == Some(stamp) || memory.dirty > 0;
        let same_attributes = memory.attributes == Some(stamp);
        memory.content = Some(stamp);
        memory.attributes = Some(stamp);
        memory.fresh_until = Some(Instant::now() + trust(self.cache, stat));
        drop(memory);
        if !same_attributes && let Some(notifier) = self.notifier.get() {
            // A negative offset: attributes only. Fails if the kernel has none, which is fine.
            let _ = notifier.inval_inode(INodeNo(node.number), -1, 0);
        }
        same_content && self.caches()
    }

    /// The client opens a folder, and so asks the server for its state. If it has changed,
    /// names that the client knew to be there or not to be there are asked for again. True
    /// if it has not, and a list of it that the client holds is still good.
    pub(crate) fn revalidate_folder(&self, node: &Node, stat: &Stat) -> bool {
        let stamp = Stamp::of(stat);
        let mut memory = node.memory();
        let same = memory.content == Some(stamp);
        let changed = memory.content.is_some() && !same;
        memory.content = Some(stamp);
        memory.fresh_until = Some(Instant::now() + trust(self.cache, stat));
        let names = if changed { memory.take_names() } else { HashSet::new() };
        drop(memory);
        if let Some(notifier) = self.notifier.get() {
            for name in names {
                // Fails if the kernel has forgotten the name by itself, which is fine.
                let _ = notifier.inval_entry(INodeNo(node.number), &name);
            }
        }
        same && self.caches()
    }

    /// A name in `parent` is about to go: its file is not stale for this client.
    pub(crate) fn note_removal(&self, parent: &Node, name: &OsStr) {
        if let Ok(stat) = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
            && let Some(node) = self.nodes.of_inode(&stat)
        {
            node.memory().removed_here = true;
        }
    }

    /// The file was removed by another client: an NFS server then knows it no more.
    pub(crate) fn refuse_stale(&self, node: &Node, stat: &Stat) -> Result<(), Errno> {
        if self.caches() && stat.st_nlink == 0 && !node.memory().removed_here {
            return Err(Errno::STALE);
        }
        Ok(())
    }

    /// Sends what was written to the server. Costs nothing if nothing was.
    pub(crate) fn write_back(&self, operation: &mut Operation<'_>, node: &Node) {
        let dirty = std::mem::take(&mut node.memory().dirty);
        if dirty == 0 {
            return;
        }
        let writes = dirty.div_ceil(Cache::TRANSFER);
        operation.charge(Class::Write, writes);
        if writes > 1 {
            // One COMMIT, after all WRITEs are answered.
            operation.charge(Class::Write, 1);
        }
        if let Ok(stat) = node.stat() {
            let mut memory = node.memory();
            memory.content = Some(Stamp::of(&stat));
            memory.fresh_until = Some(Instant::now() + trust(self.cache, &stat));
        }
    }
}

/// How long attributes may be trusted.
pub(crate) fn trust(cache: Cache, stat: &Stat) -> Duration {
    if rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir() {
        cache.folder_attributes()
    } else {
        cache.file_attributes()
    }
}

/// An operation that has begun, and is over when it is answered.
pub(crate) struct Operation<'a> {
    client: &'a Client,
    kind: Kind,
    started: Instant,
    delay: Duration,
    /// What of the delay has passed already.
    credit: Duration,
}

impl Operation<'_> {
    /// Adds `number` round trips that are under way at the same time.
    pub(crate) fn charge(&mut self, class: Class, number: u64) {
        self.client.counters.add_round_trips(self.kind, class, number);
        self.delay += self.client.profile.delay(class);
    }

    /// Says that this operation gives `name` a meaning, new or another. The kernel has FUSE look
    /// the name up right before, always; an NFS client does not, because the server will
    /// find out. So that look-up was none.
    pub(crate) fn replaces_lookup(&mut self, thread: u32, parent: u64, name: &OsStr) {
        if self.client.caches() && self.client.has_just_looked_up(thread, parent, name) {
            self.client.counters.take_back(Kind::Lookup, Class::MetadataRead);
            self.credit = self.client.profile.delay(Class::MetadataRead);
        }
    }

    /// Answers when all round trips are over.
    pub(crate) fn answer(self, answer: impl FnOnce() + Send + 'static) {
        let left = self.delay.saturating_sub(self.credit);
        if left.is_zero() {
            answer();
        } else {
            self.client.delays.at(self.started + left, answer);
        }
    }

    /// Answers after one round trip.
    pub(crate) fn round_trip(mut self, class: Class, answer: impl FnOnce() + Send + 'static) {
        self.charge(class, 1);
        self.answer(answer);
    }
}
