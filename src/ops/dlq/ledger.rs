//! What a run wrote down, and what a run that goes on reads in it.
//!
//! Ids of messages and how batches ended: no bodies, no attributes.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::error::Result;
use crate::journal::{Entry, Journal, StepOutcome};

/// A batch is sent.
pub const SEND: &str = "sqs:SendMessageBatch";
/// A batch is deleted.
pub const DELETE: &str = "sqs:DeleteMessageBatch";
/// Messages are archived.
pub const ARCHIVE: &str = "s3:PutObject";

/// Where intents and outcomes go. On disk when it returns.
pub trait Ledger: std::fmt::Debug + Send + Sync + 'static {
    /// Something is about to be done to `messages`.
    fn intent(&self, action: &str, target: &str, detail: Value) -> Result<u64>;
    /// What came of it.
    fn outcome(&self, id: u64, outcome: StepOutcome, detail: Value) -> Result<()>;
}

impl Ledger for Journal {
    fn intent(&self, action: &str, target: &str, detail: Value) -> Result<u64> {
        waiting(|| Self::intent(self, action, target, detail))
    }

    fn outcome(&self, id: u64, outcome: StepOutcome, detail: Value) -> Result<()> {
        waiting(|| Self::outcome(self, id, outcome, detail))
    }
}

/// Does what waits for the disk without keeping other workers from theirs: what they write
/// meanwhile is synced together.
fn waiting<T>(work: impl FnOnce() -> T) -> T {
    let threads = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match threads {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// What is known of a message that this run, or an earlier attempt of it, had in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// A request with it was sent, and nobody knows whether it was taken.
    Doubtful,
    /// It was sent: what is left to do is to delete it.
    Sent,
    /// It is in the archive: what is left to do is to delete it.
    Archived,
}

/// What earlier attempts of a run did.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// By message id.
    pub fates: HashMap<String, Fate>,
    /// How often a message was sent after an attempt that may have succeeded: at most so
    /// many duplicates are in the queue.
    pub resent: u64,
    /// Messages that were deleted from the queue of dead letters.
    pub deleted: HashSet<String>,
    /// The objects that were written, and how many messages each has.
    pub archives: Vec<(String, u64)>,
}

impl History {
    /// Reads the entries of a journal.
    pub fn read<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut history = Self::default();
        let mut open: HashMap<u64, (&str, &Value)> = HashMap::new();
        for entry in entries {
            match entry {
                Entry::Intent { id, action, detail, .. } => {
                    match action.as_str() {
                        SEND => drop(history.sending(&ids(detail, "messages"))),
                        // If nobody knows whether it was, it shows: the message comes again.
                        DELETE => history.deleted.extend(ids(detail, "messages")),
                        _ => {}
                    }
                    open.insert(*id, (action, detail));
                }
                Entry::Outcome { id, outcome, detail } => {
                    if let Some((action, batch)) = open.remove(id) {
                        history.ended(action, batch, *outcome, detail);
                    }
                }
                _ => {}
            }
        }
        history
    }

    /// A request is about to be sent, or was: until its outcome is known, nobody knows.
    /// Returns those of its messages that were in doubt before.
    pub fn sending(&mut self, messages: &[String]) -> Vec<String> {
        let mut again = Vec::new();
        for id in messages {
            if self.fates.insert(id.clone(), Fate::Doubtful).is_some() {
                again.push(id.clone());
            }
        }
        self.resent += again.len() as u64;
        again
    }

    /// Its messages were taken, but for the refused ones.
    pub fn sent(&mut self, messages: &[String], refused: &HashSet<String>, again: &[String]) {
        for id in messages {
            if !refused.contains(id) {
                self.fates.insert(id.clone(), Fate::Sent);
            } else if again.contains(id) {
                // The earlier doubt stays; this time made no copy.
                self.resent = self.resent.saturating_sub(1);
            } else {
                self.fates.remove(id);
            }
        }
    }

    /// None of its messages was taken. An earlier doubt stays.
    pub fn not_sent(&mut self, messages: &[String], again: &[String]) {
        self.sent(messages, &messages.iter().cloned().collect(), again);
    }

    fn ended(&mut self, action: &str, batch: &Value, outcome: StepOutcome, detail: &Value) {
        let messages = ids(batch, "messages");
        let again = ids(batch, "again");
        match (action, outcome) {
            (SEND, StepOutcome::Done) => {
                self.sent(&messages, &ids(detail, "refused").into_iter().collect(), &again);
            }
            (SEND, _) if detail["unsure"] == Value::Bool(false) => {
                self.not_sent(&messages, &again);
            }
            (DELETE, StepOutcome::Done) => {
                for id in ids(detail, "left") {
                    self.deleted.remove(&id);
                }
            }
            (DELETE, _) => {
                for id in &messages {
                    self.deleted.remove(id);
                }
            }
            (ARCHIVE, StepOutcome::Done) => {
                let key = batch["key"].as_str().unwrap_or_default().to_owned();
                self.archives.push((key, messages.len() as u64));
                self.fates.extend(messages.into_iter().map(|id| (id, Fate::Archived)));
            }
            _ => {}
        }
    }

    /// How many messages were sent.
    pub fn sent_count(&self) -> u64 {
        self.count(Fate::Sent)
    }

    /// How many messages are in the archive.
    pub fn archived_count(&self) -> u64 {
        self.count(Fate::Archived)
    }

    /// How many messages may have been sent.
    pub fn doubtful_count(&self) -> u64 {
        self.count(Fate::Doubtful)
    }

    fn count(&self, fate: Fate) -> u64 {
        self.fates.values().filter(|it| **it == fate).count() as u64
    }
}

fn ids(detail: &Value, name: &str) -> Vec<String> {
    let items = detail[name].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn intent(id: u64, action: &str, messages: &[&str]) -> Entry {
        let detail = json!({ "messages": messages, "key": "k" });
        Entry::Intent { id, action: action.into(), target: "q".into(), detail }
    }

    fn outcome(id: u64, outcome: StepOutcome, detail: Value) -> Entry {
        Entry::Outcome { id, outcome, detail }
    }

    #[test]
    fn a_request_without_an_outcome_leaves_its_messages_in_doubt() {
        let history = History::read(&[
            intent(1, SEND, &["a", "b", "c"]),
            outcome(1, StepOutcome::Done, json!({ "refused": ["c"] })),
            intent(2, SEND, &["d"]),
        ]);
        assert_eq!(history.fates.get("a"), Some(&Fate::Sent));
        assert_eq!(history.fates.get("c"), None);
        assert_eq!(history.fates.get("d"), Some(&Fate::Doubtful));
        assert_eq!((history.sent_count(), history.doubtful_count(), history.resent), (2, 1, 0));
    }

    #[test]
    fn what_is_sent_again_in_doubt_is_counted() {
        let history = History::read(&[
            intent(1, SEND, &["a", "b"]),
            intent(2, SEND, &["a"]),
            outcome(2, StepOutcome::Failed, json!({ "unsure": true })),
            intent(3, SEND, &["a", "b"]),
            outcome(3, StepOutcome::Done, Value::Null),
        ]);
        assert_eq!((history.sent_count(), history.doubtful_count(), history.resent), (2, 0, 3));
    }

    #[test]
    fn what_certainly_failed_leaves_no_doubt_but_an_earlier_one() {
        let history = History::read(&[
            intent(1, SEND, &["a"]),
            Entry::Intent {
                id: 2,
                action: SEND.into(),
                target: "q".into(),
                detail: json!({ "messages": ["a", "b"], "again": ["a"] }),
            },
            outcome(2, StepOutcome::Failed, json!({ "unsure": false })),
        ]);
        assert_eq!(history.fates.get("a"), Some(&Fate::Doubtful));
        assert_eq!((history.fates.get("b"), history.resent), (None, 0));
    }

    #[test]
    fn archives_and_deletions_are_remembered() {
        let history = History::read(&[
            intent(1, ARCHIVE, &["a", "b"]),
            outcome(1, StepOutcome::Done, Value::Null),
            intent(2, DELETE, &["a", "b"]),
            outcome(2, StepOutcome::Done, json!({ "left": ["b"] })),
            intent(3, ARCHIVE, &["c"]),
        ]);
        assert_eq!(history.fates.get("b"), Some(&Fate::Archived));
        assert_eq!(history.fates.get("c"), None);
        assert_eq!(history.deleted, HashSet::from(["a".to_owned()]));
        assert_eq!(history.archives, [("k".to_owned(), 2)]);
    }
}
