//! A hermetic place to run the binary in.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use time::OffsetDateTime;

/// The least a platform.yaml may say; what tests add begins in line 5.
pub const MINIMAL: &str = "version: 1\nproject: acme\nenvironment: dev\nregion: eu-west-2\n";

/// A temporary home, state, cache and working folder, with a platform.yaml. The
/// environment is empty but for these, and points at a loopback port on which
/// nobody listens: nothing can leave this machine.
pub struct TestEnv {
    root: tempfile::TempDir,
    variables: Vec<(OsString, OsString)>,
}

/// What a call did.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    /// The call and all of the above, without what differs between two runs.
    pub text: String,
}

impl TestEnv {
    /// With the least platform.yaml.
    pub fn new() -> Self {
        Self::with(MINIMAL)
    }

    /// With `extra` after the least platform.yaml.
    pub fn plus(extra: &str) -> Self {
        Self::with(&format!("{MINIMAL}{extra}"))
    }

    /// With this platform.yaml.
    pub fn with(platform: &str) -> Self {
        let env = Self::empty();
        env.write("platform.yaml", platform);
        env
    }

    /// Without a platform.yaml.
    pub fn empty() -> Self {
        let root = tempfile::Builder::new().prefix("platformctl-cli-").tempdir().expect("a folder");
        for folder in ["home", "state", "cache", "work"] {
            std::fs::create_dir(root.path().join(folder)).expect("a folder");
        }
        let folder = |name: &str| root.path().join(name).into_os_string();
        let variables = vec![
            ("HOME".into(), folder("home")),
            ("PLATFORMCTL_STATE_DIR".into(), folder("state")),
            ("PLATFORMCTL_CACHE_DIR".into(), folder("cache")),
            ("AWS_EC2_METADATA_DISABLED".into(), "true".into()),
            ("AWS_ENDPOINT_URL".into(), "http://127.0.0.1:1".into()),
            // One try: retries wait for seconds.
            ("AWS_MAX_ATTEMPTS".into(), "1".into()),
        ];
        Self { root, variables }
    }

    /// Sets a variable.
    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Sets credentials that belong to nobody.
    pub fn logged_in(self) -> Self {
        self.var("AWS_ACCESS_KEY_ID", "testing").var("AWS_SECRET_ACCESS_KEY", "testing")
    }

    /// A path in the working folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    /// The folder of the journals.
    pub fn runs(&self) -> PathBuf {
        self.root.path().join("state/runs")
    }

    /// Writes a file of the working folder, and the folders above it.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// The text of a file of the working folder.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    /// Runs platformctl with a file of the working folder as its stdin.
    pub fn run_with(&self, arguments: &[&str], stdin: &str) -> Outcome {
        let file = std::fs::File::open(self.path(stdin)).expect("a file");
        self.run_from(arguments, file.into())
    }

    /// Runs platformctl.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_from(arguments, Stdio::null())
    }

    /// Runs platformctl with another token than the environment's.
    pub fn run_as(&self, arguments: &[&str], token: &str) -> Outcome {
        self.run_in(arguments, Stdio::null(), &[("PLATFORMCTL_TOKEN", token)])
    }

    fn run_from(&self, arguments: &[&str], stdin: Stdio) -> Outcome {
        self.run_in(arguments, stdin, &[])
    }

    fn run_in(&self, arguments: &[&str], stdin: Stdio, more: &[(&str, &str)]) -> Outcome {
        let output = Command::new(env!("CARGO_BIN_EXE_platformctl"))
            .args(arguments)
            .current_dir(self.path(""))
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .envs(more.iter().copied())
            .stdin(stdin)
            .output()
            .expect("platformctl runs");
        let code = output.status.code().expect("an exit code");
        let stdout = String::from_utf8(output.stdout).expect("UTF-8");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        let mut text = format!("$ platformctl {}\n{stdout}", arguments.join(" "));
        if !stderr.is_empty() {
            text.push_str("--- stderr\n");
            text.push_str(&stderr);
        }
        text.push_str(&format!("--- exit {code}"));
        let text = self.constant(&text);
        Outcome { code, stdout, stderr, text }
    }

    /// Runs platformctl, which has to succeed, and parses its stdout as JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, 0, "{}", outcome.text);
        serde_json::from_str(&outcome.stdout).expect("JSON on stdout")
    }

    /// `text` without what differs between two runs.
    fn constant(&self, text: &str) -> String {
        let root = self.root.path();
        let real = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let mut text = text.to_owned();
        for path in [real.as_path(), root] {
            text = text.replace(&shown(path), "[TMP]");
        }
        text = text.replace(&OffsetDateTime::now_utc().date().to_string(), "[TODAY]");
        for (pattern, replacement) in [
            (r"\b\d+(\.\d+)? ms\b", "[TIME] ms"),
            (r#""elapsed_ms": \d+"#, r#""elapsed_ms": "[TIME]""#),
        ] {
            let pattern = regex::Regex::new(pattern).expect("a pattern");
            text = pattern.replace_all(&text, replacement).into_owned();
        }
        text
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
