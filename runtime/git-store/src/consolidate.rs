//! Packs of many commits, made of the packs of single ones.
//!
//! Objects are copied as they are, compressed; only trees become deltas, each of the
//! next newer tree of its folder, which differs in one entry. Commits come first, the
//! newest first of all, so that history is read from neighbouring bytes.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use gix::{
    hash::{Kind as HashKind, ObjectId, oid},
    objs::{Kind, TreeRefIter},
    odb::pack::data::entry::Header,
};

use crate::{
    delta,
    error::{Error, Result},
    files::Folder,
    pack::{self, Builder, Packed, Unpacked, deflate},
    pack_file::PackFile,
};

/// Longest chain of deltas that is made: as git's default.
const CHAIN: usize = 50;
/// Most bytes of trees that are kept to make deltas of.
const TREES: usize = 64 * 1024 * 1024;

/// An entry of a pack in the making.
#[derive(Debug)]
struct Entry {
    id: ObjectId,
    header: Header,
    size: u64,
    deflated: Vec<u8>,
}

/// The newest tree of a folder so far.
#[derive(Debug)]
struct Newest {
    id: ObjectId,
    data: Arc<Vec<u8>>,
    /// Deltas between it and a whole tree.
    chain: usize,
}

/// A pack in the making.
#[derive(Debug, Default)]
pub(crate) struct Consolidation {
    commits: Vec<Entry>,
    others: Vec<Entry>,
    known: HashSet<ObjectId>,
    trees: HashMap<String, Newest>,
    tree_bytes: usize,
    bytes: usize,
}

impl Consolidation {
    /// Size so far, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Adds the objects of one commit: itself, the trees from the root down, the page.
    /// The commits have to come newest first.
    pub(crate) fn add_commit(&mut self, objects: Vec<Unpacked<'_>>) -> Result<()> {
        let mut path = Some(String::new());
        let mut objects = objects.into_iter().peekable();
        while let Some(object) = objects.next() {
            let next = objects.peek().map(|next| next.id);
            match object.kind {
                Kind::Tree => {
                    let inner = next.and_then(|next| name_of(&object.data, &next));
                    self.add_tree(path.as_deref(), object)?;
                    path = path.zip(inner).map(|(path, name)| format!("{path}/{name}"));
                }
                kind => self.add_whole(object.id, kind, &object.data, object.deflated),
            }
        }
        Ok(())
    }

    /// Adds one object as it is.
    pub(crate) fn add_whole(&mut self, id: ObjectId, kind: Kind, data: &[u8], deflated: &[u8]) {
        let header = match kind {
            Kind::Blob => Header::Blob,
            Kind::Tree => Header::Tree,
            Kind::Commit => Header::Commit,
            Kind::Tag => Header::Tag,
        };
        self.push(Entry { id, header, size: data.len() as u64, deflated: deflated.to_vec() });
    }

    fn push(&mut self, entry: Entry) {
        if !self.known.insert(entry.id) {
            return;
        }
        self.bytes += entry.deflated.len();
        match entry.header {
            Header::Commit => self.commits.push(entry),
            _ => self.others.push(entry),
        }
    }

    fn add_tree(&mut self, path: Option<&str>, object: Unpacked<'_>) -> Result<()> {
        if self.known.contains(&object.id) {
            return Ok(());
        }
        let data = Arc::new(object.data);
        let newer = path.and_then(|path| self.trees.get(path)).filter(|newer| newer.chain < CHAIN);
        let delta = newer.and_then(|newer| {
            Some((newer.id, newer.chain + 1, delta::encode(&newer.data, &data)?))
        });
        let chain = match delta {
            Some((base_id, chain, delta)) => {
                let header = Header::RefDelta { base_id };
                let size = delta.len() as u64;
                self.push(Entry { id: object.id, header, size, deflated: deflate(&delta)? });
                chain
            }
            None => {
                self.add_whole(object.id, Kind::Tree, &data, object.deflated);
                0
            }
        };
        if let Some(path) = path {
            self.tree_bytes += data.len();
            let newest = Newest { id: object.id, data, chain };
            if let Some(before) = self.trees.insert(path.to_owned(), newest) {
                self.tree_bytes -= before.data.len();
            }
            if self.tree_bytes > TREES {
                self.trees.clear();
                self.tree_bytes = 0;
            }
        }
        Ok(())
    }

    /// Adds all of `pack`, one that was made here, but for what is known. Packs have to
    /// come newest first.
    ///
    /// No chain of deltas comes back to where it began: what is added leads through this
    /// pack alone until it meets what was known before, and that leads nowhere else.
    pub(crate) fn add_pack(&mut self, folder: &Folder, pack: &PackFile, limit: u64) -> Result<()> {
        let name = format!("{}.pack", pack.name());
        let missing = || Error::Corrupt(format!("{name} is gone"));
        let bytes = folder.read(&name, limit)?.ok_or_else(missing)?;
        let odd = || Error::Corrupt(format!("{name} and its index do not agree"));
        let all = pack.all()?;
        let end = bytes.len().checked_sub(pack::ID).ok_or_else(odd)? as u64;
        let ends = all.iter().skip(1).map(|(offset, _)| *offset).chain([end]);
        for ((start, id), end) in all.iter().zip(ends) {
            let at = usize::try_from(*start).map_err(|_| odd())?;
            let to = usize::try_from(end).map_err(|_| odd())?;
            let entry = pack::entry(bytes.get(at..to).ok_or_else(odd)?, at)?;
            if matches!(entry.header, Header::OfsDelta { .. }) {
                return Err(odd());
            }
            let deflated = bytes[at + entry.header_size()..to].to_vec();
            let size = entry.decompressed_size;
            self.push(Entry { id: *id, header: entry.header, size, deflated });
        }
        Ok(())
    }

    /// The pack and its index.
    pub(crate) fn finish(self) -> Result<Packed> {
        let mut builder = Builder::new();
        for entry in self.commits.into_iter().chain(self.others) {
            builder.add_raw(entry.id, &entry.header, entry.size, &entry.deflated)?;
        }
        Ok(builder.finish())
    }
}

/// The name that the tree `data` has for `id`.
fn name_of(data: &[u8], id: &oid) -> Option<String> {
    TreeRefIter::from_bytes(data, HashKind::Sha1)
        .filter_map(std::result::Result::ok)
        .find(|entry| *entry.oid == *id)
        .map(|entry| entry.filename.to_string())
}
