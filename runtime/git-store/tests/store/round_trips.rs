//! How often a request reaches the file system: pinned, for each costs a round trip to
//! the server. Counted by a FUSE file system that remembers what an NFS client would.
//!
//! A test that fails here because a number went *down* wants its number changed.

use std::{
    collections::BTreeMap,
    env,
    io::Write as _,
    process::{Command, Stdio},
};

use git_store::Store;
use simulated_efs::{Cache, Counts, Kind, Mounted, Profile, SimulatedEfs};

use crate::support::{Wiki, git_command, maintain, read, write};

/// A wiki, seen by clients that count.
struct Counted {
    wiki: Wiki,
    mounts: tempfile::TempDir,
}

/// One client: a mount of its own, so that it knows nothing that another one does.
struct Client {
    store: Store,
    mounted: Mounted,
}

impl Counted {
    /// `None`, with a message, where nothing can be mounted.
    fn new(wiki: Wiki) -> Option<Self> {
        if let Err(error) = SimulatedEfs::available() {
            eprintln!("skipped: {error}");
            return None;
        }
        Some(Self { wiki, mounts: tempfile::tempdir().unwrap() })
    }

    fn client(&self) -> Client {
        let folder = tempfile::tempdir_in(self.mounts.path()).unwrap().keep();
        let mounted =
            SimulatedEfs::mount(self.wiki.root(), &folder, Profile::NONE, Cache::Nfs).unwrap();
        Client { store: Store::new(&folder), mounted }
    }
}

impl Client {
    /// What `work` asks the file system for. Closes and releases are left out: nobody
    /// waits for them, and so they come when they please.
    fn count<T>(&self, work: impl FnOnce(&Store) -> T) -> BTreeMap<&'static str, u64> {
        let before = self.mounted.counts();
        work(&self.store);
        let counts = self.mounted.counts().since(&before);
        let waited_for =
            |kind: &Kind| !matches!(kind, Kind::Close | Kind::Release | Kind::Releasedir);
        let of = |counts: &Counts, kind: Kind| (kind.name(), counts.of(kind));
        Kind::ALL
            .into_iter()
            .filter(waited_for)
            .map(|kind| of(&counts, kind))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

/// A wiki of `pages` pages in folders of 100, as git would import it, and maintained.
fn imported(pages: usize) -> Wiki {
    let wiki = Wiki::new();
    let mut stream = String::from("commit refs/heads/main\n");
    stream.push_str("committer x <x@y> 1700000000 +0000\ndata 6\nimport\n");
    for n in 0..pages {
        let body = format!("page {n}\n");
        let path = page(n);
        stream += &format!("M 100644 inline {path}\ndata {}\n{body}\n", body.len());
    }
    let mut import = git_command(&wiki.repository())
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    maintain(&wiki.store);
    wiki
}

fn page(n: usize) -> String {
    format!("{:03}/{:02}", n / 100, n % 100)
}

/// A request, and how often it may ask.
fn assert_operations(
    what: &str,
    counts: &BTreeMap<&'static str, u64>,
    expected: &[(&'static str, u64)],
) {
    assert_eq!(*counts, expected.iter().copied().collect(), "{what}");
}

/// A commit's own operations: three files, two of which get another name, and a claim.
const COMMIT: [(&str, u64); 6] =
    [("create", 3), ("write", 3), ("fsync", 3), ("rename", 2), ("symlink", 1), ("fsyncdir", 3)];

/// [`COMMIT`], and these.
fn commit_and(more: &[(&'static str, u64)]) -> Vec<(&'static str, u64)> {
    [&COMMIT, more].concat()
}

/// Sixty commits since the last maintenance: their packs take in each other, so that
/// few are read to find any page.
fn count_recent() {
    let Some(counted) = Counted::new(imported(1_000)) else { return };
    let ours = counted.client();
    for n in 0..60 {
        write(&ours.store, &page(n * 7), "recent").unwrap();
    }
    for n in [0, 30, 55] {
        let counts = counted.client().count(|store| read(store, &page(n * 7)).unwrap());
        let operations: u64 = counts.values().sum();
        // 26 of them without those packs; each of four is looked up, opened, read and closed.
        assert!(operations <= 26 + 4 * 4 + 2, "{operations}: {counts:?}");
    }
}

/// The counts do not depend on the wiki's size: that is the point.
fn count_all(pages: usize) {
    let Some(counted) = Counted::new(imported(pages)) else { return };
    let (ours, others) = (counted.client(), counted.client());
    let last = page(pages - 1);
    write(&ours.store, "000/00", "first").unwrap();

    let counts = ours.count(|store| write(store, "000/00", "again").unwrap());
    // Its own reference is read back, and nothing else.
    let expected = commit_and(&[("lookup", 7), ("getattr", 1), ("open", 1), ("read", 1)]);
    assert_operations("a second commit", &counts, &expected);

    let counts = ours.count(|store| write(store, "000/00", "and again").unwrap());
    // Not even that: it was alone so far.
    let expected = commit_and(&[("lookup", 7)]);
    assert_operations("a warm commit", &counts, &expected);

    ours.count(|store| read(store, "000/00").unwrap());
    let counts = ours.count(|store| read(store, "000/00").unwrap());
    assert_operations("a warm read, nothing new", &counts, &[("open", 1)]);

    write(&others.store, "000/00", "others").unwrap();
    let counts = ours.count(|store| assert_eq!(read(store, "000/00").unwrap().body, "others"));
    // The reference, and the pack of the other commit. One open is of a stale name.
    let expected = [("lookup", 4), ("open", 3), ("read", 2)];
    assert_operations("a warm read after another's commit", &counts, &expected);

    write(&others.store, "000/00", "others again").unwrap();
    let counts = ours.count(|store| write(store, "000/00", "ours").unwrap());
    let expected = commit_and(&[("lookup", 11), ("open", 3), ("read", 2)]);
    assert_operations("a warm commit after another's", &counts, &expected);

    let largest = |counts: &BTreeMap<&'static str, u64>, reads: u64| {
        // The index is read in parts when it is large.
        let read = counts["read"];
        assert!(read <= reads, "{read} reads");
        let mut counts = counts.clone();
        counts.remove("read");
        counts
    };
    let counts = counted.client().count(|store| read(store, "000/00").unwrap());
    // Packs are opened meanwhile, if there are any, though nothing is found in them.
    let expected = match pages {
        1 => [("lookup", 11), ("open", 2)],
        _ => [("lookup", 13), ("open", 5)],
    };
    let what = "a cold read of the page that was written last";
    assert_operations(what, &largest(&counts, 5), &expected);

    if pages == 1 {
        return;
    }
    // While packs are opened, it may look for that of a further commit, in vain.
    let reads = if pages > 5_000 { 12 } else { 9 };
    let largest = |counts: &BTreeMap<&'static str, u64>, lookups: u64| {
        let mut counts = largest(counts, reads);
        counts.entry("lookup").and_modify(|found| *found -= u64::from(*found == lookups + 1));
        counts
    };
    let counts = counted.client().count(|store| read(store, &last).unwrap());
    let expected = [("lookup", 13), ("open", 5)];
    assert_operations("a cold read of any page", &largest(&counts, 13), &expected);

    let counts = counted.client().count(|store| write(store, &last, "x").unwrap());
    let expected = commit_and(&[("lookup", 21), ("opendir", 2), ("open", 5)]);
    assert_operations("a cold commit to any page", &largest(&counts, 21), &expected);
}

const PAGES: &str = "TEST_PAGES";
/// As a number of pages: [`count_recent`].
const RECENT: usize = 0;

#[test]
#[ignore = "the body of the processes that other tests start"]
fn counter() {
    match env::var(PAGES).map(|pages| pages.parse().unwrap()) {
        Ok(RECENT) => count_recent(),
        Ok(pages) => count_all(pages),
        Err(_) => {}
    }
}

/// Counts in a process of its own. Here, other tests start processes: each of those has
/// all open files for a moment, and closes them. If the machine is so slow that what a
/// client remembers gets too old meanwhile, once more.
fn count(pages: usize) {
    const ATTEMPTS: u32 = 3;
    for attempt in 1..=ATTEMPTS {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "round_trips::counter", "--ignored", "--nocapture"])
            .env(PAGES, pages.to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            eprintln!("{said}");
            return;
        }
        assert!(attempt < ATTEMPTS, "{said}");
    }
}

#[test]
fn one_page() {
    count(1);
}

#[test]
fn sixty_commits_since_maintenance() {
    count(RECENT);
}

#[test]
fn a_thousand_pages() {
    count(1_000);
}

#[test]
fn five_thousand_pages() {
    count(5_000);
}

#[test]
fn fifty_thousand_pages() {
    if env::var_os("PLATFORMCTL_TEST_FULL").is_some() {
        count(50_000);
    } else {
        eprintln!("skipped: takes half a minute; set PLATFORMCTL_TEST_FULL=1");
    }
}
