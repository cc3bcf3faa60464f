//! What a redrive is told, and what it did.

use std::collections::BTreeMap;
use std::time::Duration;

use super::filter::Selection;

/// What a redrive is told.
#[derive(Debug, Clone)]
pub struct Orders {
    /// The run.
    pub run: String,
    /// The queue of dead letters, for people and the journal.
    pub queue: String,
    /// Where they go.
    pub target: String,
    /// Which of them.
    pub selection: Selection,
    /// Whether the dead letters' queue keeps groups in order.
    pub ordered: bool,
    /// Whether the target does.
    pub ordered_target: bool,
    /// How many at most, over all attempts of the run.
    pub max: Option<u64>,
    /// How many batches are under way at a time. One, where order matters.
    pub workers: usize,
    /// Messages a second at most.
    pub rate: Option<f64>,
    /// How long a message in hand is hidden from others.
    pub hide: Duration,
    /// A message that was moved back so often goes to the archive instead.
    pub quarantine_after: Option<u64>,
    /// The prefix of the archive's objects.
    pub archive: String,
    /// Whether a message without room for the marks goes without.
    pub unmarked: bool,
}

/// What a redrive did, over all attempts of its run.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Redriven {
    /// Messages that are in their queue now.
    pub moved: u64,
    /// Messages that are in the archive instead.
    pub quarantined: u64,
    /// Messages that stay, by reason.
    pub kept: BTreeMap<&'static str, u64>,
    /// Messages that were sent a second time, because nobody knew whether the first one was
    /// taken: at most so many duplicates are in the queue.
    pub possible_duplicates: u64,
    /// Messages that may be in their queue and are dead letters still.
    pub in_doubt: u64,
    /// Dead letters that are left, about.
    pub left: u64,
    /// Of them those that somebody else had in hand.
    pub hidden: u64,
    /// Some of the messages that the queue refused, with its reasons.
    pub refusals: Vec<String>,
}
