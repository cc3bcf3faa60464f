//! Many writers at once.

use std::{
    collections::BTreeSet,
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use git_store::Store;
use runtime_core::pages::{History, limits};
use rustix::process::{Resource, Rlimit, setrlimit};
use simulated_efs::{Cache, Mounted, Profile, SimulatedEfs};

use crate::{
    child::{acknowledged, spawn},
    support::{Wiki, history, history_request, init, list, list_request, paths, read, write},
};

const WRITERS: usize = 5;
const WRITES: usize = 20;

/// Every page is there, each write is one commit, and each commit is on the line.
fn assert_nothing_lost(wiki: &Wiki, expected: &BTreeSet<String>) {
    assert_eq!(wiki.commits(), expected.len());
    let store = wiki.another_store();
    let listed = list(&store, list_request()).unwrap();
    assert!(paths(&listed).into_iter().eq(expected.iter().map(String::as_str)));
    for path in expected {
        assert_eq!(&read(&store, path).unwrap().body, path);
    }
    let request = History { limit: Some(limits::HISTORY), ..history_request() };
    let messages: BTreeSet<String> =
        history(&store, request).unwrap().commits.into_iter().map(|c| c.message).collect();
    let expected: BTreeSet<String> = expected.iter().map(|p| format!("Write {p}")).collect();
    assert_eq!(messages, expected);
    let temporary = wiki.repository().join("platform/temporary");
    assert_eq!(std::fs::read_dir(temporary).unwrap().count(), 0, "losers clean up");
}

fn pages() -> BTreeSet<String> {
    (0..WRITERS).flat_map(|w| (0..WRITES).map(move |n| format!("writer-{w}/{n}"))).collect()
}

#[test]
fn five_threads_write_twenty_pages_each() {
    let wiki = Wiki::new();
    let barrier = Barrier::new(WRITERS);
    thread::scope(|scope| {
        for w in 0..WRITERS {
            let (barrier, store) = (&barrier, wiki.another_store());
            scope.spawn(move || {
                barrier.wait();
                for n in 0..WRITES {
                    let path = format!("writer-{w}/{n}");
                    assert!(write(&store, &path, &path).unwrap().changed);
                }
            });
        }
    });
    assert_nothing_lost(&wiki, &pages());
}

#[test]
fn threads_may_share_a_store() {
    let wiki = Wiki::new();
    thread::scope(|scope| {
        for w in 0..WRITERS {
            let store = &wiki.store;
            scope.spawn(move || {
                for n in 0..4 {
                    write(store, &format!("{w}/{n}"), "x").unwrap();
                    read(store, &format!("{w}/{n}")).unwrap();
                }
            });
        }
    });
    assert_eq!(wiki.commits(), WRITERS * 4);
}

#[test]
fn five_processes_write_twenty_pages_each() {
    let wiki = Wiki::new();
    let children: Vec<_> = (0..WRITERS)
        .map(|w| spawn(wiki.root(), &format!("writer-{w}"), u32::try_from(WRITES).unwrap(), None))
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(acknowledged(&output.stdout).len(), WRITES);
    }
    assert_nothing_lost(&wiki, &pages());
}

#[test]
fn writers_of_one_page_all_get_a_commit() {
    let wiki = Wiki::new();
    thread::scope(|scope| {
        for w in 0..WRITERS {
            let store = wiki.another_store();
            scope.spawn(move || {
                for n in 0..5 {
                    write(&store, "page", &format!("{w} {n}")).unwrap();
                }
            });
        }
    });
    assert_eq!(wiki.commits(), WRITERS * 5);
}

#[test]
fn readers_never_see_half_a_write() {
    let wiki = Wiki::new();
    wiki.write("page", "0");
    thread::scope(|scope| {
        let store = wiki.another_store();
        let writer = Arc::new(scope.spawn(move || {
            for n in 1..=40 {
                write(&store, "page", &n.to_string()).unwrap();
            }
        }));
        for _ in 0..3 {
            let (store, writer) = (wiki.another_store(), Arc::clone(&writer));
            scope.spawn(move || {
                let mut last = 0;
                while !writer.is_finished() {
                    let now: u32 = read(&store, "page").unwrap().body.parse().unwrap();
                    assert!(now >= last, "went back from {last} to {now}");
                    last = now;
                }
            });
        }
    });
    assert_eq!(wiki.commits(), 41);
}

#[test]
fn one_of_many_makers_makes_the_wiki() {
    let folder = tempfile::tempdir().unwrap();
    let barrier = Barrier::new(8);
    let made: usize = thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|_| {
                let (barrier, store) = (&barrier, Store::new(folder.path()));
                scope.spawn(move || {
                    barrier.wait();
                    usize::from(init(&store))
                })
            })
            .collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).sum()
    });
    assert_eq!(made, 1);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

/// Writers on machines of their own, each a client of one file system with the latencies of
/// EFS: all get through within the budget that a write has by itself.
#[test]
fn writers_on_clients_of_their_own() {
    if let Err(error) = SimulatedEfs::available() {
        eprintln!("skipped: {error}");
        return;
    }
    let full = std::env::var_os("PLATFORMCTL_TEST_FULL").is_some();
    let (writers, each) = if full { (20, 10) } else { (5, 4) };
    // All stores, and the servers of what they see, are in this one process.
    let most = rustix::process::getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).unwrap();
    let wiki = Wiki::new();
    let mounts = tempfile::tempdir().unwrap();
    let clients: Vec<Mounted> = (0..writers)
        .map(|n| {
            let folder = mounts.path().join(n.to_string());
            std::fs::create_dir(&folder).unwrap();
            let profile = Profile::EFS_REGIONAL;
            SimulatedEfs::mount(wiki.root(), &folder, profile, Cache::Nfs).unwrap()
        })
        .collect();
    let barrier = Barrier::new(writers);
    let mut took: Vec<Duration> = thread::scope(|scope| {
        let work = |(w, client): (usize, &Mounted)| {
            let (barrier, store) = (&barrier, Store::new(client.path()));
            scope.spawn(move || {
                barrier.wait();
                let write = |n| {
                    let path = format!("writer-{w}/{n}");
                    let begun = Instant::now();
                    write(&store, &path, &path).unwrap();
                    begun.elapsed()
                };
                (0..each).map(write).collect::<Vec<_>>()
            })
        };
        let threads: Vec<_> = clients.iter().enumerate().map(work).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    let (median, last) = (at(50), at(100));
    eprintln!("{writers} writers × {each}: median {median:?}, p95 {:?}, {last:?} at most", at(95));
    drop(clients);
    let expected = (0..writers).flat_map(|w| (0..each).map(move |n| format!("writer-{w}/{n}")));
    assert_nothing_lost(&wiki, &expected.collect());
}
