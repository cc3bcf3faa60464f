//! What people say to a run, whoever works on it at the time: files beside its journal, which
//! has one writer. A run takes note of them when it looks, or when it is resumed.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Context as _, Error, Result};
use crate::runbook::{Abandon, Reply};

const ABANDON: &str = "abort.json";

/// The messages to one run.
#[derive(Debug, Clone)]
pub(super) struct Inbox(PathBuf);

impl Inbox {
    /// Of the run whose journal is at `journal`.
    pub(super) fn of(journal: &Path) -> Self {
        Self(journal.with_extension("inbox"))
    }

    /// Answers a request: the number `intent` in the run's journal.
    pub(super) fn answer(&self, step: &str, intent: u64, reply: &Reply) -> Result<()> {
        self.put(&name(step, intent), reply)
    }

    /// The answer to a request.
    pub(super) fn answered(&self, step: &str, intent: u64) -> Result<Option<Reply>> {
        self.take(&name(step, intent))
    }

    /// Gives the run up.
    pub(super) fn abandon(&self, told: &Abandon) -> Result<()> {
        self.put(ABANDON, told)
    }

    /// Whether somebody gave it up.
    pub(super) fn abandoned(&self) -> Result<Option<Abandon>> {
        self.take(ABANDON)
    }

    /// Writes a message whole, or not at all; the first of two stays.
    fn put(&self, name: &str, message: &impl Serialize) -> Result<()> {
        let folder = &self.0;
        let failed = || format!("cannot write {}", folder.join(name).display());
        fs::create_dir_all(folder).with_context(failed)?;
        let text = serde_json::to_vec(message).context("cannot serialize a message")?;
        let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
        file.write_all(&text).with_context(failed)?;
        file.as_file().sync_all().with_context(failed)?;
        match file.persist_noclobber(folder.join(name)) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                Err(Error::usage("somebody answered already")
                    .hint("go on with `platformctl runbook resume`"))
            }
            Err(error) => Err(Error::failed(failed()).caused_by(error.error)),
        }
    }

    fn take<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let path = self.0.join(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let message = format!("cannot read {}", path.display());
                return Err(Error::failed(message).caused_by(error));
            }
        };
        let broken = || format!("{} is no message to a run", path.display());
        serde_json::from_slice(&text).with_context(broken).map(Some)
    }
}

/// Ids of steps have no hyphen; `undo ID` has a space.
fn name(step: &str, intent: u64) -> String {
    format!("step-{}-{intent}.json", step.replace(' ', "-"))
}
