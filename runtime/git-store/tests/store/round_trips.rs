//! How often a request reaches the file system: pinned, for each costs a round trip to
//! the server. Counted by a FUSE file system that remembers what an NFS client would.
//!
//! A test that fails here because a number went *down* wants its number changed.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::Path,
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
    /// What `work` asks the file system for. Releases are left out: nobody waits for
    /// them, and so they come when they please.
    fn count<T>(&self, work: impl FnOnce(&Store) -> T) -> BTreeMap<&'static str, u64> {
        let before = self.mounted.counts();
        work(&self.store);
        let counts = self.mounted.counts().since(&before);
        let waited_for = |kind: &Kind| !matches!(kind, Kind::Release | Kind::Releasedir);
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

#[test]
fn probe() {
    for pages in [1, 1000, 5000] {
        let counted = Counted::new(imported(pages)).unwrap();
        let (ours, others) = (counted.client(), counted.client());
        write(&ours.store, "000/00", "first").unwrap();
        let show = |what: &str, c: BTreeMap<&'static str, u64>| {
            eprintln!("{pages} {what}: {} {c:?}", c.values().sum::<u64>());
        };
        for n in 0..3 {
            show("warm commit", ours.count(|s| write(s, "000/00", &format!("w{n}")).unwrap()));
        }
        show("warm read", ours.count(|s| read(s, "000/00").unwrap()));
        for n in 0..3 {
            write(&others.store, "000/00", &format!("o{n}")).unwrap();
            show("warm read moved", ours.count(|s| read(s, "000/00").unwrap()));
        }
        for n in 0..3 {
            write(&others.store, "000/00", &format!("oo{n}")).unwrap();
            show(
                "warm commit moved",
                ours.count(|s| write(s, "000/00", &format!("x{n}")).unwrap()),
            );
        }
        show("cold read", counted.client().count(|s| read(s, "000/00").unwrap()));
        show("cold read other", counted.client().count(|s| read(s, &page(pages - 1)).unwrap()));
        show("cold commit", counted.client().count(|s| write(s, &page(pages - 1), "x").unwrap()));
    }
}
