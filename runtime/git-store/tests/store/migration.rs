//! Repositories that the store wrote before it wrote packs.

use std::fs;

use crate::support::{
    Wiki, history, history_request, list, list_request, paths, read, read_at, write,
};

#[test]
fn older_repositories_are_read_and_go_on() {
    let wiki = Wiki::older(5);
    assert_eq!(read(&wiki.another_store(), "old/2").unwrap().body, "old/2");
    let before = wiki.read("old/0").commit;
    for n in 0..5 {
        wiki.write(&format!("old/{n}"), "new");
        wiki.write(&format!("new/{n}"), "new");
    }
    let store = wiki.another_store();
    assert_eq!(read(&store, "old/3").unwrap().body, "new");
    assert_eq!(read_at(&store, "old/3", Some(before.as_str())).unwrap().body, "old/3");
    assert_eq!(paths(&list(&store, list_request()).unwrap()).len(), 10);
    assert_eq!(history(&store, history_request()).unwrap().commits.len(), 15);
    assert_eq!(wiki.commits(), 15);
    // Where former versions of the store look for them, and in their form.
    let claims = wiki.repository().join("platform/successors").join(&before.as_str()[..2]);
    let claim = fs::read_to_string(claims.join(before.as_str())).unwrap();
    assert_eq!(claim.trim_end().len(), 40);
    assert!(!wiki.repository().join("platform/claims").exists());
}

#[test]
fn an_older_writer_beside_is_followed() {
    let wiki = Wiki::older(2);
    let store = wiki.another_store();
    let first = write(&store, "page", "new").unwrap().commit;
    // What a former version would write now: loose objects, and a claim after our commit.
    let tree = wiki.git(&["rev-parse", "main^{tree}"]);
    let commit = wiki.git(&[
        "-c",
        "user.name=x",
        "-c",
        "user.email=x",
        "commit-tree",
        "-m",
        "older",
        "-p",
        first.as_str(),
        &tree,
    ]);
    let shard = wiki.repository().join("platform/successors").join(&first.as_str()[..2]);
    fs::create_dir_all(&shard).unwrap();
    fs::write(shard.join(first.as_str()), format!("{commit}\n")).unwrap();
    assert_eq!(read(&store, "page").unwrap().commit.as_str(), commit);
    write(&store, "page", "newer").unwrap();
    assert_eq!(wiki.commits(), 5);
    for path in ["old/0", "old/1"] {
        assert_eq!(read(&wiki.another_store(), path).unwrap().body, path);
    }
}
