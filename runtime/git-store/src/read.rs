//! Reading pages and lists of pages.

use gix::{
    hash::{ObjectId, Prefix},
    objs::{Kind, tree::EntryKind},
};
use runtime_core::pages::{List, ListEntry, ListPage, Page, PagePath, Read, Revision, limits};

use crate::{
    commit::Commit,
    error::{Error, Result, commit_id},
    steps::{Part, Stopwatch},
    store::{Repository, Store},
    tree::{self, Target},
};

/// Most trees that one `list` reads. Empty or skipped folders cost as well.
const MAX_TREES: usize = 10_000;
/// Deepest tree that `list` descends to. Deeper ones cannot be made here.
const MAX_DEPTH: usize = limits::PATH_SEGMENTS;

impl Store {
    pub(crate) fn read(&self, request: &Read) -> Result<Page> {
        let mut watch = Stopwatch::start();
        let repository = watch.time(Part::Open, || self.open(&request.wiki))?;
        let commit = watch
            .time(Part::Head, || self.resolve(&repository, request.revision.as_ref()))?
            .ok_or(Error::NotFound { what: "page" })?;
        let (blob, body) =
            watch.time(Part::Read, || read_page(&repository, commit, &request.path))?;
        Ok(Page { commit: commit_id(&commit), blob: blob.to_string(), body, timings: watch.stop() })
    }

    pub(crate) fn list(&self, request: &List) -> Result<ListPage> {
        let limit = checked_limit(request.limit, limits::LIST_DEFAULT, limits::LIST)?;
        let mut watch = Stopwatch::start();
        let repository = watch.time(Part::Open, || self.open(&request.wiki))?;
        let commit =
            watch.time(Part::Head, || self.resolve(&repository, request.revision.as_ref()))?;
        let mut lister = Lister {
            repository: &repository,
            after: request.after.as_ref().map(PagePath::as_str),
            limit,
            trees: 0,
            pages: Vec::new(),
            truncated: false,
        };
        if let Some(commit) = commit {
            watch.time(Part::Read, || lister.list(commit, request.prefix.as_ref()))?;
        }
        Ok(ListPage {
            commit: commit.as_ref().map(commit_id),
            pages: lister.pages,
            truncated: lister.truncated,
            timings: watch.stop(),
        })
    }

    /// The commit that `revision` means, or the head, if there is one. Repairs
    /// the reference if it lags behind.
    pub(crate) fn resolve(
        &self,
        repository: &Repository,
        revision: Option<&Revision>,
    ) -> Result<Option<ObjectId>> {
        if let Some(revision) = revision {
            return find_revision(repository, revision).map(Some);
        }
        let head = repository.head(&*self.options.observer);
        let found = head.find()?;
        repository.lead.found(found.id);
        if let (true, Some(id)) = (found.lags, found.id) {
            head.repair(id);
        }
        if let Some(id) = found.id {
            repository.objects.recent_commit(&id)?;
        }
        Ok(found.id)
    }
}

fn find_revision(repository: &Repository, revision: &Revision) -> Result<ObjectId> {
    let none = Error::NotFound { what: "revision" };
    if let Ok(id) = ObjectId::from_hex(revision.as_str().as_bytes()) {
        return match repository.objects.find(&id)? {
            Some((Kind::Commit, _)) => Ok(id),
            _ => Err(none),
        };
    }
    let invalid = |reason: String| Error::Invalid { field: "revision", reason };
    let prefix = Prefix::from_hex(revision.as_str()).map_err(|error| invalid(error.to_string()))?;
    match repository.objects.commits_with_prefix(prefix)?.as_slice() {
        [] => Err(none),
        [id] => Ok(*id),
        _ => Err(invalid(format!("{:?} is the start of several commits", revision.as_str()))),
    }
}

/// `limit` as the request gives it, within the contract's bounds.
pub(crate) fn checked_limit(limit: Option<u32>, default: u32, most: u32) -> Result<usize> {
    match limit.unwrap_or(default) {
        limit if (1..=most).contains(&limit) => Ok(limit as usize),
        _ => Err(Error::Invalid { field: "limit", reason: format!("must be 1 to {most}") }),
    }
}

/// The tree of pages of `commit`.
pub(crate) fn root_tree(repository: &Repository, commit: &ObjectId) -> Result<ObjectId> {
    let data = repository.objects.commit(commit)?;
    Ok(Commit::parse(commit, &data)?.tree())
}

fn read_page(
    repository: &Repository,
    commit: ObjectId,
    path: &PagePath,
) -> Result<(ObjectId, String)> {
    let root = root_tree(repository, &commit)?;
    let target = tree::find(&repository.objects, root, path)?;
    let Target { kind, id } = target.ok_or(Error::NotFound { what: "page" })?;
    let unsupported = |what: &str| Error::Unsupported(format!("{:?} is {what}", path.as_str()));
    match kind {
        EntryKind::Blob | EntryKind::BlobExecutable => {}
        EntryKind::Tree => {
            return Err(Error::PathClash(format!("{:?} is a folder, not a page", path.as_str())));
        }
        EntryKind::Link => return Err(unsupported("a symbolic link")),
        EntryKind::Commit => return Err(unsupported("a submodule")),
    }
    let data = repository.objects.blob(&id)?;
    let data = std::sync::Arc::unwrap_or_clone(data);
    let body = String::from_utf8(data).map_err(|_| unsupported("not UTF-8 text"))?;
    Ok((id, body))
}

/// Walks trees in git's order, which for whole paths is the order of bytes.
struct Lister<'a> {
    repository: &'a Repository,
    after: Option<&'a str>,
    limit: usize,
    trees: usize,
    pages: Vec<ListEntry>,
    truncated: bool,
}

impl Lister<'_> {
    fn list(&mut self, commit: ObjectId, prefix: Option<&PagePath>) -> Result<()> {
        let root = root_tree(self.repository, &commit)?;
        let Some(prefix) = prefix else { return self.walk(root, "", 0) };
        match tree::find(&self.repository.objects, root, prefix)? {
            Some(Target { kind: EntryKind::Tree, id }) => self.walk(id, prefix.as_str(), 0),
            Some(Target { kind: EntryKind::Blob | EntryKind::BlobExecutable, id }) => {
                self.add(prefix.as_str().to_owned(), &id);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn walk(&mut self, tree: ObjectId, folder: &str, depth: usize) -> Result<()> {
        self.trees += 1;
        if self.trees > MAX_TREES || depth > MAX_DEPTH {
            self.truncated = true;
            return Ok(());
        }
        for entry in tree::entries(&self.repository.objects, &tree)? {
            if self.truncated {
                return Ok(());
            }
            // What this contract cannot name is not listed.
            let Some(name) = tree::name(&entry) else { continue };
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            if entry.mode.is_tree() {
                if !self.is_behind(&path) {
                    self.walk(entry.oid, &path, depth + 1)?;
                }
            } else if entry.mode.is_blob() {
                self.add(path, &entry.oid);
            }
        }
        Ok(())
    }

    /// Whether all of `folder` comes before the place to start after.
    fn is_behind(&self, folder: &str) -> bool {
        let folder = format!("{folder}/");
        self.after.is_some_and(|after| folder.as_str() < after && !after.starts_with(&folder))
    }

    fn add(&mut self, path: String, blob: &ObjectId) {
        if self.after.is_some_and(|after| path.as_str() <= after) {
            return;
        }
        if self.pages.len() == self.limit {
            self.truncated = true;
            return;
        }
        self.pages.push(ListEntry { path, blob: blob.to_string() });
    }
}
