//! The store: one folder, one repository for each wiki in it.

use std::{
    collections::HashMap,
    fmt, fs, io,
    ops::Deref,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use runtime_core::{
    names::REPOSITORY_SUFFIX,
    pages::{Init, Initialised, Pong, Reply, Request, Response, WikiName},
};

use crate::{
    error::{Error, Result},
    files,
    head::Head,
    init,
    layout::Layout,
    lead::Lead,
    objects::Objects,
    steps::{Observer, Part, Stopwatch, Unobserved},
};

/// Repositories that a process remembers. A Lambda serves few wikis at a time;
/// beyond this all are forgotten, which costs a few look-ups each.
const REMEMBERED: usize = 16;

/// How a [`Store`] behaves.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// Longest time that a write goes on trying while other writers win. Whoever
    /// has less time asks a [`Store::within`] it.
    pub write_budget: Duration,
    /// Longest time that one request for maintenance goes on.
    pub maintenance_budget: Duration,
    /// How long a pack stays after its objects were put into a larger one. Readers that
    /// know it by name are through by then; those that are not look again.
    pub retention: Duration,
    /// Who watches the steps.
    pub observer: Arc<dyn Observer>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            write_budget: Duration::from_secs(10),
            maintenance_budget: Duration::from_mins(5),
            // The longest time that an invocation of a Lambda lasts.
            retention: Duration::from_mins(15),
            observer: Arc::new(Unobserved),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("write_budget", &self.write_budget)
            .field("maintenance_budget", &self.maintenance_budget)
            .field("retention", &self.retention)
            .finish_non_exhaustive()
    }
}

/// Wikis under one folder. Any number of stores, in any number of processes and
/// machines, may share the folder.
///
/// ```
/// use git_store::Store;
/// use runtime_core::pages::{Init, Request};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::new(folder.path());
/// let reply = store.handle(&Request::Init(Init { wiki: "team".parse()? }));
/// assert!(reply.into_result().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    pub(crate) options: Options,
    repositories: Arc<Mutex<HashMap<WikiName, Arc<Repository>>>>,
}

impl Store {
    /// The store under `root`, which must be a folder by the time of the first
    /// request.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::with_options(root, Options::default())
    }

    /// As [`Store::new`], with other options than the default ones.
    pub fn with_options(root: impl Into<PathBuf>, options: Options) -> Self {
        Self { root: root.into(), options, repositories: Arc::default() }
    }

    /// This store for a caller who waits no longer than `time`: its writes give up by
    /// then. What one of the two remembers, the other does too.
    ///
    /// ```
    /// use std::time::Duration;
    /// # let folder = tempfile::tempdir()?;
    ///
    /// let store = git_store::Store::new(folder.path());
    /// assert_eq!(store.within(Duration::from_secs(3)).write_budget(), Duration::from_secs(3));
    /// assert_eq!(store.within(Duration::from_secs(60)).write_budget(), Duration::from_secs(10));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn within(&self, time: Duration) -> Self {
        let options = Options {
            write_budget: self.options.write_budget.min(time),
            maintenance_budget: self.options.maintenance_budget.min(time),
            ..self.options.clone()
        };
        Self { root: self.root.clone(), options, repositories: Arc::clone(&self.repositories) }
    }

    /// Longest time that a write goes on trying.
    pub fn write_budget(&self) -> Duration {
        self.options.write_budget
    }

    /// Does what `request` says. Blocks on the file system.
    pub fn handle(&self, request: &Request) -> Reply {
        Reply::from(self.try_handle(request).map_err(|error| {
            if let Error::Io { path, source, .. } = &error {
                tracing::error!(%error, path = %path.display(), %source, "the file system failed");
            }
            error.into()
        }))
    }

    fn try_handle(&self, request: &Request) -> Result<Response> {
        Ok(match request {
            Request::Ping(_) => Response::Ping(Pong { version: env!("CARGO_PKG_VERSION").into() }),
            Request::Init(request) => Response::Init(self.init(request)?),
            Request::Write(request) => Response::Write(self.write(request)?),
            Request::Read(request) => Response::Read(self.read(request)?),
            Request::History(request) => Response::History(self.history(request)?),
            Request::List(request) => Response::List(self.list(request)?),
            Request::Maintain(request) => Response::Maintain(self.maintain(request)?),
        })
    }

    fn init(&self, request: &Init) -> Result<Initialised> {
        let mut watch = Stopwatch::start();
        let created = watch.time(Part::Open, || self.make(&request.wiki))?;
        Ok(Initialised { created, timings: watch.stop() })
    }

    fn make(&self, wiki: &WikiName) -> Result<bool> {
        let path = self.path(wiki);
        match self.open(wiki) {
            Ok(repository) => {
                init::sweep(&self.root, &repository.layout);
                // Also repairs the reference, which maintenance by git relies on.
                self.resolve(&repository, None)?;
                Ok(false)
            }
            Err(Error::NotFound { .. }) => {
                let created = init::create(&self.root, &path)?;
                self.open(wiki)?;
                Ok(created)
            }
            Err(error) => Err(error),
        }
    }

    /// The folder of all wikis.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, wiki: &WikiName) -> PathBuf {
        self.root.join(format!("{wiki}{REPOSITORY_SUFFIX}"))
    }

    /// The repository of `wiki`. One look-up if this process knows it already. If not, the
    /// packs are opened while the caller goes on, for most likely it will need them.
    pub(crate) fn open(&self, wiki: &WikiName) -> Result<Opened> {
        let path = self.path(wiki);
        let mut identity = Identity::of(&path)?;
        if identity.is_none() {
            // It may have been made elsewhere since this client last looked.
            files::refresh(&self.root);
            identity = Identity::of(&path)?;
        }
        let identity = identity.ok_or(Error::NotFound { what: "wiki" })?;
        let mut known = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(repository) = known.get(wiki)
            && repository.identity == identity
        {
            let repository = Arc::clone(repository);
            return Ok(Opened { repository, warming: None, warming_writes: None });
        }
        let repository = Arc::new(Repository::open(&path, identity)?);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(wiki.clone(), Arc::clone(&repository));
        let warmed = Arc::clone(&repository);
        let warming = thread::Builder::new().spawn(move || warmed.objects.warm()).ok();
        Ok(Opened { repository, warming, warming_writes: None })
    }
}

/// What tells a folder from another one of the same path, made later: its
/// device, its inode, and when it last changed (inodes are used again).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

impl Identity {
    /// The identity of the folder at `path`, or `None` if there is nothing.
    /// Anything but a folder is refused, in particular a symbolic link, which
    /// could lead out of the store.
    fn of(path: &Path) -> Result<Option<Self>> {
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("look up", path)(error)),
        };
        if !metadata.is_dir() {
            return Err(Error::Corrupt("a repository, or a part of it, is no folder".to_owned()));
        }
        Ok(Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }))
    }
}

/// A repository for the time of one request.
#[derive(Debug)]
pub(crate) struct Opened {
    repository: Arc<Repository>,
    warming: Option<JoinHandle<()>>,
    warming_writes: Option<JoinHandle<()>>,
}

impl Opened {
    /// If the repository was only just opened, opens what a write needs besides, while the
    /// caller goes on.
    pub(crate) fn warm_for_writing(&mut self) {
        if self.warming.is_none() {
            return;
        }
        let layout = Arc::clone(&self.repository.layout);
        let warming = thread::Builder::new().spawn(move || layout.warm_for_writing());
        self.warming_writes = warming.ok();
    }
}

impl Deref for Opened {
    type Target = Repository;

    fn deref(&self) -> &Repository {
        &self.repository
    }
}

impl Drop for Opened {
    /// Nothing goes on after the answer: a Lambda is frozen then.
    fn drop(&mut self) {
        for warming in [self.warming.take(), self.warming_writes.take()].into_iter().flatten() {
            let _ = warming.join();
        }
    }
}

/// An open repository.
pub(crate) struct Repository {
    pub(crate) layout: Arc<Layout>,
    pub(crate) objects: Objects,
    pub(crate) lead: Lead,
    identity: Identity,
}

impl Repository {
    fn open(path: &Path, identity: Identity) -> Result<Self> {
        let layout = Arc::new(Layout::open(path)?);
        let objects = Objects::new(Arc::clone(&layout));
        Ok(Self { layout, objects, lead: Lead::default(), identity })
    }

    pub(crate) fn head<'a>(&'a self, observer: &'a dyn Observer) -> Head<'a> {
        Head { layout: &self.layout, objects: &self.objects, observer }
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("identity", &self.identity).finish_non_exhaustive()
    }
}
