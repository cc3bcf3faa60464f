//! gix, as its documentation shows it: one repository object, loose objects, a reference
//! that moves from the parent to the new commit.

use std::{collections::HashMap, path::PathBuf};

use gix::{
    ObjectId, Repository,
    bstr::ByteSlice,
    objs::{
        Tree,
        tree::{Entry, EntryKind},
    },
};

use crate::{Peer, Result};

const BRANCH: &str = "refs/heads/main";

pub(crate) struct PlainGix {
    folder: PathBuf,
    open: HashMap<String, Repository>,
}

impl PlainGix {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, open: HashMap::new() }
    }

    fn repository(&mut self, name: &str) -> Result<&Repository> {
        if !self.open.contains_key(name) {
            let path = self.folder.join(format!("{name}.git"));
            let options = gix::open::Options::isolated();
            self.open.insert(name.to_owned(), gix::open_opts(path, options)?);
        }
        Ok(&self.open[name])
    }
}

fn head(repository: &Repository) -> Result<Option<ObjectId>> {
    Ok(match repository.try_find_reference(BRANCH)? {
        Some(mut reference) => Some(reference.peel_to_id()?.detach()),
        None => None,
    })
}

fn tree_of(repository: &Repository, commit: ObjectId) -> Result<ObjectId> {
    Ok(repository.find_commit(commit)?.tree_id()?.detach())
}

/// Puts `blob` at `path` in `tree`; the new tree.
fn put(
    repository: &Repository,
    tree: Option<ObjectId>,
    path: &[&str],
    blob: ObjectId,
) -> Result<ObjectId> {
    let (name, rest) = path.split_first().ok_or("a path has at least one part")?;
    let mut entries = match tree {
        Some(id) => repository.find_tree(id)?.decode()?.into_owned(),
        None => Tree::empty(),
    };
    let known = entries.entries.iter().position(|entry| entry.filename == name.as_bytes());
    let (kind, oid) = if rest.is_empty() {
        (EntryKind::Blob, blob)
    } else {
        let folder = known.map(|at| entries.entries[at].oid);
        (EntryKind::Tree, put(repository, folder, rest, blob)?)
    };
    let entry = Entry { mode: kind.into(), filename: (*name).into(), oid };
    match known {
        Some(at) => entries.entries[at] = entry,
        None => {
            entries.entries.push(entry);
            entries.entries.sort();
        }
    }
    Ok(repository.write_object(&entries)?.detach())
}

impl Peer for PlainGix {
    fn init(&mut self, name: &str) -> Result<()> {
        gix::init_bare(self.folder.join(format!("{name}.git")))?;
        Ok(())
    }

    fn write(&mut self, name: &str, path: &str, body: &str) -> Result<()> {
        let repository = self.repository(name)?;
        let parent = head(repository)?;
        let tree = parent.map(|parent| tree_of(repository, parent)).transpose()?;
        let blob = repository.write_blob(body)?.detach();
        let parts: Vec<&str> = path.split('/').collect();
        let tree = put(repository, tree, &parts, blob)?;
        let who = gix::actor::SignatureRef {
            name: "Measurer".into(),
            email: "measurer@example.com".into(),
            time: "1700000000 +0000",
        };
        repository.commit_as(who, who, BRANCH, "Write", tree, parent)?;
        Ok(())
    }

    fn read(&mut self, name: &str, path: &str) -> Result<String> {
        let repository = self.repository(name)?;
        let head = head(repository)?.ok_or("there is no commit")?;
        let mut id = tree_of(repository, head)?;
        for part in path.split('/') {
            let tree = repository.find_tree(id)?;
            let tree = tree.decode()?;
            let entry = tree.entries.iter().find(|entry| entry.filename == part.as_bytes());
            id = entry.ok_or("there is no such page")?.oid.to_owned();
        }
        Ok(repository.find_blob(id)?.data.to_str()?.to_owned())
    }

    fn history(&mut self, name: &str, limit: u32) -> Result<usize> {
        let repository = self.repository(name)?;
        let head = head(repository)?.ok_or("there is no commit")?;
        let mut found = 0;
        for info in repository.rev_walk([head]).all()?.take(limit as usize) {
            // As a history shows it: who, when and why.
            let commit = info?.object()?;
            let message = commit.message_raw()?;
            if !message.is_empty() {
                found += 1;
            }
        }
        Ok(found)
    }
}
