//! What a step waits for is answered through the API, by somebody else.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::runbooks::run;

const DRILL: &str = "\
version: 1
id: drill
title: A drill
steps:
  - id: leave
    approval: { from: [Platform.Admin], within: 1h, four_eyes: true, text: 'May {{ run.by }}?' }
  - id: after
    verb: { tenant show: acme }
";

#[test]
fn a_step_is_answered_through_the_api_by_somebody_else() {
    let api = Api::up();
    let platform = &api.platform;
    fs::create_dir(platform.path("runbooks")).unwrap();
    fs::write(platform.path("runbooks/drill.yaml"), DRILL).unwrap();
    let begin = || {
        let arguments = run("drill", &[], &["--reason", "a drill", "-o", "json"]);
        let waiting = platform.run(&arguments).exits(6).json();
        waiting["run"].as_str().unwrap().to_owned()
    };
    let name = begin();
    // Whoever runs it may not say so.
    let own = platform.run(&["runbook", "approve", &name, "leave"]).exits(2);
    own.complains("so somebody else has to approve step leave");

    // The question is there, for those who run the platform and nobody else.
    let path = format!("/v1/platform/approvals/{name}/leave");
    let ask = |method: Method, token: &str, body: Option<Value>| {
        let key = [("idempotency-key", "an-answer-to-it".to_owned())];
        let answer = api.ask(method, &path, token, &key, body.as_ref());
        (answer.status, serde_json::from_slice::<Value>(&answer.body).unwrap_or_default())
    };
    let operator = api.token(&["--role", "Platform.Operator", "--subject", "grace"]);
    let admin = api.token(&["--role", "Platform.Admin", "--subject", "ada"]);
    let (status, asked) = ask(Method::GET, &operator, None);
    assert_eq!((status, &asked["four_eyes"], &asked["answer"]), (200, &json!(true), &Value::Null));
    assert!(asked["text"].as_str().unwrap().starts_with("May "), "{asked}");
    assert_eq!(ask(Method::GET, &api.token(&["--tenant", "acme"]), None).0, 403);

    // The role counts, and the first answer.
    let granted = json!({ "granted": true });
    assert_eq!(ask(Method::POST, &operator, Some(granted.clone())).0, 403);
    platform.run(&["runbook", "resume", &name]).exits(6);
    let (status, said) = ask(Method::POST, &admin, Some(granted));
    // People are known by what the authoriser makes of them.
    let ada = said["answer"]["by"].as_str().unwrap().to_owned();
    assert_eq!((status, ada == asked["requested_by"]), (200, false), "{said}");
    let late = api.token(&["--role", "Platform.Admin", "--subject", "alan"]);
    let key = [("idempotency-key", "another-answer".to_owned())];
    let second = api.ask(Method::POST, &path, &late, &key, Some(&json!({ "granted": false })));
    assert_eq!(second.status, 409);

    platform.run(&["runbook", "resume", &name]).exits(0).prints("succeeded");
    let report = platform.run(&["runbook", "report", &name]).exits(0);
    report.prints(&format!("{ada} through the API"));

    // Refused, by whom it takes to refuse.
    let name = begin();
    let path = format!("/v1/platform/approvals/{name}/leave");
    let key = [("idempotency-key", "a-refusal".to_owned())];
    let refusal = json!({ "granted": false, "evidence": "not today" });
    assert_eq!(api.ask(Method::POST, &path, &operator, &key, Some(&refusal)).status, 200);
    platform
        .run(&["runbook", "resume", &name])
        .exits(1)
        .complains("refused by ")
        .complains("through the API: not today");
}
