//! Consolidation: what it leaves, what it must not touch, and who may be at work beside.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, SystemTime},
};

use git_store::{Options, Store};
use runtime_core::pages::{History, Init, Maintain, Request, Response, limits};

use crate::{
    child::{self, spawn},
    support::{
        Wiki, git, history, history_request, list, list_request, maintain, paths, read, read_at,
        write,
    },
};

/// A store that removes what it has replaced at the next request.
fn hasty(wiki: &Wiki) -> Store {
    let mut options = Options::default();
    options.retention = Duration::ZERO;
    Store::with_options(wiki.root(), options)
}

fn packs(wiki: &Wiki) -> Vec<PathBuf> {
    let folder = fs::read_dir(wiki.repository().join("objects/pack")).unwrap();
    folder.map(|entry| entry.unwrap().path()).collect()
}

fn age(path: &Path, age: Duration) {
    fs::File::open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

#[test]
fn many_packs_become_few_and_nothing_is_lost() {
    let wiki = Wiki::new();
    let warm = wiki.another_store();
    let mut commits = Vec::new();
    for n in 0..60 {
        let path = format!("folder-{}/page-{}", n % 3, n % 20);
        commits.push((path.clone(), n.to_string(), write(&warm, &path, &n.to_string()).unwrap()));
    }
    assert_eq!(packs(&wiki).len(), 120);
    let store = hasty(&wiki);
    let done = maintain(&store);
    assert_eq!((done.commits, done.packs, done.removed, done.finished), (59, 1, 0, true));
    let done = maintain(&store);
    assert_eq!((done.commits, done.packs, done.removed), (0, 1, 118));
    assert_eq!(packs(&wiki).len(), 4, "the head's, and one of all others");
    wiki.check();
    for store in [&warm, &store, &wiki.another_store()] {
        for (path, body, written) in &commits {
            let page = read_at(store, path, Some(written.commit.as_str())).unwrap();
            assert_eq!(page.body, *body);
        }
        let request = History { limit: Some(limits::HISTORY), ..history_request() };
        assert_eq!(history(store, request).unwrap().commits.len(), 60);
        assert_eq!(list(store, list_request()).unwrap().pages.len(), 60);
    }
    // And again, on top.
    for n in 0..10 {
        write(&warm, "more", &n.to_string()).unwrap();
    }
    let done = maintain(&store);
    assert_eq!((done.commits, done.packs), (10, 2));
    for n in 0..20 {
        write(&warm, "more", &format!("again {n}")).unwrap();
    }
    let done = maintain(&store);
    assert_eq!((done.commits, done.packs), (20, 2), "small ones were put together");
    maintain(&store);
    assert_eq!(packs(&wiki).len(), 6);
    assert_eq!(wiki.commits(), 90);
    let deltas = wiki.git(&["cat-file", "--batch-all-objects", "--batch-check=%(deltabase)"]);
    assert!(deltas.lines().filter(|base| !base.starts_with("0000")).count() > 50);
}

#[test]
fn an_empty_wiki_needs_none() {
    let wiki = Wiki::new();
    assert_eq!(maintain(&wiki.store).packs, 0);
    wiki.write("a", "x");
    let done = maintain(&wiki.store);
    assert_eq!((done.commits, done.packs, done.finished), (0, 0, true));
}

#[test]
fn without_time_it_goes_on_later() {
    let wiki = Wiki::new();
    for n in 0..20 {
        wiki.write("a", &n.to_string());
    }
    let mut options = Options::default();
    options.maintenance_budget = Duration::ZERO;
    let done = maintain(&Store::with_options(wiki.root(), options));
    assert_eq!((done.commits, done.finished), (0, false));
    assert_eq!(maintain(&wiki.store).commits, 19);
}

#[test]
fn older_repositories_are_consolidated() {
    let wiki = Wiki::older(12);
    for n in 0..5 {
        wiki.write(&format!("old/{n}"), "new");
    }
    let loose = || -> Vec<PathBuf> {
        let objects = fs::read_dir(wiki.repository().join("objects")).unwrap();
        let shards = objects.map(|e| e.unwrap().path());
        shards
            .filter(|path| path.file_name().unwrap().len() == 2)
            .flat_map(|path| fs::read_dir(path).unwrap().map(|file| file.unwrap().path()))
            .collect()
    };
    let store = hasty(&wiki);
    let before = wiki.read("old/7").commit;
    let done = maintain(&store);
    assert_eq!((done.commits, done.packs), (16, 1));
    assert!(!loose().is_empty(), "they are too young to go");
    for path in loose() {
        age(&path, Duration::from_hours(2));
    }
    maintain(&store);
    assert_eq!(loose(), Vec::<PathBuf>::new());
    assert_eq!(packs(&wiki).len(), 4);
    let store = wiki.another_store();
    assert_eq!(read_at(&store, "old/7", Some(before.as_str())).unwrap().body, "old/7");
    assert_eq!(read(&store, "old/3").unwrap().body, "new");
    assert_eq!(wiki.commits(), 17);
}

#[test]
fn packs_of_git_are_listed_and_left_alone() {
    let wiki = Wiki::new();
    for n in 0..10 {
        wiki.write(&format!("a/{n}"), "x");
    }
    wiki.git(&["gc", "--quiet"]);
    let made_by_git = packs(&wiki);
    for n in 0..10 {
        wiki.write(&format!("b/{n}"), "x");
    }
    let store = hasty(&wiki);
    let done = maintain(&store);
    assert_eq!((done.commits, done.packs), (9, 2));
    maintain(&store);
    assert!(made_by_git.iter().all(|path| path.exists()));
    let listed = fs::read_to_string(wiki.repository().join("platform/packs")).unwrap();
    assert!(listed.contains("\nforeign pack-"), "{listed}");
    assert_eq!(paths(&list(&wiki.another_store(), list_request()).unwrap()).len(), 20);
    // All of it packed by git once more: the list is wrong, and does no harm.
    wiki.git(&["gc", "--quiet"]);
    assert_eq!(read(&wiki.another_store(), "a/3").unwrap().body, "x");
    assert_eq!(read(&store, "b/3").unwrap().body, "x");
    wiki.write("c", "x");
    assert!(maintain(&store).finished);
    assert_eq!(read(&wiki.another_store(), "a/3").unwrap().body, "x");
    assert_eq!(wiki.commits(), 21);
}

#[test]
fn the_dead_are_cleared_away_and_the_slow_are_not() {
    let wiki = Wiki::new();
    wiki.write("a", "x");
    wiki.write("b", "x");
    spawn(wiki.root(), "child", 1, Some("ObjectsDurable")).wait().unwrap();
    spawn(wiki.root(), "child", 1, Some("PackWritten")).wait().unwrap();
    assert!(packs(&wiki).len() > 4);
    // They might still go on: nobody has their place.
    let count = packs(&wiki).len();
    maintain(&hasty(&wiki));
    assert_eq!(packs(&wiki).len(), count);
    wiki.write("c", "x");
    maintain(&hasty(&wiki));
    maintain(&hasty(&wiki));
    assert_eq!(packs(&wiki).len(), 4);
    // What was not complete goes after a day.
    let incomplete = wiki.repository().join(format!("objects/pack/pack-{}.pack", "1".repeat(40)));
    fs::write(&incomplete, "PACK").unwrap();
    maintain(&hasty(&wiki));
    assert!(incomplete.exists());
    age(&incomplete, Duration::from_hours(25));
    maintain(&hasty(&wiki));
    assert!(!incomplete.exists());
}

#[test]
fn killed_at_every_point_it_is_done_again() {
    for point in ["Consolidated", "Catalogued", "Removed", "Removed/2", "Removed/7"] {
        let wiki = Wiki::new();
        for n in 0..10 {
            wiki.write(&format!("{}", n % 3), &n.to_string());
        }
        if point.starts_with("Removed") {
            maintain(&hasty(&wiki));
        }
        let output = child::maintain(wiki.root(), point).wait_with_output().unwrap();
        assert!(!output.status.success(), "survived {point}");
        wiki.check();
        assert_eq!(history(&wiki.another_store(), history_request()).unwrap().commits.len(), 10);
        wiki.write("after", "x");
        for path in packs(&wiki) {
            if path.to_string_lossy().contains("pack-00000000") {
                age(&path, Duration::from_hours(2));
            }
        }
        for _ in 0..2 {
            assert!(maintain(&hasty(&wiki)).finished);
            wiki.check();
        }
        maintain(&hasty(&wiki));
        assert!(packs(&wiki).len() <= 6, "{point}: {:?}", packs(&wiki));
        assert_eq!(history(&wiki.another_store(), history_request()).unwrap().commits.len(), 11);
    }
}

#[test]
fn everybody_at_once() {
    const WRITERS: usize = 3;
    const WRITES: usize = 25;
    let wiki = Wiki::new();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|w| {
                let store = wiki.another_store();
                scope.spawn(move || {
                    for n in 0..WRITES {
                        let path = format!("writer-{w}/{}", n % 7);
                        let written = write(&store, &path, &format!("{w} {n}")).unwrap();
                        let page = read_at(&store, &path, Some(written.commit.as_str())).unwrap();
                        assert_eq!(page.body, format!("{w} {n}"));
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            scope.spawn(|| {
                let store = hasty(&wiki);
                while !over.load(Ordering::SeqCst) {
                    maintain(&store);
                }
            });
        }
        scope.spawn(|| {
            let store = wiki.another_store();
            while !over.load(Ordering::SeqCst) {
                for entry in list(&store, list_request()).unwrap().pages {
                    read(&store, &entry.path).unwrap();
                }
                for entry in history(&store, history_request()).unwrap().commits {
                    read_at(&wiki.another_store(), "writer-0/0", Some(entry.commit.as_str())).ok();
                }
            }
        });
        let results: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        over.store(true, Ordering::SeqCst);
        assert!(results.iter().all(Result::is_ok));
    });
    assert_eq!(wiki.commits(), WRITERS * WRITES);
    for _ in 0..3 {
        maintain(&hasty(&wiki));
        wiki.check();
    }
    let request = History { limit: Some(limits::HISTORY), ..history_request() };
    assert_eq!(history(&wiki.another_store(), request).unwrap().commits.len(), WRITERS * WRITES);
}

#[test]
fn git_clones_beside_writers_and_maintenance() {
    let wiki = Wiki::new();
    wiki.write("a", "x");
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let store = wiki.another_store();
            for n in 0.. {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                write(&store, &format!("page-{}", n % 9), &n.to_string()).unwrap();
            }
        });
        scope.spawn(|| {
            let mut options = Options::default();
            // Longer than a clone takes, even here.
            options.retention = Duration::from_secs(5);
            let store = Store::with_options(wiki.root(), options);
            while !over.load(Ordering::SeqCst) {
                maintain(&store);
                thread::sleep(Duration::from_millis(20));
            }
        });
        let cloned = thread::scope(|scope| {
            let clones = (0..2).map(|n| {
                let wiki = &wiki;
                scope.spawn(move || {
                    for _ in 0..10 {
                        let clone = wiki.root().join(format!("clone-{n}.git"));
                        let output = Command::new("git")
                            .args(["clone", "-q", "--bare", "--no-local"])
                            .args([&wiki.repository(), &clone])
                            .output()
                            .unwrap();
                        let message = String::from_utf8_lossy(&output.stderr).into_owned();
                        assert!(output.status.success(), "{message}");
                        git(&clone, &["fsck", "--strict"]);
                        fs::remove_dir_all(&clone).unwrap();
                    }
                })
            });
            let clones: Vec<_> = clones.collect();
            clones.into_iter().map(thread::ScopedJoinHandle::join).all(|result| result.is_ok())
        });
        over.store(true, Ordering::SeqCst);
        assert!(cloned);
    });
}

#[test]
fn all_wikis_are_maintained_at_once_and_one_that_is_broken_is_told_of() {
    let wiki = Wiki::new();
    let init = |name: &str| {
        let request = Request::Init(Init { wiki: name.parse().unwrap() });
        wiki.store.handle(&request).into_result().unwrap();
    };
    for name in ["other", "empty"] {
        init(name);
    }
    for n in 0..20 {
        write(&wiki.store, "page", &n.to_string()).unwrap();
    }
    fs::create_dir(wiki.root().join("no wiki")).unwrap();
    let all = || wiki.store.handle(&Request::Maintain(Maintain { wiki: None })).into_result();
    let Ok(Response::Maintain(done)) = all() else { panic!() };
    assert!(done.finished && done.commits >= 19 && done.packs >= 1, "{done:?}");

    fs::write(wiki.root().join("other.git/refs/heads/main"), "no id").unwrap();
    for n in 0..20 {
        write(&wiki.store, "page", &format!("again {n}")).unwrap();
    }
    assert!(all().is_err());
    let Response::Maintain(done) = all_but_broken(&wiki) else { panic!() };
    assert_eq!(done.commits, 0, "it had its turn");
}

fn all_but_broken(wiki: &Wiki) -> Response {
    fs::remove_dir_all(wiki.root().join("other.git")).unwrap();
    let store = wiki.another_store();
    store.handle(&Request::Maintain(Maintain { wiki: None })).into_result().unwrap()
}
