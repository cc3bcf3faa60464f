//! Dead letters on the emulator: looked at, moved back, emptied; and `kill -9` of platformctl
//! while it moves them, with the emulator stopped in between.
//!
//! `PLATFORMCTL_TEST_FULL=1` moves 10,000 messages through 25 kills.

pub(crate) mod queue;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use platformctl::journal::RunState;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use runtime_core::queues::{REDRIVE_COUNT, REDRIVE_OF};
use serde_json::Value;

use crate::platform::{Done, Platform, Started, block_on, eventually};
use queue::Queue;

const TENANTS: [&str; 3] = ["acme", "globex", "initech"];
pub(crate) const DEAD: &str = "acme-dev-jobs-queue-dead-letters";
pub(crate) const JOBS: &str = "acme-dev-jobs";
const WORKERS: u64 = 4;

/// A platform with its queues.
fn deployed() -> Platform {
    let platform = Platform::new();
    platform.local(&["deploy", "platform", "--yes"]).exits(0);
    platform
}

fn number(message: &Message) -> usize {
    let body: Value = serde_json::from_str(message.body().unwrap()).unwrap();
    usize::try_from(body["n"].as_u64().unwrap()).unwrap()
}

fn text<'a>(message: &'a Message, name: &str) -> &'a str {
    message.message_attributes().unwrap()[name].string_value().unwrap()
}

/// How often each number is there. Every message is marked, as it was sent otherwise.
fn copies(messages: &[Message], run: &str) -> BTreeMap<usize, u64> {
    let mut copies = BTreeMap::new();
    let mut origins: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for message in messages {
        let number = number(message);
        assert_eq!(text(message, "own"), number.to_string());
        let own = &message.message_attributes().unwrap()["own"];
        assert_eq!(own.data_type(), "Number.own");
        assert_eq!(text(message, REDRIVE_COUNT), "1");
        let of = text(message, REDRIVE_OF);
        assert!(of.starts_with(&format!("{run}/")), "{of}");
        origins.entry(number).or_default().insert(of);
        *copies.entry(number).or_insert(0) += 1;
    }
    // Copies of one message say so.
    assert!(origins.values().all(|of| of.len() == 1));
    copies
}

/// Kills a run once its journal has `lines` more than now.
fn kill_after(platform: &Platform, mut started: Started, before: usize, lines: usize) -> bool {
    let begun = Instant::now();
    while started.runs() && journal_lines(platform) < before + lines {
        assert!(begun.elapsed() < Duration::from_mins(2), "the run does not go on");
        std::thread::sleep(Duration::from_millis(2));
    }
    started.kill_if_it_runs()
}

/// Lines of the newest journal.
fn journal_lines(platform: &Platform) -> usize {
    let files = std::fs::read_dir(platform.state("runs")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let newest = files.max_by_key(|path| path.metadata().and_then(|it| it.modified()).unwrap());
    newest.map_or(0, |path| std::fs::read_to_string(path).unwrap().lines().count())
}

/// Starts a run that waits at `place`, and waits until its journal has `count` lines with
/// `text`, or, without a text, until `count` messages are in hand.
fn hold(
    platform: &Platform,
    dead: &Queue,
    place: &str,
    arguments: &[&str],
    at: (&str, usize),
) -> Started {
    let before = platform.runs().len();
    let mut command = platform.command(arguments);
    command.env(platformctl::failpoint::VARIABLE, place);
    let mut started = platform.start(command);
    let (text, count) = at;
    eventually(place, || {
        started.still_runs();
        if platform.runs().len() == before {
            return false;
        }
        if text.is_empty() {
            return dead.counts().1 >= count;
        }
        let journal = std::fs::read_to_string(platform.newest().0.path).unwrap();
        journal.matches(text).count() >= count
    });
    started
}

const SENDS: &str = r#""action":"sqs:SendMessageBatch""#;
const OUTCOME: &str = r#""kind":"outcome""#;

fn redrive<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let common = ["ops", "dlq-redrive", "jobs", "--copy", "--workers", "4", "--visibility", "2s"];
    [&common[..], more, &["--local", "-o", "json"]].concat()
}

/// Moves `count` messages through `kills` kills and one stop of the emulator.
#[expect(clippy::print_stderr, reason = "the figures of a campaign are what it is run for")]
fn campaign(seed: u64, count: usize, kills: usize, lines: usize) {
    let platform = deployed();
    Queue::of(&platform, DEAD).fill(0, count);
    let mut random = StdRng::seed_from_u64(seed);
    let begun = Instant::now();
    let mut run: Option<String> = None;
    let (mut killed, mut stopped) = (0, 0);
    while killed < kills {
        let before = if run.is_some() { journal_lines(&platform) } else { 0 };
        let command = match &run {
            None => redrive(&[]),
            Some(run) => vec!["resume", run, "-o", "json"],
        };
        let earlier = platform.runs().len();
        let started = platform.start(platform.command(&command));
        if run.is_none() {
            eventually("a run", || platform.runs().len() > earlier);
            run = Some(platform.newest().0.run);
        }
        if stopped == 0 && killed == kills / 2 {
            // The emulator goes while the run works, and comes back with all it had.
            let begins = journal_lines(&platform) + lines / 2;
            eventually("work", || journal_lines(&platform) >= begins);
            platform.run(&["local", "down"]).exits(0);
            let done: Done = started.end();
            assert_ne!(done.code, Some(0), "{}", done.stdout);
            stopped += 1;
            continue;
        }
        let lines = random.random_range(1..lines);
        assert!(kill_after(&platform, started, before, lines), "it ended after {killed} kills");
        killed += 1;
        assert_eq!(platform.newest().0.state, RunState::Crashed);
    }
    let run = run.unwrap();
    let report = platform.run(&["resume", &run, "-o", "json"]).exits(0).json();
    let took = begun.elapsed();
    platform.newest().1.is_gapless();
    // Another emulator than before: another port.
    let (dead, jobs) = (Queue::of(&platform, DEAD), Queue::of(&platform, JOBS));
    assert_eq!(dead.counts(), (0, 0));
    let copies = copies(&jobs.drain(), &run);
    assert_eq!(copies.len(), count);
    assert_eq!((report["moved"].as_u64(), report["left"].as_u64()), (Some(count as u64), Some(0)));
    let duplicates: u64 = copies.values().map(|copies| copies - 1).sum();
    let possible = report["possible_duplicates"].as_u64().unwrap();
    let bound = (kills as u64 + stopped) * WORKERS * 10;
    eprintln!(
        "{count} messages, {kills} kills, {stopped} stop: {duplicates} duplicates, {possible} reported, bound {bound}, {took:?}"
    );
    assert!(duplicates <= possible && possible <= bound, "{duplicates} {possible} {bound}");
    let journal = std::fs::read_to_string(platform.newest().0.path).unwrap();
    assert!(!journal.contains("ada@example.com") && !journal.contains("tenant_id"));
}

#[test]
fn every_message_survives_kills_and_a_stop_of_the_emulator() {
    if std::env::var_os("PLATFORMCTL_TEST_FULL").is_some() {
        campaign(11, 10_000, 25, 130);
    } else {
        campaign(11, 300, 3, 30);
    }
}

#[test]
fn a_kill_at_each_moment_of_a_batch_is_gone_on_with() {
    let platform = deployed();
    let (dead, jobs) = (Queue::of(&platform, DEAD), Queue::of(&platform, JOBS));
    let places =
        [("dlq.received", ("", 40)), ("dlq.intent", (SENDS, 4)), ("dlq.sent", (OUTCOME, 4))];
    for (round, (place, at)) in places.into_iter().enumerate() {
        dead.fill(100 * round, 40);
        hold(&platform, &dead, place, &redrive(&[]), at).kill();
        let run = platform.newest().0.run;
        let report = platform.run(&["resume", &run, "-o", "json"]).exits(0).json();
        let copies = copies(&jobs.drain(), &run);
        assert_eq!((copies.len(), dead.counts()), (40, (0, 0)), "{place}");
        // Nothing was on its way twice: what is reported is what could have been.
        assert!(copies.values().all(|count| *count == 1), "{place}");
        let possible = report["possible_duplicates"].as_u64().unwrap();
        assert_eq!(possible > 0, place == "dlq.intent", "{place} {possible}");
    }

    // Ctrl-C ends the batch in hand, puts the rest back and says how to go on.
    dead.fill(0, 40);
    let chosen = redrive(&["--filter", "tenant == 'acme'"]);
    let held = hold(&platform, &dead, "dlq.sent", &chosen, (OUTCOME, 4));
    held.signal("INT");
    held.end().exits(130).complains("platformctl resume");
    let run = platform.newest().0.run;
    assert_eq!(dead.counts().1, 0);
    let report = platform.run(&["resume", &run, "-o", "json"]).exits(0).json();
    assert_eq!((report["moved"].as_u64(), report["left"].as_u64()), (Some(14), Some(26)));
    assert_eq!(report["kept"]["not_selected"], 26);
    assert_eq!(report["possible_duplicates"], 0);
    assert_eq!((jobs.drain().len(), dead.counts()), (14, (26, 0)));

    is_emptied(&platform, &dead);
}

/// 26 messages are archived and deleted, in spite of kills.
fn is_emptied(platform: &Platform, dead: &Queue) {
    let purge = ["ops", "dlq-purge", "jobs", "--local"];
    let with = |more: &[&'static str]| [&purge[..], more].concat();
    platform.run(&with(&[])).exits(2).complains("--reason");
    let asked = platform.run(&with(&["--reason", "test"])).exits(2);
    asked.complains(&format!("--yes --confirm-name {DEAD}"));
    platform.run(&with(&["--reason", "test", "--yes"])).exits(2).complains("--confirm-name");
    let other = ["--reason", "test", "--yes", "--confirm-name", "jobs"];
    platform.run(&with(&other)).exits(2).complains("nothing was deleted");
    platform.run(&with(&["--dry-run"])).exits(0).prints("26 messages, about, would be archived");
    assert_eq!(dead.counts(), (26, 0));

    let sure =
        ["--reason", "test", "--yes", "--confirm-name", DEAD, "--visibility", "2s", "-o", "json"];
    hold(platform, dead, "dlq.archived", &with(&sure), (OUTCOME, 1)).kill();
    let run = platform.newest().0.run;
    let report = platform.run(&["resume", &run, "-o", "json"]).exits(0).json();
    assert_eq!((report["archived"].as_u64(), report["deleted"].as_u64()), (Some(26), Some(26)));
    assert_eq!(dead.counts(), (0, 0));
    let s3 = platform.aws().s3;
    let mut archived = BTreeSet::new();
    for key in report["objects"].as_array().unwrap() {
        let bucket = report["bucket"].as_str().unwrap();
        let get = s3.get_object().bucket(bucket).key(key.as_str().unwrap());
        let body = block_on(async { get.send().await.unwrap().body.collect().await.unwrap() });
        for line in String::from_utf8(body.to_vec()).unwrap().lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            assert_eq!(record["attributes"]["own"]["type"], "Number.own");
            assert!(archived.insert(record["id"].as_str().unwrap().to_owned()));
        }
    }
    assert_eq!(archived.len(), 26);
}

#[test]
fn dead_letters_are_looked_at_and_moved_in_order() {
    let platform = deployed();
    let (dead, jobs) = (Queue::of(&platform, DEAD), Queue::of(&platform, JOBS));
    platform.local(&["ops", "dlq-list"]).exits(0).prints("no dead letters in");
    dead.fill(0, 30);
    let listed = platform.local(&["ops", "dlq-list", "-o", "json"]).exits(0).json();
    assert_eq!(listed["queues"][0]["name"], "jobs-queue-dead-letters");
    assert_eq!(listed["queues"][0]["visible"], 30);
    assert_eq!(listed["queues"].as_array().unwrap().len(), 1);

    let inspect = ["ops", "dlq-inspect", "jobs", "-o", "json"];
    let seen = platform.local(&inspect).exits(0);
    assert!(!seen.stdout.contains("ada@example.com"), "{}", seen.stdout);
    let seen = seen.json();
    assert_eq!((seen["seen"].as_u64(), seen["groups"][0]["count"].as_u64()), (Some(30), Some(5)));
    assert_eq!(seen["groups"][0]["keys"]["function"], "jobs");
    assert_eq!(dead.counts(), (30, 0));
    let wrong = platform.local(&["ops", "dlq-inspect", "job-dead-letters"]).exits(2);
    wrong.complains("did you mean");

    let dry = redrive(&["--dry-run", "--tenant", "acme"]);
    assert_eq!(platform.run(&dry).exits(0).json()["would"]["moved"], 10);
    assert_eq!((dead.counts(), jobs.counts()), ((30, 0), (0, 0)));
    // The emulator has no move of its own: it is copied, and that is said.
    let all = platform.local(&["ops", "dlq-redrive", "jobs", "--visibility", "2s", "-o", "json"]);
    let report = all.exits(0).complains("they are copied").json();
    assert_eq!((report["how"].as_str(), report["moved"].as_u64()), (Some("copy"), Some(30)));
    assert_eq!((dead.counts().0, jobs.drain().len()), (0, 30));

    is_moved_in_order(&platform);
    is_stopped_by_its_canary(&platform, &dead, &jobs);
}

fn is_moved_in_order(platform: &Platform) {
    let dead = Queue::of(platform, "acme-dev-provisioning-queue-dead-letters.fifo");
    let target = Queue::of(platform, "acme-dev-provisioning.fifo");
    dead.fill(0, 60);
    let mut arguments = vec!["ops", "dlq-redrive", "provisioning", "--copy", "--visibility", "2s"];
    arguments.extend(["--filter", "tenant != 'globex'", "--local", "-o", "json"]);
    let report = platform.run(&arguments).exits(0).json();
    assert_eq!((report["moved"].as_u64(), report["left"].as_u64()), (Some(40), Some(20)));
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for message in target.drain() {
        let group = &message.attributes().unwrap()[&MessageSystemAttributeName::MessageGroupId];
        groups.entry(group.clone()).or_default().push(number(&message));
    }
    assert_eq!(groups.keys().collect::<Vec<_>>(), ["acme", "initech"]);
    assert!(
        groups.values().all(|numbers| numbers.len() == 20 && numbers.is_sorted()),
        "{groups:?}"
    );
}

/// Nobody takes the jobs: the canary is not handled. Then somebody does.
fn is_stopped_by_its_canary(platform: &Platform, dead: &Queue, jobs: &Queue) {
    dead.fill(0, 30);
    let canary = redrive(&["--canary", "5", "--canary-wait", "8s"]);
    let stopped = platform.run(&canary).exits(7).complains("nothing more was moved");
    stopped.complains("platformctl resume");
    assert_eq!((dead.counts(), jobs.counts().0), ((25, 0), 5));
    let run = platform.newest().0.run;
    let done = Arc::new(AtomicBool::new(false));
    let (seen, consumer) = (Arc::clone(&done), jobs.clone());
    let consuming = std::thread::spawn(move || {
        let mut taken = 0;
        while !seen.load(Ordering::SeqCst) {
            taken += consumer.take().len();
            std::thread::sleep(Duration::from_millis(50));
        }
        taken + consumer.drain().len()
    });
    let resumed = platform.run(&["resume", &run, "-o", "json"]);
    done.store(true, Ordering::SeqCst);
    let taken = consuming.join().unwrap();
    assert_eq!(resumed.exits(0).json()["moved"], 30);
    assert_eq!((taken, dead.counts().0), (30, 0));
}
