//! A token goes in at the gateway, the authoriser decides, the API answers.

use std::time::{Duration, Instant};

use platformctl::http::{Answer, Http};
use reqwest::Method;
use serde_json::{Value, json};

use crate::platform::{Platform, block_on};

/// What suspending and reinstating may take to be felt at the gateway.
const FELT: Duration = Duration::from_secs(5);

/// A platform with the API's functions, and its address.
pub(crate) struct Api {
    pub(crate) platform: Platform,
    url: String,
    http: Http,
}

impl Api {
    pub(crate) fn up() -> Self {
        let platform = Platform::with_api();
        let done = platform.local(&["bootstrap"]).exits(0);
        let line = done.stdout.lines().find(|line| line.starts_with("API ")).unwrap();
        let url = line.split_whitespace().last().unwrap().to_owned();
        Self { platform, url, http: Http::default() }
    }

    pub(crate) fn token(&self, who: &[&str]) -> String {
        let arguments = [["local", "token"].as_slice(), who].concat();
        self.platform.run(&arguments).exits(0).stdout.trim().to_owned()
    }

    fn call(&self, method: Method, path: &str, token: &str, body: Option<&Value>) -> Answer {
        self.ask(method, path, token, &[("idempotency-key", "the-only-one".into())], body)
    }

    pub(crate) fn ask(
        &self,
        method: Method,
        path: &str,
        token: &str,
        headers: &[(&str, String)],
        body: Option<&Value>,
    ) -> Answer {
        let url = format!("{}{path}", self.url).parse().unwrap();
        let mut request = self.http.request(method, url).unwrap().bearer_auth(token);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(serde_json::to_vec(body).unwrap()),
            None => request,
        };
        block_on(async { self.http.send(request).await.unwrap() })
    }

    fn status(&self, path: &str, token: &str) -> u16 {
        self.call(Method::GET, path, token, None).status
    }

    /// Waits until the gateway answers so, and says how long that took.
    pub(crate) fn until(&self, path: &str, token: &str, status: u16) -> Duration {
        let begun = Instant::now();
        while self.status(path, token) != status {
            assert!(begun.elapsed() < 2 * FELT, "{path} does not become {status}");
            std::thread::sleep(Duration::from_millis(100));
        }
        begun.elapsed()
    }
}

#[test]
fn a_tenant_sees_its_own_and_operators_shut_it_out_and_let_it_in() {
    let api = Api::up();
    let acme = api.token(&["--tenant", "acme"]);
    let globex = api.token(&["--tenant", "globex"]);

    // What one makes, the other does not see.
    let agent = json!({ "name": "helper", "definition": { "instructions": "Help." } });
    let made = api.call(Method::POST, "/v1/agents", &acme, Some(&agent));
    assert_eq!(made.status, 201);
    assert_eq!(api.status("/v1/agents/helper", &acme), 200);
    assert_eq!(api.status("/v1/agents/helper", &globex), 404);
    assert_eq!(api.status("/v1/tenants/globex", &acme), 403);
    assert_eq!(api.status("/v1/tenants", &acme), 403);
    assert_eq!(api.status("/v1/agents", "no.token.atall"), 401);
    let operator = api.token(&["--role", "Platform.Operator"]);
    assert_eq!(api.status("/v1/tenants", &operator), 200);
    assert_eq!(api.status("/v1/agents", &operator), 403);

    let run = |arguments: &[&str]| api.platform.local(arguments).exits(0);
    run(&["ops", "suspend-tenant", "acme", "--reason", "an incident"]);
    assert!(api.until("/v1/agents", &acme, 403) < FELT);
    assert_eq!(api.status("/v1/agents", &globex), 200);
    run(&["ops", "reinstate-tenant", "acme", "--reason", "it is over"]);
    assert!(api.until("/v1/agents", &acme, 200) < 2 * FELT);

    // Made through the API, and deleted: nothing of it is let in any more.
    run(&["tenant", "create", "initech", "--tier", "basic", "--email", "ops@initech.example"]);
    let initech = api.token(&["--tenant", "initech"]);
    api.until("/v1/agents", &initech, 200);
    let shown = run(&["tenant", "show", "initech", "-o", "json"]).json();
    assert_eq!(shown[0]["status"].as_str().or(shown["status"].as_str()), Some("active"));
    run(&["tenant", "delete", "initech", "--yes", "--reason", "they left"]);
    api.until("/v1/agents", &initech, 403);

    // The stack that the provisioner made of globex is the one that a deploy makes.
    api.platform.local(&["diff", "--detailed-exitcode"]).exits(0);
}
