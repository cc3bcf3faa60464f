//! Tenants, as callers see them.

use runtime_core::model::{ApiKeyToken, Timestamp};
use serde_json::{Value, json};

use crate::support::{Api, Call, admin, call, new_tenant, operator, user};

fn get(id: &str) -> Call {
    call("GET", &format!("/v1/tenants/{id}"))
}

fn patch(id: &str, etag: &str, body: &Value) -> Call {
    let call = call("PATCH", &format!("/v1/tenants/{id}")).by(&admin());
    call.if_match(etag).json(body)
}

#[tokio::test]
async fn a_tenant_is_made_and_read() {
    let api = Api::default();
    let made = api.tenant("globex", "standard").await;
    assert_eq!(made.header("location"), "/v1/tenants/globex");
    assert_eq!(made.body["status"], "active");
    assert_eq!(made.body["monthly_usd"], 250);
    assert!(!made.body.to_string().contains('@'), "the address is for budgets alone");
    for caller in [user("globex"), operator(), admin()] {
        let read = api.send(get("globex").by(&caller)).await.is(200);
        assert_eq!((read.etag(), &read.body), (made.etag(), &made.body));
        let known = get("globex").by(&caller).header("If-None-Match", &read.etag());
        api.send(known).await.is(304);
        let stale = get("globex").by(&caller).header("If-None-Match", "\"1\"");
        api.send(stale).await.is(200);
    }
    let siloed = api.tenant("initech", "premium").await;
    assert_eq!(siloed.body["status"], "provisioning");
    api.send(get("nobody").by(&admin())).await.is(404);
}

#[tokio::test]
async fn another_tenant_of_the_same_id_is_a_conflict() {
    let api = Api::default();
    let made = api.tenant("globex", "basic").await;
    let again = api.send(new_tenant("globex", "basic")).await.is(202);
    assert_eq!(again.body, made.body);
    api.send(new_tenant("globex", "standard")).await.is(409);
    assert_eq!(api.record("globex").await.unwrap().tier.name(), "basic");
}

#[tokio::test]
async fn who_asks_for_another_tenant_is_refused_counted_and_recorded() {
    let api = Api::default();
    api.tenant("globex", "basic").await;
    api.tenant("initech", "basic").await;
    let export = json!({ "from": "2026-11-01", "to": "2026-11-02" });
    let calls = [
        get("initech"),
        call("POST", "/v1/tenants/initech/api-keys").once("a"),
        call("POST", "/v1/tenants/initech/audit-export").once("a").json(&export),
    ];
    let mut seen = 0;
    for call in calls {
        let before = api.memory.cloud().secrets.clone();
        let answer = api.send(call.by(&user("globex"))).await.is(403);
        assert!(!answer.body.to_string().contains("initech"));
        seen += 1;
        let counted = api.memory.written.lines();
        assert_eq!(counted.len(), seen);
        assert_eq!(counted[seen - 1]["TenantAccessViolations"], 1);
        let records = api.memory.audit.records();
        let record = records.last().unwrap();
        assert_eq!(record.attempted.as_deref(), Some("initech"));
        assert_eq!(record.tenant_id.as_ref().unwrap().as_str(), "globex");
        assert_eq!(api.memory.cloud().secrets, before);
    }
    // The same, whether or not there is such a tenant.
    api.send(get("nobody").by(&user("globex"))).await.is(403);
}

#[tokio::test]
async fn tenants_are_listed_to_the_end_whatever_their_status() {
    let api = Api::default();
    for i in 0..7 {
        api.tenant(&format!("pooled-{i}"), "basic").await;
        api.tenant(&format!("silo-{i}"), "premium").await;
    }
    let etag = api.record("pooled-3").await.unwrap().revision.etag();
    let delete = call("DELETE", "/v1/tenants/pooled-3").by(&admin()).if_match(&etag);
    assert_eq!(api.send(delete).await.is(202).body["status"], "deleting");
    for limit in [1, 2, 3, 5, 7, 14, 200] {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let list = call("GET", &format!("/v1/tenants?limit={limit}{cursor}")).by(&operator());
            let page = api.send(list).await.is(200).body;
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= limit);
            found.extend(items.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found.len(), 14, "{limit}: {found:?}");
        assert_eq!(found.last().unwrap(), "pooled-3");
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 14);
    }
    for cursor in ["gold.", "active", "active.x", "suspended.active."] {
        let list = call("GET", &format!("/v1/tenants?cursor={cursor}")).by(&operator());
        api.send(list).await.is(400);
    }
}

#[tokio::test]
async fn a_change_is_made_from_what_was_read_and_kept_with_its_reason() {
    let api = Api::default();
    let made = api.tenant("globex", "standard").await;
    let suspend = json!({ "suspended": true });
    api.send(patch("globex", "\"1\"", &suspend)).await.is(412);
    let call = patch("globex", &made.etag(), &suspend);
    let call = call.header("x-platformctl-reason", "100%25 unpaid since M%C3%A4rz");
    let changed = api.send(call).await.is(202);
    assert_eq!(changed.body["status"], "suspended");
    assert_ne!(changed.etag(), made.etag());
    let trail = api.memory.cloud().trail.clone();
    let kept: Vec<Value> = trail.values().map(|it| serde_json::from_slice(it).unwrap()).collect();
    let kept = kept.iter().find(|it| it["operation"] == "changeTenant").unwrap();
    assert_eq!(kept["reason"], "100% unpaid since März");
    assert_eq!(kept["subject"], "adam");
    assert_eq!(kept["change"]["suspended"], true);
    assert_eq!(kept["request_id"], "6f1ed44d-fd0e-4d9c-ae0f-4a1a4f0b5e11");
    assert!(trail.keys().all(|key| key.starts_with("changes/tenants/globex/20")));
    // Addresses of people are in no record.
    let body = json!({ "suspended": false, "email": "new@globex.example", "monthly_usd": 7 });
    let changed = api.send(patch("globex", &changed.etag(), &body)).await.is(202);
    assert_eq!(
        (&changed.body["status"], &changed.body["monthly_usd"]),
        (&json!("active"), &json!(7))
    );
    let trail = api.memory.cloud().trail.clone();
    assert!(!trail.values().any(|it| String::from_utf8_lossy(it).contains('@')));
    assert_eq!(api.memory.cloud().events.len(), 1, "no event but that of its making");
    let wrong = json!({ "email": "x", "monthly_usd": 0 });
    let wrong = api.send(patch("globex", &changed.etag(), &wrong)).await.is(400);
    assert_eq!(wrong.fields(), ["email", "monthly_usd"]);
    api.send(patch("globex", &changed.etag(), &json!({}))).await.is(400);
}

#[tokio::test]
async fn what_a_stack_knows_is_told_to_the_provisioner() {
    let api = Api::default();
    api.tenant("globex", "premium").await;
    let etag = |revision: runtime_core::model::Revision| revision.etag();
    let record = api.record("globex").await.unwrap();
    // Not while it is still being made.
    let change = json!({ "monthly_usd": 9 });
    api.send(patch("globex", &etag(record.revision), &change)).await.is(409);
    let mut made = record;
    made.progress.as_mut().unwrap().state = runtime_core::model::ProgressState::Done;
    made.status = runtime_core::model::TenantStatus::Active;
    let attributes = runtime_core::model::Item::to_attributes(&made).unwrap();
    api.memory.tables.plant(&runtime_core::tables::TENANTS, attributes);
    let sent = api.memory.cloud().messages.len();
    let changed = api.send(patch("globex", &etag(made.revision), &change)).await.is(202);
    assert_eq!(changed.body["status"], "provisioning");
    let messages = api.memory.cloud().messages.clone();
    assert_eq!(messages.len(), sent + 1);
    assert_eq!(messages[sent].order.as_ref().unwrap().0, "globex");
    let body: Value = serde_json::from_str(&messages[sent].body).unwrap();
    assert_eq!(body, json!({ "tenant_id": "globex", "work": "change" }));
    // Another tier is news to everybody, and a pause is the platform's alone.
    let tier = api.send(patch("globex", &changed.etag(), &json!({ "tier": "standard" }))).await;
    let tier = tier.is(202);
    assert_eq!(api.memory.cloud().events.last().unwrap().kind, "platform.tenant.tier_changed");
    assert_eq!(api.memory.cloud().messages.len(), sent + 2);
    api.send(patch("globex", &tier.etag(), &json!({ "suspended": true }))).await.is(202);
    assert_eq!(api.memory.cloud().messages.len(), sent + 2);
}

#[tokio::test]
async fn a_deleted_tenant_stays_deleted() {
    let api = Api::default();
    let made = api.tenant("globex", "basic").await;
    let delete = |etag: &str| call("DELETE", "/v1/tenants/globex").by(&admin()).if_match(etag);
    api.send(delete("\"1\"")).await.is(412);
    let deleted = api.send(delete(&made.etag())).await.is(202);
    assert_eq!(deleted.body["status"], "deleting");
    assert_eq!(api.memory.cloud().deleted, [("acme-dev/api-keys/globex".to_owned(), false)]);
    api.send(patch("globex", &deleted.etag(), &json!({ "suspended": false }))).await.is(409);
    let rotate = call("POST", "/v1/tenants/globex/api-keys").by(&admin()).once("a");
    api.send(rotate).await.is(409);
    api.send(call("DELETE", "/v1/tenants/nobody").by(&admin()).if_match("\"1\"")).await.is(404);
}

#[tokio::test]
async fn a_new_key_is_shown_and_the_one_before_is_good_for_a_day() {
    let api = Api::default();
    api.tenant("globex", "basic").await;
    let first = api.memory.cloud().secrets["acme-dev/api-keys/globex"].clone();
    let first: ApiKeyToken = first.parse().unwrap();
    let rotate = |once: &str| call("POST", "/v1/tenants/globex/api-keys").once(once);
    let key = api.send(rotate("one").by(&user("globex"))).await.is(201).body;
    let token: ApiKeyToken = key["value"].as_str().unwrap().parse().unwrap();
    assert_eq!(key["id"], token.id().as_str());
    let until: Timestamp = key["former_until"].as_str().unwrap().parse().unwrap();
    let record = api.record("globex").await.unwrap();
    let now = Timestamp::now();
    assert!(record.key_of(&first, now).is_some() && record.key_of(&token, now).is_some());
    assert!(record.key_of(&first, until).is_none());
    assert!((86_000..=86_400).contains(&(until.seconds() - now.seconds())));
    // The same request gives the same key, and no third one.
    let again = api.send(rotate("one").by(&user("globex"))).await.is(201).body;
    assert_eq!(again, key);
    // Until there is a newer one: then this one cannot be shown again.
    let newer = api.send(rotate("two").by(&admin())).await.is(201).body;
    assert_ne!(newer["value"], key["value"]);
    api.send(rotate("one").by(&user("globex"))).await.is(409);
    assert_eq!(api.record("globex").await.unwrap().api_keys.len(), 3);
    // No token is in any record.
    let trail = api.memory.cloud().trail.clone();
    assert!(!trail.values().any(|it| String::from_utf8_lossy(it).contains("pk_")));
}
