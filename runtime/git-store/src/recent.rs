//! Where the objects of recent commits are.
//!
//! The objects of a commit are in a pack that is named after it. So it is enough to
//! follow the commits backwards from the head: the pack of each one names its
//! objects, and its parent. A process goes back no further than it must, and never
//! the same way twice.

use std::collections::{HashMap, HashSet};

use gix::hash::{ObjectId, oid};

use crate::run::Runs;

/// Objects that are remembered. Beyond this all are forgotten, which costs some
/// reading again.
const REMEMBERED: usize = 200_000;

/// What is known of recent commits' packs.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// The commit in whose pack an object is.
    places: HashMap<ObjectId, ObjectId>,
    /// Commits whose packs were read, or found to be no more.
    visited: HashSet<ObjectId>,
    /// Where to go on: parents of visited commits, the latest last.
    frontier: Vec<ObjectId>,
    /// The last packs before the head.
    pub(crate) runs: Runs,
}

impl Recent {
    /// The commit in whose pack `id` is.
    pub(crate) fn place(&self, id: &oid) -> Option<ObjectId> {
        self.places.get(id).copied()
    }

    pub(crate) fn is_visited(&self, commit: &oid) -> bool {
        self.visited.contains(commit)
    }

    /// A commit to go on with.
    pub(crate) fn next(&mut self) -> Option<ObjectId> {
        while let Some(commit) = self.frontier.pop() {
            if !self.visited.contains(&commit) {
                return Some(commit);
            }
        }
        None
    }

    /// `commit` has to be visited some time.
    pub(crate) fn await_visit(&mut self, commit: ObjectId) {
        if !self.visited.contains(&commit) {
            self.frontier.push(commit);
        }
    }

    /// The pack of `commit` has these `objects`. What it has not is in the pack of `below`
    /// or further back.
    pub(crate) fn visit(
        &mut self,
        commit: ObjectId,
        below: Option<ObjectId>,
        objects: impl IntoIterator<Item = ObjectId>,
    ) {
        if self.places.len() > REMEMBERED {
            *self = Self::default();
        }
        self.visited.insert(commit);
        for id in objects {
            self.places.insert(id, commit);
        }
        if let Some(below) = below {
            self.await_visit(below);
        }
    }

    /// `commit` has no pack of its own, or not any more.
    pub(crate) fn none(&mut self, commit: &oid) {
        self.visited.insert(commit.to_owned());
        self.places.retain(|_, place| **place != *commit);
    }
}
