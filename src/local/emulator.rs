//! The life of the emulator: up, status, down, reset.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use time::OffsetDateTime;
use tokio::time::sleep;

use super::issuer::{Issuer, Rotated};
use super::record::{Record, Running};
use super::{launcher, paths, probe, process, python, venv};
use crate::error::{Context, Error, Result};
use crate::event::{Events, Outcome};

const TASK: &str = "emulator.start";
/// How long a start may take on a slow machine; half a second is usual.
const START: Duration = Duration::from_mins(1);
/// How long a stop may take: open requests get three seconds, then it saves.
const STOP: Duration = Duration::from_secs(15);
/// How long a running emulator may be silent before it is replaced.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(25);
/// A log larger than this is put aside at the next start.
const LOG_LIMIT: u64 = 4 << 20;
/// Lines of the log that an error shows.
const LOG_TAIL: usize = 15;

/// The managed emulator of one state folder.
#[derive(Debug, Clone)]
pub struct LocalPlatform {
    folder: PathBuf,
    cache: PathBuf,
    events: Events,
    python: Option<PathBuf>,
    search_path: OsString,
}

impl LocalPlatform {
    /// The local platform of `state`, with its Python environment in `cache`.
    /// `PLATFORMCTL_PYTHON` and `PATH` are read now.
    pub fn new(state: impl AsRef<Path>, cache: impl Into<PathBuf>, events: Events) -> Self {
        Self {
            folder: state.as_ref().join("local"),
            cache: cache.into(),
            events,
            python: std::env::var_os("PLATFORMCTL_PYTHON")
                .filter(|name| !name.is_empty())
                .map(PathBuf::from),
            search_path: std::env::var_os("PATH").unwrap_or_default(),
        }
    }

    /// Uses `python` where one is needed, as `PLATFORMCTL_PYTHON` does.
    pub fn with_python(mut self, python: impl Into<PathBuf>) -> Self {
        self.python = Some(python.into());
        self
    }

    /// Looks for Python in `path` instead of `PATH`.
    pub fn with_search_path(mut self, path: impl Into<OsString>) -> Self {
        self.search_path = path.into();
        self.python = None;
        self
    }

    /// The emulator's log.
    pub fn log(&self) -> PathBuf {
        self.folder.join("emulator.log")
    }

    /// The file systems of functions: a folder each.
    pub fn mounts(&self) -> PathBuf {
        self.folder.join("mounts")
    }

    /// The token issuer of this platform.
    pub fn issuer(&self) -> Issuer {
        Issuer::new(self.folder.join("issuer"))
    }

    /// Gives the token issuer new keys, or, to `forget` them, takes those that no longer
    /// sign out of its key set.
    pub async fn rotate_keys(&self, forget: bool) -> Result<Rotated> {
        let _lock = self.lock().await?;
        if forget { self.issuer().forget_former() } else { self.issuer().rotate() }
    }

    /// Starts the emulator, or finds it running. Without `port` it takes the
    /// one it had before, else a free one. It outlives this process.
    pub async fn up(&self, port: Option<u16>) -> Result<Running> {
        let _lock = self.lock().await?;
        if let Some(record) = self.recognised() {
            if self.becomes_healthy(&record).await {
                self.issuer().prepare(&record.running().endpoint)?;
                return match port {
                    Some(port) if port != record.port => Err(Error::usage(format!(
                        "the local platform already runs on port {}",
                        record.port
                    ))
                    .hint("stop it first: platformctl local down")),
                    _ => Ok(record.running()),
                };
            }
            self.stop(&record).await?;
        }
        self.clean_up()?;
        if let Some(port) = port
            && !probe::is_free(port)
        {
            return Err(Error::failed(format!("port {port} is already in use"))
                .hint("stop what listens there, or choose another port")
                .hint("without --port a free one is taken"));
        }
        let find = python::find(self.python.as_deref(), &self.search_path);
        let python = venv::ensure(&self.cache, find, &self.events).await?;
        self.events.started(TASK, "start the local emulator", None);
        let started = self.start(&python, port).await;
        let (outcome, detail) = match &started {
            Ok(running) => (Outcome::Done, running.endpoint.clone()),
            Err(error) => (Outcome::Failed, error.message().to_owned()),
        };
        self.events.finished(TASK, outcome, detail);
        started
    }

    /// The running emulator, if there is one.
    pub async fn status(&self) -> Result<Option<Running>> {
        let Some(record) = self.recognised() else { return Ok(None) };
        Ok(self.healthy(&record).await.then(|| record.running()))
    }

    /// Stops the emulator after it has saved its state; false when none ran.
    pub async fn down(&self) -> Result<bool> {
        if !self.folder.exists() {
            return Ok(false);
        }
        let _lock = self.lock().await?;
        self.stop_any().await
    }

    /// Stops the emulator and removes everything it holds. Asking the user
    /// whether that is meant is the caller's part.
    pub async fn reset(&self) -> Result<()> {
        if !self.folder.exists() {
            return Ok(());
        }
        let lock = self.lock().await?;
        self.stop_any().await?;
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            // Removing the lock would let two processes hold one each.
            if path == self.lock_file() {
                continue;
            }
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.with_context(|| format!("failed to remove {}", path.display()))?;
        }
        drop(lock);
        Ok(())
    }

    /// The resource types that the emulator accepts and lists, but that have no
    /// service behind them. Known once the emulator has been started.
    pub fn recorded_only_types(&self) -> Result<BTreeSet<String>> {
        #[derive(Deserialize)]
        struct Capabilities {
            recorded_only: BTreeSet<String>,
        }
        let file = self.folder.join("capabilities.json");
        let text = fs::read(&file).context("the local platform has not been started yet")?;
        let capabilities: Capabilities = serde_json::from_slice(&text)
            .with_context(|| format!("failed to read {}", file.display()))?;
        Ok(capabilities.recorded_only)
    }

    async fn start(&self, python: &Path, wanted: Option<u16>) -> Result<Running> {
        let main = launcher::write(&self.folder)?;
        for name in ["aws", "s3", "mounts", "workers", "tmp"] {
            let folder = self.folder.join(name);
            fs::create_dir_all(&folder)
                .with_context(|| format!("failed to make {}", folder.display()))?;
        }
        let mut attempts = 3;
        loop {
            let port = match wanted {
                Some(port) => port,
                None => self.choose_port()?,
            };
            let record = Record {
                pid: 0,
                port,
                instance: format!("{:032x}", rand::random::<u128>()),
                started: OffsetDateTime::now_utc(),
            };
            match self.launch(python, &main, record).await {
                // Somebody took the port between choosing and binding it.
                Err(_) if wanted.is_none() && attempts > 1 && !probe::is_free(port) => {
                    attempts -= 1;
                }
                other => return other,
            }
        }
    }

    /// One attempt: spawn, write down, wait until it answers.
    async fn launch(&self, python: &Path, main: &Path, mut record: Record) -> Result<Running> {
        self.issuer().prepare(&record.running().endpoint)?;
        let mut child = self.spawn(python, main, &record)?;
        record.pid = child.id();
        record.write(&self.record_file())?;
        let deadline = Instant::now() + START;
        let failure = loop {
            if self.healthy(&record).await {
                break None;
            }
            if let Ok(Some(status)) = child.try_wait() {
                break Some(format!("the local emulator ended at its start ({status})"));
            }
            if Instant::now() > deadline {
                process::kill_group(record.pid);
                break Some(format!("the local emulator did not answer for {}s", START.as_secs()));
            }
            sleep(POLL).await;
        };
        // Nobody else reaps it while this process lives.
        std::thread::spawn(move || child.wait());
        if let Some(failure) = failure {
            Record::remove(&self.record_file())?;
            return Err(Error::failed(format!("{failure}:\n{}", self.log_tail()))
                .hint(format!("its whole log is {}", self.log().display())));
        }
        fs::write(self.folder.join("port"), record.port.to_string())
            .context("failed to remember the emulator's port")?;
        Ok(record.running())
    }

    fn spawn(&self, python: &Path, main: &Path, record: &Record) -> Result<Child> {
        let log = self.open_log().context("failed to open the emulator's log")?;
        let errors = log.try_clone().context("failed to open the emulator's log")?;
        let own = |name: &str| self.folder.join(name);
        Command::new(python)
            .arg("-I")
            .arg(main)
            .args(["--instance", &record.instance])
            // Lambda functions inherit this environment: nothing of the user's
            // (credentials and ~/.aws, above all) may be in it.
            .env_clear()
            .envs(
                ["PATH", "LANG"]
                    .into_iter()
                    .filter_map(|name| std::env::var_os(name).map(|value| (name, value))),
            )
            .env("HOME", own("tmp"))
            .env("TMPDIR", own("tmp"))
            .env("BIND_HOST", "127.0.0.1")
            .env("MINISTACK_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", record.port.to_string())
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", record.port))
            .env("PERSIST_STATE", "1")
            .env("STATE_DIR", own("aws"))
            .env("S3_PERSIST", "1")
            .env("S3_DATA_DIR", own("s3"))
            // Listeners on fixed ports, which two emulators would fight for.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            // It would remove containers that it takes for its own.
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .env("PLATFORMCTL_INSTANCE", &record.instance)
            .env("PLATFORMCTL_MOUNTS", own("mounts"))
            .env("PLATFORMCTL_WORKERS", own("workers"))
            .env("PLATFORMCTL_ISSUER", own("issuer"))
            .env("PLATFORMCTL_CAPABILITIES", own("capabilities.json"))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            // Ctrl-C at the terminal is for the command, not for the emulator.
            .process_group(0)
            .spawn()
            .with_context(|| format!("failed to run {}", python.display()))
    }

    /// The emulator that the record is about, if its process is still that one.
    fn recognised(&self) -> Option<Record> {
        let record = Record::read(&self.record_file())?;
        process::is_marked(record.pid, &record.instance).then_some(record)
    }

    async fn healthy(&self, record: &Record) -> bool {
        let identity = probe::identity(record.port).await;
        identity.is_some_and(|it| it.instance == record.instance && it.pid == record.pid)
    }

    /// Waits for an emulator that is busy, or that was left while it started.
    async fn becomes_healthy(&self, record: &Record) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while process::is_marked(record.pid, &record.instance) && Instant::now() < deadline {
            if self.healthy(record).await {
                return true;
            }
            sleep(POLL).await;
        }
        false
    }

    async fn stop_any(&self) -> Result<bool> {
        let record = self.recognised();
        if let Some(record) = &record {
            self.stop(record).await?;
        }
        self.clean_up()?;
        Ok(record.is_some())
    }

    /// Ends a recognised emulator: first politely, so that it saves.
    async fn stop(&self, record: &Record) -> Result<()> {
        process::terminate(record.pid);
        let asked = Instant::now();
        while process::is_marked(record.pid, &record.instance) {
            if asked.elapsed() > STOP {
                process::kill_group(record.pid);
            }
            if asked.elapsed() > STOP + STOP {
                return Err(Error::failed(format!(
                    "the local emulator (pid {}) does not end",
                    record.pid
                )));
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Removes what a dead emulator left: its record and its Lambda processes.
    fn clean_up(&self) -> Result<()> {
        process::end_recorded(&self.folder.join("workers"));
        Record::remove(&self.record_file())
    }

    fn choose_port(&self) -> Result<u16> {
        let before = fs::read_to_string(self.folder.join("port")).ok();
        let before = before.and_then(|text| text.trim().parse().ok());
        match before.filter(|port| probe::is_free(*port)) {
            Some(port) => Ok(port),
            None => probe::free_port().context("no free port on 127.0.0.1"),
        }
    }

    async fn lock(&self) -> Result<File> {
        paths::make_private(&self.folder)?;
        let locked = venv::lock(&self.lock_file(), &self.events).await;
        locked.map_err(|error| paths::unusable(&self.folder, error))
    }

    fn lock_file(&self) -> PathBuf {
        self.folder.join("lock")
    }

    fn record_file(&self) -> PathBuf {
        self.folder.join("emulator.json")
    }

    fn open_log(&self) -> std::io::Result<File> {
        let log = self.log();
        if fs::metadata(&log).is_ok_and(|meta| meta.len() > LOG_LIMIT) {
            fs::rename(&log, log.with_extension("log.1"))?;
        }
        File::options().create(true).append(true).open(log)
    }

    fn log_tail(&self) -> String {
        let text = fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n")
    }
}
