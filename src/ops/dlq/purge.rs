//! Empties a queue of dead letters, once they are in the archive.
//!
//! Part by part: messages are received, written to an object, read back and compared, and
//! then deleted by the receipts they were received with. Nothing is deleted that is not in
//! an object of this run, and `PurgeQueue` is never called. Part by part also because an
//! ordered queue shows what is behind a message only once that is gone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::broker::{Broker, Receipt};
use super::ledger::{ARCHIVE, DELETE, Fate, History, Ledger};
use super::letter::Letter;
use super::mark::BATCH;
use crate::error::{Error, Result};
use crate::event::Events;
use crate::failpoint;
use crate::journal::StepOutcome;
use crate::signal::Cancel;

/// Messages of an object, and bytes after which it takes no more.
const PART: usize = 500;
const PART_BYTES: usize = 8 * 1024 * 1024;

/// How long a receive waits for a first message.
const WAIT: Duration = Duration::from_secs(1);

/// The task that events are about.
pub const TASK: &str = "dlq.purge";

/// A purge under way.
#[derive(Debug)]
pub struct Purger<B, L> {
    /// The queue and the archive.
    pub broker: Arc<B>,
    /// The run's journal.
    pub ledger: Arc<L>,
    /// The queue, for the journal.
    pub queue: String,
    /// The prefix of the archive's objects.
    pub archive: String,
    /// How long a message in hand is hidden from others.
    pub hide: Duration,
    /// Where progress goes.
    pub events: Events,
    /// Whether to stop.
    pub cancel: Cancel,
    /// What earlier attempts did.
    pub history: Mutex<History>,
}

/// What a purge did, over all attempts of its run.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Purged {
    /// Messages in the archive.
    pub archived: u64,
    /// Messages that were deleted.
    pub deleted: u64,
    /// The objects with them.
    pub objects: Vec<String>,
    /// Messages that are left, about: they came later, or somebody has them in hand.
    pub left: u64,
}

impl<B: Broker, L: Ledger> Purger<B, L> {
    /// Archives and deletes until nothing is left. Messages that a killed run had in hand
    /// are hidden for a while: they are waited for.
    pub async fn run(&self) -> Result<Purged> {
        let patience = self.hide + Duration::from_secs(5);
        let mut waited = Duration::ZERO;
        loop {
            self.cancel.check()?;
            let part = self.part().await?;
            if !part.is_empty() {
                waited = Duration::ZERO;
                if let Err(error) = self.settle(&part).await {
                    self.put_back(&part).await;
                    return Err(error);
                }
                continue;
            }
            let depth = self.broker.depth().await?;
            if depth.total() == 0 || waited >= patience {
                return Ok(self.report(depth.total()));
            }
            if waited.is_zero() {
                let total = depth.total();
                self.events.info(format!(
                    "waiting for {total} messages that were received and not put back"
                ));
            }
            waited += WAIT;
            tokio::select! {
                () = self.broker.pause(WAIT) => {}
                () = self.cancel.cancelled() => {}
            }
        }
    }

    /// Receives messages for one object, each once.
    async fn part(&self) -> Result<Vec<Letter>> {
        let mut part: Vec<Letter> = Vec::new();
        let mut bytes = 0;
        let begun = self.broker.now();
        // The first must not appear again before the part is deleted.
        let limit = u64::try_from(self.hide.as_millis() / 2).unwrap_or(u64::MAX);
        while part.len() < PART && bytes < PART_BYTES && !self.cancel.is_cancelled() {
            // Who has messages already does not wait for more.
            let wait = if part.is_empty() { WAIT } else { Duration::ZERO };
            let received = match self.broker.receive(BATCH, self.hide, wait).await {
                Ok(received) => received,
                Err(error) => {
                    self.put_back(&part).await;
                    return Err(error);
                }
            };
            if received.is_empty() || self.broker.now().saturating_sub(begun) > limit {
                part.extend(received);
                break;
            }
            for letter in received {
                match part.iter_mut().find(|known| known.id == letter.id) {
                    Some(known) => known.handle = letter.handle,
                    None => {
                        bytes += letter.size();
                        part.push(letter);
                    }
                }
            }
        }
        Ok(part)
    }

    async fn settle(&self, part: &[Letter]) -> Result<()> {
        failpoint::hit("dlq.received", &self.cancel).await;
        let archived = |id: &String| self.history().fates.get(id) == Some(&Fate::Archived);
        let new: Vec<&Letter> = part.iter().filter(|letter| !archived(&letter.id)).collect();
        if !new.is_empty() {
            self.archive(&new).await?;
        }
        failpoint::hit("dlq.archived", &self.cancel).await;
        for batch in part.chunks(BATCH) {
            self.delete(batch).await?;
        }
        let deleted = self.history().deleted.len() as u64;
        self.events.progress(TASK, deleted, format!("{deleted} archived and deleted"));
        Ok(())
    }

    /// Writes an object and reads it back.
    async fn archive(&self, letters: &[&Letter]) -> Result<()> {
        // Named by what is in it: an attempt that goes on writes another object.
        let first = letters.first().map_or("", |letter| letter.id.as_str());
        let number = self.history().archives.len() + 1;
        let key = format!("{}/part-{number:05}-{first}.jsonl", self.archive);
        let text: String = letters.iter().map(|letter| format!("{}\n", letter.record())).collect();
        let ids: Vec<&String> = letters.iter().map(|letter| &letter.id).collect();
        let detail = json!({ "messages": ids, "key": key });
        let intent = self.ledger.intent(ARCHIVE, &key, detail)?;
        let result = self.write(&key, &text, letters.len()).await;
        self.ended(intent, result.as_ref().err(), Value::Null)?;
        result?;
        let mut history = self.history();
        history.archives.push((key, letters.len() as u64));
        let archived = letters.iter().map(|letter| (letter.id.clone(), Fate::Archived));
        history.fates.extend(archived);
        Ok(())
    }

    async fn write(&self, key: &str, text: &str, count: usize) -> Result<()> {
        self.broker.store(key, text).await?;
        let back = self.broker.stored(key).await?;
        let lines = back.lines().count();
        if lines == count && back == text {
            return Ok(());
        }
        Err(Error::failed(format!(
            "the archive {key} was read back with {lines} messages, and not as the {count} that were written; none of them was deleted"
        )))
    }

    async fn delete(&self, batch: &[Letter]) -> Result<()> {
        let receipts: Vec<Receipt> =
            batch.iter().map(|letter| (letter.id.clone(), letter.handle.clone())).collect();
        let ids: Vec<&String> = receipts.iter().map(|(id, _)| id).collect();
        let intent = self.ledger.intent(DELETE, &self.queue, json!({ "messages": ids }))?;
        let result = self.broker.delete(&receipts).await;
        let detail = match &result {
            Ok(left) if !left.is_empty() => json!({ "left": left }),
            _ => Value::Null,
        };
        self.ended(intent, result.as_ref().err(), detail)?;
        let left: HashSet<String> = result?.into_iter().collect();
        let deleted = receipts.into_iter().map(|(id, _)| id).filter(|id| !left.contains(id));
        self.history().deleted.extend(deleted);
        Ok(())
    }

    fn ended(&self, intent: u64, error: Option<&Error>, detail: Value) -> Result<()> {
        match error {
            None => self.ledger.outcome(intent, StepOutcome::Done, detail),
            Some(error) => {
                let detail = json!({ "error": error.to_string(), "causes": error.causes() });
                self.ledger.outcome(intent, StepOutcome::of(error), detail)
            }
        }
    }

    /// After an error nobody has to wait until the messages appear by themselves.
    async fn put_back(&self, part: &[Letter]) {
        let open: Vec<Receipt> = {
            let history = self.history();
            let open = part.iter().filter(|letter| !history.deleted.contains(&letter.id));
            open.map(|letter| (letter.id.clone(), letter.handle.clone())).collect()
        };
        for batch in open.chunks(BATCH) {
            if self.broker.release(batch).await.is_err() {
                break;
            }
        }
    }

    fn report(&self, left: u64) -> Purged {
        let history = self.history();
        Purged {
            archived: history.archived_count(),
            deleted: history.deleted.len() as u64,
            objects: history.archives.iter().map(|(key, _)| key.clone()).collect(),
            left,
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
