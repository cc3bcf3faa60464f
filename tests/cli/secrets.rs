//! Planted secrets never reach a terminal, whatever goes wrong.

use super::env::TestEnv;
use super::fake::Endpoint;

const SECRET: &str = "plantedsecretvalue0123456789";
const TOKEN: &str = "plantedsessiontoken0123456789";
const PASSWORD: &str = "plantedpassword";

fn planted(endpoint: &str) -> TestEnv {
    TestEnv::new()
        .var("AWS_ACCESS_KEY_ID", "AKIAPLANTEDPLANTED12")
        .var("AWS_SECRET_ACCESS_KEY", SECRET)
        .var("AWS_SESSION_TOKEN", TOKEN)
        .var("AWS_ENDPOINT_URL", endpoint)
}

fn silent(env: &TestEnv, arguments: &[&str], code: i32) {
    let outcome = env.run(arguments);
    assert_eq!(outcome.code, code, "{}", outcome.text);
    for secret in [SECRET, TOKEN, PASSWORD] {
        assert!(!outcome.stdout.contains(secret), "stdout of {arguments:?}: {}", outcome.stdout);
        assert!(!outcome.stderr.contains(secret), "stderr of {arguments:?}: {}", outcome.stderr);
    }
}

#[test]
fn of_the_environment_when_nobody_listens() {
    let env = planted("http://127.0.0.1:1");
    silent(&env, &["status"], 1);
    silent(&env, &["-vv", "status"], 1);
    silent(&env, &["diff", "--artefacts", "."], 1);
    silent(&env, &["invoke", "git-store", "-o", "json"], 1);
}

#[test]
fn of_the_endpoint_s_address() {
    let endpoint = Endpoint::with_stacks();
    let with_password = endpoint.url().replace("http://", &format!("http://ops:{PASSWORD}@"));
    for url in [
        with_password.as_str(),
        &format!("http://ops:{PASSWORD}@127.0.0.1:1"),
        &format!("http://{PASSWORD}@127.0.0.1:1"),
    ] {
        let env = planted(url);
        let outcome = env.run(&["-vv", "destroy", "--reason", "test"]);
        for secret in [SECRET, TOKEN, PASSWORD] {
            assert!(!outcome.text.contains(secret), "{}", outcome.text);
        }
        assert_ne!(outcome.code, 0);
    }
}

#[test]
fn of_what_a_service_says() {
    let said = format!("Value {{\"password\": \"{PASSWORD}\"}} is invalid for {SECRET}")
        .replace('"', "&quot;");
    let endpoint = Endpoint::refusing(400, "ValidationError", &said);
    silent(&planted(&endpoint.url()), &["status"], 1);
}

#[test]
fn of_the_environment_in_what_is_shown() {
    let env = TestEnv::plus("tags:\n  note: deploy-key-of-the-team\n");
    let env = env.var("DEPLOY_TOKEN", "deploy-key-of-the-team");
    let outcome = env.run(&["config", "show", "-o", "json"]);
    assert!(!outcome.stdout.contains("deploy-key-of-the-team"), "{}", outcome.stdout);
    let outcome = env.run(&["config", "show"]);
    assert!(!outcome.stdout.contains("deploy-key-of-the-team"), "{}", outcome.stdout);
}
