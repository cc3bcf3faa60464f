//! Mounting and unmounting.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

#[cfg(target_os = "linux")]
use std::sync::OnceLock;

use rustix::io::Errno;

use crate::{
    counts::{Counters, Counts},
    profile::{Cache, Profile},
};

/// Where the kernel's FUSE is.
const DEVICE: &str = "/dev/fuse";

/// Threads that take requests. None of them waits for a delay to pass: answers that are not
/// due wait in a queue, as many as there are.
#[cfg(target_os = "linux")]
const THREADS: usize = 4;

/// Why there is no mount.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// This machine has no FUSE, or this user may not use it.
    #[error("cannot mount here: {reason}")]
    Unavailable {
        /// What is missing.
        reason: String,
    },
    /// A process that was killed has left its mount behind.
    #[error(
        "{path}: a mount whose process is gone is in the way: remove it with `umount --lazy {path}`",
        path = path.display()
    )]
    Stale {
        /// The mount point.
        path: PathBuf,
    },
    /// The folders do not fit.
    #[error("{path}: {reason}", path = path.display())]
    Folder {
        /// The folder at fault.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The system refused.
    #[error("{path}: failed to {action}: {source}", path = path.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it was not.
        source: io::Error,
    },
}

/// Mounts folders with the latency and caching of EFS. See the crate's documentation.
#[derive(Debug)]
#[non_exhaustive]
pub struct SimulatedEfs;

impl SimulatedEfs {
    /// Whether a mount can succeed on this machine, and why not.
    pub fn available() -> Result<(), Error> {
        let unavailable = |reason: String| Err(Error::Unavailable { reason });
        if !cfg!(target_os = "linux") {
            return unavailable("FUSE is used on Linux only".to_owned());
        }
        if let Err(error) = fs::OpenOptions::new().read(true).write(true).open(DEVICE) {
            return unavailable(format!("{DEVICE} cannot be opened ({error})"));
        }
        let root = rustix::process::geteuid().is_root();
        if !root && !["fusermount3", "fusermount"].into_iter().any(crate::trace::is_installed) {
            return unavailable(
                "this user is not root, and fusermount3 is not installed".to_owned(),
            );
        }
        Ok(())
    }

    /// Shows `backing` at `mount_point`, an empty folder outside of it, until the value is
    /// dropped. The limit of open files of this process is raised, because each file that
    /// the kernel remembers takes one.
    #[cfg(target_os = "linux")]
    pub fn mount(
        backing: impl AsRef<Path>,
        mount_point: impl AsRef<Path>,
        profile: Profile,
        cache: Cache,
    ) -> Result<Mounted, Error> {
        Self::available()?;
        let backing = folder(backing.as_ref())?;
        let mount_point = folder(mount_point.as_ref())?;
        check(&backing, &mount_point)?;
        Self::start(&backing, mount_point, profile, cache)
    }

    /// Shows `folder` in its own place, until the value is dropped: whoever opens something
    /// in it from now on waits, and who has it open already does not. After a kill of this
    /// process nobody finds anything in it until [`SimulatedEfs::clear`].
    #[cfg(target_os = "linux")]
    pub fn mount_over(
        folder: impl AsRef<Path>,
        profile: Profile,
        cache: Cache,
    ) -> Result<Mounted, Error> {
        Self::available()?;
        let path = self::folder(folder.as_ref())?;
        Self::start(&path.clone(), path, profile, cache)
    }

    /// Removes a mount on `folder` whose process is gone; the folder is as it was before.
    /// True if there was one.
    #[cfg(target_os = "linux")]
    pub fn clear(folder: impl AsRef<Path>) -> Result<bool, Error> {
        use rustix::mount::UnmountFlags;

        let path = folder.as_ref();
        // Listed, because what a mount was last time is remembered for a while.
        let gone = fs::read_dir(path).err().and_then(|error| Errno::from_io_error(&error));
        match gone {
            Some(Errno::NOTCONN | Errno::CONNABORTED) => {
                rustix::mount::unmount(path, UnmountFlags::DETACH)
                    .map(|()| true)
                    .map_err(|errno| io_error("unmount", path)(errno.into()))
            }
            _ => Ok(false),
        }
    }

    #[cfg(target_os = "linux")]
    fn start(
        backing: &Path,
        mount_point: PathBuf,
        profile: Profile,
        cache: Cache,
    ) -> Result<Mounted, Error> {
        use fuser::{Config, MountOption, Session};
        use rustix::fs::{Mode, OFlags};

        raise_file_limit();
        let counters = Arc::new(Counters::default());
        let notifier = Arc::new(OnceLock::new());
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        // From here on it is known by this handle, whatever is mounted over its path.
        let client = rustix::fs::open(backing, flags, Mode::empty())
            .map_err(io::Error::from)
            .and_then(|root| {
                let (counters, notifier) = (Arc::clone(&counters), Arc::clone(&notifier));
                crate::client::Client::new(root, profile, cache, counters, notifier)
            })
            .map_err(io_error("open", backing))?;
        let mut config = Config::default();
        config.mount_options = vec![
            MountOption::FSName("simulated-efs".to_owned()),
            MountOption::Subtype("simulated-efs".to_owned()),
            MountOption::NoAtime,
        ];
        config.n_threads = Some(THREADS);
        let session = Session::new(client, &mount_point, &config)
            .and_then(Session::spawn)
            .map_err(io_error("mount", &mount_point))?;
        // The first of its kind: nobody else sets it.
        let _ = notifier.set(session.notifier());
        Ok(Mounted { session: Some(session), mount_point, counters })
    }

    /// Fails: there is no FUSE to use here.
    #[cfg(not(target_os = "linux"))]
    pub fn mount_over(
        folder: impl AsRef<Path>,
        of: Profile,
        with: Cache,
    ) -> Result<Mounted, Error> {
        Self::mount(&folder, &folder, of, with)
    }

    /// There is nothing to clear without FUSE.
    #[cfg(not(target_os = "linux"))]
    pub fn clear(_: impl AsRef<Path>) -> Result<bool, Error> {
        Ok(false)
    }

    /// Fails: there is no FUSE to use here.
    #[cfg(not(target_os = "linux"))]
    pub fn mount(
        _: impl AsRef<Path>,
        _: impl AsRef<Path>,
        _: Profile,
        _: Cache,
    ) -> Result<Mounted, Error> {
        Err(Self::available().err().unwrap_or(Error::Unavailable { reason: "no FUSE".to_owned() }))
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { action, path, source }
}

/// The canonical path of a folder that must exist.
#[cfg(target_os = "linux")]
fn folder(path: &Path) -> Result<PathBuf, Error> {
    let found = fs::metadata(path).and_then(|metadata| {
        let path = path.canonicalize()?;
        Ok((metadata.is_dir(), path))
    });
    match found {
        Ok((true, path)) => Ok(path),
        Ok((false, _)) => Err(Error::Folder { path: path.to_owned(), reason: "is no folder" }),
        Err(error) if Errno::from_io_error(&error) == Some(Errno::NOTCONN) => {
            Err(Error::Stale { path: path.to_owned() })
        }
        Err(error) => Err(io_error("open", path)(error)),
    }
}

#[cfg(target_os = "linux")]
fn check(backing: &Path, mount_point: &Path) -> Result<(), Error> {
    let refuse = |reason| Err(Error::Folder { path: mount_point.to_owned(), reason });
    if mount_point.starts_with(backing) {
        return refuse("is inside the backing folder, and would show itself");
    }
    let mut entries = fs::read_dir(mount_point).map_err(io_error("list", mount_point))?;
    if entries.next().is_some() {
        return refuse("is not empty: mount on an empty folder");
    }
    Ok(())
}

/// As many open files as the system lets this process have. A failure shows later, when a
/// file cannot be opened.
#[cfg(target_os = "linux")]
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    const WANTED: u64 = 1 << 19;
    let now = getrlimit(Resource::Nofile);
    let maximum = now.maximum.map(|maximum| maximum.max(WANTED));
    if now.current.is_some_and(|current| current < WANTED)
        // Only root may raise the maximum.
        && setrlimit(Resource::Nofile, Rlimit { current: Some(WANTED), maximum }).is_err()
    {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, ..now });
    }
}

/// A mounted file system; unmounted when dropped.
#[derive(Debug)]
pub struct Mounted {
    #[cfg(target_os = "linux")]
    session: Option<fuser::BackgroundSession>,
    mount_point: PathBuf,
    counters: Arc<Counters>,
}

impl Mounted {
    /// Where the file system is.
    pub fn path(&self) -> &Path {
        &self.mount_point
    }

    /// What the file system was asked for until now.
    pub fn counts(&self) -> Counts {
        self.counters.snapshot()
    }

    /// Unmounts. Who still uses the mount keeps it until the last file is closed, but nobody
    /// finds it any more.
    pub fn unmount(mut self) -> Result<(), Error> {
        self.end()
    }

    #[cfg(target_os = "linux")]
    fn end(&mut self) -> Result<(), Error> {
        use rustix::mount::UnmountFlags;

        let Some(session) = self.session.take() else { return Ok(()) };
        if session.umount_and_join().is_ok() {
            return Ok(());
        }
        // In use, most likely.
        match rustix::mount::unmount(&self.mount_point, UnmountFlags::DETACH) {
            // `EINVAL`: it is no mount point any more; someone else unmounted it.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(errno) => Err(io_error("unmount", &self.mount_point)(errno.into())),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn end(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Nobody is left to tell; the next mount there says so.
        let _ = self.end();
    }
}
