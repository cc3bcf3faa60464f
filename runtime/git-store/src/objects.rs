//! Git objects: immutable bytes, found by their hash.
//!
//! The objects of a commit are written as one pack (see [`crate::pack`]), named after
//! the commit, which takes in those of commits before (see [`crate::run`]). They are looked for, in this order,
//!
//! 1. in memory;
//! 2. in the packs of recent commits that were read already (see [`crate::recent`]);
//! 3. in the packs that consolidation made (see [`crate::catalogue`]);
//! 4. in the packs of further commits, from the head backwards;
//! 5. loose, as former versions of the store and git itself write them;
//! 6. in any pack, by listing the folder, which `gix` does;
//! 7. in 3 and 5 once more, after asking the server anew.
//!
//! What this store wrote is found by 4 at the latest, without listing anything. A pack
//! that has gone since was consolidated: its objects are found by 3, read again.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gix::{
    hash::{Kind as HashKind, ObjectId, Prefix, oid},
    objs::{self, Kind},
    odb::{HandleArc, Store as PackStore},
};
use runtime_core::pages::limits;

use crate::{
    cache::Cache,
    catalogue::Catalogue,
    commit::Commit,
    error::{Error, Result},
    files,
    layout::Layout,
    loose, pack,
    pack_file::PackFile,
    recent::Recent,
    run::{Raw, Run},
};

/// Largest tree that is read or written, in bytes: some 150,000 entries.
pub(crate) const TREE_LIMIT: usize = 8 * 1024 * 1024;
/// Largest commit that is read, in bytes.
const COMMIT_LIMIT: usize = 256 * 1024;
/// Largest pack of a single commit that is read, in bytes: a page, and a tree for
/// each folder on its path.
const PACK_LIMIT: u64 = 320 * 1024 * 1024;
/// Most commits that an abbreviated id is compared with.
const PREFIX_CANDIDATES: usize = 64;
/// Most packs of commits that are read to find one object.
const WALK: usize = 1_024;

/// Times that the catalogue is read when its packs go while they are being opened.
const CATALOGUES: u32 = 8;

/// An object that is about to be stored.
#[derive(Debug)]
pub(crate) struct NewObject {
    pub(crate) id: ObjectId,
    pub(crate) kind: Kind,
    pub(crate) data: Vec<u8>,
}

impl NewObject {
    pub(crate) fn new(kind: Kind, data: Vec<u8>) -> Result<Self> {
        let id = objs::compute_hash(HashKind::Sha1, kind, &data).map_err(|error| {
            Error::Unsupported(format!("the content cannot be hashed: {error}"))
        })?;
        Ok(Self { id, kind, data })
    }
}

/// An object that was found.
pub(crate) type Object = (Kind, Arc<Vec<u8>>);

/// What the next pack backwards has brought.
enum Back {
    Found(Object),
    Further,
    /// There is no such pack.
    End,
}

/// The objects of one repository.
pub(crate) struct Objects {
    layout: Arc<Layout>,
    cache: Mutex<Cache>,
    recent: Mutex<Recent>,
    /// The packs of the catalogue, once they were needed.
    packs: Mutex<Option<Arc<Vec<PackFile>>>>,
    any_pack: Mutex<Option<HandleArc>>,
}

impl Objects {
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        Self {
            layout,
            cache: Mutex::default(),
            recent: Mutex::default(),
            packs: Mutex::default(),
            any_pack: Mutex::default(),
        }
    }

    /// The commit `id`.
    pub(crate) fn commit(&self, id: &oid) -> Result<Arc<Vec<u8>>> {
        self.expect(id, Kind::Commit)
    }

    /// Whether the commit `id` is in memory.
    pub(crate) fn knows(&self, id: &oid) -> bool {
        lock(&self.cache).get(id).is_some()
    }

    /// The commit `id`, which is the head or was a moment ago: most likely it has a
    /// pack of its own.
    pub(crate) fn recent_commit(&self, id: &oid) -> Result<Arc<Vec<u8>>> {
        if lock(&self.cache).get(id).is_none() && !lock(&self.recent).is_visited(id) {
            self.visit(id)?;
        }
        lock(&self.recent).await_visit(id.to_owned());
        self.commit(id)
    }

    /// The tree `id`.
    pub(crate) fn tree(&self, id: &oid) -> Result<Arc<Vec<u8>>> {
        self.expect(id, Kind::Tree)
    }

    /// The blob `id`.
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
    pub(crate) fn find(&self, id: &oid) -> Result<Option<Object>> {
        if let Some(hit) = lock(&self.cache).get(id) {
            return Ok(Some(hit));
        }
        if let Some(found) = self.find_in_known(id)? {
            return Ok(Some(found));
        }
        // As long as packs are being opened, to go back meanwhile costs no time.
        while self.packs.try_lock().is_err() {
            match self.step_back(id)? {
                Back::Found(found) => return Ok(Some(found)),
                Back::Further => {}
                Back::End => break,
            }
        }
        let mut found = self.find_consolidated(id)?;
        if found.is_none() {
            if let Some(found) = self.walk_to(id)? {
                return Ok(Some(found));
            }
            found = loose::find(&self.layout.objects, id)?;
        }
        if found.is_none() {
            found = self.find_anywhere(id)?;
        }
        found.map(|(kind, data)| self.checked(id, kind, data)).transpose()
    }

    fn checked(&self, id: &oid, kind: Kind, data: Vec<u8>) -> Result<Object> {
        pack::verify(id, kind, &data)?;
        let data = Arc::new(data);
        lock(&self.cache).insert(id.to_owned(), kind, Arc::clone(&data));
        Ok((kind, data))
    }

    /// In the pack of a commit that was read before.
    fn find_in_known(&self, id: &oid) -> Result<Option<Object>> {
        let Some(commit) = lock(&self.recent).place(id) else { return Ok(None) };
        if let Some(objects) = self.read_pack(&commit)? {
            return Ok(pick(objects, id));
        }
        // It was consolidated meanwhile, so the catalogue has changed as well.
        lock(&self.recent).none(&commit);
        *lock(&self.packs) = None;
        Ok(None)
    }

    /// From where reading commits backwards has stopped.
    fn walk_to(&self, id: &oid) -> Result<Option<Object>> {
        for _ in 0..WALK {
            match self.step_back(id)? {
                Back::Found(found) => return Ok(Some(found)),
                Back::Further => {}
                Back::End => break,
            }
        }
        Ok(None)
    }

    /// Looks for the object `id` in the next pack backwards.
    fn step_back(&self, id: &oid) -> Result<Back> {
        let Some(commit) = lock(&self.recent).next() else { return Ok(Back::End) };
        let objects = self.visit(&commit)?;
        Ok(objects.and_then(|objects| pick(objects, id)).map_or(Back::Further, Back::Found))
    }

    /// Reads the pack of `commit`, if it has one, and remembers what is in it.
    fn visit(&self, commit: &oid) -> Result<Option<Vec<(ObjectId, Object)>>> {
        let Some(bytes) = self.pack_of(commit)? else {
            lock(&self.recent).none(commit);
            return Ok(None);
        };
        let unpacked = pack::unpack(&bytes)?;
        let raw = |object: &pack::Unpacked<'_>| Raw {
            id: object.id,
            kind: object.kind,
            size: object.data.len() as u64,
            deflated: object.deflated.to_vec(),
        };
        let raw = unpacked.iter().map(raw).collect();
        let objects = self.keep(unpacked);
        let (below, commits) = below(commit, &objects)?;
        let ids = objects.iter().map(|(id, _)| *id);
        let mut recent = lock(&self.recent);
        recent.visit(commit.to_owned(), below, ids);
        let newest = commit.to_owned();
        recent.runs.add(Run { newest, below, commits, objects: Arc::new(raw) });
        drop(recent);
        Ok(Some(objects))
    }

    /// The pack of `commit`, if it has one of its own.
    pub(crate) fn pack_of(&self, commit: &oid) -> Result<Option<Vec<u8>>> {
        let name = format!("{}.pack", pack::name_of(&commit.to_owned()));
        self.layout.packs.read(&name, PACK_LIMIT)
    }

    /// All objects in the pack of `commit`. They are cached.
    fn read_pack(&self, commit: &oid) -> Result<Option<Vec<(ObjectId, Object)>>> {
        let Some(bytes) = self.pack_of(commit)? else { return Ok(None) };
        Ok(Some(self.keep(pack::unpack(&bytes)?)))
    }

    fn keep(&self, unpacked: Vec<pack::Unpacked<'_>>) -> Vec<(ObjectId, Object)> {
        let mut cache = lock(&self.cache);
        let keep = |object: pack::Unpacked<'_>| {
            let data = Arc::new(object.data);
            cache.insert(object.id, object.kind, Arc::clone(&data));
            (object.id, (object.kind, data))
        };
        unpacked.into_iter().map(keep).collect()
    }

    /// What the pack of a new commit after `parent` takes in.
    pub(crate) fn to_take_in(&self, parent: &ObjectId) -> Vec<Run> {
        lock(&self.recent).runs.to_take_in(parent)
    }

    /// This process has just written the pack of `run`; `objects` are those of its newest
    /// commit, whose parent is `parent`.
    pub(crate) fn remember(&self, run: Run, parent: Option<ObjectId>, objects: Vec<NewObject>) {
        let mut recent = lock(&self.recent);
        recent.visit(run.newest, parent, objects.iter().map(|object| object.id));
        recent.runs.add(run);
        drop(recent);
        let mut cache = lock(&self.cache);
        for NewObject { id, kind, data } in objects {
            cache.insert(id, kind, Arc::new(data));
        }
    }

    fn find_consolidated(&self, id: &oid) -> Result<Option<(Kind, Vec<u8>)>> {
        let packs = self.consolidated()?;
        for pack in packs.iter() {
            match pack.find(id) {
                Ok(None) => {}
                Ok(found) => return Ok(found),
                Err(error @ Error::Io { .. }) => {
                    // Replaced, and its file gone: found elsewhere, or not at all.
                    tracing::warn!(%error, pack = pack.name(), "failed to read a pack");
                    *lock(&self.packs) = None;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Opens the packs of the catalogue. Whoever needs them meanwhile waits; whoever needs
    /// them after a failure tries again.
    pub(crate) fn warm(&self) {
        if let Err(error) = self.consolidated() {
            tracing::debug!(%error, "failed to open packs");
        }
    }

    /// The packs of the catalogue. Those that have gone are left out.
    fn consolidated(&self) -> Result<Arc<Vec<PackFile>>> {
        let mut known = lock(&self.packs);
        if let Some(packs) = &*known {
            return Ok(Arc::clone(packs));
        }
        let mut catalogue = Catalogue::read(&self.layout)?;
        let mut packs = Vec::new();
        for _ in 0..CATALOGUES {
            packs = catalogue.open(&self.layout)?;
            if packs.len() == catalogue.packs.len() {
                break;
            }
            // One has gone: either another list is valid by now, or it is gone for good.
            let newer = Catalogue::read(&self.layout)?;
            if newer == catalogue {
                break;
            }
            catalogue = newer;
        }
        let packs = Arc::new(packs);
        *known = Some(Arc::clone(&packs));
        Ok(packs)
    }

    /// Forgets which packs there are, because they have changed.
    pub(crate) fn packs_changed(&self) {
        *lock(&self.packs) = None;
        *lock(&self.any_pack) = None;
    }

    /// Whether the object `id` has a file of its own.
    pub(crate) fn is_loose(&self, id: &oid) -> Result<bool> {
        Ok(loose::find(&self.layout.objects, id)?.is_some())
    }

    /// The last resort: packs that nobody told of, and what a client's cache hides.
    fn find_anywhere(&self, id: &oid) -> Result<Option<(Kind, Vec<u8>)>> {
        if let Some(found) = self.find_in_any_pack(id)? {
            return Ok(Some(found));
        }
        files::refresh(&self.layout.objects);
        files::refresh(&loose::path(&self.layout.objects, id).0);
        files::refresh(self.layout.packs.path());
        self.packs_changed();
        if let Some(found) = self.find_consolidated(id)? {
            return Ok(Some(found));
        }
        match loose::find(&self.layout.objects, id)? {
            Some(found) => Ok(Some(found)),
            None => self.find_in_any_pack(id),
        }
    }

    fn find_in_any_pack(&self, id: &oid) -> Result<Option<(Kind, Vec<u8>)>> {
        let packs = self.any_pack()?;
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

    fn any_pack(&self) -> Result<MutexGuard<'_, Option<HandleArc>>> {
        let mut packs = lock(&self.any_pack);
        if packs.is_none() {
            let options = gix::odb::store::init::Options {
                alloc_limit_bytes: Some(TREE_LIMIT),
                ..Default::default()
            };
            let folder = self.layout.objects.clone();
            let store =
                PackStore::at_opts(folder, HashKind::Sha1, &mut std::iter::empty(), options)
                    .map_err(Error::io("open packs in", &self.layout.objects))?;
            *packs = Some(Arc::new(store).to_cache_arc());
        }
        Ok(packs)
    }

    /// The commits whose id starts with `prefix`.
    pub(crate) fn commits_with_prefix(&self, prefix: Prefix) -> Result<Vec<ObjectId>> {
        let mut candidates = HashSet::new();
        // Packs come and go: the folder is listed anew.
        *lock(&self.any_pack) = None;
        if let Some(packs) = &*self.any_pack()? {
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
}

/// The parent of the oldest of the commits in a row that the pack of `commit` has, and how
/// many they are.
fn below(commit: &oid, objects: &[(ObjectId, Object)]) -> Result<(Option<ObjectId>, usize)> {
    let commits: HashMap<&ObjectId, &Arc<Vec<u8>>> = objects
        .iter()
        .filter(|(_, (kind, _))| *kind == Kind::Commit)
        .map(|(id, (_, data))| (id, data))
        .collect();
    let (mut at, mut number) = (Some(commit.to_owned()), 0);
    while let Some(id) = at
        && let Some(data) = commits.get(&id)
    {
        at = Commit::parse(&id, data)?.parent();
        number += 1;
    }
    if number == 0 {
        return Err(Error::Corrupt(format!("the pack of commit {commit} is of another")));
    }
    Ok((at, number))
}

fn pick(objects: Vec<(ObjectId, Object)>, id: &oid) -> Option<Object> {
    objects.into_iter().find(|(other, _)| **other == *id).map(|(_, object)| object)
}

/// A panic elsewhere leaves these maps intact: every change is one call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses an object that is larger than anything the store makes.
pub(crate) fn check_size(kind: Kind, size: u64) -> Result<()> {
    let (what, limit) = match kind {
        Kind::Blob => ("the page", limits::BODY),
        Kind::Tree => ("the folder's tree", TREE_LIMIT),
        Kind::Commit | Kind::Tag => ("the commit", COMMIT_LIMIT),
    };
    let limit = limit as u64;
    if size > limit { Err(Error::TooLarge { what, size, limit }) } else { Ok(()) }
}
