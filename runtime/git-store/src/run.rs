//! What the pack of a commit holds besides it, so that a reader who knows nothing need
//! not read a pack for each commit since the last maintenance.
//!
//! The pack of a commit takes in those of the commits before it, as long as they are no
//! larger than what it has so far: of 1, 2, 4, … commits, like the digits of a binary
//! number. So the packs from the head backwards get longer and longer, and to go back over
//! *n* commits takes about log *n* of them, up to [`COMMITS`] commits a pack. That costs no
//! operation more, and each object is written a few times. What was taken in stays where
//! it is, too, until maintenance.
//!
//! A writer takes in what it has in memory anyway: what it wrote or read itself.

use std::{collections::VecDeque, sync::Arc};

use gix::{hash::ObjectId, objs::Kind};

/// Most commits in one pack.
const COMMITS: usize = 64;
/// Most bytes that a pack takes in.
const BYTES: usize = 256 * 1024;
/// Runs that are remembered: those that could be taken in at once, and one more.
const REMEMBERED: usize = 8;

/// A compressed object.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    pub(crate) id: ObjectId,
    pub(crate) kind: Kind,
    /// What it inflates to.
    pub(crate) size: u64,
    pub(crate) deflated: Vec<u8>,
}

/// Commits in a row whose objects are in one pack.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) newest: ObjectId,
    /// The parent of the oldest one.
    pub(crate) below: Option<ObjectId>,
    pub(crate) commits: usize,
    /// The newest commit's objects come first.
    pub(crate) objects: Arc<Vec<Raw>>,
}

impl Run {
    fn bytes(&self) -> usize {
        self.objects.iter().map(|raw| raw.deflated.len()).sum()
    }
}

/// The last runs before the head, the latest first, each beginning below the one before.
#[derive(Debug, Default)]
pub(crate) struct Runs(VecDeque<Run>);

impl Runs {
    /// There is this run, which was read or written.
    pub(crate) fn add(&mut self, mut run: Run) {
        if run.bytes() > BYTES {
            // It will never be taken in, and so need not be kept.
            (run.commits, run.objects) = (COMMITS, Arc::default());
        }
        // What it has taken in.
        if let Some(below) = self.0.iter().position(|other| Some(other.newest) == run.below) {
            self.0.drain(..below);
            self.0.push_front(run);
        } else if self.0.back().is_some_and(|last| last.below == Some(run.newest)) {
            self.0.push_back(run);
        } else {
            self.0.clear();
            self.0.push_back(run);
        }
        self.0.truncate(REMEMBERED);
    }

    /// What the pack of a new commit after `parent` takes in.
    pub(crate) fn to_take_in(&self, parent: &ObjectId) -> Vec<Run> {
        let (mut taken, mut commits, mut bytes) = (Vec::new(), 1, 0);
        if self.0.front().is_none_or(|first| first.newest != *parent) {
            return taken;
        }
        for run in &self.0 {
            bytes += run.bytes();
            if run.commits > commits || commits + run.commits > COMMITS || bytes > BYTES {
                break;
            }
            commits += run.commits;
            taken.push(run.clone());
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> ObjectId {
        let mut bytes = [0; 20];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        ObjectId::from_bytes_or_panic(&bytes)
    }

    fn run(newest: u32, taken: &[Run], size: usize) -> Run {
        let below = taken.last().map_or_else(|| newest.checked_sub(1).map(id), |last| last.below);
        let deflated = vec![0; size + taken.iter().map(Run::bytes).sum::<usize>()];
        let object = Raw { id: id(newest), kind: Kind::Commit, size: 0, deflated };
        let commits = 1 + taken.iter().map(|run| run.commits).sum::<usize>();
        Run { newest: id(newest), below, commits, objects: Arc::new(vec![object]) }
    }

    /// Lengths of the packs that lead back from the last of `commits`.
    fn lengths(commits: u32, size: usize) -> Vec<usize> {
        let mut runs = Runs::default();
        let mut all = std::collections::HashMap::new();
        for n in 1..=commits {
            let new = run(n, &runs.to_take_in(&id(n - 1)), size);
            all.insert(new.newest, new.clone());
            runs.add(new);
        }
        let mut lengths = Vec::new();
        let mut at = id(commits);
        while let Some(run) = all.get(&at) {
            lengths.push(run.commits);
            at = run.below.unwrap();
        }
        lengths
    }

    #[test]
    fn the_way_back_is_short() {
        assert_eq!(lengths(1, 1), [1]);
        assert_eq!(lengths(7, 1), [1, 2, 4]);
        assert_eq!(lengths(60, 1), [4, 8, 16, 32]);
        assert_eq!(lengths(64, 1), [64]);
        assert_eq!(lengths(1_000, 1).len(), 15 + 2);
        for commits in 1..300 {
            let lengths = lengths(commits, 1);
            assert_eq!(lengths.iter().sum::<usize>(), commits as usize);
            assert!(lengths.len() <= 5 + commits as usize / COMMITS + 1, "{commits}: {lengths:?}");
        }
    }

    #[test]
    fn large_pages_are_not_written_again() {
        assert_eq!(lengths(8, BYTES + 1), [1; 8]);
        assert_eq!(lengths(8, BYTES / 2), [2; 4]);
    }

    #[test]
    fn what_was_not_seen_is_not_taken_in() {
        let mut runs = Runs::default();
        runs.add(run(5, &[], 1));
        assert!(runs.to_take_in(&id(6)).is_empty());
        // Another writer made 6: nobody knows where it is.
        runs.add(run(7, &[], 1));
        assert_eq!(runs.to_take_in(&id(7)).len(), 1);
        // It is read, backwards.
        runs.add(run(6, &[], 1));
        runs.add(run(5, &[], 1));
        assert_eq!(runs.0.iter().map(|run| run.newest).collect::<Vec<_>>(), [id(7), id(6), id(5)]);
    }
}
