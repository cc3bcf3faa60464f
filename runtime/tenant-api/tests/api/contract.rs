//! Every route of the list is served, for those it is for and nobody else; and whatever
//! is wrong with a request is said as the contract has it.

use runtime_core::api::{Caller, Method, ROUTES, Route};
use runtime_core::caller::CallerContext;
use runtime_core::functions::Function;
use serde_json::{Value, json};

use crate::support::{Answer, Api, Call, admin, call, machine, new_tenant, operator, user};

fn served() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|it| it.function == Some(Function::TenantApi))
}

fn path(route: &Route) -> String {
    route
        .path
        .replace("/tenants/{id}", "/tenants/globex")
        .replace("{id}", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
        .replace("{name}", "helper")
        .replace("{report}", "usage")
        .replace("{run}", "2026-11-21-k3f9")
        .replace("{step}", "leave")
}

fn caller(kind: Caller) -> CallerContext {
    match kind {
        Caller::Tenant => user("globex"),
        Caller::Machine => machine("globex"),
        Caller::Operator => operator(),
        Caller::Admin | Caller::Public => admin(),
    }
}

const KNOWN: [Caller; 4] = [Caller::Tenant, Caller::Machine, Caller::Operator, Caller::Admin];

/// A body that some route takes; for the others it is not valid.
fn with_body(call: Call, route: &Route) -> Call {
    let call = call.once("contract-test").if_match("\"1\"");
    if route.request.is_some() { call.json(&json!({})) } else { call }
}

#[tokio::test]
async fn every_route_is_served_for_its_callers_and_nobody_else() {
    for route in served() {
        for kind in KNOWN {
            let api = Api::default();
            let request = call(route.method.as_str(), &path(route)).by(&caller(kind));
            let answer = api.send(with_body(request, route)).await;
            let name = route.operation;
            let detail = answer.body["detail"].as_str().unwrap_or_default();
            if route.callers.contains(&kind) {
                assert_ne!(detail, "There is no such route.", "{name}");
                assert_ne!(answer.status, 405, "{name}");
                assert_ne!(answer.status, 500, "{name}");
                let unable = route.operation == "exportAudit" && kind == Caller::Operator;
                assert_eq!(answer.status == 403, unable && answer.fields().is_empty(), "{name}");
            } else {
                assert_eq!(answer.status, 403, "{name} for {}", kind.name());
                assert_eq!(api.memory.tables.operations(), 0, "{name} looked before it checked");
            }
        }
    }
}

#[tokio::test]
async fn who_was_not_let_through_by_the_authoriser_is_nobody() {
    let contradictory = |fields: Value| {
        let mut call = call("GET", "/v1/agents");
        let authorizer = &mut call.event["requestContext"]["authorizer"];
        for (name, value) in fields.as_object().unwrap() {
            authorizer[name] = value.clone();
        }
        call
    };
    let api = Api::default();
    for fields in [
        json!({}),
        json!({ "caller": "tenant", "subject": "ada" }),
        json!({ "caller": "root", "subject": "ada", "tenant_id": "globex" }),
        json!({ "caller": "tenant", "subject": "", "tenant_id": "globex" }),
    ] {
        api.send(contradictory(fields)).await.is(403);
    }
    // What callers can write is not looked at.
    let mut forged = call("GET", "/v1/agents")
        .header("caller", "tenant")
        .header("subject", "ada")
        .header("x-tenant-id", "globex");
    forged.event["requestContext"]["identity"]["caller"] = "tenant".into();
    api.send(forged).await.is(403);
    assert_eq!(api.memory.tables.operations(), 0);
    // What the decision was about, and what the request says, are one tenant.
    let named = |it: &str| call("GET", "/v1/agents").by(&user("globex")).header("x-tenant-id", it);
    api.send(named("globex")).await.is(200);
    api.send(named("initech")).await.is(403);
    api.send(call("GET", "/v1/tenants").by(&admin()).header("x-tenant-id", "initech"))
        .await
        .is(403);
    // Staff may have named a tenant to the authoriser: it makes them no tenant's.
    let mut staff = call("GET", "/v1/tenants").by(&operator());
    staff.event["requestContext"]["authorizer"]["tenant_id"] = "globex".into();
    api.send(staff).await.is(200);
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_done_there() {
    let api = Api::default();
    for path in ["/", "/v1", "/v1/unknown", "/v1/tenants/globex/unknown", "/live/v1/tenants"] {
        api.send(call("GET", path).by(&admin())).await.is(404);
    }
    let answer = api.send(call("PUT", "/v1/tenants").by(&admin())).await.is(405);
    assert_eq!(answer.header("allow"), "GET, POST");
    let answer = api.send(call("DELETE", "/v1/agents").by(&user("globex"))).await.is(405);
    assert_eq!(answer.header("allow"), "GET, POST");
    // Ids that cannot be are ids of nothing, whatever they look like.
    for id in ["x", "..", "a%2Fb", "A", "%00"] {
        api.send(call("GET", &format!("/v1/jobs/{id}")).by(&user("globex"))).await.is(404);
    }
}

async fn refused(call: Call, status: u16) -> Answer {
    let api = Api::default();
    let answer = api.send(call).await.is(status);
    assert_eq!(api.memory.tables.operations(), 0);
    answer
}

#[tokio::test]
async fn bodies_are_json_of_the_right_form_and_size() {
    let post = || call("POST", "/v1/tenants").by(&admin()).once("bodies");
    let json_type = |call: Call| call.header("Content-Type", "application/json; charset=utf-8");
    refused(post().text("{}"), 415).await;
    refused(post().header("Content-Type", "text/plain").text("{}"), 415).await;
    let fields = |answer: Answer| answer.fields().join(" ");
    let wrong = refused(json_type(post()).text("{\"id\": "), 400).await;
    assert_eq!(fields(wrong), "id");
    let wrong = refused(json_type(post()).text("{} {}"), 400).await;
    assert!(wrong.body["errors"][0]["message"].as_str().unwrap().contains("missing field"));
    let unknown = json!({ "id": "globex", "tier": "basic", "email": "a@b", "admin": true });
    let wrong = refused(post().json(&unknown), 400).await;
    assert!(wrong.body["errors"][0]["message"].as_str().unwrap().contains("unknown field `admin`"));
    let wrong = json!({ "id": "globex", "tier": "gold", "email": "a@b" });
    assert_eq!(fields(refused(post().json(&wrong), 400).await), "tier");
    let large = format!("{{\"id\": \"{}\"}}", "a".repeat(256 * 1024));
    refused(json_type(post()).text(&large), 413).await;
    // All that is wrong is said at once.
    let wrong = json!({ "id": "globex", "tier": "basic", "email": "nobody", "monthly_usd": 0 });
    assert_eq!(fields(refused(post().json(&wrong), 400).await), "email monthly_usd");
}

#[tokio::test]
async fn requests_that_make_something_have_a_name() {
    let named = |name: &str| new_tenant("globex", "basic").header("Idempotency-Key", name);
    for wrong in ["", "1234567", "a b c d e", "éééééééé", &"a".repeat(129)] {
        assert_eq!(refused(named(wrong), 400).await.fields(), ["Idempotency-Key"]);
    }
    for good in ["12345678", &"a".repeat(128)] {
        Api::default().send(named(good)).await.is(202);
    }
    for route in served().filter(|it| it.traits.idempotent) {
        let mut request = call("POST", &path(route)).by(&caller(route.callers[0]));
        if route.request.is_some() {
            request = request.json(&json!({}));
        }
        assert_eq!(refused(request, 400).await.fields(), ["Idempotency-Key"]);
    }
}

#[tokio::test]
async fn changes_name_what_they_were_made_from() {
    for route in served().filter(|it| it.traits.versioned && it.method != Method::Get) {
        let request = || {
            let call = call(route.method.as_str(), &path(route)).by(&caller(route.callers[0]));
            if route.request.is_some() { call.json(&json!({})) } else { call }
        };
        refused(request(), 428).await;
        for wrong in ["3", "*", "W/\"3\"", "\"1\", \"2\""] {
            assert_eq!(refused(request().if_match(wrong), 400).await.fields(), ["If-Match"]);
        }
    }
}

#[tokio::test]
async fn a_condition_has_a_length() {
    for route in served().filter(|it| it.traits.versioned && it.method == Method::Get) {
        let request = call("GET", &path(route)).by(&caller(route.callers[0]));
        let request = request.header("If-None-Match", &"a".repeat(129));
        assert_eq!(refused(request, 400).await.fields(), ["If-None-Match"]);
    }
}

#[tokio::test]
async fn pages_are_of_a_size_and_cursors_are_of_their_list() {
    for route in served().filter(|it| it.traits.paged) {
        let get = |query: &str| {
            call("GET", &format!("{}?{query}", path(route))).by(&caller(route.callers[0]))
        };
        for wrong in ["limit=0", "limit=201", "limit=-1", "limit=x", "unknown=1"] {
            refused(get(wrong), 400).await;
        }
        let long = format!("cursor={}", "a".repeat(2_049));
        // Any text that can be a key goes on behind it.
        let made_up =
            if route.operation == "listSecurityEvents" { "cursor=%00" } else { "cursor=bm8" };
        for wrong in [long.as_str(), made_up] {
            let answer = with_tenant(route).await.send(get(wrong)).await.is(400);
            assert_eq!(answer.fields(), ["cursor"], "{}", route.operation);
        }
        let empty = with_tenant(route).await.send(get("limit=200")).await.is(200);
        assert_eq!(empty.body, json!({ "items": [] }));
    }
}

/// An API that has the tenant of the route's path.
async fn with_tenant(route: &Route) -> Api {
    let api = Api::default();
    if route.path.starts_with("/v1/tenants/{id}") {
        api.tenant("globex", "basic").await;
    }
    api
}

#[tokio::test]
async fn what_fails_inside_stays_inside() {
    let api = Api::default();
    api.memory.fail(crate::memory::Fault { call: 0, after: false });
    let answer = api.send(call("GET", "/v1/tenants/globex").by(&admin())).await.is(500);
    assert!(!answer.body.to_string().contains("injected"), "{}", answer.body);
    let lines = api.memory.written.lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["RequestsFailed"], 1);
    assert_eq!(lines[0]["route"], "getTenant");
}
