//! What a run measured: versioned JSON, replaced as a whole after every phase.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::criteria::Checked;
use super::plan::Phase;
use super::sample::Sample;
use crate::error::{Context as _, Error, Result};

/// Version of the schema; raised when a field changes its meaning.
pub const SCHEMA: u32 = 1;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is under way, or was cut off.
    Running,
    /// All phases were measured.
    Complete,
    /// It was stopped by its user.
    Interrupted,
    /// It could not go on.
    Failed,
}

impl State {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

/// The machine that measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Its name.
    pub host: String,
    /// Operating system, such as `linux`.
    pub os: String,
    /// Instruction set, such as `x86_64`.
    pub arch: String,
    /// Processors that this process may use.
    pub cpus: usize,
    /// Processes that wanted to run, on average over a minute, when the run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
}

/// The function that was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// Its physical name.
    pub name: String,
    /// Memory in MB.
    pub memory_mb: Option<u32>,
    /// Time limit in seconds.
    pub timeout_seconds: Option<u32>,
    /// `arm64` or `x86_64`.
    pub architecture: Option<String>,
    /// Runtime, such as `provided.al2023`.
    pub runtime: Option<String>,
    /// Digest of its code.
    pub code_sha256: Option<String>,
}

/// Where it was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Where {
    /// Region.
    pub region: String,
    /// Project and environment, such as `acme-dev`.
    pub environment: String,
    /// Whether on the local platform.
    pub local: bool,
}

/// One phase, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What was planned.
    pub phase: Phase,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// How long it took, with warm-up and what is not measured.
    pub seconds: f64,
    /// Whether all its calls were made.
    pub complete: bool,
    /// The calls before.
    pub warm_up: Vec<Sample>,
    /// The calls that count, by when they were due.
    pub samples: Vec<Sample>,
}

/// Something that was made ready and not measured, such as the pages of a repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    /// What, in one line.
    pub what: String,
    /// How long it took.
    pub seconds: f64,
}

/// One run of one suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA`] of the writer.
    pub schema: u32,
    /// Its name, such as `2026-11-20-k3f9`.
    pub id: String,
    /// What was measured: `efs`, `invoke`, `synth`, `lock` or `redrive`.
    pub suite: String,
    /// How far it is.
    pub state: State,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<String>,
    /// Version of platformctl.
    pub version: String,
    /// Commit of the folder of platform.yaml, `-dirty` behind it when files were changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The machine that measured.
    pub machine: Machine,
    /// Where.
    pub place: Where,
    /// The function, where one was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<Subject>,
    /// What everything random came from.
    pub seed: u64,
    /// What the run was told.
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
    /// What was made ready.
    #[serde(default)]
    pub prepared: Vec<Prepared>,
    /// What is left behind on purpose, such as wikis.
    #[serde(default)]
    pub left_behind: Vec<String>,
    /// The phases.
    pub phases: Vec<Measured>,
    /// The exit criteria.
    #[serde(default)]
    pub criteria: Vec<Checked>,
    /// Why it could not go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Measured {
    /// Nothing measured yet.
    pub fn of(phase: Phase, started: String) -> Self {
        let (warm_up, samples) = (Vec::new(), Vec::new());
        Self { phase, started, seconds: 0.0, complete: false, warm_up, samples }
    }

    /// The samples of calls that did not fail.
    pub fn answered(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(|it| it.error.is_none())
    }

    /// How many calls failed, by kind.
    pub fn errors(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for failure in self.samples.iter().filter_map(|it| it.error.as_ref()) {
            *kinds.entry(failure.kind.clone()).or_default() += 1;
        }
        kinds
    }

    /// How many calls failed; of one operation, or of all.
    pub fn failed(&self, operation: Option<&str>) -> usize {
        let of = |it: &&Sample| operation.is_none_or(|operation| it.operation == operation);
        self.samples.iter().filter(of).filter(|it| it.error.is_some()).count()
    }

    /// Calls a second that were answered, while it measured.
    pub fn throughput(&self) -> f64 {
        let end = self.samples.iter().map(|it| it.at_ms + it.wall_ms).fold(0.0, f64::max);
        if end > 0.0 { super::stats::real(self.answered().count()) * 1000.0 / end } else { 0.0 }
    }
}

impl Run {
    /// The phase of a name, if it was measured to its end.
    pub fn complete(&self, name: &str) -> Option<&Measured> {
        self.phases.iter().find(|it| it.phase.name == name && it.complete)
    }

    /// Takes a phase in; what an earlier attempt left of it goes.
    pub fn take(&mut self, measured: Measured) {
        self.phases.retain(|it| it.phase.name != measured.phase.name);
        self.phases.push(measured);
    }
}

/// The folder of stored runs.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The one in a state folder.
    pub fn of(state: &Path) -> Self {
        Self(state.join("bench"))
    }

    /// Where a run is, or will be.
    pub fn file(&self, id: &str) -> PathBuf {
        self.0.join(format!("{id}.json"))
    }

    /// Writes a run, in place of what was there: all of it or nothing.
    pub fn save(&self, run: &Run) -> Result<()> {
        let file = self.file(&run.id);
        let bad = || format!("cannot write {}", file.display());
        std::fs::create_dir_all(&self.0).with_context(bad)?;
        let text = serde_json::to_vec(run).context("cannot serialize the result")?;
        let mut partial = tempfile::NamedTempFile::new_in(&self.0).with_context(bad)?;
        partial.write_all(&text).with_context(bad)?;
        partial.as_file().sync_all().with_context(bad)?;
        partial.persist(&file).map_err(|error| error.error).with_context(bad)?;
        Ok(())
    }

    /// The run called `name`: its whole name, its last four letters, or a file.
    pub fn load(&self, name: &str) -> Result<Run> {
        let path = Path::new(name);
        if name.contains('/') || path.extension().is_some_and(|end| end == "json") {
            return read(path);
        }
        let all = self.names()?;
        let matching: Vec<_> =
            all.iter().filter(|id| *id == name || id.ends_with(&format!("-{name}"))).collect();
        match matching.as_slice() {
            [one] => read(&self.file(one)),
            [] => Err(Error::usage(format!("no benchmark is called {name}"))
                .hint("`platformctl bench history` lists all; a file is named by its path")),
            several => Err(Error::usage(format!("{} benchmarks are called {name}", several.len()))
                .hint("give the whole name")),
        }
    }

    /// Every run that can be read, newest first, and what is wrong with the others.
    pub fn list(&self) -> Result<(Vec<Run>, Vec<Error>)> {
        let (mut runs, mut broken) = (Vec::new(), Vec::new());
        for name in self.names()? {
            match read(&self.file(&name)) {
                Ok(run) => runs.push(run),
                Err(error) => broken.push(error),
            }
        }
        runs.sort_by(|left, right| {
            right.started.cmp(&left.started).then_with(|| right.id.cmp(&left.id))
        });
        Ok((runs, broken))
    }

    fn names(&self) -> Result<Vec<String>> {
        let entries = match std::fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                let message = format!("cannot read {}", self.0.display());
                return Err(Error::failed(message).caused_by(error));
            }
        };
        let names = entries.flatten().map(|entry| entry.path()).filter_map(|path| {
            let is_result = path.extension().is_some_and(|end| end == "json");
            is_result.then(|| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))?
        });
        Ok(names.collect())
    }
}

fn read(file: &Path) -> Result<Run> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: u32,
    }
    let name = file.display();
    let text = std::fs::read(file).with_context(|| format!("cannot read {name}"))?;
    let not_one = |error: serde_json::Error| {
        Error::usage(format!("{name} is not the result of a benchmark")).caused_by(error)
    };
    let version: Versioned = serde_json::from_slice(&text).map_err(not_one)?;
    if version.schema != SCHEMA {
        let message = format!("{name} has version {} of the results' schema", version.schema);
        return Err(Error::usage(message)
            .hint(format!("this platformctl reads version {SCHEMA}: use the one that wrote it")));
    }
    serde_json::from_slice(&text).map_err(not_one)
}
