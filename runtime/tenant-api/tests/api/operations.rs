//! What operators see of tenants, and what they ask of each other.

use runtime_core::model::{
    FailoverRequest, Fulfilled, Invocation, InvocationId, InvocationStatus, Item as _, OpsLock,
    Revision, Session, SessionId, Timestamp, samples,
};
use runtime_core::names::REASON_HEADER;
use runtime_core::runtime_region::LOCK;
use runtime_core::tables::{INVOCATIONS, OPERATIONS, OPS_LOCKS, SESSIONS};
use serde_json::{Value, json};

use crate::support::{Api, Call, admin, call, operator};

fn get(path: &str) -> Call {
    call("GET", path).by(&operator())
}

fn post(path: &str, once: &str, body: &Value) -> Call {
    call("POST", path).by(&admin()).once(once).json(body)
}

/// The records of changes below a prefix.
fn changes(api: &Api, prefix: &str) -> Vec<Value> {
    let cloud = api.memory.cloud();
    let found = cloud.trail.iter().filter(|(key, _)| key.starts_with(prefix));
    found.map(|(_, record)| serde_json::from_slice(record).unwrap()).collect()
}

#[tokio::test]
async fn the_sessions_of_a_tenant_are_seen_and_nobody_elses() {
    let api = Api::default();
    api.tenant("globex", "basic").await;
    let now = Timestamp::now();
    for (tenant, ends) in [("globex", 600), ("globex", 900), ("globex", -5), ("initech", 600)] {
        let session = Session {
            session_id: SessionId::generate(),
            created_at: samples::now(),
            expires_at: now.seconds() + ends,
            ..samples::session(&tenant.parse().unwrap())
        };
        api.memory.tables.plant(&SESSIONS, session.to_attributes().unwrap());
    }
    let page = api.send(get("/v1/tenants/globex/sessions")).await.is(200).body;
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "those that have not ended: {items:?}");
    assert!(items.iter().all(|it| it["agent"] == "helper"));
    let one = api.send(get("/v1/tenants/globex/sessions?limit=1")).await.is(200).body;
    assert!(one["next"].is_string());
    api.send(get("/v1/tenants/initech/sessions")).await.is(404);
    let records = api.memory.audit.records();
    let looks = records.iter().filter(|it| it.operation == "look-at");
    assert!(looks.clone().count() == 2 && looks.clone().all(|it| it.subject == "olga"));
    assert!(looks.clone().all(|it| it.tenant_id == Some("globex".parse().unwrap())));
}

fn invoked(api: &Api, agent: &str, ago: i64, status: InvocationStatus) {
    let at = Timestamp::now().moment() - time::Duration::seconds(ago);
    let invocation = Invocation {
        invocation_id: InvocationId::generate(),
        agent: agent.parse().unwrap(),
        status,
        output: None,
        created_at: at.into(),
        expires_at: samples::later(),
        ..samples::invocation(&"globex".parse().unwrap())
    };
    api.memory.tables.plant(&INVOCATIONS, invocation.to_attributes().unwrap());
}

#[tokio::test]
async fn the_error_rate_counts_what_is_over_in_the_time_that_was_asked_for() {
    use InvocationStatus::{Failed, Running, Succeeded};
    let api = Api::default();
    api.tenant("globex", "basic").await;
    let none = api.send(get("/v1/tenants/globex/error-rate")).await.is(200).body;
    assert_eq!((&none["invocations"], &none["rate"]), (&json!(0), &json!(0.0)));
    for (agent, ago, status) in [
        ("helper", 10, Failed),
        ("helper", 20, Succeeded),
        ("helper", 30, Running),
        ("writer", 3_000, Succeeded),
        ("writer", 3_010, Succeeded),
        ("writer", 90_000, Failed),
    ] {
        invoked(&api, agent, ago, status);
    }
    let hour = api.send(get("/v1/tenants/globex/error-rate?since=3600")).await.is(200).body;
    assert_eq!((&hour["invocations"], &hour["failed"]), (&json!(4), &json!(1)));
    assert_eq!((&hour["rate"], &hour["complete"]), (&json!(0.25), &json!(true)));
    let agents: Vec<_> = hour["agents"].as_array().unwrap().iter().collect();
    assert_eq!(agents[0], &json!({ "agent": "helper", "invocations": 2, "failed": 1 }));
    assert_eq!(agents[1]["agent"], "writer");
    let steps = hour["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 24);
    assert_eq!((&steps[23]["invocations"], &steps[23]["failed"]), (&json!(2), &json!(1)));
    let counted: u64 = steps.iter().map(|it| it["invocations"].as_u64().unwrap()).sum();
    assert_eq!(counted, 4);
    let long = api.send(get("/v1/tenants/globex/error-rate?since=172800")).await.is(200).body;
    assert_eq!(long["failed"], 2);
    for wrong in ["59", "2592001", "x"] {
        let answer = api.send(get(&format!("/v1/tenants/globex/error-rate?since={wrong}"))).await;
        assert_eq!(answer.is(400).fields(), ["since"]);
    }
}

#[tokio::test]
async fn a_notice_is_kept_recorded_and_announced_once_for_a_key() {
    let api = Api::default();
    api.tenant("globex", "basic").await;
    let before = api.memory.cloud().events.len();
    let body = json!({ "subject": "Maintenance", "message": "On Sunday." });
    let send = |once: &str| {
        post("/v1/tenants/globex/notices", once, &body).header(REASON_HEADER, "planned%20work")
    };
    let first = api.send(send("one")).await.is(202).body;
    let again = api.send(send("one")).await.is(202).body;
    assert_eq!(first, again);
    let other = api.send(send("two")).await.is(202).body;
    assert_ne!(first["id"], other["id"]);
    let events = api.memory.cloud().events[before..].to_vec();
    assert!(events.iter().all(|it| it.kind == "platform.tenant.notified"));
    let detail: Value = serde_json::from_str(&events[0].detail).unwrap();
    assert_eq!((&detail["id"], &detail["message"]), (&first["id"], &json!("On Sunday.")));
    let different = json!({ "subject": "Maintenance", "message": "On Monday." });
    api.send(post("/v1/tenants/globex/notices", "one", &different)).await.is(409);
    api.send(post("/v1/tenants/initech/notices", "one", &body)).await.is(404);
    let records = changes(&api, "changes/tenants/globex/");
    let notices: Vec<_> = records.iter().filter(|it| it["operation"] == "notifyTenant").collect();
    assert!(notices.iter().any(|it| it["reason"] == "planned work"));
    let kept = api.memory.tables.take_touched();
    assert!(kept.contains(&(OPERATIONS.name, "notice#globex".to_owned())), "{kept:?}");
}

#[tokio::test]
async fn a_failover_is_asked_for_and_shown_beside_the_record_of_the_lock() {
    let api = Api::default();
    let never = api.send(get("/v1/platform/failover")).await.is(200).body;
    assert_eq!(never, json!({}));
    let lock = OpsLock {
        lock_name: LOCK.parse().unwrap(),
        ..samples::ops_lock().with_value("eu-west-2".parse().unwrap(), samples::lock_write())
    };
    api.memory.tables.plant(&OPS_LOCKS, lock.to_attributes().unwrap());
    let body = |region: &str| json!({ "region": region, "reason": "a drill" });
    let ask = |once: &str, region: &str| post("/v1/platform/failover", once, &body(region));
    let asked = api.send(ask("one", "eu-west-1")).await.is(202).body;
    assert_eq!((&asked["state"], &asked["requested_by"]), (&json!("requested"), &json!("adam")));
    assert_eq!(api.send(ask("one", "eu-west-1")).await.is(202).body, asked);
    api.send(ask("one", "eu-west-3")).await.is(409);
    api.send(ask("there", "eu-west-2")).await.is(409);
    let now = api.send(get("/v1/platform/failover")).await.is(200).body;
    assert_eq!((&now["region"], &now["fence"]), (&json!("eu-west-2"), &json!(1)));
    assert_eq!(now["lock"]["fence"], 1);
    assert_eq!(now["request"]["region"], "eu-west-1");
    let second = api.send(ask("two", "eu-central-1")).await.is(202).body;
    assert_eq!(second["state"], "requested");
    let former = api.send(ask("one", "eu-west-1")).await.is(202).body;
    assert_eq!(former["state"], "superseded");
    let events = api.memory.cloud().events.clone();
    let ids: std::collections::BTreeSet<_> = events.iter().map(|it| it.detail.clone()).collect();
    assert_eq!(ids.len(), 2, "each is announced, and the same again is the same event");
    assert!(events.iter().all(|it| it.kind == "platform.failover.requested"));
    let recorded = changes(&api, "changes/platform/");
    assert!(recorded.iter().all(|it| it["operation"] == "failOver" && it["reason"] == "a drill"));
    // As the command line marks it.
    let fulfilled = Fulfilled { token: 2, ..samples::fulfilled() };
    let done = FailoverRequest {
        request_id: second["id"].as_str().unwrap().parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        created_at: second["requested_at"].as_str().unwrap().parse().unwrap(),
        fulfilled: Some(fulfilled),
        revision: Revision(2),
        ..samples::failover_request()
    };
    api.memory.tables.plant(&OPERATIONS, done.to_attributes().unwrap());
    let now = api.send(get("/v1/platform/failover")).await.is(200).body;
    assert_eq!(now["request"]["state"], "fulfilled");
    assert_eq!(now["request"]["run"], "2026-11-21-k3f9");
    for wrong in ["nowhere", "eu-west", "EU-west-1"] {
        assert_eq!(api.send(ask("x", wrong)).await.is(400).fields(), ["region"]);
    }
}

#[tokio::test]
async fn a_plan_of_accounts_places_who_has_a_stack_and_is_carried_out_by_nobody() {
    let api = Api::default();
    api.send(get("/v1/platform/quota/split-accounts")).await.is(404);
    for (id, tier) in
        [("one", "premium"), ("two", "premium"), ("six", "premium"), ("pool", "basic")]
    {
        api.tenant(id, tier).await;
    }
    let split = |once: &str, accounts: &[&str]| {
        let body = json!({ "accounts": accounts, "reason": "growth" });
        post("/v1/platform/quota/split-accounts", once, &body)
    };
    let made = api.send(split("one", &["111122223333", "444455556666"])).await.is(202).body;
    assert_eq!(made["accounts"][0]["tenants"], json!(["one", "six"]));
    assert_eq!(made["accounts"][1]["tenants"], json!(["two"]));
    let quota = &made["accounts"][0]["quotas"][0];
    assert_eq!(
        (&quota["service"], &quota["used"], &quota["limit"]),
        (&json!("iam"), &json!(2), &json!(1_000))
    );
    assert_eq!((&made["unplaced"], &made["state"]), (&json!([]), &json!("requested")));
    let messages = api.memory.cloud().messages.len();
    let read = api.send(get("/v1/platform/quota/split-accounts")).await.is(200).body;
    assert_eq!(read, made);
    // A later one counts, and the same key is the same plan whatever tenants there are.
    api.tenant("ten", "premium").await;
    let again = api.send(split("one", &["111122223333", "444455556666"])).await.is(202).body;
    assert_eq!(again["accounts"], made["accounts"]);
    api.send(split("two", &["111122223333"])).await.is(202);
    let first = api.send(split("one", &["111122223333", "444455556666"])).await.is(202).body;
    assert_eq!(first["state"], "superseded");
    assert_eq!(api.memory.cloud().messages.len(), messages + 1, "only the new tenant's");
    let wrong = api.send(split("three", &["123456789012", "1"])).await.is(400);
    assert_eq!(wrong.fields(), ["accounts[1]"]);
    let twice = api.send(split("three", &["123456789012", "123456789012"])).await.is(400);
    assert_eq!(twice.fields(), ["accounts[1]"]);
    assert_eq!(api.send(split("three", &[])).await.is(400).fields(), ["accounts"]);
}

fn question(number: u64, from: &[&str], four_eyes: bool) -> Value {
    json!({
        "run": "2026-11-21-k3f9", "step": "leave", "number": number, "runbook": "006",
        "text": "Suspend acme?", "from": from, "four_eyes": four_eyes, "within_seconds": 600,
    })
}

const PLACE: &str = "/v1/platform/approvals/2026-11-21-k3f9/leave";

#[tokio::test]
async fn an_approval_is_given_by_whom_the_runbook_names_and_counts_once() {
    let api = Api::default();
    let ask = |number| {
        let body = question(number, &["Platform.Admin"], false);
        call("POST", "/v1/platform/approvals").by(&operator()).once("ask").json(&body)
    };
    let say =
        |granted: bool| call("POST", PLACE).once("answer").json(&json!({ "granted": granted }));
    api.send(say(true).by(&admin())).await.is(404);
    let asked = api.send(ask(7)).await.is(202).body;
    assert_eq!((&asked["requested_by"], &asked["number"]), (&json!("olga"), &json!(7)));
    assert_eq!(api.send(ask(7)).await.is(202).body, asked);
    let listed = api.send(get("/v1/platform/approvals")).await.is(200).body;
    assert_eq!(listed["items"], json!([asked]));
    api.send(say(true).by(&operator())).await.is(403);
    let given = api.send(say(true).by(&admin())).await.is(200).body;
    assert_eq!(given["answer"]["by"], "adam");
    assert_eq!(given["answer"]["roles"], json!(["Platform.Admin", "Platform.Operator"]));
    assert_eq!(api.send(say(true).by(&admin())).await.is(200).body, given);
    api.send(say(false).by(&admin())).await.is(409);
    assert_eq!(api.send(get(PLACE)).await.is(200).body, given);
    // Asked again, it has to be answered again; nobody else takes its place.
    let other = question(8, &[], false);
    api.send(call("POST", "/v1/platform/approvals").by(&admin()).once("ask").json(&other))
        .await
        .is(409);
    let anew = api.send(ask(8)).await.is(202).body;
    assert!(anew["answer"].is_null() && anew["number"] == 8);
    let recorded = changes(&api, "changes/platform/");
    let operations: Vec<_> = recorded.iter().map(|it| it["operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["requestApproval", "answerApproval", "requestApproval"]);
}

#[tokio::test]
async fn who_asks_does_not_answer_where_two_are_needed() {
    let api = Api::default();
    let body = question(1, &["Platform.Operator"], true);
    let ask = call("POST", "/v1/platform/approvals").by(&operator()).once("ask").json(&body);
    api.send(ask).await.is(202);
    let say = || call("POST", PLACE).once("answer").json(&json!({ "granted": true }));
    let refused = api.send(say().by(&operator())).await.is(403);
    assert!(refused.body["detail"].as_str().unwrap().contains("somebody else"));
    api.send(say().by(&admin())).await.is(200);
}

#[tokio::test]
async fn an_approval_has_its_time_and_its_evidence() {
    let api = Api::default();
    let mut body = question(1, &[], false);
    body["evidence"] = "the ticket".into();
    let ask = call("POST", "/v1/platform/approvals").by(&operator()).once("ask").json(&body);
    api.send(ask).await.is(202);
    let say = |body: Value| call("POST", PLACE).by(&operator()).once("answer").json(&body);
    assert_eq!(api.send(say(json!({ "granted": true }))).await.is(400).fields(), ["evidence"]);
    let late = runtime_core::model::Approval {
        until: Some(samples::now()),
        created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        ..samples::approval()
    };
    let late = runtime_core::model::Approval { step: "late".parse().unwrap(), ..late };
    api.memory.tables.plant(&OPERATIONS, late.to_attributes().unwrap());
    let body = json!({ "granted": true, "evidence": "OPS-1" });
    let place = PLACE.replace("leave", "late");
    let too_late = call("POST", &place).by(&operator()).once("answer").json(&body);
    api.send(too_late).await.is(409);
    let given = api.send(say(body)).await.is(200).body;
    assert_eq!(given["answer"]["evidence"], "OPS-1");
}
