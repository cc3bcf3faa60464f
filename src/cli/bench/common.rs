//! What the verbs that measure share.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::bench::result::{Folder, Machine, Run, SCHEMA, State, Subject, Where};
use crate::cli::Ctx;
use crate::config::Settings;
use crate::error::{Context as _, Result};

/// The stored runs.
pub(super) fn folder(ctx: &Ctx) -> Folder {
    Folder::of(&ctx.paths.state)
}

/// A run that measured nothing yet.
pub(super) fn begin(suite: &str, id: &str, settings: &Settings, seed: u64) -> Result<Run> {
    let config = &settings.config;
    let started = OffsetDateTime::now_utc().format(&Rfc3339).context("cannot format the time")?;
    Ok(Run {
        schema: SCHEMA,
        id: id.to_owned(),
        suite: suite.to_owned(),
        state: State::Running,
        started,
        finished: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: commit(&settings.file()),
        machine: machine(),
        place: Where {
            region: config.region.clone(),
            environment: format!("{}-{}", config.project, config.environment),
            local: settings.local,
        },
        function: None,
        seed,
        parameters: BTreeMap::new(),
        prepared: Vec::new(),
        left_behind: Vec::new(),
        phases: Vec::new(),
        criteria: Vec::new(),
        error: None,
    })
}

/// A run of an earlier attempt, as far as it came; otherwise a new one.
pub(super) fn begin_or_go_on(
    ctx: &Ctx,
    (suite, id): (&str, &str),
    settings: &Settings,
    seed: u64,
    resumed: bool,
) -> Result<Run> {
    let folder = folder(ctx);
    if resumed && folder.file(id).is_file() {
        let run = folder.load(id)?;
        return Ok(Run { state: State::Running, error: None, ..run });
    }
    begin(suite, id, settings, seed)
}

/// What a run was told, for its result; what is not set is left out.
pub(super) fn parameters(args: &Value, names: &[&str]) -> BTreeMap<String, Value> {
    let told = names.iter().filter_map(|name| {
        let value = args.get(*name).filter(|value| !value.is_null())?;
        Some(((*name).to_owned(), value.clone()))
    });
    told.collect()
}

/// As a verb's first line names a function.
pub(super) fn described(subject: &Subject) -> String {
    let memory = subject.memory_mb.map(|mb| format!(" · {mb} MB")).unwrap_or_default();
    let kind = subject.architecture.as_ref().map(|it| format!(" · {it}")).unwrap_or_default();
    format!("{}{memory}{kind}", subject.name)
}

/// Processes that were ready to run in the last minute, on average, where the system says so.
#[cfg(target_os = "linux")]
#[expect(clippy::cast_precision_loss, reason = "a load is a small number of 1/65536ths")]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere nobody knows")]
fn load() -> Option<f64> {
    Some((rustix::system::sysinfo().loads[0] as f64 / 65_536.0 * 100.0).round() / 100.0)
}

#[cfg(not(target_os = "linux"))]
fn load() -> Option<f64> {
    None
}

fn machine() -> Machine {
    Machine {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cpus: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        load: load(),
    }
}

/// The commit of the folder with a file, if it is in a repository and git is there.
fn commit(file: &Path) -> Option<String> {
    let file = std::path::absolute(file).ok()?;
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(file.parent()?)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let head = git(&["rev-parse", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() { head } else { format!("{head}-dirty") })
}
