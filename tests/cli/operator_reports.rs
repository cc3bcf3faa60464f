//! What operators read through the platform's API.

use super::platform_api::{ADMIN, OPERATOR, PlatformApi};

#[test]
fn quotas_are_shown_with_the_fullest_first() {
    let api = PlatformApi::new();
    let env = api.env_of(OPERATOR);
    insta::assert_snapshot!(api.shown(&env.run(&["ops", "quota-report"])));
    insta::assert_json_snapshot!(env.json(&["ops", "quota-report", "-o", "json"]));
}

#[test]
fn what_looked_like_an_attack_is_shown_with_the_newest_first() {
    let api = PlatformApi::new();
    let env = api.env_of(OPERATOR);
    insta::assert_snapshot!(api.shown(&env.run(&["ops", "security-events"])));
    insta::assert_json_snapshot!(env.json(&["ops", "security-events", "-o", "json"]));
    let ids = |arguments: &[&str]| {
        let arguments = [&["ops", "security-events", "--query", "[].id", "-o", "json"], arguments];
        env.json(&arguments.concat())
    };
    assert_eq!(ids(&["--tenant", "globex"]), serde_json::json!(["e3"]));
    assert_eq!(ids(&["--limit", "1"]), serde_json::json!(["e2"]));
    assert_eq!(ids(&["--since", "1s"]), serde_json::json!(["e2"]));
    assert_eq!(ids(&["--since", "1s", "--tenant", "globex"]), serde_json::json!([]));
}

#[test]
fn tenants_are_shown_by_what_they_used() {
    let api = PlatformApi::new();
    let env = api.env_of(OPERATOR);
    insta::assert_snapshot!(api.shown(&env.run(&["ops", "top-tenants", "--period", "2026-10"])));
    let by = ["ops", "top-tenants", "--by", "invocations", "--period", "2026-03", "-o", "json"];
    insta::assert_json_snapshot!(env.json(&by));
    insta::assert_snapshot!(env.run(&["ops", "top-tenants", "--period", "2026-13"]).text);
}

#[test]
fn invocations_have_a_trend() {
    let api = PlatformApi::new();
    let env = api.env_of(OPERATOR);
    let report = env.json(&["ops", "invocation-report", "--since", "14", "-o", "json"]);
    assert_eq!(report["periods"].as_array().map(Vec::len), Some(14));
    let acme = &report["tenants"][0]["used"];
    assert_eq!(acme["invocations"].as_array().map(Vec::len), Some(14));
    assert_eq!(acme["jobs"][13], 7.0);
    let asked = api.asked().into_iter().filter(|it| it.path.contains("/reports/usage"));
    assert_eq!(asked.count(), 14);
    let one = ["ops", "invocation-report", "--since", "1", "--tenant", "globex"];
    let shown = env.run(&one).text;
    assert!(shown.contains("globex") && shown.contains("40") && shown.contains('█'), "{shown}");
    assert!(!shown.contains("acme"), "{shown}");
}

#[test]
fn sessions_are_shown_with_the_newest_first() {
    let api = PlatformApi::new();
    let env = api.env_of(OPERATOR);
    insta::assert_snapshot!(api.shown(&env.run(&["ops", "tenant-sessions", "acme"])));
    insta::assert_json_snapshot!(env.json(&["ops", "tenant-sessions", "acme", "-o", "json"]));
    let ids = |arguments: &[&str]| {
        let verb = ["ops", "tenant-sessions", "acme", "--query", "[].id", "-o", "json"];
        env.json(&[&verb, arguments].concat())
    };
    assert_eq!(ids(&["--agent", "helper"]), serde_json::json!(["s1"]));
    assert_eq!(ids(&["--since", "1s"]), serde_json::json!(["s2"]));
    let one = env.run(&["ops", "tenant-sessions", "acme", "--limit", "1"]).text;
    assert!(one.contains("s2") && one.contains("1 more"), "{one}");
    let none = env.run(&["ops", "tenant-sessions", "globex"]);
    assert!(none.code == 0 && none.stdout.contains("no such session"), "{}", none.text);
}

#[test]
fn error_rates_are_shown_with_the_worst_first() {
    let api = PlatformApi::new();
    let env = api.env_of(OPERATOR);
    insta::assert_snapshot!(api.shown(&env.run(&["ops", "error-rate"])));
    insta::assert_json_snapshot!(env.json(&["ops", "error-rate", "--since", "1h", "-o", "json"]));
    let asked = api.asked();
    assert!(asked.iter().any(|it| it.path.ends_with("/acme/error-rate?since=3600")));
    let one = env.run(&["ops", "error-rate", "--tenant", "globex"]);
    assert!(one.stdout.contains("no agent was invoked in the last 1day"), "{}", one.text);
    for wrong in ["1s", "31days", "soon"] {
        assert_eq!(env.run(&["ops", "error-rate", "--since", wrong]).code, 2, "{wrong}");
    }
}

#[test]
fn a_tenant_is_told_with_a_reason_and_by_an_administrator() {
    let api = PlatformApi::new();
    let notify = ["ops", "notify-tenant", "acme", "--subject", "Maintenance", "--message"];
    let tell = |more: &[&'static str]| [&notify[..], &["On Sunday."], more].concat();
    let env = api.env_of(ADMIN);
    let without = env.run(&tell(&[]));
    assert!(without.code == 2 && without.stderr.contains("--reason"), "{}", without.text);
    insta::assert_snapshot!(api.shown(&env.run(&tell(&["--dry-run"]))));
    assert_eq!(api.changes(), Vec::<String>::new());
    insta::assert_snapshot!(api.shown(&env.run(&tell(&["--reason", "planned work"]))));
    let mut told = env.json(&tell(&["--reason", "planned work", "-o", "json"]));
    told["run"] = "[RUN]".into();
    insta::assert_json_snapshot!(told);
    assert_eq!(api.changes(), ["POST /v1/tenants/acme/notices"; 2]);
    let asked = api.asked().into_iter().filter(|it| it.method == "POST").collect::<Vec<_>>();
    assert_eq!(asked[0].header("x-platformctl-reason"), Some("planned work"));
    assert_ne!(asked[0].header("idempotency-key"), asked[1].header("idempotency-key"));
    let long = "x".repeat(10_001);
    let long = [&notify[..], &[long.as_str(), "--reason", "r"]].concat();
    let long = env.run(&long);
    assert!(long.code == 2 && long.stderr.contains("10001 characters"), "{}", long.text);
    let nobody =
        ["ops", "notify-tenant", "nobody", "--subject", "s", "--message", "m", "--reason", "r"];
    assert_eq!(env.run(&nobody).code, 2);
    let refused = api.env_of(OPERATOR).run(&tell(&["--reason", "planned work"]));
    assert_eq!(refused.code, 1, "{}", refused.text);
}
