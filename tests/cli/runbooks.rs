//! Runbooks on the command line: listed, shown, proved, drawn; run where nobody can be asked.

use serde_json::{Value, json};

use super::env::TestEnv;
use super::platform_api::PlatformApi;
use super::server::{Reply, Server};

/// A runbook that waits for leave, suspends a tenant and waits for a person.
const DRILL: &str = "\
version: 1
id: drill
title: A drill
about: For tests.
inputs:
  tenant: { type: tenant, about: whose }
locks: [drill]
steps:
  - id: before
    title: As it is
    verb: { tenant show: '{{ inputs.tenant }}' }
  - id: leave
    title: Somebody agrees
    approval: { from: [Platform.Admin], within: 1h, text: 'Shall {{ inputs.tenant }} be suspended?' }
  - id: suspend
    title: It is suspended
    ops: { suspend-tenant: { tenant: '{{ inputs.tenant }}', reason: '{{ run.reason }}' } }
    undo: { ops: { reinstate-tenant: { tenant: '{{ inputs.tenant }}', reason: undone } } }
  - id: told
    title: They are told
    manual: { text: Write to them., evidence: a ticket }
";

fn drill() -> TestEnv {
    let env = TestEnv::new();
    env.write("runbooks/drill.yaml", DRILL);
    env
}

#[test]
fn runbooks_are_listed_shown_and_drawn() {
    let env = drill();
    insta::assert_snapshot!(env.run(&["runbook", "list"]).text);
    insta::assert_snapshot!(env.run(&["runbook", "show", "006"]).text);
    insta::assert_snapshot!(env.run(&["runbook", "show", "drill"]).text);
    for format in ["mermaid", "dot", "svg"] {
        insta::assert_snapshot!(env.run(&["runbook", "graph", "009", "--format", format]).text);
    }
    let listed = env.json(&["runbook", "list", "-o", "json"]);
    let ids: Vec<&str> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| it["id"].as_str().expect("an id"))
        .collect();
    assert_eq!(
        ids,
        ["000", "001", "002", "003", "004", "005", "006", "007", "008", "009", "drill"]
    );
    assert_eq!(listed[10]["title"], "A drill");
    assert_eq!(
        listed[10]["steps"][1],
        json!({ "id": "leave", "kind": "approval", "title": "Somebody agrees" })
    );
    assert_eq!(env.run(&["runbook", "list", "--query", "[0].id"]).stdout, "000\n");
    // Those that come with platformctl need no platform.yaml.
    assert_eq!(TestEnv::empty().run(&["runbook", "show", "001"]).code, 0);
    let schema = env.json(&["runbook", "schema", "-o", "json"]);
    assert_eq!(schema["title"], "A runbook of platformctl");
}

#[test]
fn the_ten_are_proved() {
    let env = TestEnv::new();
    let outcome = env.run(&["runbook", "lint"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, "10 runbooks: nothing is wrong\n"));
}

/// What a runbook is switched on to when the verbs that it waits for are there: its lines
/// that begin with `#+`. Until then, nothing else may be wrong with them.
#[test]
fn what_waits_for_verbs_waits_for_nothing_else() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks");
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        if path.extension().is_none_or(|end| end != "yaml") || !text.contains("\n#+") {
            continue;
        }
        let env = TestEnv::new();
        env.write("on.yaml", &text.replace("\n#+", "\n"));
        let outcome = env.run(&["runbook", "lint", "on.yaml", "-o", "json"]);
        let found: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
        for finding in found["findings"].as_array().expect("findings") {
            let message = finding["message"].as_str().expect("a message");
            assert!(message.starts_with("there is no verb"), "{}: {finding}", path.display());
        }
    }
}

#[test]
fn a_malformed_runbook_is_named_with_line_column_and_suggestion() {
    let env = drill();
    env.write(
        "runbooks/broken.yaml",
        "version: 1\nid: broken\ntitle: x\nsteps:\n  - id: a\n    chekc: {}\n",
    );
    env.write(
        "wrong.yaml",
        &DRILL.replace("suspend-tenant:", "suspend-tennant:").replace("run.reason", "run.reson"),
    );
    insta::assert_snapshot!(env.run(&["runbook", "lint"]).text);
    insta::assert_snapshot!(env.run(&["runbook", "lint", "wrong.yaml"]).text);
    insta::assert_snapshot!(env.run(&["runbook", "run", "wrong.yaml", "-i", "tenant=acme"]).text);
    insta::assert_snapshot!(env.run(&["runbook", "run", "borken"]).text);
    insta::assert_snapshot!(env.run(&["runbook", "run", "runbooks/broken.yaml"]).text);
}

#[test]
fn what_is_not_said_is_asked_for_and_nobody_is_asked_without_a_terminal() {
    let api = PlatformApi::new();
    let env = api.env();
    env.write("runbooks/drill.yaml", DRILL);
    insta::assert_snapshot!(env.run(&["runbook", "run", "drill"]).text);
    insta::assert_snapshot!(env.run(&["runbook", "run", "drill", "-i", "tenant=acme"]).text);
    insta::assert_snapshot!(
        env.run(&["runbook", "run", "drill", "-i", "tenant=acme", "--reason", "x"]).text
    );
    insta::assert_snapshot!(env.run(&["runbook", "run", "drill", "-i", "tenat=acme"]).text);
    insta::assert_snapshot!(env.run(&["runbook", "status"]).text);
    env.write("inputs.yaml", "tenant: globex\n");
    let dry = ["runbook", "run", "drill", "--inputs", "inputs.yaml", "--dry-run"];
    insta::assert_snapshot!(api.shown(&env.run(&dry)));
    assert!(api.changes().is_empty());
    assert_eq!(env.json(&["runs", "-o", "json"]), json!([]));
}

#[test]
fn a_run_waits_is_approved_resumed_and_told() {
    let api = PlatformApi::new();
    let env = api.env();
    env.write("runbooks/drill.yaml", DRILL);
    let begin =
        ["runbook", "run", "drill", "-i", "tenant=acme", "--reason", "keys leaked", "--yes"];
    let outcome = env.run(&[&begin[..], &["-o", "json"]].concat());
    assert_eq!(outcome.code, 6, "{}", outcome.text);
    let waiting: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!((&waiting["state"], &waiting["waiting"]), (&json!("waiting"), &json!(["leave"])));
    let run = waiting["run"].as_str().expect("a run");
    let unfinished = env.json(&["runs", "--unfinished", "-o", "json"]);
    assert_eq!((&unfinished[0]["run"], &unfinished[0]["state"]), (&json!(run), &json!("waiting")));
    assert!(api.changes().is_empty());

    // Whoever has no such role may not: this token is nobody's that the settings trust.
    let refused = env.run(&["runbook", "approve", run, "leave"]);
    assert_eq!(refused.code, 2, "{}", refused.text);
    assert!(refused.stderr.contains("has no role, and not Platform.Admin"), "{}", refused.stderr);
    let token = token(&json!({ "sub": "ada", "roles": ["Platform.Admin"] }));
    let admin = |arguments: &[&str]| env.run_as(arguments, &token);
    let approved = admin(&["runbook", "approve", run, "leave"]);
    assert_eq!(approved.code, 0, "{}", approved.text);
    assert!(approved.stdout.contains("step leave is granted by ada"), "{}", approved.stdout);
    let twice = admin(&["runbook", "approve", run, "leave"]);
    assert!(twice.stderr.contains("somebody answered already"), "{}", twice.stderr);

    let resumed = env.run(&["runbook", "resume", run]);
    assert_eq!(resumed.code, 6, "{}", resumed.text);
    assert_eq!(api.status("acme").as_deref(), Some("suspended"));
    assert_eq!(api.changes(), ["PATCH /v1/tenants/acme"]);
    let aborted = env.run(&["runbook", "abort", run, "--undo", "--reason", "a drill"]);
    assert_eq!(aborted.code, 0, "{}", aborted.text);
    assert_eq!(api.status("acme").as_deref(), Some("active"));
    let over = env.run(&["resume", run]);
    assert!(over.code == 2 && over.stderr.contains("was aborted"), "{}", over.text);
    let told = env.run(&["runbook", "report", run]).stdout;
    for said in ["keys leaked", "granted by ada", "undo suspend", "a drill", "aborted"] {
        assert!(told.contains(said), "{said} in {told}");
    }
    assert!(!told.contains(&token));
}

#[test]
fn what_there_is_not_is_refused() {
    let env = drill();
    insta::assert_snapshot!(env.run(&["runbook", "resume", "k3f9"]).text);
    insta::assert_snapshot!(env.run(&["rollback", "esf", "--reason", "x"]).text);
}

/// A runbook of one approval, under a lock.
const LEAVE: &str = "version: 1\nid: leave\ntitle: Leave\nlocks: [drill]\nsteps:\n  - { id: ok, approval: { from: [Platform.Admin], within: 1h } }\n  - { id: more, wait: { pause: 1ms } }\n";

/// Waits until the newest run waits for people, and says its name.
fn waiting(env: &TestEnv) -> String {
    let begun = std::time::Instant::now();
    loop {
        let status = env.run(&["runbook", "status", "-o", "json"]);
        let value: Value = serde_json::from_str(&status.stdout).unwrap_or_default();
        if value["waiting"] == json!(["ok"]) && value["state"] == "running" {
            return value["run"].as_str().expect("a run").to_owned();
        }
        assert!(begun.elapsed().as_secs() < 30, "nothing waits: {}", status.text);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn a_run_that_waits_holds_its_locks_and_hears_what_others_say() {
    let token = token(&json!({ "sub": "ada", "roles": ["Platform.Admin"] }));
    let env = TestEnv::new().var("PLATFORMCTL_API_URL", "http://127.0.0.1:1");
    let env = env.var("PLATFORMCTL_TOKEN", &token);
    env.write("leave.yaml", LEAVE);
    let begin = ["runbook", "run", "leave.yaml", "--yes", "--wait"];
    std::thread::scope(|scope| {
        let run = scope.spawn(|| env.run(&begin));
        let name = waiting(&env);
        let second = env.run(&begin);
        assert_eq!(second.code, 5, "{}", second.text);
        assert!(second.stderr.contains(&name), "{}", second.stderr);
        let resumed = env.run(&["runbook", "resume", &name]);
        assert_eq!(resumed.code, 5, "{}", resumed.text);
        let said = env.run(&["runbook", "approve", &name, "ok"]);
        assert!(said.stdout.contains("the run takes note of it"), "{}", said.text);
        let run = run.join().expect("a run");
        assert_eq!(run.code, 0, "{}", run.text);
    });
    std::thread::scope(|scope| {
        let run = scope.spawn(|| env.run(&begin));
        let name = waiting(&env);
        let said = env.run(&["runbook", "abort", &name, "--reason", "false alarm"]);
        assert_eq!(said.code, 0, "{}", said.text);
        let run = run.join().expect("a run");
        assert_eq!(run.code, 1, "{}", run.text);
        assert!(run.stderr.contains("false alarm"), "{}", run.stderr);
        let state = env.json(&["runbook", "status", &name, "-o", "json"])["state"].clone();
        assert_eq!(state, "aborted");
    });
}

#[test]
fn requests_are_bounded_and_their_answers_usable() {
    let server = Server::new(|asked, _| {
        Some(match asked.path.as_str() {
            "/health" => Reply::json(200, &json!({ "healthy": true, "token": "planted-secret" })),
            path if path.starts_with("/order") => Reply::json(201, &json!({ "number": 7 })),
            _ => Reply::text(503, "later"),
        })
    });
    let env = TestEnv::new().var("PLATFORMCTL_API_URL", &server.url());
    let text = |last: &str| {
        format!(
            "version: 1\nid: web\ntitle: Requests\nsteps:\n  \
             - {{ id: health, http: {{ url: '{0}/health' }} }}\n  \
             - {{ id: order, when: steps.health.body.healthy, http: {{ url: '{0}/order', method: POST, body: {{ was: '{{{{ steps.health.status }}}}' }} }} }}\n  \
             - {{ id: last, http: {{ url: '{last}' }}, retry: {{ times: 1, every: 1ms }} }}\n",
            server.url()
        )
    };
    env.write(
        "web.yaml",
        &text(&format!("{}/order?{{{{ steps.order.body.number }}}}", server.url())),
    );
    let dry = env.json(&["runbook", "run", "web.yaml", "--dry-run", "-o", "json"]);
    assert_eq!(
        (&dry["steps"][0]["fate"], &dry["steps"][1]["fate"]),
        (&json!("read"), &json!("printed"))
    );
    assert_eq!(server.asked().len(), 1);
    let ran = env.json(&["runbook", "run", "web.yaml", "--yes", "-o", "json"]);
    assert_eq!(ran["steps"][1]["output"]["body"]["number"], 7);
    assert!(!ran.to_string().contains("planted-secret"));
    let asked = server.asked();
    assert_eq!((asked.len(), asked[2].body.as_str()), (4, r#"{"was":200}"#));
    assert_eq!(asked[3].path, "/order?7");
    // What fails is tried again, and what would be sent in the clear is not sent.
    env.write("web.yaml", &text(&format!("{}/nothing", server.url())));
    let failed = env.run(&["runbook", "run", "web.yaml", "--yes"]);
    assert_eq!(failed.code, 1, "{}", failed.text);
    assert!(failed.stderr.contains("answered 503"), "{}", failed.stderr);
    assert_eq!(server.asked().iter().filter(|asked| asked.path == "/nothing").count(), 2);
    env.write("web.yaml", &text("http://api.acme.example/x"));
    let clear = env.run(&["runbook", "run", "web.yaml", "--yes"]);
    assert!(clear.stderr.contains("could be read on the way"), "{}", clear.stderr);
}

/// A token that says so; nobody verifies it here.
fn token(claims: &Value) -> String {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("eyJhbGciOiJub25lIn0.{encoded}.c2lnbmVk")
}
