//! The exact JSON of every request and reply. Whoever changes one of these
//! changes a contract with deployed functions.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fmt::Debug;

use runtime_core::pages::{
    Author, CommitId, ErrorCode, ExpectedHead, History, HistoryEntry, HistoryPage, Init,
    Initialised, List, ListEntry, ListPage, Maintain, Maintained, Page, PageError, Ping, Pong,
    Read, Reply, Request, Response, Timings, Write, Written,
};
use serde::{Serialize, de::DeserializeOwned};

const ID: &str = "0123456789abcdef0123456789abcdef01234567";

fn id() -> CommitId {
    ID.parse().unwrap()
}

fn timings() -> Timings {
    Timings { total: 7, open: 1, head: 1, read: 1, write_objects: 2, move_reference: 1, wait: 0 }
}

const TIMINGS: &str =
    r#"{"total":7,"open":1,"head":1,"read":1,"write_objects":2,"move_reference":1,"wait":0}"#;

/// `value` and `json` are the same thing, in both directions.
#[track_caller]
fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, json: &str) {
    let json = json.replace("ID", ID).replace("TIMINGS", TIMINGS);
    assert_eq!(serde_json::to_string(value).unwrap(), json);
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
}

fn write() -> Write {
    Write {
        wiki: "team".parse().unwrap(),
        path: "docs/home.md".parse().unwrap(),
        body: "# Home\n".parse().unwrap(),
        author: Author::new("Ada", "ada@example.com").unwrap(),
        message: "Start".parse().unwrap(),
        expected_head: None,
    }
}

#[test]
fn requests() {
    let wiki = || "team".parse().unwrap();
    same(&Request::Ping(Ping {}), r#"{"operation":"ping"}"#);
    same(&Request::Init(Init { wiki: wiki() }), r#"{"operation":"init","wiki":"team"}"#);
    same(
        &Request::Write(write()),
        r##"{"operation":"write","wiki":"team","path":"docs/home.md","body":"# Home\n","author":{"name":"Ada","email":"ada@example.com"},"message":"Start"}"##,
    );
    same(
        &Request::Write(Write { expected_head: Some(ExpectedHead::Empty), ..write() }),
        r##"{"operation":"write","wiki":"team","path":"docs/home.md","body":"# Home\n","author":{"name":"Ada","email":"ada@example.com"},"message":"Start","expected_head":"empty"}"##,
    );
    same(
        &Request::Write(Write { expected_head: Some(ExpectedHead::Commit(id())), ..write() }),
        r##"{"operation":"write","wiki":"team","path":"docs/home.md","body":"# Home\n","author":{"name":"Ada","email":"ada@example.com"},"message":"Start","expected_head":"ID"}"##,
    );
    let read = Read { wiki: wiki(), path: "home".parse().unwrap(), revision: None };
    same(&Request::Read(read.clone()), r#"{"operation":"read","wiki":"team","path":"home"}"#);
    same(
        &Request::Read(Read { revision: Some("0123456".parse().unwrap()), ..read }),
        r#"{"operation":"read","wiki":"team","path":"home","revision":"0123456"}"#,
    );
    let history = History { wiki: wiki(), path: None, from: None, limit: None };
    same(&Request::History(history.clone()), r#"{"operation":"history","wiki":"team"}"#);
    same(
        &Request::History(History {
            path: Some("home".parse().unwrap()),
            from: Some(id().into()),
            limit: Some(10),
            ..history
        }),
        r#"{"operation":"history","wiki":"team","path":"home","from":"ID","limit":10}"#,
    );
    let list = List { wiki: wiki(), prefix: None, revision: None, after: None, limit: None };
    same(&Request::List(list.clone()), r#"{"operation":"list","wiki":"team"}"#);
    same(&Request::Maintain(Maintain { wiki: None }), r#"{"operation":"maintain"}"#);
    let maintain = Request::Maintain(Maintain { wiki: Some(wiki()) });
    same(&maintain, r#"{"operation":"maintain","wiki":"team"}"#);
    same(
        &Request::List(List {
            prefix: Some("docs".parse().unwrap()),
            revision: Some(id().into()),
            after: Some("docs/a".parse().unwrap()),
            limit: Some(10),
            ..list
        }),
        r#"{"operation":"list","wiki":"team","prefix":"docs","revision":"ID","after":"docs/a","limit":10}"#,
    );
}

#[test]
fn replies() {
    let ok = |response, json: &str| same(&Reply::Ok(response), &format!(r#"{{"ok":{json}}}"#));
    ok(
        Response::Ping(Pong { version: "0.1.0".into() }),
        r#"{"operation":"ping","version":"0.1.0"}"#,
    );
    ok(
        Response::Init(Initialised { created: true, timings: timings() }),
        r#"{"operation":"init","created":true,"timings":TIMINGS}"#,
    );
    ok(
        Response::Write(Written { commit: id(), changed: true, attempts: 1, timings: timings() }),
        r#"{"operation":"write","commit":"ID","changed":true,"attempts":1,"timings":TIMINGS}"#,
    );
    ok(
        Response::Read(Page {
            commit: id(),
            blob: ID.into(),
            body: "text".into(),
            timings: timings(),
        }),
        r#"{"operation":"read","commit":"ID","blob":"ID","body":"text","timings":TIMINGS}"#,
    );
    ok(
        Response::History(HistoryPage {
            commits: vec![HistoryEntry {
                commit: id(),
                name: "Ada".into(),
                email: "ada@example.com".into(),
                time: 1_700_000_000,
                message: "Start".into(),
            }],
            next: Some(id()),
            timings: timings(),
        }),
        r#"{"operation":"history","commits":[{"commit":"ID","name":"Ada","email":"ada@example.com","time":1700000000,"message":"Start"}],"next":"ID","timings":TIMINGS}"#,
    );
    ok(
        Response::List(ListPage {
            commit: Some(id()),
            pages: vec![ListEntry { path: "home".into(), blob: ID.into() }],
            truncated: false,
            timings: timings(),
        }),
        r#"{"operation":"list","commit":"ID","pages":[{"path":"home","blob":"ID"}],"truncated":false,"timings":TIMINGS}"#,
    );
    ok(
        Response::Maintain(Maintained {
            commits: 9,
            packs: 1,
            removed: 4,
            finished: true,
            timings: timings(),
        }),
        r#"{"operation":"maintain","commits":9,"packs":1,"removed":4,"finished":true,"timings":TIMINGS}"#,
    );
}

#[test]
fn errors() {
    let error = |code, field: Option<&str>, head| {
        Reply::Error(PageError {
            code,
            message: "why".into(),
            field: field.map(str::to_owned),
            head,
        })
    };
    same(
        &error(ErrorCode::NotFound, Some("path"), None),
        r#"{"error":{"code":"not_found","message":"why","field":"path"}}"#,
    );
    same(
        &error(ErrorCode::Conflict, Some("expected_head"), Some(id())),
        r#"{"error":{"code":"conflict","message":"why","field":"expected_head","head":"ID"}}"#,
    );
    for (code, name) in [
        (ErrorCode::InvalidRequest, "invalid_request"),
        (ErrorCode::PathClash, "path_clash"),
        (ErrorCode::TooLarge, "too_large"),
        (ErrorCode::Unsupported, "unsupported"),
        (ErrorCode::Busy, "busy"),
        (ErrorCode::Corrupt, "corrupt"),
        (ErrorCode::Internal, "internal"),
    ] {
        let json = format!(r#"{{"error":{{"code":"{name}","message":"why"}}}}"#);
        same(&error(code, None, None), &json);
    }
}

#[test]
fn readers_cope_with_a_newer_store() {
    let reply: Reply = serde_json::from_str(
        r#"{"error":{"code":"on_strike","message":"why","until":"tomorrow"}}"#,
    )
    .unwrap();
    assert_eq!(reply.into_result().unwrap_err().code, ErrorCode::Unknown);
    let json = r#"{"ok":{"operation":"ping","version":"9","mood":"good"}}"#;
    assert!(serde_json::from_str::<Reply>(json).is_ok());
}

#[test]
fn requests_are_strict() {
    for json in [
        r#"{"operation":"ping","extra":1}"#,
        r#"{"operation":"init"}"#,
        r#"{"operation":"init","wiki":"team","extra":1}"#,
        r#"{"operation":"init","wiki":"../team"}"#,
        r#"{"operation":"read","wiki":"team","path":"a/../b"}"#,
        r#"{"operation":"list","wiki":"team","limit":-1}"#,
        r#"{"operation":"drop","wiki":"team"}"#,
        r#"{"wiki":"team"}"#,
    ] {
        assert!(serde_json::from_str::<Request>(json).is_err(), "{json} must be refused");
    }
}

#[test]
fn a_request_knows_its_operation_and_wiki() {
    let request = Request::Write(write());
    assert_eq!(request.operation(), "write");
    assert_eq!(request.wiki().unwrap().as_str(), "team");
    assert!(Request::Ping(Ping {}).wiki().is_none());
}
