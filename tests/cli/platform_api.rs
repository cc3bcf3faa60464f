//! The platform's own API on the loopback interface: tenants that take a moment, versions,
//! and two kinds of callers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::env::{Outcome, TestEnv};
use super::server::{Asked, Reply, Server};

/// The token of an administrator.
pub const ADMIN: &str = "token-of-an-administrator";
/// The token of an operator, who may look and no more.
pub const OPERATOR: &str = "token-of-an-operator";

/// A tenant, and what it becomes after so many looks at it.
struct Tenant {
    value: Value,
    version: u32,
    looks: u32,
    becomes: Option<&'static str>,
}

#[derive(Default)]
struct State {
    tenants: BTreeMap<String, Tenant>,
    /// Answers of requests that made something, by their keys.
    made: BTreeMap<String, Value>,
    /// Somebody else changes a tenant between a look and a change.
    busy: bool,
    /// What is asked for never ends.
    stuck: bool,
}

/// The API.
pub struct PlatformApi {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl PlatformApi {
    /// With an active and a suspended tenant.
    pub fn new() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        {
            let mut state = lock(&state);
            for (id, tier, status) in
                [("acme", "basic", "active"), ("globex", "premium", "suspended")]
            {
                state.tenants.insert(id.to_owned(), tenant(id, tier, 50, status, None));
            }
        }
        let kept = Arc::clone(&state);
        let server = Server::new(move |asked, _| Some(answer(&mut lock(&kept), asked)));
        Self { server, state }
    }

    /// Somebody else is always faster.
    pub fn busy(self) -> Self {
        lock(&self.state).busy = true;
        self
    }

    /// Nothing is ever carried out, until it is [freed](Self::free).
    pub fn stuck(self) -> Self {
        lock(&self.state).stuck = true;
        self
    }

    /// What is asked for is carried out again.
    pub fn free(&self) {
        lock(&self.state).stuck = false;
    }

    /// An environment that calls it as an administrator.
    pub fn env(&self) -> TestEnv {
        self.env_of(ADMIN)
    }

    /// An environment that calls it with a token.
    pub fn env_of(&self, token: &str) -> TestEnv {
        TestEnv::new()
            .var("PLATFORMCTL_API_URL", &self.server.url())
            .var("PLATFORMCTL_TOKEN", token)
    }

    /// An environment that finds it by the outputs of the deployed stack, on an emulator.
    pub fn env_of_an_emulator(&self) -> TestEnv {
        TestEnv::new()
            .logged_in()
            .var("AWS_ENDPOINT_URL", &self.server.url())
            .var("PLATFORMCTL_TOKEN", ADMIN)
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }

    /// Requests that change something, as method and path.
    pub fn changes(&self) -> Vec<String> {
        let asked = self.asked();
        let changes = asked.iter().filter(|asked| asked.method != "GET");
        changes.map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }

    /// The state of a tenant, if it is there.
    pub fn status(&self, id: &str) -> Option<String> {
        let state = lock(&self.state);
        Some(state.tenants.get(id)?.value["status"].as_str()?.to_owned())
    }

    /// An outcome without what differs between two runs.
    pub fn shown(&self, outcome: &Outcome) -> String {
        let text = outcome.text.replace(&self.server.url(), "[API]");
        let run = regex::Regex::new(r"\b(run|events|resume) [a-z0-9]{4}\b").expect("a pattern");
        let text = run.replace_all(&text, "$1 [RUN]");
        let time = regex::Regex::new(r" +\d+\.\d s  ").expect("a pattern");
        time.replace_all(&text, "  [TIME] s  ").into_owned()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tenant(id: &str, tier: &str, usd: u32, status: &str, becomes: Option<&'static str>) -> Tenant {
    let value = json!({
        "id": id, "tier": tier, "status": status, "monthly_usd": usd,
        "created_at": "2026-11-20T09:00:00Z",
    });
    Tenant { value, version: 1, looks: 0, becomes }
}

fn problem(status: u16, detail: &str) -> Reply {
    let body = json!({
        "type": "about:blank", "title": "Refused", "status": status, "detail": detail,
        "instance": "urn:request:r-1",
    });
    Reply::json(status, &body)
}

/// What CloudFormation and STS of an emulator say, which is at the same address.
fn answer_of_aws(asked: &Asked) -> Option<Reply> {
    let action = asked.body.strip_prefix("Action=")?.split('&').next()?;
    let output = |key: &str, value: &str| {
        format!("<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>")
    };
    let body = match action {
        "GetCallerIdentity" => "<GetCallerIdentityResponse><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::111122223333:user/tester</Arn><UserId>AIDATESTER</UserId>\
             <Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
            .to_owned(),
        _ => format!(
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>\
             <StackName>acme-dev-platform</StackName><CreationTime>2026-11-20T09:00:00Z</CreationTime>\
             <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{}{}{}</Outputs>\
             </member></Stacks></DescribeStacksResult></DescribeStacksResponse>",
            output("ApiId", "abc"),
            output("ApiStage", "live"),
            output("Url", "https://app.acme.example"),
        ),
    };
    Some(Reply::text(200, &body))
}

fn answer(state: &mut State, asked: &Asked) -> Reply {
    if let Some(reply) = answer_of_aws(asked) {
        return reply;
    }
    let token = asked.header("authorization").and_then(|it| it.strip_prefix("Bearer "));
    if !matches!(token, Some(ADMIN | OPERATOR)) {
        return problem(401, "Send a valid token in the Authorization header.");
    }
    if asked.method != "GET" && token != Some(ADMIN) {
        return problem(403, "The token does not allow this.");
    }
    let path = asked.path.split('?').next().unwrap_or_default();
    let path = path.strip_prefix("/restapis/abc/live/_user_request_").unwrap_or(path);
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (asked.method.as_str(), parts.as_slice()) {
        ("GET", ["v1", "tenants"]) => {
            let items: Vec<&Value> = state.tenants.values().map(|tenant| &tenant.value).collect();
            Reply::json(200, &json!({ "items": items }))
        }
        ("POST", ["v1", "tenants"]) => make(state, asked),
        ("GET", ["v1", "tenants", id]) => look(state, id),
        ("PATCH" | "DELETE", ["v1", "tenants", id]) => change(state, asked, id),
        ("POST", ["v1", "tenants", _, "audit-export"]) => {
            let job =
                json!({ "id": "job-7", "status": "queued", "created_at": "2026-11-20T09:00:00Z" });
            Reply::json(202, &job)
        }
        ("GET", ["v1", "tenants", id, "sessions"]) => sessions(id),
        ("GET", ["v1", "tenants", id, "error-rate"]) => error_rate(id),
        ("POST", ["v1", "tenants", id, "notices"]) => notice(state, asked, id),
        ("GET", ["v1", "platform", "quota"]) => Reply::json(200, &quotas()),
        ("GET", ["v1", "platform", "security-events"]) => Reply::json(200, &events()),
        ("GET", ["v1", "platform", "reports", report]) => {
            Reply::json(200, &monthly(report, asked.path.split("period=").nth(1)))
        }
        _ => problem(404, "There is no such path or method."),
    }
}

fn sessions(tenant: &str) -> Reply {
    let session = |id: &str, agent: &str, created_at: &str| json!({ "id": id, "agent": agent, "created_at": created_at, "expires_at": "2099-01-02T09:00:00.000Z" });
    let items = match tenant {
        "acme" => json!([
            session("s1", "helper", "2026-11-20T09:00:00.000Z"),
            session("s2", "writer", "2099-01-01T09:00:00.000Z"),
        ]),
        _ => json!([]),
    };
    Reply::json(200, &json!({ "items": items }))
}

/// A quarter of acme's fail, more and more of them; nobody calls globex's.
fn error_rate(tenant: &str) -> Reply {
    let busy = tenant == "acme";
    let steps: Vec<Value> = (0..4)
        .map(|i| {
            let (invocations, failed) = if busy { (12, i * 2) } else { (0, 0) };
            json!({ "from": format!("2026-11-20T0{i}:00:00.000Z"), "invocations": invocations, "failed": failed })
        })
        .collect();
    let agents = if busy {
        json!([
            { "agent": "writer", "invocations": 30, "failed": 12 },
            { "agent": "helper", "invocations": 18, "failed": 0 },
        ])
    } else {
        json!([])
    };
    let (invocations, failed, rate) = if busy { (48, 12, 0.25) } else { (0, 0, 0.0) };
    let body = json!({
        "tenant_id": tenant, "from": "2026-11-20T00:00:00.000Z", "until": "2026-11-20T04:00:00.000Z",
        "invocations": invocations, "failed": failed, "rate": rate, "complete": true,
        "steps": steps, "agents": agents,
    });
    Reply::json(200, &body)
}

fn notice(state: &mut State, asked: &Asked, tenant: &str) -> Reply {
    let key = asked.header("idempotency-key").unwrap_or_default().to_owned();
    let body: Value = serde_json::from_str(&asked.body).expect("JSON");
    let made = state.made.entry(key).or_insert_with(|| {
        json!({
            "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "tenant_id": tenant, "subject": body["subject"],
            "message": body["message"], "sent_at": "2026-11-20T09:00:00.000Z",
        })
    });
    Reply::json(202, made)
}

fn quotas() -> Value {
    let quota = |service: &str, name: &str, used: u32, limit: u32| json!({ "service": service, "name": name, "used": used, "limit": limit });
    json!({ "quotas": [
        quota("iam", "roles of siloed tenants, of the default quota", 812, 1_000),
        quota("apigateway", "API keys of tenants, of the default quota", 1_204, 10_000),
    ] })
}

fn events() -> Value {
    let event = |id: &str, seen_at: &str, tenant: &str| json!({ "id": id, "seen_at": seen_at, "kind": "cross-tenant-access", "tenant_id": tenant });
    json!({ "items": [
        event("e1", "2026-11-20T09:00:00.000Z", "acme"),
        event("e2", "2099-01-01T09:00:00.000Z", "acme"),
        event("e3", "2026-11-20T23:30:00.500Z", "globex"),
    ] })
}

/// A little more every month.
fn monthly(report: &str, period: Option<&str>) -> Value {
    let period = period.unwrap_or("2026-11");
    let month: f64 = period[5..7].parse().expect("a month");
    let row = |tenant: &str, name: &str, value: f64, unit: &str| json!({ "tenant_id": tenant, "name": name, "value": value, "unit": unit });
    let rows = if report == "cost" {
        vec![row("acme", "cost", 12.5, "USD"), row("globex", "cost", 37.5, "USD")]
    } else {
        vec![
            row("acme", "invocations", 100.0 * month, "count"),
            row("acme", "jobs", 7.0, "count"),
            row("globex", "invocations", 40.0, "count"),
        ]
    };
    json!({ "report": report, "period": period, "rows": rows })
}

fn make(state: &mut State, asked: &Asked) -> Reply {
    let key = asked.header("idempotency-key").unwrap_or_default().to_owned();
    if let Some(made) = state.made.get(&key) {
        return Reply::json(202, made);
    }
    let body: Value = serde_json::from_str(&asked.body).expect("JSON");
    let id = body["id"].as_str().expect("an id").to_owned();
    if id == "failing" {
        return problem(409, "The quota of tenants is used up.");
    }
    let usd = u32::try_from(body["monthly_usd"].as_u64().unwrap_or(50)).expect("small");
    let made =
        tenant(&id, body["tier"].as_str().expect("a tier"), usd, "provisioning", Some("active"));
    let answer = made.value.clone();
    state.made.insert(key, answer.clone());
    state.tenants.insert(id, made);
    Reply::json(202, &answer)
}

fn look(state: &mut State, id: &str) -> Reply {
    let stuck = state.stuck;
    let Some(tenant) = state.tenants.get_mut(id) else {
        return problem(404, "There is no such tenant.");
    };
    if tenant.becomes.is_some() && !stuck {
        tenant.looks += 1;
        if tenant.looks > 1 {
            let becomes = tenant.becomes.take().unwrap_or_default();
            if becomes == "gone" {
                state.tenants.remove(id);
                return problem(404, "There is no such tenant.");
            }
            tenant.value["status"] = becomes.into();
        }
    }
    let version = format!("\"{}\"", tenant.version);
    let answer = Reply::json(200, &tenant.value).header("etag", &version);
    if state.busy {
        tenant.version += 1;
    }
    answer
}

fn change(state: &mut State, asked: &Asked, id: &str) -> Reply {
    let Some(tenant) = state.tenants.get_mut(id) else {
        return problem(404, "There is no such tenant.");
    };
    if asked.header("if-match") != Some(format!("\"{}\"", tenant.version).as_str()) {
        return problem(412, "The tenant has another version.");
    }
    tenant.version += 1;
    tenant.looks = 0;
    if asked.method == "DELETE" {
        tenant.value["status"] = "deleting".into();
        tenant.becomes = Some("gone");
        return Reply::json(202, &tenant.value);
    }
    let body: Value = serde_json::from_str(&asked.body).expect("JSON");
    for field in ["tier", "monthly_usd"] {
        if !body[field].is_null() {
            tenant.value[field] = body[field].clone();
        }
    }
    tenant.becomes = Some(match body["suspended"].as_bool() {
        Some(true) => "suspended",
        _ => "active",
    });
    tenant.value["status"] = "provisioning".into();
    Reply::json(202, &tenant.value)
}
