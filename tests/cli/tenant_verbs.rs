//! Tenants, through the platform's own API.

use serde_json::json;

use super::env::TestEnv;
use super::fake::Endpoint;
use super::platform_api::{ADMIN, OPERATOR, PlatformApi};

/// All that a run left in the state folder.
fn journals(env: &TestEnv) -> String {
    let files = std::fs::read_dir(env.runs()).into_iter().flatten().flatten();
    files.map(|file| std::fs::read_to_string(file.path()).expect("a journal")).collect()
}

#[test]
fn tenants_are_listed_and_shown() {
    let api = PlatformApi::new();
    let env = api.env_of(OPERATOR);
    insta::assert_snapshot!(api.shown(&env.run(&["tenant", "list"])));
    insta::assert_snapshot!(api.shown(&env.run(&["tenant", "list", "--color", "always"])));
    insta::assert_snapshot!(api.shown(&env.run(&["tenant", "show", "globex", "-o", "markdown"])));
    insta::assert_snapshot!(api.shown(&env.run(&["tenant", "show", "globex", "-o", "yaml"])));
    insta::assert_snapshot!(api.shown(&env.run(&["tenant", "show", "initech"])));
    let suspended = env.json(&["tenant", "list", "--status", "suspended", "-o", "json"]);
    assert_eq!(suspended[0]["id"], "globex");
    let ids = env.run(&["tenant", "list", "--query", "[].id", "-o", "jsonl"]).stdout;
    assert_eq!(ids, "\"acme\"\n\"globex\"\n");
    assert_eq!(
        env.json(&["tenant", "list", "--limit", "1", "-o", "json"]),
        json!([{
            "id": "acme", "tier": "basic", "status": "active", "monthly_usd": 50,
            "created_at": "2026-11-20T09:00:00Z",
        }])
    );
}

#[test]
fn the_api_is_found_by_what_is_deployed() {
    let api = PlatformApi::new();
    let outcome = api.env_of_an_emulator().run(&["tenant", "suspend", "acme", "--dry-run"]);
    insta::assert_snapshot!(api.shown(&outcome));
    let endpoint = Endpoint::without_stacks();
    let nothing = TestEnv::new()
        .logged_in()
        .var("AWS_ENDPOINT_URL", &endpoint.url())
        .var("PLATFORMCTL_TOKEN", ADMIN);
    insta::assert_snapshot!(nothing.run(&["tenant", "list"]).text);
}

#[test]
fn a_tenant_is_made_and_waited_for() {
    let api = PlatformApi::new();
    let env = api.env();
    let create =
        ["tenant", "create", "initech", "--tier", "standard", "--email", "a@initech.example"];
    insta::assert_snapshot!(api.shown(&env.run(&[&create[..], &["--dry-run"]].concat())));
    assert!(api.changes().is_empty() && journals(&env).is_empty());
    insta::assert_snapshot!(api.shown(&env.run(&[&create[..], &["--monthly-usd", "70"]].concat())));
    assert_eq!(api.status("initech").as_deref(), Some("active"));
    insta::assert_snapshot!(api.shown(&env.run(&create)));
    assert_eq!(api.changes(), ["POST /v1/tenants"]);
    let journal = journals(&env);
    assert!(journal.contains("platform-api:createTenant"), "{journal}");
    assert!(!journal.contains(ADMIN));
}

#[test]
fn a_tenant_is_suspended_and_reinstated() {
    let api = PlatformApi::new();
    let env = api.env();
    insta::assert_snapshot!(api.shown(&env.run(&["tenant", "suspend", "acme"])));
    let suspend = ["tenant", "suspend", "acme", "--reason", "unpaid since März"];
    insta::assert_snapshot!(api.shown(&env.run(&[&suspend[..], &["--dry-run"]].concat())));
    assert!(api.changes().is_empty());
    insta::assert_snapshot!(api.shown(&env.run(&suspend)));
    insta::assert_snapshot!(api.shown(&env.run(&suspend)));
    assert_eq!(api.changes(), ["PATCH /v1/tenants/acme"]);
    let asked = api.asked().into_iter().find(|asked| asked.method == "PATCH").expect("a change");
    assert_eq!(asked.header("x-platformctl-reason"), Some("unpaid since M%C3%A4rz"));
    assert_eq!(asked.header("if-match"), Some("\"1\""));
    assert!(journals(&env).contains("\"reason\":\"unpaid since März\""));
    // In a hurry, by the other name.
    let outcome = env.run(&["ops", "reinstate-tenant", "acme", "--reason", "paid", "--no-wait"]);
    insta::assert_snapshot!(api.shown(&outcome));
    let outcome = env.run(&["ops", "suspend-tenant", "acme", "--reason", "keys leaked"]);
    assert_eq!((outcome.code, api.status("acme").as_deref()), (0, Some("suspended")));
}

#[test]
fn a_tenant_is_changed_unless_it_is_so() {
    let api = PlatformApi::new();
    let env = api.env();
    let update = [
        "tenant",
        "update",
        "acme",
        "--tier",
        "standard",
        "--monthly-usd",
        "80",
        "--reason",
        "more",
    ];
    insta::assert_snapshot!(api.shown(&env.run(&update)));
    assert_eq!(env.json(&[&update[..], &["-o", "json"]].concat())["outcome"], "unchanged");
    assert_eq!(api.changes().len(), 1);
    let nothing = env.run(&["tenant", "update", "acme", "--reason", "x"]);
    assert_eq!(nothing.code, 2);
    assert!(nothing.stderr.contains("nothing is to be changed"));
}

#[test]
fn a_tenant_is_deleted_only_when_that_is_meant() {
    let api = PlatformApi::new();
    let env = api.env();
    let delete = ["tenant", "delete", "acme", "--reason", "contract ended"];
    insta::assert_snapshot!(api.shown(&env.run(&delete)));
    assert!(api.changes().is_empty());
    insta::assert_snapshot!(api.shown(&env.run(&[&delete[..], &["--yes"]].concat())));
    assert_eq!(api.status("acme").as_deref(), Some("deleting"));
    let nobody = ["tenant", "delete", "nobody", "--reason", "contract ended", "--yes"];
    let unknown = env.run(&nobody);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("there is no tenant nobody"), "{}", unknown.text);
}

#[test]
fn an_audit_trail_is_exported() {
    let api = PlatformApi::new();
    let env = api.env();
    let export = ["tenant", "audit-export", "acme", "--reason", "audit", "--from"];
    let good = env.run(&[&export[..], &["2026-10-01", "--to", "2026-10-31"]].concat());
    insta::assert_snapshot!(api.shown(&good));
    let asked = api.asked().into_iter().find(|asked| asked.method == "POST").expect("a request");
    assert_eq!(asked.body, r#"{"from":"2026-10-01","to":"2026-10-31"}"#);
    for wrong in [["2026-10-31", "--to", "2026-10-01"], ["2026-02-30", "--to", "2026-03-01"]] {
        assert_eq!(env.run(&[&export[..], &wrong[..]].concat()).code, 2);
    }
}

#[test]
fn refusals_say_what_to_do() {
    let api = PlatformApi::new();
    let suspend = ["tenant", "suspend", "acme", "--reason", "x"];
    insta::assert_snapshot!(api.shown(&api.env_of(OPERATOR).run(&suspend)));
    insta::assert_snapshot!(api.shown(&api.env_of("token-of-nobody").run(&suspend)));
    let create = ["tenant", "create", "failing", "--tier", "basic", "--email", "a@b.example"];
    insta::assert_snapshot!(api.shown(&api.env().run(&create)));
    let busy = PlatformApi::new().busy();
    insta::assert_snapshot!(busy.shown(&busy.env().run(&suspend)));
    let env = TestEnv::new()
        .var("PLATFORMCTL_API_URL", "http://api.acme.example")
        .var("PLATFORMCTL_TOKEN", ADMIN);
    insta::assert_snapshot!(env.run(&["tenant", "list"]).text);
    let env = TestEnv::new().var("PLATFORMCTL_API_URL", "http://127.0.0.1:1");
    insta::assert_snapshot!(env.run(&["tenant", "list"]).text);
}

#[test]
fn a_wait_that_ends_is_resumed() {
    let api = PlatformApi::new().stuck();
    let env = api.env();
    let suspend = ["tenant", "suspend", "acme", "--reason", "x", "--timeout", "1s"];
    insta::assert_snapshot!(api.shown(&env.run(&suspend)));
    let run = env.json(&["runs", "-o", "json"])[0]["run"].as_str().expect("a run").to_owned();
    api.free();
    let resumed = env.run(&["resume", &run]);
    assert_eq!(resumed.code, 0, "{}", resumed.text);
    assert_eq!(api.status("acme").as_deref(), Some("suspended"));
    assert_eq!(api.changes(), ["PATCH /v1/tenants/acme"]);
}

#[test]
fn a_run_that_was_killed_asks_again_with_its_key() {
    let api = PlatformApi::new().stuck();
    let env = api.env();
    let create = ["tenant", "create", "initech", "--tier", "basic", "--email", "a@b.example"];
    let outcome = env.run(&[&create[..], &["--timeout", "1s"]].concat());
    assert_eq!(outcome.code, 7, "{}", outcome.text);
    // As a crash leaves it: asked for, and the answer never heard.
    let file =
        std::fs::read_dir(env.runs()).expect("runs").next().expect("one").expect("it").path();
    let text = std::fs::read_to_string(&file).expect("a journal");
    let lines: Vec<&str> = text.lines().take_while(|line| !line.contains("\"outcome\"")).collect();
    assert!(lines.last().expect("a line").contains("\"intent\""));
    std::fs::write(&file, lines.join("\n") + "\n").expect("a journal");
    api.free();
    let run = file.file_stem().expect("a name").to_str().expect("text").to_owned();
    let resumed = env.run(&["resume", &run]);
    assert_eq!(resumed.code, 0, "{}", resumed.text);
    let asked = api.asked();
    let keys: Vec<_> = asked.iter().filter_map(|asked| asked.header("idempotency-key")).collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn no_token_is_ever_shown() {
    let api = PlatformApi::new();
    let env = api.env();
    for arguments in [
        &["tenant", "list", "-vv"][..],
        &["tenant", "suspend", "acme", "--reason", "token-of-an-administrator", "-vv"],
        &["tenant", "show", "initech", "-vv", "-o", "json"],
    ] {
        let outcome = env.run(arguments);
        let shown = outcome.text.replacen(&arguments.join(" "), "", 1);
        assert!(!shown.contains(ADMIN), "{shown}");
    }
    assert!(!journals(&env).contains(ADMIN));
}
