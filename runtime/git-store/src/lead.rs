//! When a writer need not ask for the head.
//!
//! A claim decides who follows a commit, not what a writer believed the head to be. So
//! whoever has reason to think that its own last commit is still the head can build on it
//! at once: a claim that succeeds proves it right. If another writer was there, the work of
//! one attempt is lost, which costs more than asking many times. So it goes without asking
//! only while it is alone: from the moment that asking brought its own last commit, until
//! anything else is seen.

use std::sync::{Mutex, PoisonError};

use gix::hash::ObjectId;

/// What one process knows of who leads in a repository.
#[derive(Debug, Default)]
pub(crate) struct Lead(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The last commit of this process, while it is known to be the head.
    own: Option<ObjectId>,
    /// Whether there was no other between the last two.
    alone: bool,
}

impl Lead {
    /// The head, as far as that can be known without asking.
    pub(crate) fn guess(&self) -> Option<ObjectId> {
        self.with(|state| state.own.filter(|_| state.alone))
    }

    /// The head was asked for: it is `head`.
    pub(crate) fn found(&self, head: Option<ObjectId>) {
        self.with(|state| {
            state.alone = head.is_some() && state.own == head;
            if !state.alone {
                state.own = None;
            }
        });
    }

    /// This process has made the commit `head`, and it is the head.
    pub(crate) fn took(&self, head: ObjectId) {
        self.with(|state| state.own = Some(head));
    }

    /// There are others, or something failed.
    pub(crate) fn lost(&self) {
        self.with(|state| *state = State::default());
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_alone_guesses() {
        let id = |n: u8| ObjectId::from_bytes_or_panic(&[n; 20]);
        let lead = Lead::default();
        lead.found(Some(id(1)));
        lead.took(id(2));
        assert_eq!(lead.guess(), None, "others may write in turn");
        lead.found(Some(id(2)));
        assert_eq!(lead.guess(), Some(id(2)));
        lead.took(id(3));
        assert_eq!(lead.guess(), Some(id(3)));
        lead.found(Some(id(4)));
        assert_eq!(lead.guess(), None);
        lead.took(id(5));
        assert_eq!(lead.guess(), None);
        lead.found(Some(id(5)));
        lead.lost();
        assert_eq!(lead.guess(), None);
        lead.found(None);
        assert_eq!(lead.guess(), None, "an empty repository has no head");
    }
}
