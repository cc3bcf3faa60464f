//! The emulator's Python environment: made once, shared, complete or absent.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;

use super::launcher::{REQUIREMENTS, digest, packages};
use crate::error::{Error, Result};
use crate::event::{Events, Outcome};

const TASK: &str = "emulator.venv";
/// Lines of pip's output that an error shows.
const TAIL: usize = 12;
/// Variables that make Python or pip install something else or somewhere else.
const REDIRECTIONS: [&str; 7] = [
    "PYTHONHOME",
    "PYTHONPATH",
    "PIP_CONSTRAINT",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
];

/// The folder of the environment below the cache folder.
pub(crate) fn folder(cache: &Path) -> PathBuf {
    cache.join("emulator").join(format!("ministack-1.5.33-{}", digest([REQUIREMENTS])))
}

/// The environment's Python, if the environment is complete. Its base Python
/// may have been removed since: then it counts as absent.
pub(crate) fn ready(cache: &Path) -> Option<PathBuf> {
    let python = folder(cache).join("bin/python");
    (folder(cache).join("complete").is_file() && python.exists()).then_some(python)
}

/// Makes the environment unless it is there. `find` is asked for a Python only
/// when one is needed.
pub(crate) async fn ensure<F>(cache: &Path, find: F, events: &Events) -> Result<PathBuf>
where
    F: Future<Output = Result<PathBuf>>,
{
    if let Some(python) = ready(cache) {
        return Ok(python);
    }
    let base = find.await?;
    let place = folder(cache);
    let parent = cache.join("emulator");
    fs::create_dir_all(&parent).map_err(|error| unusable(cache, error))?;
    let lock = lock(&place.with_extension("lock"), events).await.map_err(|e| unusable(cache, e))?;
    if let Some(python) = ready(cache) {
        return Ok(python);
    }
    let total = packages() as u64;
    events.started(TASK, "set up the local emulator (once)", Some(total));
    let made = make(&base, &place, cache, events).await;
    let (outcome, detail) = match &made {
        Ok(_) => (Outcome::Done, place.display().to_string()),
        Err(error) => (Outcome::Failed, error.message().to_owned()),
    };
    events.finished(TASK, outcome, detail);
    drop(lock);
    made
}

/// Waits for the exclusive lock on `file`; it is held until the file is dropped.
pub(crate) async fn lock(file: &Path, events: &Events) -> std::io::Result<File> {
    let handle = File::options().create(true).append(true).open(file)?;
    if handle.try_lock().is_ok() {
        return Ok(handle);
    }
    events.info("waiting for another platformctl that uses the local emulator");
    tokio::task::spawn_blocking(move || handle.lock().map(|()| handle)).await?
}

async fn make(base: &Path, place: &Path, cache: &Path, events: &Events) -> Result<PathBuf> {
    // Left behind by an attempt that was killed.
    if place.exists() {
        fs::remove_dir_all(place).map_err(|error| unusable(cache, error))?;
    }
    events.progress(TASK, 0, "python -m venv");
    let mut venv = Command::new(base);
    venv.args(["-m", "venv"]).arg(place);
    run(venv, |_| {}).await.map_err(|failure| failure.explain(cache, base))?;

    let requirements = place.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).map_err(|error| unusable(cache, error))?;
    let python = place.join("bin/python");
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps"])
        .args(["--progress-bar", "off", "--require-hashes", "-r"])
        .arg(&requirements);
    let mut collected = 0;
    run(pip, |line| {
        if let Some(package) = line.strip_prefix("Collecting ") {
            collected += 1;
            let name = package.split_whitespace().next().unwrap_or(package);
            events.progress(TASK, collected, name);
        }
    })
    .await
    .map_err(|failure| failure.explain(cache, base))?;
    fs::write(place.join("complete"), "").map_err(|error| unusable(cache, error))?;
    Ok(python)
}

/// Why a step of the installation failed.
enum Failure {
    /// It could not be started.
    Start(std::io::Error),
    /// It ended with an error; the last lines of its output.
    Exit(Vec<String>),
}

/// Runs `command`, shows each line to `watch` and keeps the last ones.
async fn run(mut command: Command, mut watch: impl FnMut(&str)) -> Result<(), Failure> {
    // A Python or pip set up for another project must not redirect this one.
    // Its index, certificates and proxy are the user's way to PyPI: they stay.
    for name in REDIRECTIONS {
        command.env_remove(name);
    }
    let mut child = command
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(Failure::Start)?;
    let mut tail = Vec::new();
    let (sender, mut lines) = tokio::sync::mpsc::unbounded_channel();
    forward(child.stdout.take(), sender.clone());
    forward(child.stderr.take(), sender);
    while let Some(line) = lines.recv().await {
        watch(&line);
        tail.push(line);
        if tail.len() > TAIL {
            tail.remove(0);
        }
    }
    match child.wait().await {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failure::Exit(tail)),
        Err(error) => Err(Failure::Start(error)),
    }
}

fn forward(
    stream: Option<impl AsyncRead + Unpin + Send + 'static>,
    sender: tokio::sync::mpsc::UnboundedSender<String>,
) {
    if let Some(stream) = stream {
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
}

impl Failure {
    fn explain(self, cache: &Path, base: &Path) -> Error {
        match self {
            Self::Start(error) if error.kind() == ErrorKind::NotFound => {
                Error::failed(format!("{} disappeared", base.display())).caused_by(error)
            }
            Self::Start(error) => unusable(cache, error),
            Self::Exit(tail) => explain_output(&tail, cache, base),
        }
    }
}

fn explain_output(tail: &[String], cache: &Path, base: &Path) -> Error {
    let text = tail.join("\n");
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["No space left on device", "Errno 28", "Disk quota exceeded"]) {
        return no_space(cache);
    }
    if says(&["ensurepip is not", "No module named venv", "No module named ensurepip"]) {
        return Error::failed(format!("{} cannot make virtual environments", base.display()))
            .hint("install its venv module (Debian and Ubuntu: apt install python3-venv)")
            .hint("or set PLATFORMCTL_PYTHON to another Python");
    }
    if says(&["DO NOT MATCH THE HASHES"]) {
        return Error::failed(format!("the local emulator's packages are not PyPI's:\n{text}"))
            .hint("a mirror must serve PyPI's own files: check pip's index and find-links settings")
            .hint("or pip's cache is damaged: python3 -m pip cache purge");
    }
    Error::failed(format!("failed to install the local emulator:\n{text}"))
        .hint("the first start downloads it from PyPI: check the network, proxy and pip settings")
}

fn no_space(cache: &Path) -> Error {
    Error::failed(format!("no space left in the cache folder {}", cache.display()))
        .hint("free about 150 MB, or set PLATFORMCTL_CACHE_DIR to a folder on another disk")
}

fn unusable(cache: &Path, error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => no_space(cache),
        _ => Error::failed(format!("the cache folder {} cannot be used", cache.display()))
            .hint("make it writable, or set PLATFORMCTL_CACHE_DIR to a folder that is")
            .caused_by(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(line: &str) -> Error {
        explain_output(&[line.to_owned()], Path::new("/cache"), Path::new("/usr/bin/python3"))
    }

    #[test]
    fn output_becomes_an_error_that_says_what_to_do() {
        let full = explained("ERROR: Could not install: [Errno 28] No space left on device");
        assert!(full.message().contains("/cache") && full.hints()[0].contains("CACHE_DIR"));
        let venv = explained("The virtual environment was not created: ensurepip is not available");
        assert!(venv.hints()[0].contains("python3-venv"));
        let other = explained("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE FILE.");
        assert!(other.message().contains("not PyPI's") && other.hints()[0].contains("mirror"));
        let network = explained("Could not find a version that satisfies ministack");
        assert!(
            network.message().contains("Could not find") && network.hints()[0].contains("PyPI")
        );
    }

    #[test]
    fn a_partial_environment_is_not_ready() {
        let cache = tempfile::tempdir().unwrap();
        let bin = folder(cache.path()).join("bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("python"), "").unwrap();
        assert_eq!(ready(cache.path()), None);
        fs::write(folder(cache.path()).join("complete"), "").unwrap();
        assert_eq!(ready(cache.path()), Some(bin.join("python")));
        fs::remove_file(bin.join("python")).unwrap();
        assert_eq!(ready(cache.path()), None);
    }
}
