//! Generated requests with real tokens through the gateway: whoever asks, and however,
//! sees and changes nothing of another tenant.

use std::collections::BTreeMap;
use std::time::Duration;

use platformctl::http::Answer;
use rand::prelude::*;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Api;

/// Ids that begin alike; `globex` is siloed.
const TENANTS: [&str; 4] = ["acme", "acme-2", "acm", "globex"];

/// Ids that mean something elsewhere, as a path or a query carries them.
const HOSTILE: [&str; 14] = [
    "%2e%2e",
    "..%2facme",
    "acme%23x",
    "acme%2fhelper-0",
    "acme%00",
    "%20acme",
    "*",
    "%25",
    "ACME",
    "%D0%B0cme",
    "acme%E2%80%8B",
    "$%7Baws:PrincipalTag%2Ftenant_id%7D",
    "acme-",
    "a%0d%0aX-Tenant-Id:%20globex",
];

/// Names that every tenant uses for its own.
const NAMES: [&str; 3] = ["helper-0", "helper-1", "helper-2"];

/// What each tenant should have: by tenant and path, the mark in it.
type Model = BTreeMap<(usize, String), String>;

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

struct Run<'a> {
    api: &'a Api,
    tokens: Vec<String>,
    random: StdRng,
    model: Model,
    /// Ids of webhooks and jobs, whosever they are.
    paths: Vec<String>,
    cursors: Vec<String>,
    answered: BTreeMap<u16, usize>,
    seed: u64,
    asked: usize,
}

impl Run<'_> {
    fn mark(tenant: usize, number: usize) -> String {
        format!("mark-of-{tenant}-{number}-ends")
    }

    /// A request as a tenant, perhaps after one that says it is another's, which is refused.
    fn ask(
        &mut self,
        actor: usize,
        method: &Method,
        path: &str,
        etag: Option<&str>,
        body: Option<&Value>,
    ) -> Answer {
        let other = TENANTS.choose(&mut self.random).unwrap();
        if *other != TENANTS[actor] && self.random.random_bool(0.1) {
            let claims = ("x-tenant-id", (*other).to_owned());
            let refused = self.send(actor, method, path, etag, body, Some(claims));
            // 404: there is no such path for anybody.
            assert!([403, 404].contains(&refused.status), "{method} {path}: {}", refused.status);
        }
        let names = ["tenant", "x-forwarded-user", "x-amzn-tenant"];
        let header = (*names.choose(&mut self.random).unwrap(), (*other).to_owned());
        self.send(actor, method, path, etag, body, Some(header))
    }

    /// The answer has no mark of another tenant.
    fn send(
        &mut self,
        actor: usize,
        method: &Method,
        path: &str,
        etag: Option<&str>,
        body: Option<&Value>,
        header: Option<(&'static str, String)>,
    ) -> Answer {
        self.asked += 1;
        let once = format!("isolation-{}-{}", self.seed, self.asked);
        let mut headers = vec![("idempotency-key", once)];
        if let Some(etag) = etag {
            headers.push(("if-match", etag.to_owned()));
        }
        headers.extend(header);
        let answer = loop {
            let answer = self.api.ask(method.clone(), path, &self.tokens[actor], &headers, body);
            if answer.status != 429 {
                break answer;
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        *self.answered.entry(answer.status).or_default() += 1;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let said = || format!("seed {}: {method} {path} by {}: {text}", self.seed, TENANTS[actor]);
        assert!(answer.status < 500, "{}", said());
        for foreign in (0..TENANTS.len()).filter(|it| *it != actor) {
            assert!(!text.contains(&format!("mark-of-{foreign}-")), "{}", said());
        }
        answer
    }

    fn step(&mut self) {
        let actor = self.random.random_range(0..TENANTS.len());
        let hostile = *HOSTILE.choose(&mut self.random).unwrap();
        let name = *NAMES.choose(&mut self.random).unwrap();
        let known = self.paths.choose(&mut self.random).cloned();
        let agent = format!("/v1/agents/{name}");
        match self.random.random_range(0..12) {
            0 | 1 => self.make_agent(actor, name),
            2 => self.change_agent(actor, &agent),
            3 => {
                let etag = self.etag(actor, &agent);
                if self.ask(actor, &Method::DELETE, &agent, Some(&etag), None).status == 204 {
                    assert!(self.model.remove(&(actor, agent)).is_some());
                }
            }
            4 => self.make_webhook(actor),
            5 => self.make_job(actor, name),
            6 | 7 => {
                let path = known.unwrap_or(agent);
                let found = self.ask(actor, &Method::GET, &path, None, None).status == 200;
                assert_eq!(found, self.model.contains_key(&(actor, path.clone())), "{path}");
            }
            8 => {
                let Some(path) = known else { return };
                if self.ask(actor, &Method::DELETE, &path, None, None).status == 204 {
                    assert!(self.model.contains_key(&(actor, path.clone())), "{path}");
                    if path.contains("webhooks") {
                        self.model.remove(&(actor, path));
                    }
                }
            }
            9 => self.list(actor),
            10 => {
                let kind = ["agents", "jobs", "webhooks", "tenants"].choose(&mut self.random);
                let path = format!("/v1/{}/{hostile}", kind.unwrap());
                for method in [Method::GET, Method::DELETE] {
                    let answer = self.ask(actor, &method, &path, Some("\"1\""), None);
                    assert!(answer.status >= 400, "{path}: {}", answer.status);
                }
            }
            _ => self.reach_for_tenant(actor),
        }
    }

    /// Another tenant itself: its record, keys, trail.
    fn reach_for_tenant(&mut self, actor: usize) {
        let target = self.random.random_range(0..TENANTS.len());
        let path = format!("/v1/tenants/{}", TENANTS[target]);
        let read = self.ask(actor, &Method::GET, &path, None, None).status;
        assert_eq!(read == 200, actor == target, "{path} by {}: {read}", TENANTS[actor]);
        if actor != target {
            let days = json!({ "from": "2026-11-01", "to": "2026-11-02" });
            let suspend = json!({ "suspended": true });
            for (method, path, body) in [
                (Method::POST, format!("{path}/api-keys"), None),
                (Method::POST, format!("{path}/audit-export"), Some(days)),
                (Method::PATCH, path.clone(), Some(suspend)),
                (Method::DELETE, path, None),
            ] {
                let answer = self.ask(actor, &method, &path, Some("\"1\""), body.as_ref());
                assert_eq!(answer.status, 403, "{path}");
            }
        }
    }

    fn make_agent(&mut self, actor: usize, name: &str) {
        let mark = Self::mark(actor, self.asked);
        let body = json!({ "name": name, "definition": { "instructions": mark } });
        let status = self.ask(actor, &Method::POST, "/v1/agents", None, Some(&body)).status;
        let key = (actor, format!("/v1/agents/{name}"));
        assert_eq!(status == 201, !self.model.contains_key(&key), "{status}");
        if status == 201 {
            self.model.insert(key, mark);
        }
    }

    fn etag(&mut self, actor: usize, path: &str) -> String {
        let answer = self.ask(actor, &Method::GET, path, None, None);
        let etag = answer.headers.get("etag").map(|it| it.to_str().unwrap().to_owned());
        etag.unwrap_or_else(|| "\"1\"".to_owned())
    }

    fn change_agent(&mut self, actor: usize, path: &str) {
        let etag = self.etag(actor, path);
        let mark = Self::mark(actor, self.asked);
        let body = json!({ "instructions": mark });
        if self.ask(actor, &Method::PUT, path, Some(&etag), Some(&body)).status == 200 {
            assert!(self.model.insert((actor, path.to_owned()), mark).is_some());
        }
    }

    fn made(&mut self, actor: usize, kind: &str, id: &Value, mark: String) {
        let path = format!("/v1/{kind}/{}", id.as_str().unwrap());
        self.paths.push(path.clone());
        self.model.insert((actor, path), mark);
    }

    fn make_webhook(&mut self, actor: usize) {
        let mark = Self::mark(actor, self.asked);
        let url = format!("https://hooks.example.com/{mark}");
        let body = json!({ "url": url, "events": ["job.failed"] });
        let answer = self.ask(actor, &Method::POST, "/v1/webhooks", None, Some(&body));
        if answer.status == 201 {
            let id = json_of(&answer)["webhook"]["id"].clone();
            self.made(actor, "webhooks", &id, mark);
        }
    }

    fn make_job(&mut self, actor: usize, agent: &str) {
        let mark = Self::mark(actor, self.asked);
        let body = json!({ "agent": agent, "input": mark });
        let answer = self.ask(actor, &Method::POST, "/v1/jobs", None, Some(&body));
        let has_agent = self.model.contains_key(&(actor, format!("/v1/agents/{agent}")));
        assert_eq!(answer.status, if has_agent { 202 } else { 409 });
        if has_agent {
            let id = json_of(&answer)["id"].clone();
            self.made(actor, "jobs", &id, mark);
        }
    }

    /// A page, perhaps from a cursor that another was given.
    fn list(&mut self, actor: usize) {
        let kind = *["agents", "jobs", "webhooks"].choose(&mut self.random).unwrap();
        let mut path = format!("/v1/{kind}?limit=2");
        if let Some(cursor) = self.cursors.choose(&mut self.random)
            && self.random.random_bool(0.5)
        {
            path = format!("{path}&cursor={cursor}");
        }
        let answer = self.ask(actor, &Method::GET, &path, None, None);
        if let Some(next) = json_of(&answer)["next"].as_str() {
            self.cursors.push(next.to_owned());
        }
    }

    /// Each has what it made itself, and nothing else.
    fn is_as_modelled(&mut self) {
        for (actor, tenant) in TENANTS.iter().enumerate() {
            let mut found = Vec::new();
            for (kind, id) in [("agents", "name"), ("jobs", "id"), ("webhooks", "id")] {
                let mut cursor = String::new();
                loop {
                    let path = format!("/v1/{kind}?limit=200{cursor}");
                    let page = json_of(&self.ask(actor, &Method::GET, &path, None, None));
                    let items = page["items"].as_array().unwrap().clone();
                    found.extend(items.iter().map(|it| {
                        let path = format!("/v1/{kind}/{}", it[id].as_str().unwrap());
                        // A job's answer does not repeat what was asked.
                        let text = it.to_string();
                        let mark = &self.model[&(actor, path.clone())];
                        assert!(
                            kind == "jobs" || text.contains(mark),
                            "{path}: {text}, not {mark}"
                        );
                        path
                    }));
                    match page["next"].as_str() {
                        Some(next) => cursor = format!("&cursor={next}"),
                        None => break,
                    }
                }
            }
            found.sort();
            let wanted: Vec<_> =
                self.model.keys().filter(|(of, _)| *of == actor).map(|(_, it)| it).collect();
            assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{tenant}");
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures of the full campaign")]
fn no_request_with_a_tenants_token_reaches_another_tenant() {
    let full = std::env::var_os("PLATFORMCTL_TEST_FULL").is_some();
    let (steps, seeds) = if full { (2_000, 5) } else { (300, 1) };
    let api = Api::up();
    for new in ["acme-2", "acm"] {
        let email = format!("ops@{new}.example");
        let create = ["tenant", "create", new, "--tier", "standard", "--email", &email];
        api.platform.local(&create).exits(0);
    }
    let tokens: Vec<_> = TENANTS.iter().map(|it| api.token(&["--tenant", it])).collect();
    for token in &tokens {
        api.until("/v1/agents", token, 200);
    }
    let mut run = Run {
        api: &api,
        tokens,
        random: StdRng::seed_from_u64(0),
        model: Model::new(),
        paths: Vec::new(),
        cursors: Vec::new(),
        answered: BTreeMap::new(),
        seed: 0,
        asked: 0,
    };
    for seed in 0..seeds {
        (run.seed, run.random) = (seed, StdRng::seed_from_u64(seed));
        for _ in 0..steps {
            run.step();
        }
        run.is_as_modelled();
    }
    println!("{} requests, by status: {:?}", run.asked, run.answered);
    // The sample is one of requests that were carried out, too.
    for status in [200, 201, 202, 204, 403, 404] {
        assert!(run.answered.get(&status).is_some_and(|it| *it > 5), "{:?}", run.answered);
    }
}
