//! Git beside the store.

use std::process::Command;

use crate::support::{Wiki, git_command, read, read_at};

#[test]
fn git_can_clone_and_pack_and_the_store_goes_on() {
    let wiki = Wiki::new();
    let first = wiki.write("a", "1").commit;
    for n in 0..20 {
        wiki.write(&format!("folder/{n}"), "x");
    }
    wiki.git(&["gc", "--quiet"]);
    assert!(!wiki.repository().join("refs/heads/main").exists(), "gc has packed the reference");
    let store = wiki.another_store();
    assert_eq!(read(&store, "folder/7").unwrap().body, "x");
    assert_eq!(read_at(&store, "a", Some(&first.as_str()[..8])).unwrap().body, "1");
    wiki.write("a", "2");
    assert_eq!(wiki.commits(), 22);

    let clone = wiki.root().join("clone");
    let source = wiki.repository();
    let status = Command::new("git").arg("clone").arg("-q").args([&source, &clone]).status();
    assert!(status.unwrap().success());
    assert_eq!(std::fs::read_to_string(clone.join("a")).unwrap(), "2");
}

#[test]
fn git_cannot_push() {
    let wiki = Wiki::new();
    wiki.write("a", "1");
    let clone = wiki.root().join("clone.git");
    let status = Command::new("git")
        .args(["clone", "-q", "--bare"])
        .args([&wiki.repository(), &clone])
        .status();
    assert!(status.unwrap().success());
    let push = git_command(&clone)
        .args(["push", "-q"])
        .arg(wiki.repository())
        .arg("main:refs/heads/other")
        .output()
        .unwrap();
    assert!(!push.status.success());
    let reason = String::from_utf8_lossy(&push.stderr).into_owned();
    assert!(reason.contains("hidden ref"), "{reason}");
}
