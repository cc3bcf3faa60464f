//! Runs cargo, and says where the binary is.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::Builder;
use crate::error::{Context as _, Error, Result};

/// What a function is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// This machine: the local platform runs functions as processes.
    Host,
    /// AWS Lambda on Graviton.
    AwsArm64,
    /// AWS Lambda on Intel and AMD.
    AwsX86_64,
}

impl Target {
    fn triple(self) -> Option<&'static str> {
        match self {
            Self::Host => None,
            Self::AwsArm64 => Some("aarch64-unknown-linux-gnu"),
            Self::AwsX86_64 => Some("x86_64-unknown-linux-gnu"),
        }
    }
}

/// Version of the C library in `provided.al2023`
/// (<https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html>).
const GLIBC: &str = "2.34";

/// Lines of cargo's output that an error shows.
const SHOWN_LINES: usize = 20;

/// One line of `--message-format=json`; only what is needed of it.
#[derive(Deserialize)]
struct Message {
    reason: String,
    executable: Option<PathBuf>,
    target: Option<CargoTarget>,
}

#[derive(Deserialize)]
struct CargoTarget {
    name: String,
}

/// Builds `function` and returns the binary's path.
pub(super) async fn build(builder: &Builder, function: &str, task: &str) -> Result<PathBuf> {
    let mut command = command(builder, function)?;
    command
        .args(["--bin", function, "--message-format=json-render-diagnostics"])
        .current_dir(&builder.source)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // What `cargo run` sets for this process would make build scripts run again.
    for (key, _) in std::env::vars_os() {
        let key = key.to_string_lossy();
        let own = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        if own.iter().any(|prefix| key.starts_with(prefix)) {
            command.env_remove(&*key);
        }
    }
    let mut child = command.spawn().map_err(|error| {
        Error::failed("cannot run cargo to build the Lambda functions")
            .caused_by(error)
            .hint("install Rust (https://rustup.rs), or name built zips with `--artefacts DIR`")
    })?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(Error::failed("cargo has no output to read"));
    };
    let messages = executable(stdout, function);
    let progress = progress(builder, stderr, task);
    let work = async { tokio::join!(messages, progress, child.wait()) };
    let (executable, lines, status) = tokio::select! {
        done = work => done,
        () = builder.cancel.cancelled() => return Err(builder.cancel.error()),
    };
    let status = status.context("cannot wait for cargo")?;
    if !status.success() {
        let shown = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
        return Err(
            Error::failed(format!("cargo could not build {function} ({status})")).caused_by(shown)
        );
    }
    // cargo-lambda moves the binary to where it was told to.
    let moved = lambda_folder(builder).join(function).join("bootstrap");
    if builder.target != Target::Host && moved.is_file() {
        return Ok(moved);
    }
    executable?.ok_or_else(|| Error::failed(format!("cargo built no binary called {function}")))
}

fn command(builder: &Builder, function: &str) -> Result<Command> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    let Some(triple) = builder.target.triple() else {
        // No `--package`: the workspace's default members decide the features of
        // dependencies, as they do for this program.
        command.arg("build");
        // The profile of this very program, so that dependencies are built once.
        if !cfg!(debug_assertions) {
            command.arg("--release");
        }
        return Ok(command);
    };
    if !in_path("cargo-zigbuild") && in_path("cargo-lambda") {
        let architecture = if triple.starts_with("aarch64") { "--arm64" } else { "--x86-64" };
        command.args(["lambda", "build", "--package", function, "--profile", "lambda"]);
        command.arg(architecture).arg("--lambda-dir").arg(lambda_folder(builder));
        command.env("RUSTFLAGS", remapped(&builder.source));
        return Ok(command);
    }
    if !in_path("cargo-zigbuild") {
        return Err(Error::failed(format!(
            "cannot build {function} for {triple}: neither cargo-zigbuild nor cargo-lambda is installed"
        ))
        .hint(
            "cargo install cargo-zigbuild && pip install ziglang && rustup target add ".to_owned()
                + triple,
        )
        .hint(
            "or `cargo install cargo-lambda`; or name zips built elsewhere with `--artefacts DIR`",
        )
        .hint("to try things on this machine, add `--local`"));
    }
    command.args([
        "zigbuild",
        "--package",
        function,
        "--profile",
        "lambda",
        "--target",
        &format!("{triple}.{GLIBC}"),
    ]);
    command.env("RUSTFLAGS", remapped(&builder.source));
    Ok(command)
}

/// Where cargo-lambda puts what it builds.
fn lambda_folder(builder: &Builder) -> PathBuf {
    builder.out.join("cargo-lambda")
}

/// Paths of this machine would make the same source give another digest elsewhere.
fn remapped(source: &Path) -> String {
    let mut flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    flags.push_str(&format!(" --remap-path-prefix={}=/platformctl", source.display()));
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    if let Some(home) = home {
        flags.push_str(&format!(" --remap-path-prefix={}=/cargo", home.display()));
    }
    flags
}

fn in_path(program: &str) -> bool {
    let cargo_bin = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo/bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(cargo_bin).any(|folder| folder.join(program).is_file())
}

async fn executable(
    stdout: tokio::process::ChildStdout,
    function: &str,
) -> Result<Option<PathBuf>> {
    let mut found = None;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await.context("cannot read cargo's messages")? {
        let Ok(message) = serde_json::from_str::<Message>(&line) else { continue };
        let ours = message.target.is_some_and(|target| target.name == function);
        if message.reason == "compiler-artifact" && ours && message.executable.is_some() {
            found = message.executable;
        }
    }
    Ok(found)
}

/// Forwards what cargo is doing; returns all of it, for an error.
async fn progress(
    builder: &Builder,
    stderr: tokio::process::ChildStderr,
    task: &str,
) -> Vec<String> {
    let mut all = Vec::new();
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let words = line.trim();
        if ["Compiling", "Downloading", "Downloaded", "Updating", "Blocking"]
            .iter()
            .any(|word| words.starts_with(word))
        {
            builder.events.progress(task, all.len() as u64, words);
        }
        all.push(line);
    }
    all
}
