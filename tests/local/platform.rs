//! A local platform of a test's own, worked by the real binary.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use platformctl::aws::{Aws, Place, Regional};
use platformctl::bootstrap::tenants_last;
use platformctl::config::{self, Overrides, Settings};
use platformctl::event::Events;
use platformctl::local::{ACCOUNT, LocalPlatform, Paths, Running};
use serde_json::Value;
use stacks::StackTemplate;

/// The region of `examples/dev/platform.yaml`.
pub(crate) const REGION: &str = "eu-west-2";

/// Found by every command in its environment: all of it points elsewhere.
const HOSTILE: [(&str, &str); 4] = [
    ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
    ("AWS_PROFILE", "nobody"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_DEFAULT_REGION", "us-east-2"),
];

/// Found by every command in its environment, and by nobody anywhere else.
pub(crate) const SECRETS: [(&str, &str); 5] = [
    ("AWS_ACCESS_KEY_ID", "AKIAPLANTEDPLANTED00"),
    ("AWS_SECRET_ACCESS_KEY", "planted/secret/access/key"),
    ("AWS_SESSION_TOKEN", "planted-session-token"),
    ("GITHUB_TOKEN", "planted-github-token"),
    ("DB_PASSWORD", "planted-password"),
];

/// Longer than anything takes; what takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(10);

/// How many platforms there are at a time.
const PLATFORMS: usize = 3;
static TURNS: (Mutex<usize>, Condvar) = (Mutex::new(PLATFORMS), Condvar::new());

/// One of the platforms that there may be at a time.
struct Turn;

impl Turn {
    fn take() -> Self {
        let (left, freed) = &TURNS;
        let left = left.lock().unwrap_or_else(PoisonError::into_inner);
        *freed.wait_while(left, |left| *left == 0).unwrap_or_else(PoisonError::into_inner) -= 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (left, freed) = &TURNS;
        *left.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        freed.notify_one();
    }
}

/// A state folder, a platform.yaml, and the emulator that the binary makes of them.
/// The emulator is stopped, and everything removed, when it goes.
pub(crate) struct Platform {
    folder: tempfile::TempDir,
    _turn: Turn,
}

impl Platform {
    /// With the configuration of `examples/dev`, without the functions of the API: they
    /// take time, and most tests are about what is beneath them.
    pub(crate) fn new() -> Self {
        let platform = Self::with_api();
        let file = platform.path("platform.yaml");
        let text = fs::read_to_string(&file).unwrap();
        let (before, rest) = text.split_once("platform:\n  functions:").unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap();
        fs::write(file, format!("{before}{after}")).unwrap();
        platform
    }

    /// With the configuration of `examples/dev`.
    pub(crate) fn with_api() -> Self {
        Self::of("dev")
    }

    /// With the configuration of an example.
    pub(crate) fn of(example: &str) -> Self {
        let turn = Turn::take();
        let folder = tempfile::tempdir().unwrap();
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let example = examples.join(example).join("platform.yaml");
        fs::copy(example, folder.path().join("platform.yaml")).unwrap();
        Self { folder, _turn: turn }
    }

    /// What its platform.yaml comes to: every stack, each after those it depends on.
    pub(crate) fn synthesized(&self) -> Vec<StackTemplate> {
        let loaded = config::load(&self.path("platform.yaml")).unwrap();
        let overrides = Overrides { local: true, ..Overrides::default() };
        Settings::resolve(loaded, overrides).synthesize().unwrap()
    }

    /// The names of its stacks, in the order in which a bootstrap deploys them.
    pub(crate) fn names(&self) -> Vec<String> {
        tenants_last(&self.synthesized())
    }

    /// A path in the state folder.
    pub(crate) fn state(&self, name: &str) -> PathBuf {
        self.folder.path().join("state").join(name)
    }

    /// A path outside the state folder that goes with the platform.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Changes the platform.yaml.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let file = self.path("platform.yaml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(file, text.replace(from, to)).unwrap();
    }

    /// The binary with the platform's folders, without a terminal.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_platformctl"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let cache = name == "PLATFORMCTL_CACHE_DIR" || name == "PLATFORMCTL_PYTHON";
            if (name.starts_with("PLATFORMCTL_") && !cache) || name.starts_with("AWS_") {
                command.env_remove(&*name);
            }
        }
        command
            .args(arguments)
            .envs(HOSTILE)
            .envs(SECRETS)
            .env("PLATFORMCTL_STATE_DIR", self.state(""))
            .env("PLATFORMCTL_CONFIG", self.path("platform.yaml"))
            .env("PLATFORMCTL_ARTEFACTS", artefacts())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.start(self.command(arguments)).end()
    }

    /// As [`Platform::run`], with `--local`.
    pub(crate) fn local(&self, arguments: &[&str]) -> Done {
        self.run(&with_local(arguments))
    }

    /// Starts the binary.
    pub(crate) fn start(&self, mut command: Command) -> Started {
        let output = tempfile::tempdir_in(self.folder.path()).unwrap();
        let file = |name| File::create(output.path().join(name)).unwrap();
        let child = command.stdout(file("stdout")).stderr(file("stderr")).spawn().unwrap();
        Started { child, output }
    }

    /// Starts a run that waits at `place` (see `failpoint.rs`), and waits until it is
    /// there.
    pub(crate) fn hold(&self, place: &str, arguments: &[&str]) -> Started {
        let before = self.attempts();
        let mut command = self.command(arguments);
        command.env(platformctl::failpoint::VARIABLE, place);
        let mut started = self.start(command);
        eventually(place, || {
            started.still_runs();
            self.attempts() > before && self.is_held_at(place)
        });
        started
    }

    /// The platform as the library sees it.
    pub(crate) fn emulator(&self) -> LocalPlatform {
        LocalPlatform::new(self.state(""), Paths::from_env().unwrap().cache, Events::none())
    }

    /// The running emulator.
    pub(crate) fn running(&self) -> Running {
        block_on(self.emulator().status()).unwrap().expect("the emulator runs")
    }

    /// Clients of the emulator.
    pub(crate) fn aws(&self) -> Regional {
        self.aws_in(REGION)
    }

    /// Clients of the emulator in another region.
    pub(crate) fn aws_in(&self, region: &str) -> Regional {
        let place = Place::Local { endpoint: self.running().endpoint, account: ACCOUNT.to_owned() };
        block_on(Aws::connect(&place)).in_region(region)
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let done = self.run(&["local", "down"]);
        if !std::thread::panicking() {
            done.exits(0);
        }
    }
}

/// The arguments with `--local`.
pub(crate) fn with_local<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().copied().chain(["--local"]).collect()
}

/// The binary at work. Killed when it goes.
pub(crate) struct Started {
    child: Child,
    output: tempfile::TempDir,
}

impl Started {
    /// Sends it a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "{}", self.text("stderr"));
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `kill -9`, unless it has ended already. Says whether it was killed.
    pub(crate) fn kill_if_it_runs(mut self) -> bool {
        let runs = self.child.try_wait().unwrap().is_none();
        if runs {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
        runs
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Panics when it has ended.
    pub(crate) fn still_runs(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("it ended ({status}):\n{}", self.text("stderr"));
        }
    }

    /// Waits until its stderr has `text`.
    pub(crate) fn says(&mut self, text: &str) {
        eventually(text, || {
            let said = self.text("stderr").contains(text);
            if !said {
                self.still_runs();
            }
            said
        });
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Done {
        let mut status = None;
        eventually("the end of the run", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        Done {
            code: status.unwrap().code(),
            stdout: self.text("stdout"),
            stderr: self.text("stderr"),
        }
    }

    /// What it wrote to stderr so far.
    pub(crate) fn stderr(&self) -> String {
        self.text("stderr")
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.output.path().join(name)).unwrap()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A run that ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    #[track_caller]
    pub(crate) fn prints(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "no `{text}` in:\n{}", self.stdout);
        self
    }

    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no `{text}` in:\n{}", self.stderr);
        self
    }
}

/// Sends a signal to a process that the test started.
pub(crate) fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Waits until `done`, for as long as anything can take.
#[track_caller]
pub(crate) fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Runs a future on the one runtime that all clients share.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().unwrap()).block_on(future)
}

/// The folder with the functions' zips, built once.
pub(crate) fn artefacts() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let source = env!("CARGO_MANIFEST_DIR");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("functions");
        let config = Path::new(source).join("examples/dev/platform.yaml");
        let built = Command::new(env!("CARGO_BIN_EXE_platformctl"))
            .args(["build", "--local", "--source", source, "--out"])
            .arg(&folder)
            .arg("-c")
            .arg(config)
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        folder
    })
}
