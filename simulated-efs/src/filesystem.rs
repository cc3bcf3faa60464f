//! What the kernel asks for, one method each.

use std::{
    ffi::OsStr,
    io,
    path::Path,
    sync::{Arc, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use fuser::{
    AccessFlags, BsdFileFlags, FileHandle, Filesystem, FopenFlags, Generation, INodeNo, InitFlags,
    KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow,
    WriteFlags,
};
use rustix::{
    fs::{self as backing, Access, AtFlags, CWD, OFlags, Stat},
    io::Errno,
};

use crate::{
    attributes,
    client::{Client, trust},
    counts::{Class, Kind},
    nodes::Node,
    profile::Cache,
    server::{Change, adopt, open_flags, permissions, read_entries},
};

/// Requests that the kernel may send without waiting for their answers, such as
/// reading ahead.
const BACKGROUND: u16 = 64;

/// Numbers are not used again, so there is one generation.
const GENERATION: Generation = Generation(0);

fn code(errno: Errno) -> fuser::Errno {
    fuser::Errno::from_i32(errno.raw_os_error())
}

impl Client {
    /// Makes something new named `name` with `make`, and answers with it.
    fn make(
        &self,
        kind: Kind,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        reply: ReplyEntry,
        make: impl FnOnce(&Node) -> Result<(), Errno>,
    ) {
        let mut operation = self.begin(kind);
        operation.replaces_lookup(request.pid(), parent.0, name);
        let mut known = false;
        let result = self.nodes.get(parent.0).and_then(|parent| {
            parent.change(|| make(&parent))?;
            known = parent.remember(name)?;
            self.find(&parent, name)
        });
        let cache = self.cache;
        operation
            .round_trip(Class::MetadataWrite, move || reply_entry(cache, result, known, reply));
    }

    fn remove(&self, kind: Kind, parent: INodeNo, name: &OsStr, flags: AtFlags, reply: ReplyEmpty) {
        let operation = self.begin(kind);
        let result = self.nodes.get(parent.0).and_then(|parent| {
            self.note_removal(&parent, name);
            parent.change(|| backing::unlinkat(&parent, name, flags))
        });
        operation.round_trip(Class::MetadataWrite, move || reply_empty(result, reply));
    }
}

fn reply_entry(
    cache: Cache,
    result: Result<(Arc<Node>, Stat), Errno>,
    known: bool,
    reply: ReplyEntry,
) {
    match result {
        Ok((node, stat)) => {
            let names = if known { cache.folder_attributes() } else { Duration::ZERO };
            let attributes = attributes::of(node.number, &stat);
            reply.entry_with_ttls(&trust(cache, &stat), &names, &attributes, GENERATION);
        }
        Err(errno) => reply.error(code(errno)),
    }
}

fn reply_empty(result: Result<(), Errno>, reply: ReplyEmpty) {
    match result {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(code(errno)),
    }
}

impl Filesystem for Client {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        let wanted = [
            // Look-ups in one folder do not wait for each other.
            InitFlags::FUSE_PARALLEL_DIROPS,
            // Opening and truncating is one operation, as in NFS.
            InitFlags::FUSE_ATOMIC_O_TRUNC,
            InitFlags::FUSE_CACHE_SYMLINKS,
        ];
        for capability in wanted {
            // Older kernels do without.
            let _ = config.add_capabilities(capability);
        }
        let transfer = u32::try_from(Cache::TRANSFER).unwrap_or(u32::MAX);
        // Both are limited by what the kernel takes.
        let _ = config.set_max_readahead(transfer).or_else(|most| config.set_max_readahead(most));
        let _ = config.set_max_write(transfer);
        let _ = config.set_max_background(BACKGROUND);
        Ok(())
    }

    fn lookup(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let operation = self.begin(Kind::Lookup);
        self.note_lookup(request.pid(), parent.0, name);
        let mut known = false;
        let result = self.nodes.get(parent.0).and_then(|parent| {
            known = self.caches() && parent.remember(name)?;
            self.find(&parent, name)
        });
        let cache = self.cache;
        operation.round_trip(Class::MetadataRead, move || {
            if known && matches!(result, Err(Errno::NOENT)) {
                reply.entry(&cache.folder_attributes(), &attributes::absent(), GENERATION);
            } else {
                reply_entry(cache, result, known, reply);
            }
        });
    }

    fn forget(&self, _: &Request, number: INodeNo, times: u64) {
        self.nodes.forget(number.0, times);
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        let mut operation = self.begin(Kind::Getattr);
        let node = match self.nodes.get(number.0) {
            Ok(node) => node,
            Err(errno) => return reply.error(code(errno)),
        };
        let now = Instant::now();
        let memory = node.memory();
        let left = memory.fresh_until.and_then(|until| until.checked_duration_since(now));
        let dirty = memory.dirty > 0;
        drop(memory);
        let remembered = self.caches() && (dirty || left.is_some_and(|left| !left.is_zero()));
        let result = node.stat();
        if !remembered {
            operation.charge(Class::MetadataRead, 1);
        }
        let answer = result.map(|stat| {
            let trusted = if remembered {
                left.unwrap_or_default()
            } else {
                self.learn(&node, &stat);
                trust(self.cache, &stat)
            };
            (trusted, attributes::of(number.0, &stat))
        });
        operation.answer(move || match answer {
            Ok((trusted, attributes)) => reply.attr(&trusted, &attributes),
            Err(errno) => reply.error(code(errno)),
        });
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        access: Option<TimeOrNow>,
        modification: Option<TimeOrNow>,
        _: Option<SystemTime>,
        handle: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let operation = self.begin(Kind::Setattr);
        let handle = handle.map(|handle| handle.0);
        let change = Change { mode, uid, gid, size, access, modification };
        let result = self.nodes.get(number.0).and_then(|node| self.set(&node, &change, handle));
        let cache = self.cache;
        operation.round_trip(Class::MetadataWrite, move || match result {
            Ok(stat) => reply.attr(&trust(cache, &stat), &attributes::of(number.0, &stat)),
            Err(errno) => reply.error(code(errno)),
        });
    }

    fn readlink(&self, _: &Request, number: INodeNo, reply: ReplyData) {
        let operation = self.begin(Kind::Readlink);
        let result =
            self.nodes.get(number.0).and_then(|node| backing::readlinkat(&*node, "", Vec::new()));
        operation.round_trip(Class::MetadataRead, move || match result {
            Ok(target) => reply.data(target.as_bytes()),
            Err(errno) => reply.error(code(errno)),
        });
    }

    fn access(&self, _: &Request, number: INodeNo, mask: AccessFlags, reply: ReplyEmpty) {
        let mut operation = self.begin(Kind::Access);
        let node = match self.nodes.get(number.0) {
            Ok(node) => node,
            Err(errno) => return reply.error(code(errno)),
        };
        // The NFS client keeps the answer as long as the attributes.
        let fresh = node.memory().fresh_until.is_some_and(|until| until > Instant::now());
        let access = Access::from_bits_truncate(mask.bits().cast_unsigned());
        let result = backing::accessat(CWD, node.path(), access, AtFlags::empty());
        if !(self.caches() && fresh) {
            operation.charge(Class::MetadataRead, 1);
        }
        operation.answer(move || reply_empty(result, reply));
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        self.make(Kind::Mkdir, request, parent, name, reply, |parent| {
            backing::mkdirat(parent, name, permissions(mode))?;
            adopt(parent, name, mode, request)
        });
    }

    fn symlink(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        self.make(Kind::Symlink, request, parent, name, reply, |parent| {
            backing::symlinkat(target, parent, name)?;
            adopt(parent, name, 0, request)
        });
    }

    fn link(
        &self,
        request: &Request,
        number: INodeNo,
        parent: INodeNo,
        name: &OsStr,
        reply: ReplyEntry,
    ) {
        let node = self.nodes.get(number.0);
        self.make(Kind::Link, request, parent, name, reply, |parent| {
            backing::linkat(CWD, node?.path(), parent, name, AtFlags::SYMLINK_FOLLOW)
        });
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.remove(Kind::Unlink, parent, name, AtFlags::empty(), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.remove(Kind::Rmdir, parent, name, AtFlags::REMOVEDIR, reply);
    }

    fn rename(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mut operation = self.begin(Kind::Rename);
        operation.replaces_lookup(request.pid(), new_parent.0, new_name);
        let result = self.rename_entry(parent.0, name, new_parent.0, new_name, flags);
        operation.round_trip(Class::MetadataWrite, move || reply_empty(result, reply));
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        let mut operation = self.begin(Kind::Create);
        if open_flags(flags).contains(OFlags::EXCL) {
            operation.replaces_lookup(request.pid(), parent.0, name);
        }
        let result = self.create_file(parent.0, name, mode, flags, request);
        let cache = self.cache;
        operation.round_trip(Class::MetadataWrite, move || match result {
            Ok(opened) => reply.created(
                &trust(cache, &opened.stat),
                &attributes::of(opened.number, &opened.stat),
                GENERATION,
                FileHandle(opened.handle),
                keep(opened.unchanged),
            ),
            Err(errno) => reply.error(code(errno)),
        });
    }

    fn open(&self, _: &Request, number: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let operation = self.begin(Kind::Open);
        let truncates = open_flags(flags.0).contains(OFlags::TRUNC);
        let result = self.open_file(number.0, flags.0);
        let class = if truncates { Class::MetadataWrite } else { Class::MetadataRead };
        operation.round_trip(class, move || match result {
            Ok(opened) => reply.opened(FileHandle(opened.handle), keep(opened.unchanged)),
            Err(errno) => reply.error(code(errno)),
        });
    }

    fn read(
        &self,
        _: &Request,
        number: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let operation = self.begin(Kind::Read);
        let result = self.read_bytes(number.0, handle.0, offset, size);
        operation.round_trip(Class::Read, move || match result {
            Ok(bytes) => reply.data(&bytes),
            Err(errno) => reply.error(code(errno)),
        });
    }

    fn write(
        &self,
        _: &Request,
        number: INodeNo,
        handle: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut operation = self.begin(Kind::Write);
        let result = self.write_bytes(number.0, handle.0, offset, data);
        if !self.caches() {
            operation.charge(Class::Write, 1);
        }
        operation.answer(move || match result {
            Ok(written) => reply.written(written),
            Err(errno) => reply.error(code(errno)),
        });
    }

    fn flush(&self, _: &Request, number: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        let mut operation = self.begin(Kind::Close);
        let result = self.nodes.get(number.0).map(|node| self.write_back(&mut operation, &node));
        operation.round_trip(Class::MetadataRead, move || reply_empty(result, reply));
    }

    fn fsync(&self, _: &Request, number: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let mut operation = self.begin(Kind::Fsync);
        let result = self.nodes.get(number.0).map(|node| self.write_back(&mut operation, &node));
        if !self.caches() {
            operation.charge(Class::Write, 1);
        }
        operation.answer(move || reply_empty(result, reply));
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        // Nobody waits for it.
        let operation = self.begin(Kind::Release);
        self.drop_handle(handle.0);
        operation.answer(move || reply.ok());
    }

    fn opendir(&self, _: &Request, number: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let operation = self.begin(Kind::Opendir);
        let result = self.open_folder(number.0);
        let cached = if self.caches() { FopenFlags::FOPEN_CACHE_DIR } else { FopenFlags::empty() };
        operation.round_trip(Class::MetadataRead, move || match result {
            Ok((handle, same)) => reply.opened(FileHandle(handle), cached | keep(same)),
            Err(errno) => reply.error(code(errno)),
        });
    }

    fn readdir(
        &self,
        _: &Request,
        number: INodeNo,
        handle: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let mut operation = self.begin(Kind::Readdir);
        let mut read = || {
            let handle = self.handle(handle.0)?;
            let mut entries = handle.entries.lock().unwrap_or_else(PoisonError::into_inner);
            if offset == 0 {
                *entries = read_entries(&*self.nodes.get(number.0)?, &handle.file)?;
            }
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(entries.len());
            let mut added = false;
            for (index, entry) in entries.iter().enumerate().skip(from) {
                let next = index as u64 + 1;
                if reply.add(INodeNo(entry.number), next, entry.kind, &entry.name) {
                    break;
                }
                added = true;
            }
            Ok(added)
        };
        let result = read();
        // NFS says with the last entries that they are the last; FUSE asks again.
        if !self.caches() || !matches!(result, Ok(false)) {
            operation.charge(Class::MetadataRead, 1);
        }
        operation.answer(move || match result {
            Ok(_) => reply.ok(),
            Err(errno) => reply.error(code(errno)),
        });
    }

    fn releasedir(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        reply: ReplyEmpty,
    ) {
        let operation = self.begin(Kind::Releasedir);
        self.drop_handle(handle.0);
        operation.answer(move || reply.ok());
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        // In NFS a change of a folder is durable before it is answered.
        let mut operation = self.begin(Kind::Fsyncdir);
        if !self.caches() {
            operation.charge(Class::MetadataWrite, 1);
        }
        operation.answer(move || reply.ok());
    }

    fn statfs(&self, _: &Request, number: INodeNo, reply: ReplyStatfs) {
        let operation = self.begin(Kind::Statfs);
        let result = self.nodes.get(number.0).and_then(|node| backing::statvfs(node.path()));
        operation.round_trip(Class::MetadataRead, move || match result {
            Ok(of) => {
                let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
                reply.statfs(
                    of.f_blocks,
                    of.f_bfree,
                    of.f_bavail,
                    of.f_files,
                    of.f_ffree,
                    narrow(of.f_bsize),
                    narrow(of.f_namemax),
                    narrow(of.f_frsize),
                );
            }
            Err(errno) => reply.error(code(errno)),
        });
    }
}

/// Whether the kernel may keep a file's bytes that it holds.
fn keep(same: bool) -> FopenFlags {
    if same { FopenFlags::FOPEN_KEEP_CACHE } else { FopenFlags::empty() }
}
