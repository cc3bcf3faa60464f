//! Locks, as operators see them.

use super::env::{MINIMAL, Outcome, TestEnv};
use super::fake::Endpoint;

/// A lock that is held, and guards where agents run.
const HELD: &str = r#"{"Item": {
    "lock_name": {"S": "NAME"}, "token": {"N": "7"}, "lease_seconds": {"N": "60"},
    "renewed": {"N": "12"}, "write": {"S": "01JD7Z0V5Y0000000000000000"}, "v": {"N": "1"},
    "acquired_at": {"S": "2026-11-20T09:41:07.000Z"},
    "written_at": {"S": "2026-11-20T09:43:03.000Z"},
    "holder": {"M": {"who": {"S": "runner, pipeline job 48213"}, "host": {"S": "ci-runner-7"},
        "job": {"S": "deploy"}, "reason": {"S": "-"}, "run_id": {"S": "2026-11-20-j81c"}}},
    "guarded": {"M": {"value": {"S": "eu-west-1"}, "token": {"N": "6"},
        "previous": {"S": "eu-west-2"}, "set_at": {"S": "2026-11-19T08:00:00.000Z"}}}
}}"#;

fn held(name: &str) -> Endpoint {
    Endpoint::with_lock(&HELD.replace("NAME", name))
}

fn run(endpoint: &Endpoint, arguments: &[&str]) -> Outcome {
    let env = TestEnv::with(MINIMAL).logged_in().var("AWS_ENDPOINT_URL", &endpoint.url());
    let mut outcome = env.run(arguments);
    let since = regex::Regex::new(r"(\(|renewed )[^()]*? ago").expect("a pattern");
    let port = regex::Regex::new(r"127\.0\.0\.1:\d+").expect("a pattern");
    outcome.text = since.replace_all(&outcome.text, "${1}[TIME] ago").into_owned();
    outcome.text = port.replace_all(&outcome.text, "[ENDPOINT]").into_owned();
    outcome
}

#[test]
fn a_lock_says_who_holds_it() {
    let endpoint = held("deploy");
    insta::assert_snapshot!(run(&endpoint, &["lock", "show"]).text);
    insta::assert_snapshot!(run(&endpoint, &["lock", "show", "-o", "json"]).text);
    let free = Endpoint::with_lock("{}");
    insta::assert_snapshot!(run(&free, &["lock", "show"]).text);
    insta::assert_snapshot!(run(&free, &["lock", "show", "-o", "json"]).text);
}

#[test]
fn the_failover_lock_is_shown_and_not_taken_from_its_holder() {
    let endpoint = held("runtime-region");
    insta::assert_snapshot!(run(&endpoint, &["ops", "failover-lock-show"]).text);
    let acquire = ["ops", "failover-lock-acquire", "--reason", "eu-west-1 is down"];
    let refused = run(&endpoint, &acquire);
    assert_eq!(refused.code, 5);
    insta::assert_snapshot!(refused.text);
    let dry = run(&endpoint, &["ops", "failover-lock-acquire", "--dry-run", "-o", "json"]);
    assert_eq!(dry.code, 0, "{}", dry.text);
    let none = run(&endpoint, &["ops", "failover-lock-release", "-o", "json"]);
    insta::assert_snapshot!(none.text);
}

#[test]
fn where_agents_run_is_told_and_a_copy_that_differs_is_a_failure() {
    let endpoint = held("runtime-region");
    let status = run(&endpoint, &["ops", "failover-status"]);
    assert_eq!(status.code, 1, "the parameter is not there");
    insta::assert_snapshot!(status.text);
    insta::assert_snapshot!(run(&endpoint, &["ops", "failover-status", "-o", "json"]).text);
    let never = run(&Endpoint::with_lock("{}"), &["ops", "failover-status"]);
    assert_eq!(never.code, 0, "{}", never.text);
}

#[test]
fn a_lock_is_broken_only_if_dead_and_with_a_reason() {
    let endpoint = held("deploy");
    let usage = |arguments: &[&str], wanted: &str| {
        let outcome = run(&endpoint, arguments);
        assert_eq!(outcome.code, 2, "{}", outcome.text);
        assert!(outcome.stderr.contains(wanted), "{}", outcome.text);
    };
    usage(&["lock", "break", "--reason", "it is gone"], "--if-dead");
    usage(&["lock", "break", "--if-dead"], "--reason");
    usage(&["lock", "break", "--if-dead", "--reason", "it is gone"], "--yes");
    usage(&["ops", "failover-lock-acquire"], "--reason");
    usage(&["ops", "set-runtime-region", "eu-west-1"], "--reason");
    usage(&["ops", "set-runtime-region", "Ireland", "--dry-run"], "such as eu-west-2");
    usage(&["ops", "set-runtime-region", "eu-west-1", "--dry-run"], "no agents run");
    insta::assert_snapshot!(run(&endpoint, &["lock", "break", "--if-dead", "--dry-run"]).text);
    let json = run(&endpoint, &["lock", "break", "--if-dead", "--dry-run", "-o", "json"]);
    insta::assert_snapshot!(json.text);
}
