//! The few file-system operations that the store is made of.
//!
//! All of them act on whole small files, by name in a folder that is open
//! already. A folder that is open is never looked up again, so the cost of an
//! operation is its own and not that of its path: on NFS (and so on EFS) one
//! round trip, or two. Locks are avoided altogether.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, SyncSender},
    },
    thread,
};

use rustix::{
    fs::{AtFlags, Mode, OFlags},
    io::Errno,
};

use crate::error::{Error, Result};

/// Attempts at an operation that another client's rename can make stale.
const STALE_ATTEMPTS: u32 = 3;
/// What is asked for with the first read of a file. Most files end before.
const FIRST_READ: usize = 128 * 1024;
/// Files that may wait to be closed.
const CLOSING: usize = 16;
/// How a file is opened for reading. A symbolic link is refused.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// How a folder is opened whose names must be made durable.
const SYNCABLE: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// How any other folder is opened: as a place only, which asks nothing of the server.
#[cfg(target_os = "linux")]
const PLACE: OFlags = OFlags::PATH.union(SYNCABLE);
#[cfg(not(target_os = "linux"))]
const PLACE: OFlags = SYNCABLE;

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder {
    file: OwnedFd,
    /// The same, once its names had to be made durable.
    syncable: OnceLock<OwnedFd>,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder at `path`. A symbolic link in its last place is refused.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = rustix::fs::open(path, PLACE, Mode::empty())?;
        Ok(Self { file, syncable: OnceLock::new(), path: path.to_owned() })
    }

    /// Opens the folder `name` in this one. A symbolic link is refused.
    pub(crate) fn enter(&self, name: &str) -> io::Result<Self> {
        let file = rustix::fs::openat(&self.file, name, PLACE, Mode::empty())?;
        Ok(Self { file, syncable: OnceLock::new(), path: self.path.join(name) })
    }

    /// Where `name` is, for messages and for what needs a path.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the names in this folder durable. NFS does this with each operation,
    /// so it costs nothing there; local file systems need it.
    pub(crate) fn sync(&self) -> Result<()> {
        self.open_to_sync()
            .and_then(|file| rustix::fs::fsync(file).map_err(io::Error::from))
            .map_err(Error::io("sync", &self.path))
    }

    /// The folder, open in the way that [`Folder::sync`] needs.
    pub(crate) fn open_to_sync(&self) -> io::Result<&OwnedFd> {
        if self.syncable.get().is_none() {
            let file = rustix::fs::openat(&self.file, ".", SYNCABLE, Mode::empty())?;
            let _ = self.syncable.set(file);
        }
        Ok(self.syncable.get().expect("it was just set"))
    }

    /// Makes the names in the folder `name` of this one durable.
    pub(crate) fn sync_inner(&self, name: &str) -> Result<()> {
        self.enter(name).map_err(Error::io("sync", self.path_of(name)))?.sync()
    }

    /// Whether there is anything of this name.
    pub(crate) fn has(&self, name: &str) -> Result<bool> {
        match rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(Error::io("look up", self.path_of(name))(error.into())),
        }
    }

    /// Writes a new file and waits until its bytes are durable; its name is not
    /// yet. A name that exists is an error.
    pub(crate) fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::CLOEXEC);
        // Readable and not writable for everyone: nothing here is written twice.
        let mode = Mode::RUSR | Mode::RGRP | Mode::ROTH;
        let mut file = File::from(rustix::fs::openat(&self.file, name, flags, mode)?);
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if written.is_err() {
            let _ = self.remove(name);
        }
        close_later(file);
        written
    }

    /// Opens a file for reading, or answers `None` if there is none.
    pub(crate) fn open_file(&self, name: &str) -> io::Result<Option<File>> {
        match rustix::fs::openat(&self.file, name, READ, Mode::empty()) {
            Ok(file) => Ok(Some(file.into())),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The bytes of a file, or `None` if there is none. Symbolic links are
    /// refused, and so is a file of more than `limit` bytes. One read, unless the
    /// file is large.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let mut attempt = 1;
        loop {
            let result = self
                .open_file(name)
                .and_then(|file| file.map(|file| read_whole(file, limit)).transpose());
            match result {
                Ok(bytes) => return Ok(bytes),
                // NFS: the file was replaced between opening and reading it.
                Err(error)
                    if Errno::from_io_error(&error) == Some(Errno::STALE)
                        && attempt < STALE_ATTEMPTS =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(Error::io("read", self.path_of(name))(error)),
            }
        }
    }

    /// Gives `name` of this folder a second name in another one. Fails with
    /// [`io::ErrorKind::AlreadyExists`] if that name is taken: among any number of
    /// clients, exactly one succeeds.
    pub(crate) fn link(&self, name: &str, to: &Self, new: &str) -> io::Result<()> {
        Ok(rustix::fs::linkat(&self.file, name, &to.file, new, AtFlags::empty())?)
    }

    /// Makes a symbolic link that says `text` and is never followed. Fails with
    /// [`io::ErrorKind::AlreadyExists`] if the name is taken: among any number of
    /// clients, exactly one succeeds. Name and text come into being at once.
    pub(crate) fn note(&self, name: &str, text: &str) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(text, &self.file, name)?)
    }

    /// What [`Folder::note`] has written, or `None` if there is nothing of this name.
    pub(crate) fn read_note(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match rustix::fs::readlinkat(&self.file, name, Vec::new()) {
            Ok(text) => Ok(Some(text.into_bytes())),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::INVAL) => Err(Error::Corrupt(format!("{name:?} is no symbolic link"))),
            Err(error) => Err(Error::io("read", self.path_of(name))(error.into())),
        }
    }

    /// Gives `name` of this folder its final name, replacing what has it.
    pub(crate) fn rename(&self, name: &str, to: &Self, new: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.file, name, &to.file, new)?)
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.file, name, AtFlags::empty())?)
    }

    /// Makes the folder `name` in this one, unless it is there.
    pub(crate) fn make_folder(&self, name: &str) -> io::Result<()> {
        match rustix::fs::mkdirat(&self.file, name, Mode::from_raw_mode(0o777)) {
            // Another writer made it, or a stale cache had hidden it.
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The names in this folder.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let list = || {
            let mut names = Vec::new();
            for entry in std::fs::read_dir(&self.path)? {
                names.extend(entry?.file_name().into_string());
            }
            Ok(names)
        };
        list().map_err(Error::io("list", &self.path))
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// A new file without its final name yet. Removed on drop, unless it was renamed;
/// a killed process leaves it behind, where it does no harm (see [`crate::init`]
/// for the clean-up).
#[derive(Debug)]
pub(crate) struct Temporary<'a> {
    folder: &'a Folder,
    name: String,
    renamed: AtomicBool,
}

impl<'a> Temporary<'a> {
    /// Writes `bytes` to a new file in `folder` and waits until they are durable.
    pub(crate) fn write(folder: &'a Folder, bytes: &[u8]) -> Result<Self> {
        let name = format!("{:032x}", rand::random::<u128>());
        folder.create(&name, bytes).map_err(Error::io("write", folder.path_of(&name)))?;
        Ok(Self { folder, name, renamed: AtomicBool::new(false) })
    }

    /// See [`Folder::rename`].
    pub(crate) fn rename(&self, to: &Folder, name: &str) -> io::Result<()> {
        self.folder.rename(&self.name, to, name)?;
        self.renamed.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// See [`Folder::link`].
    pub(crate) fn link(&self, to: &Folder, name: &str) -> io::Result<()> {
        self.folder.link(&self.name, to, name)
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !*self.renamed.get_mut()
            && let Err(error) = self.folder.remove(&self.name)
        {
            tracing::debug!(%error, "left a temporary file behind");
        }
    }
}

/// Makes the names in the folder at `path` durable.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(Error::io("sync", path))
}

/// The file's bytes. A read that brings less than was asked for is the last one:
/// files here never grow.
fn read_whole(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let bytes = read_bounded(&file, limit);
    close_later(file);
    bytes
}

fn read_bounded(mut file: &File, limit: u64) -> io::Result<Vec<u8>> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut bytes = vec![0; FIRST_READ.min(limit.saturating_add(1))];
    let mut length = 0;
    loop {
        let asked = bytes.len() - length;
        let read = match file.read(&mut bytes[length..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        length += read;
        if length > limit {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("more than {limit} bytes"),
            ));
        }
        if read < asked {
            bytes.truncate(length);
            return Ok(bytes);
        }
        bytes.resize((bytes.len() * 8).min(limit.saturating_add(1)), 0);
    }
}

/// Closes a file on a thread of its own: an NFS client waits until the server has heard of
/// it, and nobody here has to. What was written is durable before.
fn close_later(file: File) {
    static CLOSER: OnceLock<Option<SyncSender<File>>> = OnceLock::new();
    let start = || {
        let (sender, files) = mpsc::sync_channel(CLOSING);
        let closer = thread::Builder::new().name("closer".to_owned());
        closer.spawn(move || files.into_iter().for_each(drop)).ok().map(|_| sender)
    };
    if let Some(closer) = CLOSER.get_or_init(start) {
        // If it does not keep up, the file comes back, and is closed here.
        let _ = closer.try_send(file);
    }
}

/// Makes an NFS client forget that a name was not in `folder`.
///
/// Clients cache "no such file" for as long as they take the folder to be
/// unchanged, up to a minute. Listing a folder makes them ask the server. One
/// buffer of entries is enough, so the cost does not grow with the folder.
pub(crate) fn refresh(folder: &Path) {
    if let Ok(mut entries) = std::fs::read_dir(folder) {
        entries.next();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn one_link_wins_and_temporaries_go_away() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let first = Temporary::write(&folder, b"1").unwrap();
        let second = Temporary::write(&folder, b"2").unwrap();
        first.link(&folder, "claim").unwrap();
        let error = second.link(&folder, "claim").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        first.rename(&folder, "main").unwrap();
        drop((first, second));
        assert_eq!(folder.read("claim", 10).unwrap().unwrap(), b"1");
        assert_eq!(folder.read("main", 10).unwrap().unwrap(), b"1");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn reading_is_bounded_and_follows_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        folder.create("file", b"12345").unwrap();
        assert_eq!(folder.read("file", 5).unwrap().unwrap(), b"12345");
        assert!(folder.read("file", 4).is_err());
        assert!(folder.read("absent", 5).unwrap().is_none());
        std::os::unix::fs::symlink(dir.path().join("file"), dir.path().join("link")).unwrap();
        assert!(folder.read("link", 5).is_err());
        for size in [0, 1, FIRST_READ - 1, FIRST_READ, FIRST_READ + 1, 20 * FIRST_READ] {
            let bytes = vec![7; size];
            let name = size.to_string();
            folder.create(&name, &bytes).unwrap();
            assert!(folder.read(&name, 1 << 30).unwrap().unwrap() == bytes, "{size}");
            assert!(folder.read(&name, size as u64).unwrap().unwrap() == bytes, "{size}");
        }
        assert!(folder.create("file", b"again").is_err());
    }
}
