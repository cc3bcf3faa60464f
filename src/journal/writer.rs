//! Writes a journal: locked, appended, fsynced.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::record::{Entry, RECORD_VERSION, Record, RunStart, StepOutcome};
use super::{Mask, RunId, reader};
use crate::error::{Context as _, Error, Kind, Result};

/// How often, and after which pause, a journal that is held is tried again.
const LOCK_RETRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// The journal of a run that is under way. Shared by tasks through `Arc`.
#[derive(Debug)]
pub struct Journal {
    run: RunId,
    path: PathBuf,
    mask: Mask,
    state: Mutex<State>,
    /// The last line that is on disk. Who holds this syncs for all who wait for it.
    synced: Mutex<u64>,
}

#[derive(Debug)]
struct State {
    /// `None`: nothing is recorded.
    file: Option<Arc<File>>,
    seq: u64,
    intents: u64,
}

impl Journal {
    /// Begins a new run in the folder `runs`.
    pub fn begin(runs: &Path, mask: Mask, start: RunStart) -> Result<Self> {
        std::fs::create_dir_all(runs)
            .with_context(|| format!("cannot make the journal folder {}", runs.display()))?;
        loop {
            let run = RunId::new(OffsetDateTime::now_utc());
            let path = runs.join(format!("{run}.jsonl"));
            let file =
                match OpenOptions::new().append(true).read(true).create_new(true).open(&path) {
                    Ok(file) => file,
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
                    Err(error) => {
                        return Err(Error::failed(format!("cannot write {}", path.display()))
                            .caused_by(error));
                    }
                };
            lock(&file, &path)?;
            // The folder is synced too, or a crash could lose the file's name.
            File::open(runs)
                .and_then(|folder| folder.sync_all())
                .context("cannot sync the journal folder")?;
            let state = Mutex::new(State { file: Some(Arc::new(file)), seq: 0, intents: 0 });
            let journal = Self { run, path, mask, state, synced: Mutex::new(0) };
            journal.write(Entry::RunStarted(start))?;
            return Ok(journal);
        }
    }

    /// A journal that records nothing: for verbs that only read.
    pub fn unrecorded(mask: Mask) -> Self {
        let state = Mutex::new(State { file: None, seq: 0, intents: 0 });
        let (run, path) = (RunId::new(OffsetDateTime::now_utc()), PathBuf::new());
        Self { run, path, mask, state, synced: Mutex::new(0) }
    }

    /// Goes on with an unfinished run; returns what it recorded so far.
    pub fn resume(path: &Path, mask: Mask, by: &str) -> Result<(Self, Vec<Record>)> {
        let mut file = OpenOptions::new()
            .append(true)
            .read(true)
            .open(path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        lock(&file, path)?;
        let (records, intact) = reader::read_with_length(path)?;
        // A crash in mid-write leaves a torn last line; it says nothing and is cut off.
        file.set_len(intact)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .context("cannot repair the journal")?;
        let run = reader::run_of(path)?;
        let intents = records
            .iter()
            .filter_map(|record| match record.entry {
                Entry::Intent { id, .. } => Some(id),
                _ => None,
            })
            .max()
            .unwrap_or(0);
        let seq = records.last().map_or(0, |record| record.seq);
        let state = Mutex::new(State { file: Some(Arc::new(file)), seq, intents });
        let journal = Self { run, path: path.to_owned(), mask, state, synced: Mutex::new(seq) };
        journal.write(Entry::RunResumed { by: by.to_owned() })?;
        Ok((journal, records))
    }

    /// The run's name.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The journal's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The mask, for what is shown or stored elsewhere.
    pub fn mask(&self) -> &Mask {
        &self.mask
    }

    /// Appends one entry; when this returns, it is on disk.
    pub fn write(&self, entry: Entry) -> Result<()> {
        let seq = self.append(&mut self.state(), entry)?;
        self.sync(seq)
    }

    /// Announces a mutation; the returned number goes to [`Journal::outcome`].
    pub fn intent(&self, action: &str, target: &str, detail: Value) -> Result<u64> {
        let mut state = self.state();
        state.intents += 1;
        let id = state.intents;
        let (action, target) = (action.to_owned(), target.to_owned());
        let seq = self.append(&mut state, Entry::Intent { id, action, target, detail })?;
        drop(state);
        self.sync(seq)?;
        Ok(id)
    }

    /// Records what came of a mutation.
    pub fn outcome(&self, id: u64, outcome: StepOutcome, detail: Value) -> Result<()> {
        self.write(Entry::Outcome { id, outcome, detail })
    }

    /// Announces a mutation, makes it, and records what came of it.
    pub async fn mutate<T>(
        &self,
        action: &str,
        target: &str,
        detail: Value,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let id = self.intent(action, target, detail)?;
        let result = work.await;
        match &result {
            Ok(_) => self.outcome(id, StepOutcome::Done, Value::Null)?,
            Err(error) => {
                let detail =
                    serde_json::json!({ "error": error.to_string(), "causes": error.causes() });
                self.outcome(id, StepOutcome::of(error), detail)?;
            }
        }
        result
    }

    /// Writes a line; returns its number.
    fn append(&self, state: &mut State, entry: Entry) -> Result<u64> {
        let Some(mut file) = state.file.as_deref() else { return Ok(0) };
        let at = OffsetDateTime::now_utc().format(&Rfc3339).context("cannot format the time")?;
        let seq = state.seq + 1;
        let record = Record { v: RECORD_VERSION, seq, at, run: self.run.to_string(), entry };
        let value = serde_json::to_value(&record).context("cannot serialize a journal record")?;
        let mut line = self.mask.value(value).to_string();
        line.push('\n');
        file.write_all(line.as_bytes())
            .with_context(|| format!("cannot write the journal {}", self.path.display()))?;
        state.seq = seq;
        Ok(seq)
    }

    /// Returns once line `seq` is on disk. Lines that tasks write while one is being synced
    /// are synced together by the next.
    fn sync(&self, seq: u64) -> Result<()> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced >= seq {
            return Ok(());
        }
        let (file, last) = {
            let state = self.state();
            (state.file.clone(), state.seq)
        };
        if let Some(file) = file {
            file.sync_data()
                .with_context(|| format!("cannot write the journal {}", self.path.display()))?;
        }
        *synced = last;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the file in order: each line is one write.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the journal for this process. Whoever lists the runs holds it for an instant
/// too, to find out whether it is held: that passes.
fn lock(file: &File, path: &Path) -> Result<()> {
    let mut tried = file.try_lock();
    for _ in 0..LOCK_RETRIES {
        if !matches!(tried, Err(std::fs::TryLockError::WouldBlock)) {
            break;
        }
        std::thread::sleep(LOCK_PAUSE);
        tried = file.try_lock();
    }
    match tried {
        Ok(()) => Ok(()),
        Err(std::fs::TryLockError::WouldBlock) => {
            let run = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            Err(Error::new(Kind::Locked, format!("run {run} is still under way"))
                .hint(format!("follow it with `platformctl events {run} --follow`")))
        }
        Err(std::fs::TryLockError::Error(error)) => {
            Err(Error::failed(format!("cannot lock {}", path.display())).caused_by(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tasks_that_write_at_once_leave_every_line_in_order() {
        let runs = tempfile::tempdir().expect("folder");
        let start = RunStart {
            verb: "ops dlq-redrive".into(),
            arguments: Value::Null,
            account: None,
            region: "eu-west-2".into(),
            project: "acme".into(),
            environment: "dev".into(),
            local: true,
            by: "me@here".into(),
            reason: None,
            version: "0.1.0".into(),
        };
        let journal = Journal::begin(runs.path(), Mask::default(), start).expect("begin");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        let id = journal.intent("sqs:SendMessageBatch", "jobs", json!({}));
                        let id = id.expect("intent");
                        // What it returned from is in the file.
                        let records = reader::read(journal.path()).expect("read");
                        assert!(records.iter().any(
                            |it| matches!(it.entry, Entry::Intent { id: known, .. } if known == id)
                        ));
                        journal.outcome(id, StepOutcome::Done, Value::Null).expect("outcome");
                    }
                });
            }
        });
        let records = reader::read(journal.path()).expect("read");
        let numbers: Vec<u64> = records.iter().map(|record| record.seq).collect();
        assert_eq!(numbers, (1..=161).collect::<Vec<_>>());
    }
}
