//! One batch of a redrive: sent, written down, deleted.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::broker::{Broker, Receipt, Refusal};
use super::ledger::{ARCHIVE, DELETE, Fate, Ledger, SEND};
use super::letter::Letter;
use super::mark::{Outgoing, requests};
use super::pile::{Kept, Pile, Why};
use super::redrive::Redriver;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::journal::StepOutcome;

/// How often a request is sent that fails in passing, and the pause after the first time.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200);

/// Refusals that a report names.
const NAMED: usize = 5;

impl<B: Broker, L: Ledger> Redriver<B, L> {
    /// Does to each message of a batch what was decided.
    pub(super) async fn carry_out(&self, pile: &Pile) -> Result<()> {
        for letter in &pile.quarantine {
            self.put_aside(letter).await?;
        }
        let mut refused: HashSet<String> = HashSet::new();
        let mut blocked: HashSet<String> = HashSet::new();
        let messages = pile.send.iter().map(|(copy, _)| copy.clone()).collect();
        let mut all = requests(messages, self.orders.ordered_target);
        if self.broker.one_by_one() {
            all = all.into_iter().flatten().map(|message| vec![message]).collect();
        }
        for mut request in all {
            // Behind one that was refused.
            request.retain(|it| !it.group.as_ref().is_some_and(|group| blocked.contains(group)));
            if request.is_empty() {
                continue;
            }
            for refusal in self.send(&request).await? {
                let group = request.iter().find(|it| it.id == refusal.id);
                if self.orders.ordered {
                    blocked.extend(group.and_then(|it| it.group.clone()));
                }
                refused.insert(refusal.id.clone());
                self.refused(refusal);
            }
        }
        failpoint::hit("dlq.sent", &self.cancel).await;
        self.delete(pile).await?;
        let now = self.broker.now();
        let mut state = self.state();
        for (copy, handle) in &pile.send {
            let why = if refused.contains(&copy.id) {
                Why::Refused
            } else if copy.group.as_ref().is_some_and(|group| blocked.contains(group))
                && state.history.fates.get(&copy.id) != Some(&Fate::Sent)
            {
                Why::Behind
            } else {
                continue;
            };
            let until = now + u64::try_from(self.orders.hide.as_millis()).unwrap_or(0);
            let kept = Kept { handle: handle.clone(), why, until };
            state.kept.insert(copy.id.clone(), kept);
            state.budget = state.budget.saturating_add(1);
        }
        state.closed.extend(blocked);
        Ok(())
    }

    /// Writes a message to the archive.
    async fn put_aside(&self, letter: &Letter) -> Result<()> {
        let key = format!("{}/{}.json", self.orders.archive, letter.id);
        let detail = json!({ "messages": [letter.id], "key": key });
        let intent = self.ledger.intent(ARCHIVE, &key, detail)?;
        let result = self.broker.store(&key, &format!("{}\n", letter.record())).await;
        self.ended(intent, result.as_ref().err(), Value::Null)?;
        result?;
        let mut state = self.state();
        state.history.fates.insert(letter.id.clone(), Fate::Archived);
        state.done += 1;
        Ok(())
    }

    /// Sends a request until the queue answers. Each time is written down before.
    async fn send(&self, request: &[Outgoing]) -> Result<Vec<Refusal>> {
        let messages: Vec<String> = request.iter().map(|it| it.id.clone()).collect();
        let mut attempt = 1;
        loop {
            let again = self.state().history.sending(&messages);
            let mut detail = json!({ "messages": messages });
            if !again.is_empty() {
                detail["again"] = json!(again);
            }
            let intent = self.ledger.intent(SEND, &self.orders.target, detail)?;
            failpoint::hit("dlq.intent", &self.cancel).await;
            let failed = match self.broker.send(request).await {
                Ok(refusals) => {
                    let refused: HashSet<String> =
                        refusals.iter().map(|refusal| refusal.id.clone()).collect();
                    let detail = if refused.is_empty() {
                        Value::Null
                    } else {
                        json!({ "refused": refused })
                    };
                    self.ledger.outcome(intent, StepOutcome::Done, detail)?;
                    let mut state = self.state();
                    state.history.sent(&messages, &refused, &again);
                    state.done += (messages.len() - refused.len()) as u64;
                    return Ok(refusals);
                }
                Err(failed) => failed,
            };
            self.ended(intent, Some(&failed.error), json!({ "unsure": failed.unsure }))?;
            if !failed.unsure {
                self.state().history.not_sent(&messages, &again);
            }
            if !failed.passing || attempt == ATTEMPTS {
                return Err(failed.error);
            }
            self.broker.pause(PAUSE * 2_u32.pow(attempt)).await;
            attempt += 1;
        }
    }

    /// Deletes what was sent or put aside, by this attempt or an earlier one.
    async fn delete(&self, pile: &Pile) -> Result<()> {
        let receipts: Vec<Receipt> = {
            let state = self.state();
            let settled = |id: &String| {
                matches!(state.history.fates.get(id), Some(Fate::Sent | Fate::Archived))
            };
            pile.receipts().filter(|(id, _)| settled(id)).collect()
        };
        if receipts.is_empty() {
            return Ok(());
        }
        let ids: Vec<&String> = receipts.iter().map(|(id, _)| id).collect();
        let intent = self.ledger.intent(DELETE, &self.orders.queue, json!({ "messages": ids }))?;
        let result = self.broker.delete(&receipts).await;
        let detail = match &result {
            Ok(left) if !left.is_empty() => json!({ "left": left }),
            _ => Value::Null,
        };
        self.ended(intent, result.as_ref().err(), detail)?;
        let left = result?;
        let mut state = self.state();
        state.deletions += receipts.len() as u64;
        let deleted = receipts.into_iter().map(|(id, _)| id).filter(|id| !left.contains(id));
        state.history.deleted.extend(deleted);
        Ok(())
    }

    fn ended(&self, intent: u64, error: Option<&Error>, mut detail: Value) -> Result<()> {
        let Some(error) = error else {
            return self.ledger.outcome(intent, StepOutcome::Done, detail);
        };
        if detail.is_null() {
            detail = json!({});
        }
        detail["error"] = json!(error.to_string());
        self.ledger.outcome(intent, StepOutcome::of(error), detail)
    }

    fn refused(&self, refusal: Refusal) {
        let mut state = self.state();
        if state.refusals.len() < NAMED {
            state.refusals.push(refusal);
        }
    }
}
