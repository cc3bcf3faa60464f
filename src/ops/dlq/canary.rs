//! A few messages first: more follow once those were handled and did not come back.

use std::sync::Arc;
use std::time::Duration;

use super::broker::Broker;
use super::ledger::Ledger;
use super::redrive::Redriver;
use crate::error::{Error, Kind, Result};

/// How often the queues are looked at.
const EVERY: Duration = Duration::from_secs(2);

/// Looks in a row that have to be good, or bad: the counts of SQS are late, by a minute at
/// most where messages were deleted.
const GOOD: u32 = 3;
const BAD: u32 = 30;

impl<B: Broker, L: Ledger> Redriver<B, L> {
    /// Moves `count` messages and waits until their queue has handled them: until it has no
    /// more messages than before, and the queue of dead letters as many fewer as were moved.
    /// Returns how many were. An error, after which nothing more may be moved, when some
    /// came back or were not handled within `patience`.
    ///
    /// The queues' counts are all that SQS tells. Others who send dead letters meanwhile
    /// make a canary fail that did not; none passes that failed, once the counts are right.
    pub async fn canary(self: &Arc<Self>, count: u64, patience: Duration) -> Result<u64> {
        let before = self.broker.target_depth().await?.total();
        let dead = self.broker.depth().await?.total();
        let moved = self.some(count).await?;
        self.cancel.check()?;
        if moved == 0 {
            return Ok(0);
        }
        let expected = dead.saturating_sub(moved);
        let begun = self.broker.now();
        let (mut good, mut bad) = (0, 0);
        self.events.info(format!(
            "canary: {moved} messages moved; waiting up to {} s until they are handled",
            patience.as_secs()
        ));
        loop {
            tokio::select! {
                () = self.broker.pause(EVERY) => {}
                () = self.cancel.cancelled() => return Err(self.cancel.error()),
            }
            let back = self.broker.depth().await?.total().saturating_sub(expected);
            let waiting = self.broker.target_depth().await?.total().saturating_sub(before);
            (good, bad) = match (back, waiting) {
                (0, 0) => (good + 1, 0),
                (_, 0) => (0, bad + 1),
                _ => (0, 0),
            };
            if good >= GOOD {
                return Ok(moved);
            }
            let over = self.broker.now().saturating_sub(begun) >= millis(patience);
            if back > 0 && (over || bad >= BAD) {
                return Err(Error::new(
                    Kind::Partial,
                    format!("canary: {back} of {moved} messages came back; nothing more was moved"),
                )
                .hint(format!("see why: `platformctl ops dlq-inspect {}`", self.orders.queue)));
            }
            if over {
                let (target, after) = (&self.orders.target, patience.as_secs());
                return Err(Error::new(
                    Kind::Partial,
                    format!("canary: {target} still has {waiting} more messages than before, {after} s after {moved} were moved; nothing more was moved"),
                )
                .hint("see that its function runs, or wait longer with `--canary-wait`"));
            }
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
