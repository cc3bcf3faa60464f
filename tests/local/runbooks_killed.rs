//! Dead letters moved back and agents moved away by their runbooks, with the run killed at
//! every place in turn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use platformctl::journal::RunState;
use serde_json::Value;

use crate::dlq::queue::Queue;
use crate::dlq::{DEAD, JOBS};
use crate::failover;
use crate::platform::{Platform, eventually};
use crate::runbooks::{approve, done, killed_at, newest, of_verb, run};

/// A run that is begun, killed, and gone on with.
struct Killed<'a> {
    platform: &'a Platform,
    name: String,
}

impl<'a> Killed<'a> {
    /// Begins a run and kills it at its first step.
    fn begin(platform: &'a Platform, first: &str, arguments: &[&str]) -> Self {
        killed_at(platform, first, arguments);
        Self { platform, name: newest(platform).run }
    }

    fn resume(&self) -> [&str; 3] {
        ["runbook", "resume", &self.name]
    }

    /// Goes on, and is killed at each of these places in turn.
    fn at(&self, places: &[&str]) {
        for place in places {
            killed_at(self.platform, place, &self.resume());
            assert_eq!(newest(self.platform).state, RunState::Crashed, "{place}");
        }
    }

    /// Somebody answers what it waits for.
    fn answered(&self, step: &str) {
        self.platform.run(&self.resume()).exits(6);
        assert_eq!(newest(self.platform).state, RunState::Waiting);
        approve(self.platform, &self.name, step);
    }

    /// Goes on to the end: every step was done once.
    fn ends(&self, steps: &[&str], verb: &str) {
        self.platform.run(&self.resume()).exits(0);
        let run = newest(self.platform);
        assert_eq!((run.run.as_str(), run.state), (self.name.as_str(), RunState::Succeeded));
        assert_eq!(done(&run), steps);
        let of_verb = of_verb(self.platform, verb);
        assert_eq!((of_verb.len(), of_verb[0].state), (1, RunState::Succeeded));
    }
}

/// Handles messages, as the queue's function would.
struct Worker {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeMap<u64, usize>>,
}

impl Worker {
    fn of(queue: Queue) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut handled = BTreeMap::new();
            while !stopped.load(Ordering::Relaxed) {
                for message in queue.drain() {
                    let body: Value = serde_json::from_str(message.body().unwrap()).unwrap();
                    *handled.entry(body["n"].as_u64().unwrap()).or_insert(0) += 1;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            handled
        });
        Self { stop, thread }
    }

    /// How often each message was handled.
    fn end(self) -> BTreeMap<u64, usize> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

#[test]
fn dead_letters_go_back_once_however_often_the_run_is_killed() {
    let platform = Platform::new();
    platform.local(&["bootstrap"]).exits(0);
    let (dead, jobs) = (Queue::of(&platform, DEAD), Queue::of(&platform, JOBS));
    dead.fill(0, 30);
    let worker = Worker::of(jobs.clone());
    let begin = run("005", &["queue=jobs"], &["--reason", "the cause is mended"]);
    let killed = Killed::begin(&platform, "runbook.stacks", &begin);
    killed.at(&[
        "runbook.queues.begun",
        "runbook.dead.performed",
        "runbook.dead.done",
        "runbook.mended",
        "runbook.mended.asked",
    ]);
    assert_eq!(dead.counts().0, 30, "nobody said yet that they may go");
    killed.answered("mended");
    killed.at(&["runbook.mended.done", "runbook.leave.asked"]);
    killed.answered("leave");
    killed.at(&[
        "runbook.leave.done",
        "runbook.redrive.begun",
        "runbook.redrive.performed",
        "runbook.redrive.done",
        "runbook.left.performed",
        "runbook.answers.begun",
        "runbook.answers.done",
    ]);
    let steps = ["stacks", "queues", "dead", "mended", "leave", "redrive", "left", "answers"];
    killed.ends(&steps, "ops dlq-redrive");
    eventually("the messages are handled", || jobs.counts() == (0, 0));
    assert_eq!(worker.end(), (0..30).map(|number| (number, 1)).collect());
    assert_eq!(dead.counts(), (0, 0));
}

#[test]
fn agents_move_once_however_often_the_run_is_killed() {
    let platform = failover::platform();
    let region = format!("region={}", failover::HOME);
    let rehearsal = platform.run(&run("001", &[&region], &["--dry-run", "-o", "json"]));
    for step in rehearsal.exits(0).json()["steps"].as_array().unwrap() {
        assert_ne!(step["fate"], "failed", "{step}");
    }
    let begin = run("001", &[&region], &["--reason", "eu-west-1 is down"]);
    let killed = Killed::begin(&platform, "runbook.before", &begin);
    killed.at(&[
        "runbook.failover.begun",
        "runbook.failover.performed",
        "runbook.home_answers.performed",
        "runbook.home_answers.done",
        "runbook.leave.asked",
    ]);
    killed.answered("leave");
    killed.at(&[
        "runbook.leave.done",
        "runbook.switch.begun",
        // In the middle of the verb: agents are moved, and nobody has proved it.
        "verify",
        "runbook.switch.performed",
        "runbook.switch.done",
        "runbook.answers.performed",
        "runbook.answers.done",
        "runbook.tell.asked",
    ]);
    killed.answered("tell");
    killed.at(&["runbook.tell.done"]);
    let steps = ["before", "failover", "home_answers", "leave", "switch", "answers", "tell"];
    killed.ends(&steps, "ops set-runtime-region");
    let status = platform.local(&["ops", "failover-status", "-o", "json"]).exits(0).json();
    assert_eq!(status["runtime_region"], failover::HOME);
    assert_eq!((&status["in_agreement"], &status["lock"]["held"]), (&true.into(), &false.into()));
}
