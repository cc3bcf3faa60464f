//! Looks at dead letters and puts them back.

use std::collections::HashMap;
use std::time::Duration;

use super::broker::{Broker, Receipt};
use super::filter::Selection;
use super::letter::Letter;
use super::mark::BATCH;
use crate::error::Result;
use crate::event::Events;
use crate::signal::Cancel;

/// The task that events are about.
pub const TASK: &str = "dlq.inspect";

/// How long a receive waits for a first message.
const WAIT: Duration = Duration::from_secs(1);

/// Receives in a row without a message that was not seen before, after which all were seen.
const QUIET: usize = 2;

/// What was seen.
#[derive(Debug)]
pub struct Seen {
    /// The messages, each once, in the order in which they came.
    pub letters: Vec<Letter>,
    /// Whether there may be more: the limit of messages or of time was reached.
    pub more: bool,
}

/// Receives up to `most` messages, each hidden from others for `hide` at most, and puts all
/// of them back: at the end, after an error, and after Ctrl-C.
pub async fn inspect<B: Broker>(
    broker: &B,
    most: usize,
    hide: Duration,
    selection: &Selection,
    (events, cancel): (&Events, &Cancel),
) -> Result<Seen> {
    let mut found: Vec<Letter> = Vec::new();
    let result = look(broker, most, hide, &mut found, (events, cancel)).await;
    let put_back = put_back(broker, &found).await;
    let more = result?;
    put_back?;
    cancel.check()?;
    let now = broker.now();
    let selector = selection.selector()?;
    let mut letters = Vec::new();
    for letter in found {
        if selector.takes(&letter, now)? {
            letters.push(letter);
        }
    }
    Ok(Seen { letters, more })
}

async fn look<B: Broker>(
    broker: &B,
    most: usize,
    hide: Duration,
    found: &mut Vec<Letter>,
    (events, cancel): (&Events, &Cancel),
) -> Result<bool> {
    let begun = broker.now();
    // Those seen first must not appear again before the last: with time left to put back.
    let limit = u64::try_from(hide.as_millis() * 2 / 3).unwrap_or(u64::MAX);
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut quiet = 0;
    while quiet < QUIET {
        if cancel.is_cancelled() {
            return Ok(true);
        }
        if found.len() >= most || broker.now().saturating_sub(begun) >= limit {
            return Ok(true);
        }
        let want = (most - found.len()).min(BATCH);
        let received = broker.receive(want, hide, WAIT).await?;
        let before = found.len();
        for letter in received {
            match known.get(&letter.id) {
                Some(index) => found[*index].handle = letter.handle,
                None => {
                    known.insert(letter.id.clone(), found.len());
                    found.push(letter);
                }
            }
        }
        quiet = if found.len() > before { 0 } else { quiet + 1 };
        events.progress(TASK, found.len() as u64, format!("{} messages seen", found.len()));
    }
    Ok(false)
}

/// Those that were received last first: an ordered queue then shows a group's first message
/// only once all behind it are back.
async fn put_back<B: Broker>(broker: &B, found: &[Letter]) -> Result<()> {
    let receipts: Vec<Receipt> =
        found.iter().rev().map(|letter| (letter.id.clone(), letter.handle.clone())).collect();
    let mut result = Ok(());
    for batch in receipts.chunks(BATCH) {
        // One that fails is no reason to hide the others for longer.
        result = result.and(broker.release(batch).await);
    }
    result
}
