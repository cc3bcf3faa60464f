//! Many writers at once, through the deployed function.

use std::collections::BTreeSet;

use platformctl::aws::Regional;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::platform::{Platform, block_on};

const WRITERS: usize = 5;
const WRITES: usize = 20;
/// Every so many writes of a writer go to a page that all of them write.
const SHARED: usize = 4;

fn page(writer: usize, write: usize) -> String {
    if write.is_multiple_of(SHARED) {
        "shared/page.md".to_owned()
    } else {
        format!("writer-{writer}/page-{write}.md")
    }
}

fn body(writer: usize, write: usize) -> String {
    format!("# {writer}/{write}\n\nwritten by {writer}\n")
}

async fn ask(aws: &Regional, request: Value) -> Value {
    aws.invoke("acme-dev-git-store", &request).await.unwrap().payload
}

async fn write_all(aws: Regional, writer: usize) -> Vec<String> {
    let mut commits = Vec::new();
    for write in 0..WRITES {
        let answer = ask(
            &aws,
            json!({
                "operation": "write",
                "wiki": "team",
                "path": page(writer, write),
                "body": body(writer, write),
                "author": { "name": format!("Writer {writer}"), "email": "w@example.com" },
                "message": format!("{writer}/{write}"),
            }),
        )
        .await;
        assert_eq!(answer["ok"]["changed"], true, "{answer}");
        commits.push(answer["ok"]["commit"].as_str().unwrap().to_owned());
    }
    commits
}

#[test]
fn five_writers_lose_nothing() {
    let platform = Platform::new();
    platform.local(&["deploy"]).exits(0);
    let aws = platform.aws();
    let commits: BTreeSet<String> = block_on(async {
        let made = ask(&aws, json!({ "operation": "init", "wiki": "team" })).await;
        assert_eq!(made["ok"]["created"], true, "{made}");
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write_all(aws.clone(), writer));
        }
        writers.join_all().await.into_iter().flatten().collect()
    });
    assert_eq!(commits.len(), WRITERS * WRITES);

    let wiki = platform.wiki("team");
    wiki.is_sound();
    let log = wiki.git(&["log", "--format=%H", "main"]);
    assert_eq!(log.lines().count(), WRITERS * WRITES);
    assert_eq!(log.lines().map(str::to_owned).collect::<BTreeSet<_>>(), commits);
    let subjects = wiki.git(&["log", "--reverse", "--format=%s", "main"]);
    for writer in 0..WRITERS {
        // Each writer's commits are in the order in which it was answered.
        let own: Vec<&str> =
            subjects.lines().filter(|line| line.starts_with(&format!("{writer}/"))).collect();
        let wanted: Vec<_> = (0..WRITES).map(|write| format!("{writer}/{write}")).collect();
        assert_eq!(own, wanted);
        for write in (0..WRITES).filter(|write| !write.is_multiple_of(SHARED)) {
            let text = wiki.git(&["show", &format!("main:{}", page(writer, write))]);
            assert_eq!(text, body(writer, write));
        }
    }
    let last = wiki.git(&["log", "-1", "--format=%s", "main", "--", "shared/page.md"]);
    let shared = wiki.git(&["show", "main:shared/page.md"]);
    assert!(shared.starts_with(&format!("# {}\n", last.trim())), "{last}{shared}");
    let history = json!({ "operation": "history", "wiki": "team", "path": "shared/page.md" });
    let history = block_on(ask(&aws, history));
    let changes = history["ok"]["commits"].as_array().unwrap().len();
    assert_eq!(changes, WRITERS * WRITES / SHARED);
}

#[test]
fn a_bad_request_is_answered_with_a_typed_error() {
    let platform = Platform::new();
    platform.local(&["deploy"]).exits(0);
    let error = |payload: &str| {
        let done = platform.local(&["invoke", "git-store", "--payload", payload]).exits(1);
        done.json()["error"].clone()
    };
    let traversal = r#"{"operation": "read", "wiki": "team", "path": "../../etc/passwd"}"#;
    let refused = error(traversal);
    assert_eq!((&refused["code"], &refused["field"]), (&json!("invalid_request"), &json!("path")));
    assert_eq!(error(r#"{"operation": "drop"}"#)["code"], "invalid_request");
    assert_eq!(error(r#"{"operation": "ping", "extra": 1}"#)["code"], "invalid_request");
    let missing = r#"{"operation": "read", "wiki": "nowhere", "path": "home.md"}"#;
    assert_eq!(error(missing)["code"], "not_found");
    platform.local(&["invoke", "git-store", "--payload", "{"]).exits(2).complains("not JSON");
    platform.local(&["invoke", "nothing"]).exits(1).complains("acme-dev-nothing");
}
