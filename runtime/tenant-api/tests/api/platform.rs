//! What operators ask for, and exports of the audit trail.

use runtime_core::access::{ObjectBackend as _, ObjectOperation};
use runtime_core::model::{BillingSummary, Item as _, Revision, Timestamp, Usage};
use runtime_core::tables::BILLING;
use serde_json::{Value, json};

use crate::support::{Api, Call, admin, call, operator, user};

#[tokio::test]
async fn quotas_count_what_the_platform_makes_for_tenants() {
    let api = Api::default();
    for (id, tier) in [("one", "basic"), ("two", "standard"), ("three", "premium")] {
        api.tenant(id, tier).await;
    }
    let etag = api.record("one").await.unwrap().revision.etag();
    api.send(call("DELETE", "/v1/tenants/one").by(&admin()).if_match(&etag)).await.is(202);
    let body = api.send(call("GET", "/v1/platform/quota").by(&operator())).await.is(200).body;
    let quotas = body["quotas"].as_array().unwrap();
    let used = |service: &str, what: &str| {
        let found = quotas
            .iter()
            .find(|it| it["service"] == service && it["name"].as_str().unwrap().starts_with(what));
        found.unwrap()["used"].as_u64().unwrap()
    };
    assert_eq!(used("apigateway", "API keys"), 2);
    assert_eq!(used("cloudformation", "stacks"), 1);
    assert_eq!(used("iam", "roles"), 1);
    let full = |it: &Value| it["used"].as_f64().unwrap() / it["limit"].as_f64().unwrap();
    assert!(quotas.windows(2).all(|pair| full(&pair[0]) >= full(&pair[1])), "{quotas:?}");
}

fn bill(api: &Api, tenant: &str, period: &str, cost_micro_usd: u64) {
    let bill = BillingSummary {
        tenant_id: tenant.parse().unwrap(),
        period: period.parse().unwrap(),
        usage: Usage { invocations: 3, ..Usage::default() },
        cost_micro_usd,
        counted_until: Timestamp::now(),
        closed: false,
        revision: Revision::FIRST,
    };
    api.memory.tables.plant(&BILLING, bill.to_attributes().unwrap());
}

#[tokio::test]
async fn reports_are_of_a_month_and_of_every_tenant() {
    let api = Api::default();
    for i in 0..250 {
        bill(&api, &format!("tenant-{i}"), "2026-10", 1_250_000);
    }
    bill(&api, "globex", "2026-09", 1);
    let get = |path: &str| call("GET", &format!("/v1/platform/reports/{path}")).by(&operator());
    let cost = api.send(get("cost?period=2026-10")).await.is(200).body;
    assert_eq!((&cost["report"], &cost["period"]), (&json!("cost"), &json!("2026-10")));
    let rows = cost["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 250);
    assert!(rows.iter().all(|it| it["value"] == 1.25 && it["unit"] == "USD"));
    let usage = api.send(get("usage?period=2026-09")).await.is(200).body;
    let invocations =
        usage["rows"].as_array().unwrap().iter().find(|it| it["name"] == "invocations");
    assert_eq!(invocations.unwrap()["value"], 3.0);
    let now = api.send(get("usage")).await.is(200).body;
    assert_eq!(now["period"], Timestamp::now().to_string()[..7]);
    api.send(get("secrets")).await.is(404);
    assert_eq!(api.send(get("usage?period=2026-13")).await.is(400).fields(), ["period"]);
    api.send(get("usage?tenant=globex")).await.is(400);
}

fn recorded(api: &Api, key: &str, kind: &str, tenant: &str) {
    let record = json!({ "at": "2026-11-20T08:00:00.000Z", "kind": kind, "subject": "ada", "tenant_id": tenant, "operation": "get", "tables": [] });
    let record = serde_json::to_vec_pretty(&record).unwrap();
    api.memory.cloud().trail.insert(key.to_owned(), record);
}

#[tokio::test]
async fn what_looked_like_an_attack_is_listed_to_the_end() {
    let api = Api::default();
    for i in 0..9 {
        let kind = if i % 3 == 0 { "cross-tenant-access" } else { "operator-access" };
        let key = format!("access/tenants/globex/2026/11/20/{i}.json");
        recorded(&api, &key, kind, "globex");
    }
    recorded(&api, "access/platform/2026/11/20/x.json", "cross-tenant-access", "globex");
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/platform/security-events?limit=2{cursor}");
        let page = api.send(call("GET", &path).by(&operator())).await.is(200).body;
        let items = page["items"].as_array().unwrap();
        found.extend(items.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, ["0", "3", "6"]);
    let records = api.memory.audit.records();
    assert!(
        records.iter().any(|it| it.operation == "list-security-events" && it.subject == "olga")
    );
}

fn export(once: &str, from: &str, to: &str) -> Call {
    let body = json!({ "from": from, "to": to });
    call("POST", "/v1/tenants/globex/audit-export").once(once).json(&body)
}

#[tokio::test]
async fn an_export_has_what_the_trail_has_of_the_tenant_and_the_days() {
    let api = Api::default();
    recorded(&api, "access/tenants/globex/2026/11/19/a.json", "operator-access", "globex");
    recorded(&api, "access/tenants/globex/2026/11/20/b.json", "cross-tenant-access", "globex");
    recorded(&api, "changes/tenants/globex/2026/11/21/c.json", "change", "globex");
    recorded(&api, "access/tenants/globex/2026/11/22/d.json", "operator-access", "globex");
    recorded(&api, "access/tenants/globex-2/2026/11/20/e.json", "operator-access", "globex-2");
    let ask = || export("one", "2026-11-20", "2026-11-21");
    for caller in [user("globex"), admin()] {
        let job = api.send(ask().by(&caller)).await.is(202).body;
        assert_eq!(job["status"], "succeeded");
        let key = format!("tenants/globex/audit/{}.ndjson", job["id"].as_str().unwrap());
        assert!(job["result_url"].as_str().unwrap().contains(&key));
        assert_eq!(api.memory.bucket.keys(), [key]);
    }
    let key = api.memory.bucket.keys().remove(0);
    let body = api.memory.bucket.run(&ObjectOperation::Get { key }).await.unwrap().body.unwrap();
    let lines: Vec<Value> = String::from_utf8(body)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<_> = lines.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["cross-tenant-access", "change"]);
    api.send(export("one", "2026-11-01", "2026-11-02").by(&user("globex"))).await.is(409);
    // It writes among the tenant's data: an operator sees everything and changes nothing.
    api.send(export("two", "2026-11-20", "2026-11-21").by(&operator())).await.is(403);
}

#[tokio::test]
async fn an_export_is_of_a_bounded_range() {
    let api = Api::default();
    for (from, to, field) in [
        ("2026-11-20", "2026-11-19", "to"),
        ("2026-01-01", "2026-02-01", "to"),
        ("yesterday", "2026-11-20", "from"),
        ("2026-11-20", "2026-02-30", "to"),
    ] {
        let answer = api.send(export("one", from, to).by(&user("globex"))).await.is(400);
        assert_eq!(answer.fields(), [field]);
    }
    for i in 0..1_001 {
        let key = format!("access/tenants/globex/2026/11/20/{i}.json");
        recorded(&api, &key, "operator-access", "globex");
    }
    let answer = api.send(export("one", "2026-11-20", "2026-11-20").by(&user("globex"))).await;
    assert_eq!(answer.is(400).fields(), ["to"]);
    assert!(api.memory.bucket.keys().is_empty());
}
