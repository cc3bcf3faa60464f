use super::*;

#[test]
fn paths_that_are_allowed() {
    for path in [
        "home",
        "Home.md",
        "a/b/c",
        "docs/einführung.md",
        "日本語/ページ",
        "emoji-👩‍💻",
        "with space.md",
        "Category:Animals",
        "...x",
        "a-git",
        "digits~1",
    ] {
        assert_eq!(path.parse::<PagePath>().unwrap().as_str(), path);
    }
    assert!("x".repeat(limits::PATH_SEGMENT).parse::<PagePath>().is_ok());
    assert!(vec!["x"; limits::PATH_SEGMENTS].join("/").parse::<PagePath>().is_ok());
}

#[test]
fn paths_that_are_refused() {
    for path in [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "../etc/passwd",
        "a/../b",
        "a/./b",
        ".git",
        ".GIT/config",
        "a/.git/hooks/post-commit",
        ".g\u{200c}it",
        "git~1",
        ".gitmodules",
        "a\\b",
        "a\0b",
        "a\nb",
        "a\u{7f}",
        "a\u{85}",
        "a\u{2028}b",
        "a\u{202e}b",
        "a\u{2066}b",
        "trailing.",
        "trailing ",
        " leading",
        "a/ /b",
    ] {
        assert!(path.parse::<PagePath>().is_err(), "{path:?} must be refused");
    }
    assert!("x".repeat(limits::PATH_SEGMENT + 1).parse::<PagePath>().is_err());
    assert!(vec!["x"; limits::PATH_SEGMENTS + 1].join("/").parse::<PagePath>().is_err());
    let long = ["x".repeat(255), "y".repeat(255), "z".into()].join("/");
    assert!(long.len() > limits::PATH && long.parse::<PagePath>().is_err());
}

#[test]
fn wiki_names() {
    for name in ["a", "team-1", "9_lives"] {
        assert!(name.parse::<WikiName>().is_ok(), "{name:?} must be allowed");
    }
    let long = "x".repeat(limits::WIKI_NAME + 1);
    for name in ["", "A", "-a", "_a", "a.git", "a/b", "..", "a b", "ä", "a\0", long.as_str()] {
        assert!(name.parse::<WikiName>().is_err(), "{name:?} must be refused");
    }
}

#[test]
fn commit_ids_and_revisions() {
    let id = "0123456789abcdef0123456789abcdef01234567";
    assert!(id.parse::<CommitId>().is_ok());
    assert!(id[..39].parse::<CommitId>().is_err());
    assert!(id.to_uppercase().parse::<CommitId>().is_err());
    assert!(id.parse::<Revision>().is_ok());
    assert!(id[..7].parse::<Revision>().is_ok());
    assert!(id[..6].parse::<Revision>().is_err());
    assert!("HEAD~12".parse::<Revision>().is_err());
}

#[test]
fn expected_heads() {
    let id: CommitId = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
    let expected = ExpectedHead::try_from(id.to_string()).unwrap();
    assert!(expected.matches(Some(&id)));
    assert!(!expected.matches(None));
    let empty = ExpectedHead::try_from("empty".to_owned()).unwrap();
    assert!(empty.matches(None));
    assert!(!empty.matches(Some(&id)));
    assert!(ExpectedHead::try_from("none".to_owned()).is_err());
}
