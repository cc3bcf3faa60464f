//! What operators read through the platform's API.

use super::platform_api::{OPERATOR, PlatformApi};

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
