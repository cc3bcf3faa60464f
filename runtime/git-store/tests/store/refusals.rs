//! What the store refuses, and what it says then.

use std::{fs, os::unix::fs::symlink};

use git_store::{Store, service};
use runtime_core::pages::{CommitId, ErrorCode, Reply};
use serde_json::{Value, json};

use crate::support::{Wiki, assert_code, git_command, list, list_request, paths, read, write};

/// The error that `event` gets.
fn refusal(store: &Store, event: Value) -> Value {
    match service::answer(store, event) {
        Reply::Error(error) => serde_json::to_value(error).unwrap(),
        Reply::Ok(response) => panic!("accepted: {response:?}"),
    }
}

fn write_event(change: &[(&str, Value)]) -> Value {
    let mut event = json!({
        "operation": "write", "wiki": "team", "path": "a", "body": "b", "message": "m",
        "author": {"name": "Ada", "email": "ada@example.com"},
    });
    for (pointer, value) in change {
        *event.pointer_mut(pointer).unwrap() = value.clone();
    }
    event
}

#[test]
fn bad_fields_are_named() {
    let wiki = Wiki::new();
    let author = |name: &str, email: &str| json!({"name": name, "email": email});
    let cases = [
        ("/wiki", json!("../team"), "wiki"),
        ("/path", json!("../x"), "path"),
        ("/path", json!(".git/config"), "path"),
        ("/path", json!("a\\b"), "path"),
        ("/path", json!("x".repeat(513)), "path"),
        ("/path", json!(1), "path"),
        ("/body", json!("x".repeat(5 * 1024 * 1024 + 1)), "body"),
        ("/message", json!(""), "message"),
        ("/message", json!("x".repeat(4097)), "message"),
        ("/author", author("a\nb", "a@b"), "author.name"),
        ("/author", author("a", "<a@b>"), "author.email"),
    ];
    for (pointer, value, field) in cases {
        let error = refusal(&wiki.store, write_event(&[(pointer, value)]));
        assert_eq!(error["code"], "invalid_request", "{error}");
        assert_eq!(error["field"], field, "{error}");
        assert!(error["message"].as_str().unwrap().starts_with(field), "{error}");
    }
    assert_eq!(list(&wiki.store, list_request()).unwrap().commit, None, "nothing was written");
}

#[test]
fn malformed_requests() {
    let store = Store::new("/nowhere");
    for event in [
        json!(null),
        json!([]),
        json!({}),
        json!({"operation": "drop"}),
        json!({"operation": 1}),
        json!({"operation": "ping", "extra": 1}),
        json!({"operation": "init"}),
        json!({"operation": "read", "wiki": "team", "path": "a", "revison": "abc"}),
        json!({"operation": "read", "wiki": "team", "path": "a", "revision": "HEAD"}),
    ] {
        assert_eq!(refusal(&store, event.clone())["code"], "invalid_request", "{event}");
    }
    let error = refusal(&store, json!({"operation": "init", "wiki": "team", "wikki": 1}));
    assert_eq!(error["field"], "wikki", "{error}");
    let error = refusal(&store, json!({"operation": "init"}));
    assert_eq!(error["message"], "missing field `wiki`", "{error}");
}

#[test]
fn an_unknown_wiki() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    let error = read(&store, "a").unwrap_err();
    assert_eq!((error.code, error.field.as_deref()), (ErrorCode::NotFound, Some("wiki")));
    assert_code(write(&store, "a", "b"), ErrorCode::NotFound);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn a_missing_root_is_an_internal_error_without_its_path() {
    let store = Store::new("/nowhere/at/all");
    let error = refusal(&store, json!({"operation": "init", "wiki": "team"}));
    assert_eq!(error["code"], "internal");
    assert!(!error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn pages_and_folders_do_not_mix() {
    let wiki = Wiki::new();
    wiki.write("a/b", "x");
    wiki.write("page", "x");
    assert_code(write(&wiki.store, "a", "x"), ErrorCode::PathClash);
    assert_code(write(&wiki.store, "page/below", "x"), ErrorCode::PathClash);
    assert_code(write(&wiki.store, "page/far/below", "x"), ErrorCode::PathClash);
    assert_code(read(&wiki.store, "a"), ErrorCode::PathClash);
    assert_code(read(&wiki.store, "page/below"), ErrorCode::NotFound);
    assert_eq!(wiki.commits(), 2);
}

#[test]
fn a_repository_that_is_a_symbolic_link() {
    let elsewhere = Wiki::new();
    elsewhere.write("secret", "x");
    let folder = tempfile::tempdir().unwrap();
    symlink(elsewhere.repository(), folder.path().join("team.git")).unwrap();
    let store = Store::new(folder.path());
    assert_code(read(&store, "secret"), ErrorCode::Corrupt);
    assert_code(write(&store, "secret", "y"), ErrorCode::Corrupt);
    assert_eq!(refusal(&store, json!({"operation": "init", "wiki": "team"}))["code"], "corrupt");
}

#[test]
fn a_repository_with_a_symbolic_link_inside() {
    let elsewhere = Wiki::new();
    elsewhere.write("secret", "x");
    let wiki = Wiki::new();
    let objects = wiki.repository().join("objects");
    let aside = wiki.repository().join("aside");
    fs::rename(&objects, &aside).unwrap();
    symlink(elsewhere.repository().join("objects"), &objects).unwrap();
    assert_code(read(&wiki.another_store(), "secret"), ErrorCode::Corrupt);
    fs::remove_file(&objects).unwrap();
    fs::rename(&aside, &objects).unwrap();
}

#[test]
fn a_reference_that_is_a_symbolic_link_or_nonsense() {
    let wiki = Wiki::new();
    let head = wiki.write("a", "x").commit;
    let reference = wiki.repository().join("refs/heads/main");
    fs::remove_file(&reference).unwrap();
    fs::write(&reference, "ref: refs/heads/other\n").unwrap();
    assert_code(read(&wiki.store, "a"), ErrorCode::Corrupt);
    fs::remove_file(&reference).unwrap();
    symlink("/etc/hostname", &reference).unwrap();
    assert_code(read(&wiki.store, "a"), ErrorCode::Internal);
    // Without it, the chain leads from the first commit to the head again.
    fs::remove_file(&reference).unwrap();
    assert_eq!(wiki.read("a").commit, head);
    assert_eq!(wiki.commits(), 1);
}

/// Makes a commit with a symbolic link, a submodule and a binary file, which no
/// request can make, and lets the branch begin with it.
fn import(wiki: &Wiki) {
    let blob = |text: &[u8]| {
        let file = wiki.root().join("import");
        fs::write(&file, text).unwrap();
        wiki.git(&["hash-object", "-w", file.to_str().unwrap()])
    };
    let index = wiki.root().join("index");
    let git = |arguments: &[&str]| {
        let mut command = git_command(&wiki.repository());
        let identity = [("NAME", "x"), ("EMAIL", "x@y")];
        for (key, value) in identity {
            command.env(format!("GIT_AUTHOR_{key}"), value);
            command.env(format!("GIT_COMMITTER_{key}"), value);
        }
        let output = command.env("GIT_INDEX_FILE", &index).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let add = |mode: &str, id: &str, path: &str| {
        git(&["update-index", "--add", "--cacheinfo", &format!("{mode},{id},{path}")]);
    };
    add("120000", &blob(b"/etc/passwd"), "link");
    add("160000", &"1".repeat(40), "module");
    add("100644", &blob(b"\xff\xfe"), "binary");
    add("100644", &blob(&vec![b'x'; 5 * 1024 * 1024 + 1]), "large");
    add("100755", &blob(b"#!/bin/sh\n"), "script");
    let tree = git(&["write-tree"]);
    let commit = git(&["commit-tree", "-m", "import", &tree]);
    wiki.git(&["update-ref", "refs/heads/main", &commit]);
}

#[test]
fn entries_that_are_no_pages() {
    let wiki = Wiki::new();
    import(&wiki);
    for path in ["link", "module", "binary"] {
        assert_code(read(&wiki.store, path), ErrorCode::Unsupported);
    }
    assert_code(read(&wiki.store, "link/passwd"), ErrorCode::NotFound);
    assert_code(read(&wiki.store, "large"), ErrorCode::TooLarge);
    assert_eq!(wiki.read("script").body, "#!/bin/sh\n");
    for path in ["link", "link/below", "module", "module/below"] {
        assert_code(write(&wiki.store, path, "x"), ErrorCode::Unsupported);
    }
    assert_eq!(paths(&list(&wiki.store, list_request()).unwrap()), ["binary", "large", "script"]);
    // The wiki goes on from there.
    wiki.write("page", "x");
    wiki.write("script", "y");
    assert_eq!(wiki.commits(), 3);
}

#[test]
fn damaged_packs_are_noticed() {
    let wiki = Wiki::new();
    let other = wiki.write("a", "w").commit;
    let head = wiki.write("a", "x").commit;
    let file = |id: &CommitId| wiki.repository().join(format!("objects/pack/pack-{id}.pack"));
    let pack = file(&head);
    let good = fs::read(&pack).unwrap();
    let mut flipped = good.clone();
    flipped[20] ^= 1;
    for bad in [&b""[..], b"nonsense", &good[..good.len() - 6], &flipped] {
        fs::remove_file(&pack).unwrap();
        fs::write(&pack, bad).unwrap();
        assert_code(read(&wiki.another_store(), "a"), ErrorCode::Corrupt);
        assert_code(write(&wiki.another_store(), "a", "y"), ErrorCode::Corrupt);
    }
    // Sound, but not what its name says.
    fs::remove_file(&pack).unwrap();
    fs::copy(file(&other), &pack).unwrap();
    assert_code(read(&wiki.another_store(), "a"), ErrorCode::Corrupt);
    fs::remove_file(&pack).unwrap();
    assert_code(read(&wiki.another_store(), "a"), ErrorCode::Corrupt);
    fs::write(&pack, good).unwrap();
    assert_eq!(wiki.read("a").body, "x");
}

#[test]
fn damaged_loose_objects_are_noticed() {
    let wiki = Wiki::older(1);
    let page = wiki.read("old/0");
    let object = |id: &str| wiki.repository().join("objects").join(&id[..2]).join(&id[2..]);
    let blob = object(&page.blob);
    let good = fs::read(&blob).unwrap();
    for bad in [&b""[..], b"nonsense", &good[..good.len() - 6]] {
        fs::remove_file(&blob).unwrap();
        fs::write(&blob, bad).unwrap();
        assert_code(read(&wiki.another_store(), "old/0"), ErrorCode::Corrupt);
    }
    // Sound, but not what its name says.
    fs::remove_file(&blob).unwrap();
    fs::copy(object(page.commit.as_str()), &blob).unwrap();
    assert_code(read(&wiki.another_store(), "old/0"), ErrorCode::Corrupt);
    fs::remove_file(&blob).unwrap();
    assert_code(read(&wiki.another_store(), "old/0"), ErrorCode::Corrupt);
    fs::write(&blob, good).unwrap();
    assert_eq!(wiki.read("old/0").body, "old/0");
}
