//! Making a repository.
//!
//! It is built aside, in full, and then renamed into place: a wiki exists or it
//! does not, and of any number of simultaneous makers one wins. The same call on
//! an existing wiki sweeps up what killed processes left behind.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use runtime_core::names::DEFAULT_BRANCH;

use crate::{
    error::{Error, Result},
    files,
    layout::{FOLDERS, Layout},
};

/// Prefix of repositories in the making. No wiki name starts with a dot.
const UNFINISHED: &str = ".init-";

/// Age from which a temporary file has no owner any more. A Lambda lives for 15
/// minutes at most; and if an owner were robbed, its write would fail cleanly.
const ABANDONED: Duration = Duration::from_hours(1);

/// `gc.auto = 0`: nobody repacks behind the writers' backs. `receive.hideRefs`:
/// git refuses pushes, which would go past the protocol of [`crate::head`];
/// fetching is not affected.
const CONFIG: &str = "\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[gc]
\tauto = 0
[receive]
\thideRefs = refs
";

/// Makes the repository at `path`, directly under `root`. Answers `false` if
/// another process was first.
pub(crate) fn create(root: &Path, path: &Path) -> Result<bool> {
    let unfinished = Unfinished(root.join(format!("{UNFINISHED}{:032x}", rand::random::<u128>())));
    let folder = &unfinished.0;
    fs::create_dir(folder).map_err(Error::io("create", folder))?;
    for name in FOLDERS {
        let folder = folder.join(name);
        fs::create_dir(&folder).map_err(Error::io("create", &folder))?;
    }
    write_durably(&folder.join("HEAD"), &format!("ref: refs/heads/{DEFAULT_BRANCH}\n"))?;
    write_durably(&folder.join("config"), CONFIG)?;
    for name in FOLDERS {
        files::sync_folder(&folder.join(name))?;
    }
    files::sync_folder(folder)?;
    // Replaces an empty folder at most; a repository is none.
    match fs::rename(folder, path) {
        Ok(()) => {
            std::mem::forget(unfinished);
            files::sync_folder(root)?;
            Ok(true)
        }
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(Error::io("rename to", path)(error)),
    }
}

/// A repository in the making; removed on drop.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "left an unfinished repository behind");
        }
    }
}

fn write_durably(path: &Path, text: &str) -> Result<()> {
    use io::Write;

    let write = || {
        let mut file = fs::File::create_new(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(Error::io("write", path))
}

/// Removes abandoned temporary files of the repository `layout` and abandoned
/// unfinished repositories under `root`. Whatever fails is left for next time.
pub(crate) fn sweep(root: &Path, layout: &Layout) {
    for path in abandoned(&layout.platform.path_of("temporary"), "") {
        remove(&path, fs::remove_file(&path));
    }
    for path in abandoned(root, UNFINISHED) {
        remove(&path, fs::remove_dir_all(&path));
    }
}

fn remove(path: &Path, result: io::Result<()>) {
    match result {
        Ok(()) => tracing::info!(path = %path.display(), "removed an abandoned temporary"),
        Err(error) => tracing::debug!(path = %path.display(), %error, "failed to sweep"),
    }
}

fn abandoned(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let old = |path: &Path| {
        let modified = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|time| SystemTime::now().duration_since(time).ok());
        age.is_some_and(|age| age > ABANDONED)
    };
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .filter(|path| old(path))
        .collect()
}
