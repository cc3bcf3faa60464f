//! Each operation, alone.

use git_store::Store;
use runtime_core::pages::{ErrorCode, History, List, Ping, Reply, Request, Response, limits};

use crate::support::{
    Wiki, assert_code, history, history_request, init, list, list_request, paths, read, read_at,
    write, write_expecting,
};

#[test]
fn ping_needs_no_folder() {
    let reply = Store::new("/nowhere").handle(&Request::Ping(Ping {}));
    assert!(matches!(reply, Reply::Ok(Response::Ping(pong)) if !pong.version.is_empty()));
}

#[test]
fn init_is_idempotent() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    assert!(init(&store));
    assert!(!init(&store));
    assert!(!init(&Store::new(folder.path())));
}

#[test]
fn an_empty_wiki_answers_everything() {
    let wiki = Wiki::new();
    assert_code(read(&wiki.store, "home"), ErrorCode::NotFound);
    let page = history(&wiki.store, history_request()).unwrap();
    assert!(page.commits.is_empty() && page.next.is_none());
    let page = list(&wiki.store, list_request()).unwrap();
    assert!(page.commit.is_none() && page.pages.is_empty() && !page.truncated);
}

#[test]
fn a_page_can_be_written_and_read_back() {
    let wiki = Wiki::new();
    let written = wiki.write("home.md", "# Hello\n");
    assert!(written.changed);
    assert_eq!(written.attempts, 1);
    let page = wiki.read("home.md");
    assert_eq!((page.body.as_str(), &page.commit), ("# Hello\n", &written.commit));
    // A process that knows nothing yet sees the same.
    assert_eq!(read(&wiki.another_store(), "home.md").unwrap().blob, page.blob);
    assert_eq!(wiki.git(&["show", "main:home.md"]), "# Hello");
    assert_eq!(
        wiki.git(&["log", "--format=%an <%ae> %cn <%ce> %s"]),
        "Ada <ada@example.com> platform <platform@localhost> Write home.md"
    );
}

#[test]
fn bodies_of_every_size_survive() {
    let wiki = Wiki::new();
    let random: String =
        (0..limits::BODY).map(|_| char::from(rand::random_range(b' '..=b'~'))).collect();
    for (path, body) in
        [("empty", ""), ("nul", "a\0b"), ("crlf", "a\r\nb"), ("large", random.as_str())]
    {
        wiki.write(path, body);
        assert!(read(&wiki.another_store(), path).unwrap().body == body, "{path} differs");
    }
}

#[test]
fn an_identical_write_makes_no_commit() {
    let wiki = Wiki::new();
    let first = wiki.write("a/b", "text");
    wiki.write("other", "text");
    let again = wiki.write("a/b", "text");
    assert!(!again.changed);
    assert_ne!(again.commit, first.commit, "the head is answered, not the page's last commit");
    assert_eq!(wiki.commits(), 2);
    // Back to a former text is a change, although all of its objects exist.
    wiki.write("a/b", "other text");
    assert!(wiki.write("a/b", "text").changed);
    assert_eq!(wiki.commits(), 4);
}

#[test]
fn an_expected_head_is_compared() {
    let wiki = Wiki::new();
    let first = write_expecting(&wiki.store, "a", "1", None).unwrap();
    let error = write_expecting(&wiki.store, "a", "2", None).unwrap_err();
    assert_eq!((error.code, error.head.as_ref()), (ErrorCode::Conflict, Some(&first.commit)));
    assert_eq!(error.field.as_deref(), Some("expected_head"));
    let second = write_expecting(&wiki.store, "a", "2", Some(&first.commit)).unwrap();
    assert_code(write_expecting(&wiki.store, "a", "3", Some(&first.commit)), ErrorCode::Conflict);
    assert_eq!(wiki.read("a").commit, second.commit);
    assert_eq!(wiki.read("a").body, "2");
}

#[test]
fn unicode_and_nested_paths() {
    let wiki = Wiki::new();
    let deep = vec!["d"; limits::PATH_SEGMENTS].join("/");
    let all = ["docs/Einführung.md", "日本語/ページ", "a b/c d.md", "emoji/👩‍💻", deep.as_str()];
    for path in all {
        wiki.write(path, path);
    }
    for path in all {
        assert_eq!(read(&wiki.another_store(), path).unwrap().body, path);
    }
    assert_eq!(wiki.commits(), all.len());
}

#[test]
fn revisions_whole_and_abbreviated() {
    let wiki = Wiki::new();
    let first = wiki.write("a", "1").commit;
    wiki.write("a", "2");
    let old = |revision: &str| read_at(&wiki.store, "a", Some(revision));
    assert_eq!(old(first.as_str()).unwrap().body, "1");
    assert_eq!(old(&first.as_str()[..7]).unwrap().body, "1");
    assert_eq!(old(&first.as_str()[..12]).unwrap().commit, first);
    assert_code(old("0000000"), ErrorCode::NotFound);
    assert_code(old(&"0".repeat(40)), ErrorCode::NotFound);
    // A blob's or tree's id is no revision.
    let blob = wiki.read("a").blob;
    assert_code(old(&blob), ErrorCode::NotFound);
    assert_code(old(&blob[..10]), ErrorCode::NotFound);
}

#[test]
fn history_is_newest_first_and_can_be_paged() {
    let wiki = Wiki::new();
    for n in 0..5 {
        wiki.write("a", &n.to_string());
    }
    let all = history(&wiki.store, history_request()).unwrap();
    assert_eq!(all.commits.len(), 5);
    assert!(all.next.is_none());
    assert_eq!(all.commits[0].commit, wiki.read("a").commit);
    assert_eq!(all.commits[0].name, "Ada");
    assert_eq!(all.commits[0].message, "Write a");
    assert!(all.commits[0].time > 1_700_000_000);
    let git = wiki.git(&["log", "--format=%H"]);
    assert!(git.lines().eq(all.commits.iter().map(|entry| entry.commit.as_str())));

    let first = History { limit: Some(2), ..history_request() };
    let first = history(&wiki.store, first).unwrap();
    assert_eq!(first.commits[..], all.commits[..2]);
    let rest = History { from: first.next.map(Into::into), ..history_request() };
    assert_eq!(history(&wiki.store, rest).unwrap().commits[..], all.commits[2..]);
}

#[test]
fn history_of_a_path() {
    let wiki = Wiki::new();
    let first = wiki.write("docs/a", "1").commit;
    let second = wiki.write("docs/b", "1").commit;
    wiki.write("other", "1");
    let last = wiki.write("docs/a", "2").commit;
    let of = |path: &str| {
        let path = Some(path.parse().unwrap());
        let page = history(&wiki.store, History { path, ..history_request() }).unwrap();
        page.commits.into_iter().map(|entry| entry.commit).collect::<Vec<_>>()
    };
    assert_eq!(of("docs/a"), [last.clone(), first.clone()]);
    assert_eq!(of("docs"), [last, second, first]);
    assert_eq!(of("absent"), []);
    assert_eq!(of("other/below"), []);
}

#[test]
fn limits_are_checked() {
    let wiki = Wiki::new();
    for limit in [0, limits::HISTORY + 1] {
        let request = History { limit: Some(limit), ..history_request() };
        assert_code(history(&wiki.store, request), ErrorCode::InvalidRequest);
    }
    for limit in [0, limits::LIST + 1] {
        let request = List { limit: Some(limit), ..list_request() };
        assert_code(list(&wiki.store, request), ErrorCode::InvalidRequest);
    }
}

#[test]
fn lists_are_sorted_filtered_and_paged() {
    let wiki = Wiki::new();
    // `a-b` sorts before `a/…`, and `a.md` between: git's order, not that of names.
    let mut all = ["a/x", "a/y/1", "a/y/2", "a-b", "a.md", "b", "z/z/z"];
    for path in all {
        wiki.write(path, "x");
    }
    all.sort_unstable();
    let whole = list(&wiki.store, list_request()).unwrap();
    assert_eq!(paths(&whole), all);
    assert!(!whole.truncated);

    let in_folder = |prefix: &str| {
        let request = List { prefix: Some(prefix.parse().unwrap()), ..list_request() };
        list(&wiki.store, request).unwrap()
    };
    assert_eq!(paths(&in_folder("a/y")), ["a/y/1", "a/y/2"]);
    assert_eq!(paths(&in_folder("b")), ["b"]);
    assert!(paths(&in_folder("absent")).is_empty());

    for limit in 1..=4 {
        let mut found = Vec::new();
        loop {
            let after = found.last().map(|path: &String| path.parse().unwrap());
            let request = List { after, limit: Some(limit), ..list_request() };
            let page = list(&wiki.store, request).unwrap();
            found.extend(page.pages.into_iter().map(|page| page.path));
            if !page.truncated {
                break;
            }
        }
        assert_eq!(found, all, "with pages of {limit}");
    }
}

#[test]
fn a_list_at_a_revision() {
    let wiki = Wiki::new();
    let first = wiki.write("a", "1").commit;
    wiki.write("b", "1");
    let request = List { revision: Some(first.clone().into()), ..list_request() };
    let page = list(&wiki.store, request).unwrap();
    assert_eq!(paths(&page), ["a"]);
    assert_eq!(page.commit, Some(first));
}

#[test]
fn timings_add_up() {
    let wiki = Wiki::new();
    let timings = write(&wiki.store, "a", "1").unwrap().timings;
    let parts = timings.open
        + timings.head
        + timings.read
        + timings.write_objects
        + timings.move_reference
        + timings.wait;
    assert!(timings.write_objects > 0 && timings.move_reference > 0);
    // Each part is rounded down.
    assert!(parts <= timings.total, "{timings:?}");
}
