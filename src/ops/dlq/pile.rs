//! What happens to each message of a batch.

use super::broker::Receipt;
use super::filter::Selector;
use super::ledger::Fate;
use super::letter::Letter;
use super::mark::{self, Outgoing};
use super::orders::Orders;
use super::redrive::State;
use crate::error::Result;

/// Why a message stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It is not meant.
    NotSelected,
    /// This run moved it, and it is a dead letter again.
    CameBack,
    /// It has no room for the marks.
    NoRoom,
    /// A message of its group stays that was before it.
    Behind,
    /// Its queue refused it.
    Refused,
}

impl Why {
    /// As reports have it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NotSelected => "not_selected",
            Self::CameBack => "came_back",
            Self::NoRoom => "no_room_for_marks",
            Self::Behind => "behind_one_that_stays",
            Self::Refused => "refused",
        }
    }
}

/// A message that stays, and is in hand until the end of the run.
#[derive(Debug)]
pub(super) struct Kept {
    /// The newest handle.
    pub handle: String,
    pub why: Why,
    /// Until when it is hidden, in milliseconds since 1970.
    pub until: u64,
}

/// A batch, sorted.
#[derive(Debug, Default)]
pub(super) struct Pile {
    /// To be deleted alone: an earlier attempt did the rest.
    pub delete: Vec<Receipt>,
    /// To be put into the archive, and deleted.
    pub quarantine: Vec<Letter>,
    /// To be sent, and deleted.
    pub send: Vec<(Outgoing, String)>,
    /// To be put back: no more may be moved.
    pub over: Vec<Receipt>,
    /// Whether a message was seen that stays and was not seen before.
    pub news: bool,
}

impl Pile {
    /// The messages in hand.
    pub(super) fn receipts(&self) -> impl Iterator<Item = Receipt> {
        let aside = self.quarantine.iter().map(|it| (it.id.clone(), it.handle.clone()));
        let sent = self.send.iter().map(|(it, handle)| (it.id.clone(), handle.clone()));
        self.delete.iter().cloned().chain(aside).chain(sent)
    }

    /// Whether there is nothing in it but what stays and was seen before.
    pub(super) fn is_stale(&self) -> bool {
        !self.news && self.receipts().next().is_none()
    }
}

/// Sorts a batch, in its order.
pub(super) fn sort(
    state: &mut State,
    letters: Vec<Letter>,
    selector: &Selector<'_>,
    orders: &Orders,
    now_ms: u64,
) -> Result<Pile> {
    let mut pile = Pile::default();
    for letter in letters {
        // Another worker has it: its time was over before the worker was done.
        if state.in_hand.contains(&letter.id) {
            continue;
        }
        let receipt = (letter.id.clone(), letter.handle.clone());
        let fate = state.history.fates.get(&letter.id).copied();
        if matches!(fate, Some(Fate::Sent | Fate::Archived)) {
            state.in_hand.insert(letter.id);
            pile.delete.push(receipt);
            continue;
        }
        let why = stays(state, &letter, fate, selector, orders, now_ms)?;
        if let Some(why) = why {
            if orders.ordered {
                state.closed.extend(letter.group().map(str::to_owned));
            }
            let until = now_ms + u64::try_from(orders.hide.as_millis()).unwrap_or(0);
            let kept = Kept { handle: letter.handle, why, until };
            pile.news |= state.kept.insert(letter.id, kept).is_none();
            continue;
        }
        if state.budget == 0 {
            pile.over.push(receipt);
            continue;
        }
        state.budget -= 1;
        state.kept.remove(&letter.id);
        state.in_hand.insert(letter.id.clone());
        if is_poison(&letter, orders) {
            pile.quarantine.push(letter);
            continue;
        }
        if let Some(copy) = copy(&letter, orders) {
            pile.send.push((copy, letter.handle));
        }
    }
    Ok(pile)
}

/// What would become of messages that are meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Preview {
    /// They would be moved.
    pub moved: usize,
    /// They would go to the archive.
    pub quarantined: usize,
    /// They would stay: there is no room for the marks.
    pub no_room_for_marks: usize,
}

/// What would become of `letters`, which all are meant.
pub fn preview(letters: &[Letter], orders: &Orders) -> Preview {
    let mut preview = Preview::default();
    for letter in letters {
        if is_poison(letter, orders) {
            preview.quarantined += 1;
        } else if copy(letter, orders).is_some() {
            preview.moved += 1;
        } else {
            preview.no_room_for_marks += 1;
        }
    }
    preview
}

fn stays(
    state: &State,
    letter: &Letter,
    fate: Option<Fate>,
    selector: &Selector<'_>,
    orders: &Orders,
    now_ms: u64,
) -> Result<Option<Why>> {
    if let Some(kept) = state.kept.get(&letter.id) {
        return Ok(Some(kept.why));
    }
    if orders.ordered && letter.group().is_some_and(|group| state.closed.contains(group)) {
        return Ok(Some(Why::Behind));
    }
    // It was decided, and may be there already.
    let decided = fate == Some(Fate::Doubtful);
    if !decided && !selector.takes(letter, now_ms)? {
        return Ok(Some(Why::NotSelected));
    }
    if is_poison(letter, orders) {
        return Ok(None);
    }
    if letter.origin().is_some_and(|origin| origin.run == orders.run) {
        return Ok(Some(Why::CameBack));
    }
    Ok(copy(letter, orders).is_none().then_some(Why::NoRoom))
}

fn is_poison(letter: &Letter, orders: &Orders) -> bool {
    orders.quarantine_after.is_some_and(|most| letter.redrive_count() >= most)
}

fn copy(letter: &Letter, orders: &Orders) -> Option<Outgoing> {
    mark::copy(letter, &orders.run, orders.ordered_target, orders.unmarked)
}
