//! The campaign: many writers in processes of their own, some of them killed, round after
//! round in one wiki, with maintenance between. A short one with every run of the tests;
//! the full one with `PLATFORMCTL_TEST_FULL=1`.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    process::Child,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use git_store::{Options, Store};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use runtime_core::pages::{History, limits};

use crate::{
    child::{acknowledged, spawn},
    support::{Wiki, history, history_request, maintain, read, write},
};

/// Steps at which a writer may be killed; `None` is a random moment.
const DEATHS: [Option<&str>; 10] = [
    None,
    Some("HeadFound"),
    Some("PackWritten"),
    Some("IndexWritten"),
    Some("ReferencePrepared"),
    Some("ObjectsDurable"),
    Some("Indexed"),
    Some("Claimed"),
    Some("ClaimDurable"),
    Some("Published"),
];

struct Campaign {
    writers: usize,
    rounds: usize,
    /// Pages that each writer writes in a round.
    writes: u32,
    /// Whether a writer is killed in each round.
    kill: bool,
}

impl Campaign {
    fn run(&self, seed: u64) {
        // One campaign at a time: each is as much as the machine can do.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut random = StdRng::seed_from_u64(seed);
        let wiki = Wiki::new();
        let mut options = Options::default();
        options.retention = Duration::ZERO;
        let maintainer = Store::with_options(wiki.root(), options);
        let mut expected = BTreeSet::new();
        let (mut possible, mut slowest) = (0, Duration::ZERO);
        for round in 0..self.rounds {
            let victim = self.kill.then(|| random.random_range(0..self.writers));
            let death = DEATHS[random.random_range(0..DEATHS.len())];
            let mut children: Vec<Child> = (0..self.writers)
                .map(|writer| {
                    let name = format!("round-{round}/writer-{writer}");
                    let death = death.filter(|_| Some(writer) == victim);
                    spawn(wiki.root(), &name, self.writes, death)
                })
                .collect();
            if let Some(victim) = victim {
                thread::sleep(Duration::from_millis(random.random_range(0..300)));
                // It may be dead already, or through.
                children[victim].kill().unwrap();
            }
            for (writer, child) in children.into_iter().enumerate() {
                let output = child.wait_with_output().unwrap();
                let done = acknowledged(&output.stdout);
                if Some(writer) == victim {
                    possible += self.writes as usize - done.len();
                } else {
                    let said = String::from_utf8_lossy(&output.stderr);
                    assert!(output.status.success(), "{writer} of round {round}: {said}");
                    assert_eq!(done.len(), self.writes as usize);
                }
                expected.extend(done);
            }
            // Whoever was killed holds up nobody.
            let started = Instant::now();
            let path = format!("round-{round}/after");
            write(&wiki.another_store(), &path, &path).unwrap();
            slowest = slowest.max(started.elapsed());
            expected.insert(path);
            if round % 5 == 4 {
                maintain(&maintainer);
            }
            wiki.check();
        }
        let commits = check(&wiki, &expected, possible);
        eprintln!(
            "{} writers, {} rounds, {}: {} writes acknowledged, none lost; {commits} commits in \
             one line; slowest write after a round: {} ms",
            self.writers,
            self.rounds,
            if self.kill { "one killed in each" } else { "none killed" },
            expected.len(),
            slowest.as_millis(),
        );
    }
}

/// Every acknowledged page is there and one commit; each writer's commits are in the
/// order of its writes. Answers the number of commits.
fn check(wiki: &Wiki, expected: &BTreeSet<String>, possible: usize) -> usize {
    let store = wiki.another_store();
    let mut messages = Vec::new();
    let mut from = None;
    loop {
        let request = History { from, limit: Some(limits::HISTORY), ..history_request() };
        let page = history(&store, request).unwrap();
        messages.extend(page.commits.into_iter().map(|commit| commit.message));
        match page.next {
            Some(next) => from = Some(next.into()),
            None => break,
        }
    }
    messages.reverse();
    let written: BTreeSet<String> =
        messages.iter().filter_map(|m| m.strip_prefix("Write ")).map(str::to_owned).collect();
    assert_eq!(written.len(), messages.len(), "a write is in history twice");
    assert_eq!(expected.difference(&written).next(), None, "a write is lost");
    assert!(written.len() <= expected.len() + possible);
    let mut last: BTreeMap<&str, u32> = BTreeMap::new();
    for message in &messages {
        let (writer, n) = message.rsplit_once('/').unwrap();
        let Ok(n) = n.parse() else { continue };
        assert!(last.insert(writer, n).is_none_or(|before| before < n), "{message}");
    }
    for path in expected {
        assert_eq!(read(&store, path).unwrap().body, *path);
    }
    assert_eq!(wiki.commits(), messages.len());
    messages.len()
}

fn full() -> bool {
    env::var_os("PLATFORMCTL_TEST_FULL").is_some()
}

#[test]
fn five_writers_at_once() {
    let rounds = if full() { 20 } else { 2 };
    Campaign { writers: 5, rounds, writes: 4, kill: false }.run(1);
}

#[test]
fn five_writers_one_of_them_killed() {
    let rounds = if full() { 20 } else { 5 };
    Campaign { writers: 5, rounds, writes: 4, kill: true }.run(2);
}

#[test]
fn fifty_writers_at_once() {
    let (writers, rounds) = if full() { (50, 20) } else { (12, 1) };
    Campaign { writers, rounds, writes: 2, kill: false }.run(3);
}

#[test]
fn fifty_writers_one_of_them_killed() {
    let (writers, rounds) = if full() { (50, 20) } else { (12, 1) };
    Campaign { writers, rounds, writes: 2, kill: true }.run(4);
}
