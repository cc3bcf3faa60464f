//! Writers that are killed, at each point and at any time.

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    process::Child,
    thread,
    time::{Duration, Instant, SystemTime},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    child::{acknowledged, spawn},
    support::{Wiki, git, init, read, write},
};

/// What a writer may take after another one was killed. Generous for a slow
/// machine, and far below any lock's time-out.
const PROMPT: Duration = Duration::from_secs(2);

/// The points that a write of `child/0` passes.
const POINTS: [&str; 9] = [
    "HeadFound",
    "PackWritten",
    "IndexWritten",
    "ReferencePrepared",
    "ObjectsDurable",
    "Indexed",
    "Claimed",
    "ClaimDurable",
    "Published",
];

#[track_caller]
fn write_promptly(wiki: &Wiki, path: &str) {
    let started = Instant::now();
    write(&wiki.another_store(), path, path).unwrap();
    assert!(started.elapsed() < PROMPT, "took {:?}", started.elapsed());
}

fn die_at_every_point(first: bool) {
    for point in POINTS {
        let wiki = Wiki::new();
        if !first {
            wiki.write("before", "x");
        }
        let output = spawn(wiki.root(), "child", 1, Some(point)).wait_with_output().unwrap();
        assert!(!output.status.success(), "survived {point}");
        assert!(acknowledged(&output.stdout).is_empty());
        wiki.check();

        write_promptly(&wiki, "after");
        wiki.check();
        let claimed = ["Claimed", "ClaimDurable", "Published"].contains(&point);
        let survived = read(&wiki.another_store(), "child/0").is_ok();
        // The index gets its name while the claim is made.
        let claimed = if point == "Indexed" { survived } else { claimed };
        assert_eq!(survived, claimed, "killed at {point}");
        assert_eq!(wiki.read("after").body, "after");
        assert_eq!(wiki.commits(), 1 + usize::from(claimed) + usize::from(!first), "{point}");
    }
}

#[test]
fn killed_at_every_point_of_the_first_commit() {
    die_at_every_point(true);
}

#[test]
fn killed_at_every_point_of_a_later_commit() {
    die_at_every_point(false);
}

#[test]
fn a_reader_repairs_what_a_killed_writer_left() {
    let wiki = Wiki::new();
    wiki.write("before", "x");
    spawn(wiki.root(), "child", 1, Some("Claimed")).wait().unwrap();
    assert_eq!(wiki.commits(), 1, "the reference lags behind");
    assert_eq!(wiki.read("child/0").body, "child/0");
    assert_eq!(wiki.commits(), 2, "and was repaired");
}

#[test]
fn a_chain_of_killed_writers() {
    let wiki = Wiki::new();
    for n in 0..5 {
        spawn(wiki.root(), &format!("child-{n}"), 1, Some("ClaimDurable")).wait().unwrap();
    }
    // Each one found its predecessor's commit, though nobody ever published.
    for n in 0..5 {
        assert_eq!(wiki.read(&format!("child-{n}/0")).body, format!("child-{n}/0"));
    }
    assert_eq!(wiki.commits(), 5);
}

/// Waits for the first page that `child` has written.
fn await_acknowledgement(child: &mut Child) -> String {
    // Byte by byte: what comes after the line stays in the pipe.
    let mut line = Vec::new();
    let mut byte = [0];
    let out = child.stdout.as_mut().unwrap();
    loop {
        out.read_exact(&mut byte).unwrap();
        if byte != *b"\n" {
            line.push(byte[0]);
        } else if let Some(path) = acknowledged(&line).pop() {
            return path;
        } else {
            line.clear();
        }
    }
}

#[test]
fn killed_at_random_times_nothing_acknowledged_is_lost() {
    const ROUNDS: u64 = 12;
    let mut random = StdRng::seed_from_u64(7);
    let wiki = Wiki::new();
    let mut expected = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut children: Vec<Child> = (0..3)
            .map(|n| spawn(wiki.root(), &format!("round-{round}-child-{n}"), 10_000, None))
            .collect();
        // The first one is at work when the killing begins; the others may be
        // anywhere from being started to their second page.
        expected.insert(await_acknowledgement(&mut children[0]));
        for mut child in children {
            thread::sleep(Duration::from_millis(random.random_range(0..40)));
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            expected.extend(acknowledged(&output.stdout));
        }
        let path = format!("round-{round}-after");
        write_promptly(&wiki, &path);
        expected.insert(path);
    }
    let store = wiki.another_store();
    for path in &expected {
        assert_eq!(&read(&store, path).unwrap().body, path);
    }
    let commits = wiki.commits();
    // A commit whose writer was killed before it could say so is no loss.
    assert!(commits >= expected.len(), "{commits} commits, {} acknowledged", expected.len());
    assert!(commits <= expected.len() + 3 * usize::try_from(ROUNDS).unwrap());
}

#[test]
fn init_sweeps_up_after_the_dead_and_leaves_the_living_alone() {
    let wiki = Wiki::new();
    let old = SystemTime::now() - Duration::from_hours(2);
    let touch = |name: &str| {
        let path = wiki.repository().join("platform/temporary").join(name);
        fs::write(&path, "x").unwrap();
        path
    };
    let abandoned = touch("abandoned");
    fs::File::open(&abandoned).unwrap().set_modified(old).unwrap();
    let alive = touch("alive");
    let unfinished = wiki.root().join(".init-0123");
    fs::create_dir_all(unfinished.join("objects")).unwrap();
    fs::File::open(&unfinished).unwrap().set_modified(old).unwrap();

    assert!(!init(&wiki.store));
    assert!(!abandoned.exists() && !unfinished.exists());
    assert!(alive.exists());
    assert!(git(&wiki.repository(), &["rev-parse", "--is-bare-repository"]) == "true");
}

#[test]
fn a_commit_whose_writer_died_before_its_index_was_named_gets_one() {
    let wiki = Wiki::new();
    let before = wiki.write("before", "x").commit;
    let lost = wiki.write("lost", "x").commit;
    let packs = wiki.repository().join("objects/pack");
    let index = packs.join(format!("pack-{}.idx", lost.as_str()));
    let bytes = fs::read(&index).unwrap();
    fs::remove_file(&index).unwrap();
    fs::write(wiki.repository().join("refs/heads/main"), format!("{}\n", before.as_str())).unwrap();
    wiki.check();

    assert_eq!(read(&wiki.another_store(), "lost").unwrap().body, "x");
    assert_eq!(fs::read(&index).unwrap(), bytes, "the same that was lost");
    assert_eq!(wiki.commits(), 2, "git sees it");
}
