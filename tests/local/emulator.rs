//! The life of the managed emulator, and what it does with the resource types
//! that the stacks use.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use platformctl::event::{Event, Events, Outcome};
use platformctl::local::{LocalPlatform, Paths};

/// A local platform in a temporary state folder; stopped when it goes.
pub(super) struct Env {
    state: tempfile::TempDir,
    pub(super) platform: LocalPlatform,
}

impl Env {
    pub(super) fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        let cache = Paths::from_env().unwrap().cache;
        let platform = LocalPlatform::new(state.path(), cache, Events::none());
        Self { state, platform }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.state.path().join("local").join(name)
    }

    /// A Python program of ours, run by the emulator's own Python.
    pub(super) fn python(&self, arguments: &[&str]) -> Output {
        let running = fs::read_to_string(self.path("emulator.json")).unwrap();
        let record: serde_json::Value = serde_json::from_str(&running).unwrap();
        let pid = record["pid"].as_u64().unwrap();
        let shown = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
        let line = String::from_utf8(shown.unwrap().stdout).unwrap();
        Command::new(line.split_whitespace().next().unwrap()).args(arguments).output().unwrap()
    }

    fn script(&self, endpoint: &str, options: &[&str]) -> serde_json::Value {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/local/all_types.py");
        let mut arguments = vec!["-B", file.to_str().unwrap(), endpoint];
        arguments.extend(options);
        let output = self.python(&arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Env {
    fn drop(&mut self) {
        let platform = self.platform.clone();
        // A runtime of its own: the test's may be the one that unwinds.
        let stopped = std::thread::spawn(move || {
            tokio::runtime::Runtime::new().unwrap().block_on(platform.down())
        });
        let _ = stopped.join();
    }
}

fn kill_hard(pid: u32) {
    let pid = pid.to_string();
    assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
}

fn alive(pid: u32) -> bool {
    let shown = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let stat = String::from_utf8(shown.stdout).unwrap();
    !stat.trim().is_empty() && !stat.starts_with('Z')
}

/// A file that passes for a Python and then does what `rest` says.
fn fake_python(folder: &Path, rest: &str) -> PathBuf {
    let file = folder.join("python-of-the-test");
    let text =
        format!("#!/bin/sh\ncase \"$*\" in *version_info*) echo 3.12; exit;; esac\n{rest}\n");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file
}

/// The error of a first use with `python` and an empty cache.
async fn first_use_error(rest: &str) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let platform = LocalPlatform::new(folder.path().join("state"), &cache, Events::none())
        .with_python(fake_python(folder.path(), rest));
    let error = platform.up(None).await.unwrap_err();
    assert_eq!(error.exit_code(), 1);
    let message = error.message().replace(cache.to_str().unwrap(), "CACHE");
    (message, error.hints().to_vec())
}

#[tokio::test]
async fn every_resource_type_deploys_updates_and_goes_and_state_outlives_the_emulator() {
    let env = Env::new();
    let first = env.platform.up(None).await.unwrap();
    assert_eq!(env.platform.up(None).await.unwrap(), first);
    assert_eq!(env.platform.status().await.unwrap(), Some(first.clone()));
    env.script(&first.endpoint, &[]);
    let recorded = env.platform.recorded_only_types().unwrap();
    assert!(recorded.contains("AWS::XRay::Group") && !recorded.contains("AWS::EC2::EIP"));

    // A clean stop keeps everything, ends the functions' processes, and the
    // next start takes the same port.
    assert!(env.platform.down().await.unwrap());
    assert!(!alive(first.pid));
    assert_eq!(env.platform.status().await.unwrap(), None);
    assert!(!env.platform.down().await.unwrap());
    let second = env.platform.up(None).await.unwrap();
    assert_eq!(second.port, first.port);
    env.script(&second.endpoint, &["--verify"]);

    // So does a kill, a save interval later. The functions' processes that
    // survive it are ended by the next start.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let workers: Vec<u32> = fs::read_dir(env.path("workers"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap())
        .collect();
    assert!(!workers.is_empty() && workers.iter().all(|pid| alive(*pid)));
    kill_hard(second.pid);
    let third = env.platform.up(None).await.unwrap();
    assert_ne!(third.pid, second.pid);
    assert!(workers.iter().all(|pid| !alive(*pid)));
    env.script(&third.endpoint, &["--verify", "--delete"]);

    env.platform.reset().await.unwrap();
    assert!(!alive(third.pid));
    let left: Vec<_> =
        fs::read_dir(env.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
}

#[tokio::test]
async fn two_starts_at_once_make_one_emulator() {
    let env = Env::new();
    let (one, two) = (env.platform.clone(), env.platform.clone());
    let (one, two) = tokio::join!(
        tokio::spawn(async move { one.up(None).await.unwrap() }),
        tokio::spawn(async move { two.up(None).await.unwrap() }),
    );
    assert_eq!(one.unwrap(), two.unwrap());
}

#[tokio::test]
async fn a_taken_port_is_an_error_when_it_was_asked_for() {
    let env = Env::new();
    let other = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = other.local_addr().unwrap().port();
    let error = env.platform.up(Some(port)).await.unwrap_err();
    assert_eq!(error.message(), format!("port {port} is already in use"));
    assert!(error.hints()[0].contains("another port"));
    drop(other);
    let running = env.platform.up(Some(port)).await.unwrap();
    assert_eq!(running.port, port);
    let error = env.platform.up(Some(port - 1)).await.unwrap_err();
    assert!(error.message().contains("already runs on port"));
}

#[tokio::test]
async fn a_record_of_another_process_is_never_acted_on() {
    let env = Env::new();
    let mut stranger = Command::new("sleep").arg("97").spawn().unwrap();
    fs::create_dir_all(env.path("")).unwrap();
    let record = format!(
        r#"{{"pid": {}, "port": 1, "instance": "x1y2", "started": "2026-01-01T00:00:00Z"}}"#,
        stranger.id()
    );
    fs::write(env.path("emulator.json"), record).unwrap();
    assert_eq!(env.platform.status().await.unwrap(), None);
    assert!(!env.platform.down().await.unwrap());
    assert!(!env.path("emulator.json").exists());
    assert!(stranger.try_wait().unwrap().is_none());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn no_python_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let platform = LocalPlatform::new(folder.path(), folder.path().join("cache"), Events::none())
        .with_search_path(folder.path());
    let error = platform.up(None).await.unwrap_err();
    assert!(error.message().contains("no python3 found"), "{error}");
    assert!(error.hints()[0].contains("install python3"));
}

#[tokio::test]
async fn an_old_python_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = fake_python(folder.path(), "");
    let text = fs::read_to_string(&file).unwrap().replace("3.12", "3.9");
    fs::write(folder.path().join("python3"), text).unwrap();
    fs::set_permissions(folder.path().join("python3"), fs::Permissions::from_mode(0o755)).unwrap();
    let platform = LocalPlatform::new(folder.path(), folder.path().join("cache"), Events::none())
        .with_search_path(folder.path());
    let error = platform.up(None).await.unwrap_err();
    assert!(error.message().contains("is Python 3.9; the local emulator needs 3.10"), "{error}");
}

#[tokio::test]
async fn no_space_in_the_cache_names_the_folder() {
    let script = "echo 'OSError: [Errno 28] No space left on device' >&2; exit 1";
    let (message, hints) = first_use_error(script).await;
    assert_eq!(message, "no space left in the cache folder CACHE");
    assert!(hints[0].contains("PLATFORMCTL_CACHE_DIR"));
}

#[tokio::test]
async fn a_failing_pip_shows_its_last_lines() {
    // It makes an "environment" whose Python is this very script.
    let script = r#"
case "$*" in
  *venv*) for last; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python";;
  *) echo 'Collecting ministack==1.5.33'; echo 'ERROR: Could not find a version' >&2; exit 1;;
esac"#;
    let (message, hints) = first_use_error(script).await;
    assert!(message.starts_with("failed to install the local emulator:\n"), "{message}");
    assert!(message.contains("Could not find a version"));
    assert!(hints[0].contains("PyPI"));
}

#[tokio::test]
async fn a_missing_venv_module_is_explained() {
    let script = "echo 'Error: ensurepip is not available.'; exit 1";
    let (message, hints) = first_use_error(script).await;
    assert!(message.ends_with("cannot make virtual environments"), "{message}");
    assert!(hints[0].contains("python3-venv"));
}

#[tokio::test]
async fn a_killed_installation_is_made_again_and_once() {
    let folder = tempfile::tempdir().unwrap();
    // Installs in half a second by writing a Python that ends at once.
    let script = r#"
case "$*" in
  *venv*) for last; do :; done; mkdir "$last" && mkdir "$last/bin" && cp "$0" "$last/bin/python";;
  *pip*) echo "Collecting ministack"; sleep 0.5;;
  *) echo 'the emulator says: no'; exit 3;;
esac"#;
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let sink = Events::new(move |event| seen.lock().unwrap().push(event));
    let python = fake_python(folder.path(), script);
    let cache = folder.path().join("cache");
    let platform = |state: &str| {
        LocalPlatform::new(folder.path().join(state), &cache, sink.clone()).with_python(&python)
    };
    let (first, second) = (platform("a"), platform("b"));
    // Cut short in the middle of the installation.
    let cut = tokio::time::timeout(Duration::from_millis(200), first.up(None)).await;
    assert!(cut.is_err());
    events.lock().unwrap().clear();
    let (one, two) = tokio::join!(first.up(None), second.up(None));
    for error in [one.unwrap_err(), two.unwrap_err()] {
        assert!(error.message().contains("the emulator says: no"), "{error}");
        assert!(error.hints()[0].contains("emulator.log"));
    }
    let events = events.lock().unwrap();
    let installed = events.iter().filter(|event| {
        matches!(event, Event::Finished { id, outcome: Outcome::Done, .. } if id == "emulator.venv")
    });
    assert_eq!(installed.count(), 1, "{events:?}");
}

#[tokio::test]
async fn a_start_takes_little_time() {
    let env = Env::new();
    env.platform.up(None).await.unwrap();
    env.platform.down().await.unwrap();
    let started = Instant::now();
    env.platform.up(None).await.unwrap();
    // Half a second alone on a machine; tests share it.
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}
