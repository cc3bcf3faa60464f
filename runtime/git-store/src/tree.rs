//! Trees: finding a page, putting a page, listing pages.

use std::sync::Arc;

use gix::{
    bstr::{BString, ByteSlice},
    hash::{Kind as HashKind, ObjectId},
    objs::{
        Kind, Tree, TreeRefIter, WriteTo,
        tree::{Entry, EntryKind},
    },
};
use runtime_core::pages::PagePath;

use crate::{
    error::{Error, Result},
    objects::{NewObject, Objects, TREE_LIMIT},
};

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) kind: EntryKind,
    pub(crate) id: ObjectId,
}

/// The entries of tree `id`.
pub(crate) fn entries(objects: &Objects, id: &ObjectId) -> Result<Vec<Entry>> {
    let data = objects.tree(id)?;
    TreeRefIter::from_bytes(&data, HashKind::Sha1)
        .map(|entry| entry.map(Into::into))
        .collect::<Result<_, gix::Error>>()
        .map_err(|error| Error::Corrupt(format!("tree {id}: {error}")))
}

/// The entry called `name` in the tree that `data` encodes.
fn entry(id: &ObjectId, data: &Arc<Vec<u8>>, name: &str) -> Result<Option<Target>> {
    for entry in TreeRefIter::from_bytes(data, HashKind::Sha1) {
        let entry = entry.map_err(|error| Error::Corrupt(format!("tree {id}: {error}")))?;
        if entry.filename == name.as_bytes() {
            return Ok(Some(Target { kind: entry.mode.kind(), id: entry.oid.to_owned() }));
        }
    }
    Ok(None)
}

/// What `path` leads to, starting from tree `root`.
pub(crate) fn find(objects: &Objects, root: ObjectId, path: &PagePath) -> Result<Option<Target>> {
    let mut current = Target { kind: EntryKind::Tree, id: root };
    for segment in path.segments() {
        if current.kind != EntryKind::Tree {
            return Ok(None);
        }
        let data = objects.tree(&current.id)?;
        match entry(&current.id, &data, segment)? {
            Some(target) => current = target,
            None => return Ok(None),
        }
    }
    Ok(Some(current))
}

/// Puts `blob` at `path` in tree `root` (`None` is the empty tree).
///
/// Answers the new root and the trees to store, or `None` if the page is this
/// blob already.
pub(crate) fn put(
    objects: &Objects,
    root: Option<ObjectId>,
    path: &PagePath,
    blob: ObjectId,
) -> Result<Option<(ObjectId, Vec<NewObject>)>> {
    let segments: Vec<&str> = path.segments().collect();
    let (name, folders) = segments.split_last().expect("a path has at least one segment");

    // Down: the entries of each folder on the way, outermost first.
    let mut levels = vec![match root {
        Some(id) => entries(objects, &id)?,
        None => Vec::new(),
    }];
    for (depth, folder) in folders.iter().enumerate() {
        let here = || segments[..=depth].join("/");
        let next = match levels[depth].iter().find(|entry| entry.filename == folder.as_bytes()) {
            None => Vec::new(),
            Some(entry) if entry.mode.is_tree() => entries(objects, &entry.oid)?,
            Some(entry) if entry.mode.is_blob() => {
                return Err(Error::PathClash(format!("{:?} is a page, not a folder", here())));
            }
            Some(_) => {
                return Err(Error::Unsupported(format!("{:?} is a link, not a folder", here())));
            }
        };
        levels.push(next);
    }
    match levels[folders.len()].iter().find(|entry| entry.filename == name.as_bytes()) {
        Some(entry) if entry.mode.is_blob() && entry.oid == blob => return Ok(None),
        Some(entry) if entry.mode.is_tree() => {
            return Err(Error::PathClash(format!("{:?} is a folder, not a page", path.as_str())));
        }
        Some(entry) if !entry.mode.is_blob() => {
            return Err(Error::Unsupported(format!("{:?} is a link, not a page", path.as_str())));
        }
        _ => {}
    }

    // Up: each folder gets a new entry for the one below.
    let mut trees = Vec::with_capacity(levels.len());
    let mut below = Entry { mode: EntryKind::Blob.into(), filename: (*name).into(), oid: blob };
    for (depth, mut entries) in levels.into_iter().enumerate().rev() {
        replace(&mut entries, below);
        let tree = encode(entries)?;
        let filename = depth.checked_sub(1).map_or_else(BString::default, |d| segments[d].into());
        below = Entry { mode: EntryKind::Tree.into(), filename, oid: tree.id };
        trees.push(tree);
    }
    Ok(Some((below.oid, trees)))
}

/// Puts `entry` in its place, instead of one of the same name. Such a one is of
/// the same sort (folder or not), so that it sorts equal.
fn replace(entries: &mut Vec<Entry>, entry: Entry) {
    match entries.binary_search(&entry) {
        Ok(index) => entries[index] = entry,
        Err(index) => entries.insert(index, entry),
    }
}

fn encode(entries: Vec<Entry>) -> Result<NewObject> {
    let mut data = Vec::new();
    Tree { entries }.write_to(&mut data).map_err(Error::io("encode a tree", ""))?;
    if data.len() > TREE_LIMIT {
        return Err(Error::TooLarge {
            what: "the folder's tree",
            size: data.len() as u64,
            limit: TREE_LIMIT as u64,
        });
    }
    NewObject::new(Kind::Tree, data)
}

/// The entry's name as text; names that are not UTF-8 cannot be asked for.
pub(crate) fn name(entry: &Entry) -> Option<&str> {
    entry.filename.to_str().ok()
}
