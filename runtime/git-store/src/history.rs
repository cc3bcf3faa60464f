//! Listing commits.

use gix::hash::ObjectId;
use runtime_core::pages::{History, HistoryEntry, HistoryPage, PagePath, limits};

use crate::{
    commit::Commit,
    error::{Error, Result, commit_id},
    read::{checked_limit, root_tree},
    steps::{Part, Stopwatch},
    store::{Repository, Store},
    tree::{self, Target},
};

/// Most commits that one request looks at. With a path they may all be misses;
/// the answer then says where to go on.
const MAX_SCANNED: usize = 2_000;

impl Store {
    pub(crate) fn history(&self, request: &History) -> Result<HistoryPage> {
        let limit = checked_limit(request.limit, limits::HISTORY_DEFAULT, limits::HISTORY)?;
        let mut watch = Stopwatch::start();
        let repository = watch.time(Part::Open, || self.open(&request.wiki))?;
        let start = watch.time(Part::Head, || {
            self.resolve(&repository, request.from.as_ref()).map_err(|error| match error {
                Error::Invalid { reason, .. } => Error::Invalid { field: "from", reason },
                other => other,
            })
        })?;
        let path = request.path.as_ref();
        let (commits, next) = watch.time(Part::Read, || walk(&repository, start, path, limit))?;
        Ok(HistoryPage { commits, next: next.as_ref().map(commit_id), timings: watch.stop() })
    }
}

/// The commits from `start` backwards, and where to go on.
fn walk(
    repository: &Repository,
    start: Option<ObjectId>,
    path: Option<&PagePath>,
    limit: usize,
) -> Result<(Vec<HistoryEntry>, Option<ObjectId>)> {
    let mut commits = Vec::new();
    let mut current = start;
    let mut scanned = 0;
    while let Some(id) = current {
        if commits.len() == limit || scanned == MAX_SCANNED {
            break;
        }
        scanned += 1;
        let data = repository.objects.commit(&id)?;
        let commit = Commit::parse(&id, &data)?;
        let relevant = match path {
            Some(path) => changed(repository, &commit, path)?,
            None => true,
        };
        if relevant {
            commits.push(commit.describe()?);
        }
        current = commit.parent();
    }
    Ok((commits, current))
}

/// Whether `commit` made `path` something else than it was before.
fn changed(repository: &Repository, commit: &Commit<'_>, path: &PagePath) -> Result<bool> {
    let after = target(repository, commit.tree(), path)?;
    let before = match commit.parent() {
        Some(parent) => {
            let root = root_tree(repository, &parent)?;
            if root == commit.tree() {
                return Ok(false);
            }
            target(repository, root, path)?
        }
        None => None,
    };
    Ok(before != after)
}

fn target(repository: &Repository, root: ObjectId, path: &PagePath) -> Result<Option<Target>> {
    tree::find(&repository.objects, root, path)
}
