//! Reads journals: one, or all of a folder.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::RunId;
use super::record::{Entry, Record, RunStart, StepOutcome};
use crate::error::{Context as _, Error, Result};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Its process lives and holds the journal's lock.
    Running,
    /// It ended with exit code 0.
    Succeeded,
    /// It ended with another exit code, and can be resumed.
    Failed,
    /// It never ended and its process is gone; it can be resumed.
    Crashed,
    /// It waits for people: once they answered, it can be resumed.
    Waiting,
    /// It was given up, and cannot be resumed.
    Aborted,
}

/// One run at a glance.
#[derive(Debug, Clone, Serialize)]
pub struct RunSummary {
    /// Its name.
    pub run: String,
    /// Where it stands.
    pub state: RunState,
    /// How it began.
    pub start: RunStart,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// When it last wrote: RFC 3339, UTC.
    pub last: String,
    /// Steps that finished, in order.
    pub finished_steps: Vec<String>,
    /// The step that was under way when it stopped.
    pub open_step: Option<String>,
    /// Exit code, once it ended.
    pub exit_code: Option<u8>,
    /// The error it ended with.
    pub error: Option<String>,
    /// Its journal.
    #[serde(skip)]
    pub path: PathBuf,
}

impl RunSummary {
    /// Whether `resume` can go on with it.
    pub fn resumable(&self) -> bool {
        matches!(self.state, RunState::Crashed | RunState::Failed | RunState::Waiting)
    }
}

/// The journals of a folder, newest first. A missing folder has none. A damaged one
/// is left out, so that it stands in nobody's way: see [`damaged`].
pub fn list(runs: &Path) -> Result<Vec<RunSummary>> {
    let mut summaries: Vec<RunSummary> =
        files(runs)?.iter().filter_map(|path| summarize(path).ok().flatten()).collect();
    summaries
        .sort_by(|left, right| right.started.cmp(&left.started).then(right.run.cmp(&left.run)));
    Ok(summaries)
}

/// What is wrong with the journals that [`list`] leaves out.
pub fn damaged(runs: &Path) -> Result<Vec<Error>> {
    Ok(files(runs)?.iter().filter_map(|path| summarize(path).err()).collect())
}

fn files(runs: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(runs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Error::failed(format!("cannot read {}", runs.display())).caused_by(error));
        }
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let journals = paths.filter(|path| {
        path.as_ref().map_or(true, |path| path.extension().is_some_and(|end| end == "jsonl"))
    });
    journals.collect::<std::io::Result<_>>().context("cannot read the journal folder")
}

/// The run called `name`: the whole name, or its last four letters.
pub fn find(runs: &Path, name: &str) -> Result<RunSummary> {
    let all = list(runs)?;
    let matching: Vec<_> = all
        .iter()
        .filter(|summary| summary.run == name || summary.run.ends_with(&format!("-{name}")))
        .collect();
    match matching.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let error = Error::usage(format!("no run is called {name}"));
            Err(match all.first() {
                Some(newest) => error
                    .hint(format!("the newest is {}; `platformctl runs` lists all", newest.run)),
                None => error.hint("no run was recorded yet"),
            })
        }
        several => Err(Error::usage(format!("{} runs are called {name}", several.len()))
            .hint("give the whole name; `platformctl runs` lists all")),
    }
}

/// Every intact record of one journal.
pub fn read(path: &Path) -> Result<Vec<Record>> {
    Ok(read_with_length(path)?.0)
}

/// The stacks whose change sets a run executed.
pub fn executed(run: &RunSummary) -> Result<Vec<String>> {
    let records = read(&run.path)?.into_iter();
    Ok(records
        .filter_map(|record| match record.entry {
            Entry::Intent { action, target, .. } if action.ends_with(":ExecuteChangeSet") => {
                Some(target)
            }
            _ => None,
        })
        .collect())
}

/// The records, and the length in bytes of the intact part of the file.
pub(super) fn read_with_length(path: &Path) -> Result<(Vec<Record>, u64)> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut records = Vec::new();
    let mut intact = 0;
    for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let torn = !line.ends_with(b"\n");
        match serde_json::from_slice::<Record>(line) {
            Ok(record) if !torn => records.push(record),
            _ if torn => break,
            Ok(_) => break,
            Err(error) => {
                let message = format!("{}:{}: not a journal record", path.display(), number + 1);
                return Err(Error::failed(message)
                    .caused_by(error)
                    .hint("move the file out of that folder to be rid of this warning"));
            }
        }
        intact += line.len() as u64;
    }
    Ok((records, intact))
}

pub(super) fn run_of(path: &Path) -> Result<RunId> {
    path.file_stem()
        .and_then(|stem| RunId::parse(&stem.to_string_lossy()))
        .ok_or_else(|| Error::failed(format!("{} is not a journal", path.display())))
}

/// What a journal says at a glance; `None` while its first line is being written.
fn summarize(path: &Path) -> Result<Option<RunSummary>> {
    let records = read(path)?;
    let Some(Record { entry: Entry::RunStarted(start), at, .. }) = records.first() else {
        return Ok(None);
    };
    let mut summary = RunSummary {
        run: run_of(path)?.to_string(),
        state: RunState::Crashed,
        start: start.clone(),
        started: at.clone(),
        last: records.last().map_or_else(|| at.clone(), |record| record.at.clone()),
        finished_steps: Vec::new(),
        open_step: None,
        exit_code: None,
        error: None,
        path: path.to_owned(),
    };
    // Independent stacks are worked on at once: one that ends leaves the others open.
    let mut open: Vec<&String> = Vec::new();
    let mut aborted = false;
    for record in &records {
        match &record.entry {
            Entry::RunAborted { .. } => aborted = true,
            Entry::StepStarted { step } => {
                open.retain(|other| *other != step);
                open.push(step);
            }
            Entry::StepFinished { step, outcome, .. } => {
                if matches!(outcome, StepOutcome::Done | StepOutcome::Unchanged) {
                    open.retain(|other| *other != step);
                    if !summary.finished_steps.contains(step) {
                        summary.finished_steps.push(step.clone());
                    }
                }
            }
            Entry::RunFinished { exit_code, error } => {
                summary.exit_code = Some(*exit_code);
                summary.error.clone_from(error);
            }
            Entry::RunResumed { .. } => {
                open.clear();
                summary.exit_code = None;
                summary.error = None;
            }
            _ => {}
        }
    }
    summary.open_step = open.last().map(|step| (*step).clone());
    summary.state = match summary.exit_code {
        Some(_) if aborted => RunState::Aborted,
        Some(0) => RunState::Succeeded,
        Some(crate::error::exit::WAITING) => RunState::Waiting,
        Some(_) => RunState::Failed,
        None if is_locked(path) => RunState::Running,
        None => RunState::Crashed,
    };
    Ok(Some(summary))
}

/// Whether a live process holds the journal. The lock taken to find out is
/// released at once, when the file is closed.
fn is_locked(path: &Path) -> bool {
    File::open(path)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::super::{Journal, Mask};
    use super::*;
    use serde_json::json;

    fn start() -> RunStart {
        RunStart {
            verb: "deploy".into(),
            arguments: json!({"stacks": ["efs"], "password": "planted-password"}),
            account: Some("000000000000".into()),
            region: "eu-west-2".into(),
            project: "acme".into(),
            environment: "dev".into(),
            local: true,
            by: "me@here".into(),
            reason: None,
            version: "0.1.0".into(),
        }
    }

    #[test]
    fn who_looks_at_a_run_does_not_keep_others_from_going_on_with_it() {
        let runs = tempfile::tempdir().expect("folder");
        let journal = Journal::begin(runs.path(), Mask::default(), start()).expect("begin");
        let path = journal.path().to_owned();
        drop(journal);
        let look = File::open(&path).expect("open");
        look.try_lock_shared().expect("nobody holds it");
        let looking = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(60));
            drop(look);
        });
        assert!(Journal::resume(&path, Mask::default(), "me@here").is_ok());
        looking.join().expect("a thread");
    }

    #[test]
    fn a_run_is_running_then_succeeded() {
        let runs = tempfile::tempdir().expect("folder");
        let journal = Journal::begin(runs.path(), Mask::default(), start()).expect("begin");
        journal.write(Entry::StepStarted { step: "efs".into() }).expect("write");
        let id = journal
            .intent("cloudformation:CreateChangeSet", "acme-dev-efs", json!({}))
            .expect("intent");
        journal.outcome(id, StepOutcome::Done, json!({})).expect("outcome");
        let summary = &list(runs.path()).expect("list")[0];
        assert_eq!((summary.state, summary.open_step.as_deref()), (RunState::Running, Some("efs")));
        let done = StepOutcome::Done;
        journal
            .write(Entry::StepFinished { step: "efs".into(), outcome: done, detail: json!({}) })
            .expect("write");
        journal.write(Entry::RunFinished { exit_code: 0, error: None }).expect("write");
        drop(journal);
        let summary = &list(runs.path()).expect("list")[0];
        assert_eq!(summary.state, RunState::Succeeded);
        assert_eq!(summary.finished_steps, ["efs"]);
        assert_eq!(find(runs.path(), &summary.run[11..]).expect("short name").run, summary.run);
    }

    #[test]
    fn a_crashed_run_is_noticed_and_resumed_after_its_torn_line() {
        use std::io::Write as _;
        let runs = tempfile::tempdir().expect("folder");
        let journal = Journal::begin(runs.path(), Mask::default(), start()).expect("begin");
        journal.write(Entry::StepStarted { step: "efs".into() }).expect("write");
        let path = journal.path().to_owned();
        drop(journal);
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).expect("open");
        file.write_all(br#"{"v":1,"seq":3,"at":"2026"#).expect("torn");
        assert_eq!(list(runs.path()).expect("list")[0].state, RunState::Crashed);

        let (journal, records) =
            Journal::resume(&path, Mask::default(), "me@here").expect("resume");
        assert_eq!(records.len(), 2);
        assert_eq!(list(runs.path()).expect("list")[0].state, RunState::Running);
        let second = Journal::resume(&path, Mask::default(), "me@here").expect_err("locked");
        assert_eq!(second.exit_code(), crate::error::exit::LOCKED);
        drop(journal);
        let seqs: Vec<_> = read(&path).expect("read").iter().map(|record| record.seq).collect();
        assert_eq!(seqs, [1, 2, 3]);
    }

    #[test]
    fn planted_secrets_never_reach_the_file() {
        let runs = tempfile::tempdir().expect("folder");
        let mask = Mask::default().with_literal("planted-literal");
        let journal = Journal::begin(runs.path(), mask, start()).expect("begin");
        journal
            .write(Entry::Note { text: "AKIAIOSFODNN7EXAMPLE and planted-literal".into() })
            .expect("write");
        let error = Some("Bearer planted-token-value".to_owned());
        journal.write(Entry::RunFinished { exit_code: 1, error }).expect("write");
        let text = std::fs::read_to_string(journal.path()).expect("read");
        for planted in
            ["planted-password", "AKIAIOSFODNN7EXAMPLE", "planted-literal", "planted-token"]
        {
            assert!(!text.contains(planted), "{planted} in {text}");
        }
    }

    #[test]
    fn a_damaged_line_in_the_middle_is_an_error_that_names_it() {
        let runs = tempfile::tempdir().expect("folder");
        let path = runs.path().join("2026-11-20-k3f9.jsonl");
        std::fs::write(&path, "nonsense\n{}\n").expect("write");
        let error = read(&path).expect_err("damaged");
        assert!(error.to_string().contains(".jsonl:1: not a journal record"), "{error}");
    }
}
