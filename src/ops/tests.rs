use std::time::Duration;

use runtime_core::api::{NewTenant, TenantChange, TenantStatus};
use runtime_core::tenant::{TenantId, Tier};
use serde_json::{Value, json};

use super::tenants::{self, Goal};
use super::*;
use crate::error::{Error, Kind, exit};
use crate::event::Events;
use crate::http::Secret;
use crate::http::fake::{Asked, Reply, Server};
use crate::signal::Cancel;

const TOKEN: &str = "an-opaque-token-of-the-test";

fn api(server: &Server) -> Api {
    // As the emulator's addresses: with a path of their own.
    let base = format!("{}/restapis/abc/live/_user_request_", server.url());
    let milliseconds = Duration::from_millis;
    Api::new(&base, Secret::new(TOKEN), Events::none(), Cancel::never())
        .expect("a loopback address")
        .paced(Pace { retry: milliseconds(1), look: milliseconds(1), slowest: milliseconds(2) })
}

fn tenant(status: &str) -> Value {
    json!({
        "id": "acme", "tier": "basic", "status": status, "monthly_usd": 50,
        "created_at": "2026-11-20T09:00:00Z",
    })
}

fn acme() -> TenantId {
    "acme".parse().expect("an id")
}

fn problem(status: u16, detail: &str) -> Reply {
    let body = json!({
        "type": "about:blank", "title": "Title", "status": status, "detail": detail,
        "instance": "urn:request:r-1",
    });
    Reply::json(status, &body)
}

fn new() -> NewTenant {
    let email = "ops@acme.example".to_owned();
    NewTenant { id: acme(), tier: Tier::Basic, email, monthly_usd: None }
}

fn header<'a>(asked: &'a Asked, name: &str) -> &'a str {
    asked.header(name).unwrap_or_default()
}

fn shown(error: &Error) -> String {
    format!("{error} {:?} {:?} {error:?}", error.causes(), error.hints())
}

#[tokio::test]
async fn requests_are_as_the_contract_has_them() {
    let server = Server::new(|asked, _| {
        Some(match asked.method.as_str() {
            "GET" => Reply::json(200, &tenant("active")).header("etag", "\"7\""),
            _ => Reply::json(202, &tenant("provisioning")),
        })
    });
    let api = api(&server);
    tenants::create(&api, &new(), "key-1", None).await.expect("made");
    let seen = tenants::show(&api, &acme()).await.expect("there");
    assert_eq!((seen.version.as_deref(), seen.value.status), (Some("\"7\""), TenantStatus::Active));
    let change = TenantChange { tier: None, suspended: Some(true), email: None, monthly_usd: None };
    let reason = Some("unpaid: 100 % of März\nsee 7");
    tenants::change(&api, &acme(), &change, seen.version.as_deref(), reason).await.expect("done");
    tenants::delete(&api, &acme(), seen.version.as_deref(), reason).await.expect("done");

    let asked = server.asked();
    let lines: Vec<_> =
        asked.iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect();
    let base = "/restapis/abc/live/_user_request_/v1/tenants";
    let expected = ["POST", "GET", "PATCH", "DELETE"].map(|method| match method {
        "POST" => format!("POST {base}"),
        _ => format!("{method} {base}/acme"),
    });
    assert_eq!(lines, expected);
    for asked in &asked {
        assert_eq!(header(asked, "authorization"), format!("Bearer {TOKEN}"));
    }
    assert_eq!(header(&asked[0], "idempotency-key"), "key-1");
    let made: Value = serde_json::from_str(&asked[0].body).expect("JSON");
    assert_eq!(made, json!({ "id": "acme", "tier": "basic", "email": "ops@acme.example" }));
    assert_eq!(asked[2].body, r#"{"suspended":true}"#);
    for asked in &asked[2..] {
        assert_eq!(header(asked, "if-match"), "\"7\"");
        assert_eq!(header(asked, REASON_HEADER), "unpaid: 100 %25 of M%C3%A4rz%0Asee 7");
    }
}

#[tokio::test]
async fn what_can_be_repeated_is_tried_again() {
    let server = Server::new(|asked, number| {
        Some(match (asked.method.as_str(), number) {
            (_, 0) => problem(503, "Try again in some seconds."),
            (_, 1) => problem(429, "Slow down.").header("retry-after", "0"),
            (_, 2) => Reply::text(502, "<html>"),
            _ => Reply::json(202, &tenant("active")),
        })
    });
    tenants::create(&api(&server), &new(), "key", None).await.expect("in the end");
    let keys: Vec<_> =
        server.asked().iter().map(|asked| header(asked, "idempotency-key").to_owned()).collect();
    assert_eq!(keys, ["key"; 4]);
}

#[tokio::test]
async fn what_might_be_done_twice_is_not() {
    let server = Server::new(|_, _| Some(problem(502, "Try again.")));
    let error = tenants::delete(&api(&server), &acme(), None, None).await.unwrap_err();
    assert_eq!(error.exit_code(), exit::FAILED);
    assert_eq!(server.asked().len(), 1);
    // Who was throttled has done nothing.
    let server = Server::new(|_, number| {
        Some(if number == 0 {
            problem(429, "Slow down.")
        } else {
            Reply::json(202, &tenant("deleting"))
        })
    });
    tenants::delete(&api(&server), &acme(), None, None).await.expect("done");
    let nobody =
        Api::new("http://127.0.0.1:1", Secret::new(TOKEN), Events::none(), Cancel::never());
    let error = tenants::delete(&nobody.unwrap(), &acme(), None, None).await.unwrap_err();
    assert!(error.hints().iter().any(|hint| hint.contains("not known")), "{}", shown(&error));
}

#[tokio::test]
async fn tries_end() {
    let server = Server::new(|_, _| Some(problem(500, "broken")));
    let error = tenants::show(&api(&server), &acme()).await.unwrap_err();
    assert_eq!(error.message(), "the API failed: broken (500)");
    assert!(error.hints()[0].ends_with("urn:request:r-1"));
    assert_eq!(server.asked().len(), 5);
    let server = Server::new(|_, _| Some(problem(429, "later").header("retry-after", "7200")));
    let error = tenants::show(&api(&server), &acme()).await.unwrap_err();
    assert_eq!(error.hints(), ["try again in 2h"]);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    for (status, kind, hint) in [
        (400, Kind::Usage, None),
        (401, Kind::Failed, Some("platformctl login")),
        (403, Kind::Failed, Some("getTenant is for tenant, Platform.Operator, Platform.Admin")),
        (404, Kind::Usage, Some("tenant list")),
        (409, Kind::Failed, Some("tenant show acme")),
        (412, Kind::Failed, Some("tenant show acme")),
        (301, Kind::Failed, Some("PLATFORMCTL_API_URL")),
    ] {
        let server = Server::new(move |_, _| {
            Some(problem(status, "because\u{1b}[2J of an-opaque-token-of-the-test"))
        });
        let error = tenants::show(&api(&server), &acme()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status}");
        assert!(error.message().ends_with(&format!("because [2J of *** ({status})")), "{error}");
        assert_eq!(error.hints().first().map(|it| it.contains(hint.unwrap())), hint.map(|_| true));
        assert!(!shown(&error).contains(TOKEN));
    }
}

#[tokio::test]
async fn an_api_without_the_route_knows_nothing_of_tenants() {
    for (status, said) in
        [(404, "There is no such path or method."), (403, "Missing Authentication Token")]
    {
        let server = Server::new(move |_, _| Some(problem(status, said)));
        let error = tenants::find(&api(&server), &acme()).await.unwrap_err();
        assert!(error.message().starts_with("the API has no GET /v1/tenants/{id} yet"), "{error}");
        let patience = Duration::from_secs(9);
        let settled = tenants::settle(&api(&server), &acme(), Goal::Gone, patience).await;
        assert!(settled.is_err(), "what is not there was not deleted");
    }
}

#[tokio::test]
async fn no_answer_harms() {
    let hostile: [fn() -> Reply; 5] = [
        || Reply::text(200, "<html>not the API</html>"),
        || Reply::json(200, &json!([1, 2])),
        || Reply::json(200, &json!({ "id": "../../etc", "tier": "basic" })),
        || Reply::text(200, &"x".repeat(5 << 20)),
        || Reply::text(418, ""),
    ];
    for reply in hostile {
        let server = Server::new(move |_, _| Some(reply()));
        let error = tenants::show(&api(&server), &acme()).await.unwrap_err();
        assert_eq!(error.exit_code(), exit::FAILED, "{error}");
        assert!(!shown(&error).contains(TOKEN));
    }
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let server = Server::new(|asked, _| {
        let cursor = asked.path.split("cursor=").nth(1);
        let next = match cursor {
            None => json!("a b&c"),
            Some("a+b%26c") => json!("last"),
            Some("last") => Value::Null,
            other => panic!("{other:?}"),
        };
        let mut page = json!({ "items": [tenant("active"), tenant("failed")] });
        if !next.is_null() {
            page["next"] = next;
        }
        Some(Reply::json(200, &page))
    });
    assert_eq!(tenants::list(&api(&server), usize::MAX).await.expect("all").len(), 6);
    assert_eq!(tenants::list(&api(&server), 3).await.expect("some").len(), 3);
    assert!(server.asked().last().unwrap().path.contains("limit=1&"));

    let circle = json!({ "items": [], "next": "again" });
    let server = Server::new(move |_, _| Some(Reply::json(200, &circle)));
    let error = tenants::list(&api(&server), 10).await.unwrap_err();
    assert_eq!(error.message(), "the API's list goes in circles");
}

/// An API whose tenant goes through these states, the last of them for ever.
fn going(states: &'static [&'static str]) -> Server {
    Server::new(move |_, number| {
        Some(match states[number.min(states.len() - 1)] {
            "gone" => problem(404, "There is no such tenant."),
            state => Reply::json(200, &tenant(state)),
        })
    })
}

#[tokio::test]
async fn changes_are_waited_for() {
    let patience = Duration::from_secs(30);
    let server = going(&["provisioning", "provisioning", "active"]);
    let settled = tenants::settle(&api(&server), &acme(), Goal::Active, patience).await;
    assert_eq!(settled.expect("active").map(|it| it.status), Some(TenantStatus::Active));
    // A change that was accepted may not have begun.
    let server = going(&["active", "provisioning", "suspended"]);
    let settled = tenants::settle(&api(&server), &acme(), Goal::Suspended, patience).await;
    assert_eq!(settled.expect("suspended").map(|it| it.status), Some(TenantStatus::Suspended));
    let server = going(&["active", "deleting"]);
    let settled = tenants::settle(&api(&server), &acme(), Goal::Gone, patience).await;
    assert_eq!(settled.expect("deleted").map(|it| it.status), Some(TenantStatus::Deleting));
    let server = going(&["active", "gone"]);
    let settled = tenants::settle(&api(&server), &acme(), Goal::Gone, patience).await;
    assert_eq!(settled.expect("gone"), None);
    let server = going(&["provisioning", "failed"]);
    let error = tenants::settle(&api(&server), &acme(), Goal::Active, patience).await;
    assert_eq!(error.unwrap_err().exit_code(), exit::FAILED);
}

#[tokio::test]
async fn patience_ends_and_can_be_resumed() {
    let server = going(&["provisioning"]);
    let patience = Duration::from_millis(20);
    let error = tenants::settle(&api(&server), &acme(), Goal::Active, patience).await.unwrap_err();
    assert_eq!(error.message(), "tenant acme is provisioning after 20ms, and was to be active");
    assert_eq!(error.exit_code(), exit::PARTIAL);
}

#[tokio::test]
async fn nobody_waits_who_was_interrupted() {
    let server = going(&["provisioning"]);
    let (canceller, cancel) = Cancel::new();
    let base = server.url();
    let api = Api::new(&base, Secret::new(TOKEN), Events::none(), cancel).expect("an address");
    let (id, patience) = (acme(), Duration::from_mins(1));
    let waiting = tenants::settle(&api, &id, Goal::Active, patience);
    let interrupted = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        canceller.cancel();
    };
    let (settled, ()) = tokio::join!(waiting, interrupted);
    assert_eq!(settled.unwrap_err().exit_code(), exit::INTERRUPTED);
}

#[test]
fn a_run_has_keys_of_its_own_that_stay() {
    let key = |run: &str| idempotency_key(run, "createTenant", &json!({ "id": "acme" }));
    assert_eq!(key("2026-11-20-k3f9"), key("2026-11-20-k3f9"));
    assert_ne!(key("2026-11-20-k3f9"), key("2026-11-20-k3f8"));
    assert_eq!(key("x").len(), 32);
}

#[test]
fn tokens_are_not_sent_in_the_clear() {
    let made =
        Api::new("http://api.acme.example", Secret::new(TOKEN), Events::none(), Cancel::never());
    let error = made.unwrap_err();
    assert_eq!(error.exit_code(), exit::USAGE);
    assert!(error.message().contains("could be read on the way"), "{error}");
}
