//! What must hold, watched from outside: the store's writes as they are made, and what
//! each process believes.

use std::collections::{BTreeMap, BTreeSet};

use runtime_core::model::OpsLock;

use platformctl::lock::Moment;

/// A process: a number that is given once.
pub(super) type Process = usize;

/// What was seen so far, and the first thing that must not be.
#[derive(Debug, Default)]
pub(super) struct Laws {
    /// To whom the store gave each token.
    granted: BTreeMap<u64, Process>,
    /// Tokens that came back from an acquisition.
    returned: BTreeSet<u64>,
    /// The token of the last guarded write.
    newest_guarded: u64,
    /// Guarded values that were written.
    values: BTreeSet<String>,
    /// Who relies on a lease, with which token and until when on the own clock.
    beliefs: BTreeMap<Process, (u64, Moment)>,
    pub(super) broken: Option<String>,
}

impl Laws {
    fn must(&mut self, holds: bool, law: impl FnOnce() -> String) {
        if !holds && self.broken.is_none() {
            self.broken = Some(law());
        }
    }

    /// The store wrote `new` over `old` for `process`.
    pub(super) fn written(&mut self, process: Process, old: Option<&OpsLock>, new: &OpsLock) {
        let before = old.map_or(0, |old| old.token);
        let token = new.token;
        self.must(token >= before, || format!("the token went back from {before} to {token}"));
        let run = |lock: &OpsLock| lock.holder.as_ref().map(|holder| holder.run_id.clone());
        if new.holder.is_some() && (token != before || old.and_then(run) != run(new)) {
            let newest = self.granted.keys().next_back().copied().unwrap_or(0);
            self.must(token > newest, || format!("{token} was given after {newest}"));
            self.granted.insert(token, process);
        }
        let owner = self.granted.get(&token).copied();
        self.must(owner == Some(process), || {
            format!("process {process} wrote with token {token}, which is that of {owner:?}")
        });
        let value = |lock: &OpsLock| lock.guarded.clone();
        if old.and_then(value) != new.guarded {
            let Some(guarded) = &new.guarded else {
                return self.must(false, || "the guarded value was forgotten".to_owned());
            };
            let (with, newest) = (guarded.token, self.newest_guarded);
            self.must(with >= newest && with == token, || {
                format!("a guarded write with {with} was accepted after {newest} (now {token})")
            });
            self.newest_guarded = with;
            self.values.insert(guarded.value.as_str().to_owned());
        }
    }

    /// An acquisition came back with a token.
    pub(super) fn acquired(&mut self, process: Process, token: u64) {
        let owner = self.granted.get(&token).copied();
        self.must(owner == Some(process), || {
            format!("process {process} has token {token}, which was given to {owner:?}")
        });
        let first = self.returned.insert(token);
        self.must(first, || format!("token {token} came back twice"));
    }

    /// A guarded write came back as made.
    pub(super) fn set(&mut self, value: &str) {
        let there = self.values.contains(value);
        self.must(there, || format!("{value} was said to be written, and never was"));
    }

    /// A process relies on its lease until its clock shows `until`. `believes`: whether a
    /// process still does so now, by its own clock.
    pub(super) fn relies(
        &mut self,
        process: Process,
        token: u64,
        until: Moment,
        exclusive: bool,
        believes: impl Fn(Process, Moment) -> bool,
    ) {
        let others = self
            .beliefs
            .iter()
            .find(|(other, (_, until))| **other != process && believes(**other, *until));
        let others = others.map(|(other, (token, _))| (*other, *token));
        if believes(process, until) {
            self.must(!exclusive || others.is_none(), || {
                format!("process {process} with {token} and {others:?} rely on it at once")
            });
        }
        self.beliefs.insert(process, (token, until));
    }

    /// A process has no lease, or is gone.
    pub(super) fn relies_no_more(&mut self, process: Process) {
        self.beliefs.remove(&process);
    }

    /// How many tokens were given.
    pub(super) fn tokens(&self) -> usize {
        self.granted.len()
    }
}
