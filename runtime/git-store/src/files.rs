//! The few file-system operations that the store is made of.
//!
//! All of them act on whole small files. On NFS (and so on EFS) each costs one
//! or two round trips; locks are avoided altogether.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::{fs::OFlags, io::Errno};

use crate::error::{Error, Result};

/// Attempts at an operation that another client's rename can make stale.
const STALE_ATTEMPTS: u32 = 3;

/// A new file with a random name, readable and not writable for everyone once
/// written. Removed on drop, unless it was renamed; a killed process leaves it
/// behind, where it does no harm (see [`crate::init`] for the clean-up).
#[derive(Debug)]
pub(crate) struct Temporary {
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    /// Writes `bytes` to a new file in `folder` and waits until they are durable.
    pub(crate) fn write(folder: &Path, bytes: &[u8]) -> Result<Self> {
        let path = folder.join(format!("{:032x}", rand::random::<u128>()));
        // `create_new`: a name that exists is an error, however unlikely.
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o444)
            .open(&path)
            .map_err(Error::io("create", &path))?;
        let this = Self { path, renamed: false };
        file.write_all(bytes).map_err(Error::io("write", &this.path))?;
        file.sync_all().map_err(Error::io("sync", &this.path))?;
        Ok(this)
    }

    /// Gives the file its final name, replacing what has it.
    pub(crate) fn rename(mut self, to: &Path) -> io::Result<()> {
        fs::rename(&self.path, to)?;
        self.renamed = true;
        Ok(())
    }

    /// Gives the file its final name, in a folder that is made if it is missing.
    pub(crate) fn rename_into_folder(mut self, to: &Path) -> io::Result<()> {
        match fs::rename(&self.path, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create_parent(to)?;
                fs::rename(&self.path, to)?;
            }
            other => other?,
        }
        self.renamed = true;
        Ok(())
    }

    /// Gives the file a second name, in a folder that is made if it is missing.
    /// Fails with [`io::ErrorKind::AlreadyExists`] if that name is taken: among
    /// any number of clients, exactly one succeeds.
    pub(crate) fn link(&self, to: &Path) -> io::Result<()> {
        match fs::hard_link(&self.path, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create_parent(to)?;
                fs::hard_link(&self.path, to)
            }
            other => other,
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::debug!(%error, "left a temporary file behind");
        }
    }
}

fn create_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    match fs::create_dir(parent) {
        // Another writer made it, or a stale cache had hidden it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Makes the names in `folder` durable. NFS does this with each operation, so
/// it costs nothing there; local file systems need it.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(Error::io("sync", folder))
}

/// The bytes of the file at `path`, or `None` if there is none. Symbolic links
/// are refused, and so is a file of more than `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let mut attempt = 1;
    loop {
        match read_once(path, limit) {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // NFS: the file was replaced between opening and reading it.
            Err(error)
                if Errno::from_io_error(&error) == Some(Errno::STALE)
                    && attempt < STALE_ATTEMPTS =>
            {
                attempt += 1;
            }
            Err(error) => return Err(Error::io("read", path)(error)),
        }
    }
}

fn read_once(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let no_follow = OFlags::NOFOLLOW.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(no_follow).open(path)?;
    let size = file.metadata()?.len();
    if size > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("{size} bytes")));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes an NFS client forget that a name was not in `folder`.
///
/// Clients cache "no such file" for as long as they take the folder to be
/// unchanged, up to a minute. Listing a folder makes them ask the server. One
/// buffer of entries is enough, so the cost does not grow with the folder.
pub(crate) fn refresh(folder: &Path) {
    if let Ok(mut entries) = fs::read_dir(folder) {
        entries.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_link_wins_and_temporaries_go_away() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("aa/claim");
        let first = Temporary::write(dir.path(), b"1").unwrap();
        let second = Temporary::write(dir.path(), b"2").unwrap();
        first.link(&to).unwrap();
        assert_eq!(second.link(&to).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        first.rename(&dir.path().join("main")).unwrap();
        drop(second);
        assert_eq!(read(&to, 10).unwrap().unwrap(), b"1");
        assert_eq!(read(&dir.path().join("main"), 10).unwrap().unwrap(), b"1");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn reading_is_bounded_and_follows_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "12345").unwrap();
        assert_eq!(read(&file, 5).unwrap().unwrap(), b"12345");
        assert!(read(&file, 4).is_err());
        assert!(read(&dir.path().join("absent"), 5).unwrap().is_none());
        std::os::unix::fs::symlink(&file, dir.path().join("link")).unwrap();
        assert!(read(&dir.path().join("link"), 5).is_err());
    }
}
