//! Git objects: immutable bytes, found by their hash.
//!
//! Objects are written loose, one zlib-compressed file each, as git does by
//! default. `gix` writes loose objects too, but it does not sync them, and it
//! maps files into memory to read them, where an error of a network file system
//! becomes a fatal signal. Hence the few lines of our own; encoding, hashing,
//! compression and packs remain `gix`'s.
//!
//! An object that is needed for a commit is made durable in any case, even if
//! its file is there already: its writer may have died before syncing the name.

use std::{
    collections::{BTreeSet, HashSet},
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use gix::{
    hash::{Kind as HashKind, ObjectId, Prefix, oid},
    objs::{self, Data, Kind},
    odb::{HandleArc, Store as PackStore},
    zlib::{Compression, Inflate, Status, stream::deflate},
};
use runtime_core::pages::limits;

use crate::{
    cache::Cache,
    error::{Error, Result},
    files::{self, Temporary},
    steps::{Observer, Step},
};

/// Largest tree that is read or written, in bytes: some 150,000 entries.
pub(crate) const TREE_LIMIT: usize = 8 * 1024 * 1024;
/// Largest commit that is read, in bytes.
const COMMIT_LIMIT: usize = 256 * 1024;
/// What the header of a loose object fits into, in bytes (as in git and gix).
const HEADER: usize = 64;
/// Most commits that an abbreviated id is compared with.
const PREFIX_CANDIDATES: usize = 64;

/// An object that is about to be stored.
#[derive(Debug)]
pub(crate) struct NewObject {
    pub(crate) id: ObjectId,
    kind: Kind,
    data: Vec<u8>,
}

impl NewObject {
    pub(crate) fn new(kind: Kind, data: Vec<u8>) -> Result<Self> {
        let id = objs::compute_hash(HashKind::Sha1, kind, &data).map_err(|error| {
            Error::Unsupported(format!("the content cannot be hashed: {error}"))
        })?;
        Ok(Self { id, kind, data })
    }
}

/// The objects of one repository.
pub(crate) struct Objects {
    folder: PathBuf,
    temporary: PathBuf,
    cache: Mutex<Cache>,
    packs: Mutex<Option<HandleArc>>,
}

impl Objects {
    /// The objects under `folder`; new ones begin their life in `temporary`.
    pub(crate) fn new(folder: PathBuf, temporary: PathBuf) -> Self {
        Self { folder, temporary, cache: Mutex::default(), packs: Mutex::default() }
    }

    /// The commit `id`.
    pub(crate) fn commit(&self, id: &oid) -> Result<Arc<Vec<u8>>> {
        self.expect(id, Kind::Commit)
    }

    /// The tree `id`.
    pub(crate) fn tree(&self, id: &oid) -> Result<Arc<Vec<u8>>> {
        self.expect(id, Kind::Tree)
    }

    /// The blob `id`. Not cached: pages are large and rarely read twice.
    pub(crate) fn blob(&self, id: &oid) -> Result<Arc<Vec<u8>>> {
        self.expect(id, Kind::Blob)
    }

    /// The object `id` of the given kind, which must exist because another
    /// object names it.
    fn expect(&self, id: &oid, kind: Kind) -> Result<Arc<Vec<u8>>> {
        match self.find(id)? {
            Some((found, data)) if found == kind => Ok(data),
            Some((found, _)) => Err(Error::Corrupt(format!("{id} is a {found}, not a {kind}"))),
            None => Err(Error::Corrupt(format!("{kind} {id} is missing"))),
        }
    }

    /// The object `id`, if there is one.
    pub(crate) fn find(&self, id: &oid) -> Result<Option<(Kind, Arc<Vec<u8>>)>> {
        if let Some(hit) = lock(&self.cache).get(id) {
            return Ok(Some(hit));
        }
        let mut found = self.find_loose(id)?;
        if found.is_none() {
            found = self.find_packed(id)?;
        }
        if found.is_none() {
            // A client's cache may hide a folder or file that was made since:
            // ask the server before giving up.
            files::refresh(&self.folder);
            files::refresh(&self.folder.join(id.to_hex_with_len(2).to_string()));
            found = self.find_loose(id)?;
        }
        let Some((kind, data)) = found else { return Ok(None) };
        Data::new(&data, kind, HashKind::Sha1).verify_checksum(id).map_err(|_| {
            Error::Corrupt(format!("{kind} {id} has other content than its id says"))
        })?;
        let data = Arc::new(data);
        self.remember(id.to_owned(), kind, &data);
        Ok(Some((kind, data)))
    }

    fn remember(&self, id: ObjectId, kind: Kind, data: &Arc<Vec<u8>>) {
        if matches!(kind, Kind::Commit | Kind::Tree) {
            lock(&self.cache).insert(id, kind, Arc::clone(data));
        }
    }

    fn find_loose(&self, id: &oid) -> Result<Option<(Kind, Vec<u8>)>> {
        // Incompressible data grows by less than a thousandth in zlib.
        let limit = (TREE_LIMIT + TREE_LIMIT / 512 + 1024) as u64;
        let Some(bytes) = files::read(&self.path(id), limit)? else { return Ok(None) };
        inflate(&bytes)
            .map_err(|error| match error {
                Error::Corrupt(reason) => Error::Corrupt(format!("object {id}: {reason}")),
                other => other,
            })
            .map(Some)
    }

    /// Looks into packs, which only maintenance makes (`git gc`, an import).
    fn find_packed(&self, id: &oid) -> Result<Option<(Kind, Vec<u8>)>> {
        let packs = self.packs()?;
        let Some(packs) = &*packs else { return Ok(None) };
        let unreadable = |error| Error::Corrupt(format!("object {id}: {error}"));
        let header = objs::FindHeader::try_header(&**packs, id).map_err(unreadable)?;
        let Some(header) = header else { return Ok(None) };
        check_size(header.kind, header.size)?;
        let mut data = Vec::new();
        let found = objs::Find::try_find(packs, id, &mut data).map_err(unreadable)?;
        let kind = found.map(|object| object.kind);
        Ok(kind.map(|kind| (kind, data)))
    }

    fn packs(&self) -> Result<std::sync::MutexGuard<'_, Option<HandleArc>>> {
        let mut packs = lock(&self.packs);
        if packs.is_none() {
            let options = gix::odb::store::init::Options {
                alloc_limit_bytes: Some(TREE_LIMIT),
                ..Default::default()
            };
            let folder = self.folder.clone();
            let store =
                PackStore::at_opts(folder, HashKind::Sha1, &mut std::iter::empty(), options)
                    .map_err(Error::io("open packs in", &self.folder))?;
            *packs = Some(Arc::new(store).to_cache_arc());
        }
        Ok(packs)
    }

    /// The commits whose id starts with `prefix`.
    pub(crate) fn commits_with_prefix(&self, prefix: Prefix) -> Result<Vec<ObjectId>> {
        let mut candidates = HashSet::new();
        if let Some(packs) = &*self.packs()? {
            packs
                .lookup_prefix(prefix, Some(&mut candidates))
                .map_err(|error| Error::Corrupt(format!("cannot look up {prefix}: {error}")))?;
        }
        let mut commits = Vec::new();
        for id in candidates.into_iter().take(PREFIX_CANDIDATES) {
            if let Some((Kind::Commit, _)) = self.find(&id)? {
                commits.push(id);
            }
        }
        Ok(commits)
    }

    /// Stores `objects` and returns once they are durable. `done` are the ids
    /// that an earlier attempt of the same write has stored; it is extended.
    pub(crate) fn store(
        &self,
        objects: Vec<NewObject>,
        done: &mut HashSet<ObjectId>,
        observer: &dyn Observer,
    ) -> Result<()> {
        let mut folders = BTreeSet::new();
        for object in objects {
            if !done.insert(object.id) {
                continue;
            }
            let path = self.path(&object.id);
            // A page or folder may return to a former state; a commit is new.
            if object.kind == Kind::Commit || !path.exists() {
                let file = Temporary::write(&self.temporary, &deflate(&object)?)?;
                observer.reached(Step::ObjectWritten);
                file.rename_into_folder(&path).map_err(Error::io("rename to", &path))?;
                observer.reached(Step::ObjectNamed);
            }
            folders.extend(path.parent().map(Path::to_path_buf));
            self.remember(object.id, object.kind, &Arc::new(object.data));
        }
        for folder in &folders {
            files::sync_folder(folder)?;
        }
        // The folders may be new themselves, made by us or by a writer that died.
        files::sync_folder(&self.folder)?;
        observer.reached(Step::ObjectsDurable);
        Ok(())
    }

    fn path(&self, id: &oid) -> PathBuf {
        let hex = id.to_hex().to_string();
        let (folder, file) = hex.split_at(2);
        self.folder.join(folder).join(file)
    }
}

/// A panic elsewhere leaves these maps intact: every change is one call.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn check_size(kind: Kind, size: u64) -> Result<()> {
    let (what, limit) = match kind {
        Kind::Blob => ("the page", limits::BODY),
        Kind::Tree => ("the folder's tree", TREE_LIMIT),
        Kind::Commit | Kind::Tag => ("the commit", COMMIT_LIMIT),
    };
    let limit = limit as u64;
    if size > limit { Err(Error::TooLarge { what, size, limit }) } else { Ok(()) }
}

fn deflate(object: &NewObject) -> Result<Vec<u8>> {
    let compress = || {
        let mut out = deflate::Write::new(Vec::new(), Compression::BEST_SPEED);
        out.write_all(&objs::encode::loose_header(object.kind, object.data.len() as u64))?;
        out.write_all(&object.data)?;
        out.flush()?;
        Ok(out.into_inner())
    };
    compress().map_err(Error::io("compress", PathBuf::new()))
}

fn inflate(bytes: &[u8]) -> Result<(Kind, Vec<u8>)> {
    let corrupt = |error: gix::Error| Error::Corrupt(error.to_string());
    let mut inflate = Inflate::default();
    let mut start = [0; HEADER];
    let (status, consumed, written) = inflate.prefix(bytes, &mut start).map_err(corrupt)?;
    let start = &start[..written];
    let (kind, size, header) = objs::decode::loose_header(start).map_err(corrupt)?;
    check_size(kind, size)?;
    let size = usize::try_from(size).map_err(|error| Error::Corrupt(error.to_string()))?;
    let mut data = Vec::new();
    if status == Status::StreamEnd {
        data.extend_from_slice(&start[header..]);
    } else if written - header > size {
        return Err(Error::Corrupt("more content than its header says".to_owned()));
    } else {
        inflate.rest(&bytes[consumed..], start, header, &mut data, size).map_err(corrupt)?;
    }
    if data.len() != size {
        return Err(Error::Corrupt(format!("{} bytes instead of {size}", data.len())));
    }
    Ok((kind, data))
}
