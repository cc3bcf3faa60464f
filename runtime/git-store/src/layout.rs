//! Where things are in a repository.
//!
//! A bare git repository, and a folder `platform` that git does not look at. An
//! open repository keeps its folders open.

use std::{
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
    thread,
};

use gix::hash::ObjectId;
use runtime_core::names::DEFAULT_BRANCH;

use crate::{
    beside::beside,
    error::{Error, Result},
    files::{self, Folder, Temporary},
};

/// Folders of a new repository, each after its parent. None of them may be a
/// symbolic link.
pub(crate) const FOLDERS: [&str; 8] = [
    "objects",
    "objects/info",
    "objects/pack",
    "refs",
    "refs/heads",
    "platform",
    "platform/claims",
    "platform/temporary",
];

/// `packed-refs`, which `git gc` makes.
pub(crate) const PACKED_REFS: &str = "packed-refs";

/// The folders of one open repository.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) root: Folder,
    /// `objects`: loose objects, which old versions of the store and git make.
    pub(crate) objects: PathBuf,
    /// `objects/pack`.
    pub(crate) packs: Folder,
    /// `refs/heads`.
    pub(crate) heads: Folder,
    /// `platform`.
    pub(crate) platform: Folder,
    /// `platform/claims` or `platform/successors`.
    pub(crate) claims: Claims,
    /// `platform/temporary`, once it was needed.
    temporary: OnceLock<Folder>,
}

impl Layout {
    /// Opens the repository at `path`, folder by folder, so that none of them is a
    /// symbolic link. Each is a round trip, so the three branches go side by side.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let root = Folder::open(path).map_err(Error::io("open", path))?;
        let within = |name| enter(&root, name);
        let (objects, refs, platform) = thread::scope(|scope| {
            let objects = beside(scope, || {
                let objects = within("objects")?;
                Ok((enter(&objects, "pack")?, objects))
            });
            let refs = beside(scope, || enter(&within("refs")?, "heads"));
            let platform = within("platform").and_then(|platform| {
                let claims = Claims::open(&platform)?;
                Ok((platform, claims))
            });
            (objects.wait(), refs.wait(), platform)
        });
        let ((packs, objects), heads, (platform, claims)) = (objects?, refs?, platform?);
        let objects = objects.path().to_owned();
        Ok(Self { root, objects, packs, heads, platform, claims, temporary: OnceLock::new() })
    }

    /// `platform/temporary`: files without their final name yet.
    pub(crate) fn temporary(&self) -> Result<&Folder> {
        if self.temporary.get().is_none() {
            let _ = self.temporary.set(enter(&self.platform, "temporary")?);
        }
        Ok(self.temporary.get().expect("it was just set"))
    }

    /// Opens what a write will need. What cannot be opened is tried again then.
    pub(crate) fn warm_for_writing(&self) {
        let _ = self.temporary();
        let _ = self.packs.open_to_sync();
        let _ = self.claims.folder().open_to_sync();
    }
}

fn enter(folder: &Folder, name: &str) -> Result<Folder> {
    folder.enter(name).map_err(|error| missing(error, &folder.path_of(name), name))
}

/// A part that is no folder means that this is no repository of ours.
fn missing(error: io::Error, path: &Path, name: &str) -> Error {
    match error.kind() {
        // A symbolic link is not a directory, either.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            Error::Corrupt(format!("the repository has no folder {name:?}"))
        }
        _ => Error::io("open", path)(error),
    }
}

/// The name of the branch's file in `refs/heads`.
pub(crate) const REFERENCE: &str = DEFAULT_BRANCH;

/// Where the claims are: see [`crate::head`].
#[derive(Debug)]
pub(crate) enum Claims {
    /// Symbolic links in `platform/claims`. A claim costs one look-up, one round trip
    /// that makes name and content, and one sync.
    Flat(Folder),
    /// Files in `platform/successors/<first two digits>`, as the store made them before
    /// it wrote packs. Such repositories keep their claims there for good: all versions
    /// of the store that write to one must compete for the same names.
    Sharded(Folder),
}

/// Bound on files that hold one id, in bytes.
pub(crate) const ID_FILE: u64 = 256;

impl Claims {
    fn open(platform: &Folder) -> Result<Self> {
        match platform.enter("claims") {
            Ok(folder) => Ok(Self::Flat(folder)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self::Sharded(enter(platform, "successors")?))
            }
            Err(error) => Err(missing(error, &platform.path_of("claims"), "claims")),
        }
    }

    fn folder(&self) -> &Folder {
        match self {
            Self::Flat(folder) | Self::Sharded(folder) => folder,
        }
    }

    /// The name of the claim on the place after `commit`, or on the first place.
    fn name(&self, commit: Option<&ObjectId>) -> String {
        let Some(id) = commit.map(ToString::to_string) else { return "root".to_owned() };
        match self {
            Self::Flat(_) => id,
            Self::Sharded(_) => format!("{}/{id}", &id[..2]),
        }
    }

    /// What the claim on the place after `commit` says.
    pub(crate) fn read(&self, commit: Option<&ObjectId>) -> Result<Option<Vec<u8>>> {
        let name = self.name(commit);
        match self {
            Self::Flat(folder) => folder.read_note(&name),
            Self::Sharded(folder) => folder.read(&name, ID_FILE),
        }
    }

    /// Claims the place after `after` for `commit`. `false` if it is taken.
    pub(crate) fn make(
        &self,
        after: Option<&ObjectId>,
        commit: &ObjectId,
        layout: &Layout,
    ) -> Result<bool> {
        let name = self.name(after);
        let made = match self {
            Self::Flat(folder) => folder.note(&name, &commit.to_string()),
            Self::Sharded(folder) => {
                let file = Temporary::write(layout.temporary()?, format!("{commit}\n").as_bytes())?;
                link(&file, folder, &name)
            }
        };
        match made {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(Error::io("claim", self.folder().path_of(&name))(error)),
        }
    }

    /// Whether one [`Claims::sync`] is enough for all.
    pub(crate) fn are_in_one_folder(&self) -> bool {
        matches!(self, Self::Flat(_))
    }

    /// Makes the claim on the place after `commit` durable, and its folder, which may be
    /// new.
    pub(crate) fn sync(&self, commit: Option<&ObjectId>) -> Result<()> {
        if let Some((shard, _)) = self.name(commit).split_once('/') {
            self.folder().sync_inner(shard)?;
        }
        self.folder().sync()
    }

    /// Makes an NFS client forget that there was no claim on the place after `commit`.
    pub(crate) fn refresh(&self, commit: Option<&ObjectId>) {
        files::refresh(self.folder().path());
        if let Some((shard, _)) = self.name(commit).split_once('/') {
            files::refresh(&self.folder().path_of(shard));
        }
    }
}

/// Links `file` to `shard/name`, in a folder that is made if it is missing.
fn link(file: &Temporary<'_>, folder: &Folder, name: &str) -> io::Result<()> {
    match (file.link(folder, name), name.split_once('/')) {
        (Err(error), Some((shard, _))) if error.kind() == io::ErrorKind::NotFound => {
            folder.make_folder(shard)?;
            file.link(folder, name)
        }
        (result, _) => result,
    }
}
