//! Writers in processes of their own: this test binary, started again.

use std::{
    env,
    io::Write,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use git_store::{Options, Store};
use rustix::process::{Signal, getpid, kill_process};

use crate::support::write;

const ROOT: &str = "TEST_ROOT";
const NAME: &str = "TEST_NAME";
const WRITES: &str = "TEST_WRITES";
const DIE_AT: &str = "TEST_DIE_AT";

/// Starts a process that writes `writes` pages, `<name>/<n>`, to the store under
/// `root`, and prints the path of each one when it was acknowledged. With
/// `die_at`, it kills itself the first time it reaches that step.
pub(crate) fn spawn(
    root: &std::path::Path,
    name: &str,
    writes: u32,
    die_at: Option<&str>,
) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "child::writer", "--ignored", "--nocapture"])
        .env(ROOT, root)
        .env(NAME, name)
        .env(WRITES, writes.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(step) = die_at {
        command.env(DIE_AT, step);
    }
    command.spawn().unwrap()
}

/// Starts a process that maintains the wiki, removing at once what it replaces, and kills
/// itself the first time it reaches the step `die_at`.
pub(crate) fn maintain(root: &std::path::Path, die_at: &str) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "child::maintainer", "--ignored", "--nocapture"])
        .env(ROOT, root)
        .env(DIE_AT, die_at)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
#[ignore = "the body of the processes that other tests start"]
fn maintainer() {
    let Some(root) = env::var_os(ROOT) else { return };
    let mut options = dying_at(env::var(DIE_AT).unwrap());
    options.retention = std::time::Duration::ZERO;
    crate::support::maintain(&Store::with_options(root, options));
}

/// The paths that a child's output says were acknowledged.
pub(crate) fn acknowledged(output: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(output)
        .lines()
        .filter_map(|line| line.strip_prefix("acknowledged ").map(str::to_owned))
        .collect()
}

#[test]
#[ignore = "the body of the processes that other tests start"]
fn writer() {
    let Some(root) = env::var_os(ROOT) else { return };
    let name = env::var(NAME).unwrap();
    let writes: u32 = env::var(WRITES).unwrap().parse().unwrap();
    let store = match env::var(DIE_AT) {
        Ok(step) => Store::with_options(root, dying_at(step)),
        Err(_) => Store::with_options(root, patient()),
    };
    let mut out = std::io::stdout();
    // The harness has begun a line.
    writeln!(out).unwrap();
    for n in 0..writes {
        let path = format!("{name}/{n}");
        write(&store, &path, &path).unwrap();
        writeln!(out, "acknowledged {path}").unwrap();
        out.flush().unwrap();
    }
}

/// Options for tests that say nothing about time: fifty writers on a busy machine take
/// long, one after the other.
fn patient() -> Options {
    let mut options = Options::default();
    options.write_budget = std::time::Duration::from_mins(2);
    options
}

/// `Name` or `Name/2`: die at the first or second time that the step is reached.
fn dying_at(step: String) -> Options {
    let (name, time) = match step.split_once('/') {
        Some((name, time)) => (name.to_owned(), time.parse().unwrap()),
        None => (step, 1),
    };
    let seen = AtomicU32::new(0);
    let mut options = Options::default();
    options.observer = std::sync::Arc::new(Killer(Box::new(move |step| {
        if format!("{step:?}") == name && seen.fetch_add(1, Ordering::SeqCst) + 1 == time {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    })));
    options
}

struct Killer(Box<dyn Fn(git_store::Step) + Send + Sync>);

impl git_store::Observer for Killer {
    fn reached(&self, step: git_store::Step) {
        (self.0)(step);
    }
}
