//! Where things are in a repository.
//!
//! A bare git repository, and a folder `platform` that git does not look at.

use std::path::{Path, PathBuf};

use gix::hash::ObjectId;
use runtime_core::names::DEFAULT_BRANCH;

/// Paths of one repository.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// `HEAD`, which always points to the default branch.
    pub(crate) head: PathBuf,
    /// `config`.
    pub(crate) config: PathBuf,
    /// `objects`.
    pub(crate) objects: PathBuf,
    /// `refs/heads/main`.
    pub(crate) reference: PathBuf,
    /// `packed-refs`, which `git gc` makes.
    pub(crate) packed_refs: PathBuf,
    /// `platform/successors`: see [`crate::head`].
    pub(crate) successors: PathBuf,
    /// `platform/temporary`: files without their final name yet.
    pub(crate) temporary: PathBuf,
}

impl Layout {
    pub(crate) fn new(repository: &Path) -> Self {
        Self {
            head: repository.join("HEAD"),
            config: repository.join("config"),
            objects: repository.join("objects"),
            reference: repository.join("refs/heads").join(DEFAULT_BRANCH),
            packed_refs: repository.join("packed-refs"),
            successors: repository.join("platform/successors"),
            temporary: repository.join("platform/temporary"),
        }
    }

    /// The claim on the place after `commit`, or on the first place.
    pub(crate) fn successor(&self, commit: Option<&ObjectId>) -> PathBuf {
        match commit {
            None => self.successors.join("root"),
            Some(id) => {
                let id = id.to_string();
                self.successors.join(&id[..2]).join(id)
            }
        }
    }

    /// The folders of a repository below its own, each after its parent. None of
    /// them may be a symbolic link.
    pub(crate) const FOLDERS: [&str; 8] = [
        "objects",
        "objects/info",
        "objects/pack",
        "refs",
        "refs/heads",
        "platform",
        "platform/successors",
        "platform/temporary",
    ];
}
