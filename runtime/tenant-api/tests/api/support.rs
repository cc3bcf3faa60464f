//! An API in memory, called by events of API Gateway. Every answer is held against the
//! contract.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::body::to_bytes;
use axum::http::HeaderMap;
use jsonschema::Validator;
use runtime_core::access::{Backend as _, Operation, OperatorDynamoDb, Query};
use runtime_core::api::{ROUTES, Route};
use runtime_core::caller::{CallerContext, Verified};
use runtime_core::model::{Attributes, Key, Tenant};
use runtime_core::tables::Table;
use runtime_core::tenant::Tier;
use serde_json::{Value, json};
use tenant_api::services::Data as _;
use tenant_api::{App, Settings};
use tower::ServiceExt as _;

use crate::memory::Memory;

/// Who calls.
pub fn user(tenant: &str) -> CallerContext {
    CallerContext::user(tenant.parse().unwrap(), "ada")
}

pub fn machine(tenant: &str) -> CallerContext {
    CallerContext::machine(tenant.parse().unwrap(), "key-1")
}

pub fn operator() -> CallerContext {
    CallerContext::operator("olga")
}

pub fn admin() -> CallerContext {
    CallerContext::admin("adam")
}

/// A request to be.
#[derive(Clone)]
pub struct Call {
    pub event: Value,
}

pub fn call(method: &str, path: &str) -> Call {
    let mut event: Value = serde_json::from_str(include_str!("event.json")).unwrap();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    event["httpMethod"] = method.into();
    event["path"] = path.into();
    event["requestContext"]["httpMethod"] = method.into();
    event["requestContext"]["path"] = format!("/live{path}").into();
    for pair in query.split('&').filter(|it| !it.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap();
        event["queryStringParameters"][name] = value.into();
        event["multiValueQueryStringParameters"][name] = json!([value]);
    }
    Call { event }
}

impl Call {
    pub fn by(mut self, caller: &CallerContext) -> Self {
        for (name, value) in caller.fields() {
            self.event["requestContext"]["authorizer"][name] = value.into();
        }
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.event["headers"][name] = value.into();
        self.event["multiValueHeaders"][name] = json!([value]);
        self
    }

    pub fn once(self, key: &str) -> Self {
        self.header("Idempotency-Key", &format!("request-{key}"))
    }

    pub fn if_match(self, etag: &str) -> Self {
        self.header("If-Match", etag)
    }

    pub fn text(mut self, body: &str) -> Self {
        self.event["body"] = body.into();
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").text(&body.to_string())
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }

    pub fn etag(&self) -> String {
        self.header("etag").to_owned()
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    /// The fields that a problem names.
    pub fn fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array();
        errors.into_iter().flatten().map(|it| it["field"].as_str().unwrap()).collect()
    }
}

#[derive(Clone, Default)]
pub struct Api {
    pub memory: Memory,
}

impl Api {
    pub async fn send(&self, call: Call) -> Answer {
        let settings = Settings { prefix: "acme-dev".to_owned(), siloed: vec![Tier::Premium] };
        let service = tenant_api::service(App { settings, services: self.memory.services() });
        let text = call.event.to_string();
        let request = lambda_http::request::from_str(&text).unwrap();
        let response = service.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap_or_else(|_| panic!("no JSON: {bytes:?}"))
        };
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, body };
        hold_against_contract(&call.event, &answer);
        answer
    }

    /// The record of a tenant, as the table has it.
    pub async fn record(&self, tenant: &str) -> Option<Tenant> {
        let fields = admin().fields();
        let field =
            |name: &str| fields.iter().find(|(it, _)| *it == name).map(|(_, it)| it.as_str());
        let Verified::Staff(operator) = Verified::from_context(field).unwrap() else {
            panic!("an admin is staff")
        };
        let scope = runtime_core::access::OperatorScope::new(&operator);
        let backend = std::sync::Arc::new(self.memory.tables.clone());
        let watchers = self.memory.watchers().await.unwrap();
        let platform = OperatorDynamoDb::new(scope, backend, watchers);
        platform.get(&Key::<Tenant>::new(&tenant.parse().unwrap())).await.unwrap()
    }

    /// What a table has of the tenant `globex`.
    pub async fn rows(&self, table: Table) -> Vec<Attributes> {
        let query = Operation::Query(Query {
            table,
            index: None,
            partition_key: table.partition_key,
            partition: "globex".to_owned(),
            prefix: String::new(),
            newest_first: false,
            limit: 1_000,
            start: None,
        });
        self.memory.tables.run(&query).await.unwrap().items
    }

    /// A tenant that may use the platform.
    pub async fn tenant(&self, id: &str, tier: &str) -> Answer {
        self.send(new_tenant(id, tier)).await.is(202)
    }

    pub async fn agent(&self, tenant: &str, name: &str) -> Answer {
        self.send(new_agent(tenant, name)).await.is(201)
    }
}

pub fn new_tenant(id: &str, tier: &str) -> Call {
    let body = json!({ "id": id, "tier": tier, "email": "ops@acme.example" });
    call("POST", "/v1/tenants").by(&admin()).once(&format!("make-{id}")).json(&body)
}

pub fn new_agent(tenant: &str, name: &str) -> Call {
    let body = json!({ "name": name, "definition": { "instructions": "Help." } });
    call("POST", "/v1/agents").by(&user(tenant)).once(&format!("make-{name}")).json(&body)
}

fn validators() -> &'static BTreeMap<String, Validator> {
    static ALL: OnceLock<BTreeMap<String, Validator>> = OnceLock::new();
    ALL.get_or_init(|| {
        let document: Value =
            serde_json::from_str(include_str!("../../../core/openapi.json")).unwrap();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let validator = |name: &String| {
            let schema = json!({
                "$ref": format!("#/components/schemas/{name}"),
                "components": document["components"],
            });
            (name.clone(), jsonschema::validator_for(&schema).unwrap())
        };
        schemas.keys().map(validator).collect()
    })
}

pub fn route(method: &str, path: &str) -> Option<&'static Route> {
    let given: Vec<_> = path.split('/').collect();
    ROUTES.iter().find(|route| {
        let parts: Vec<_> = route.path.split('/').collect();
        route.method.as_str() == method
            && parts.len() == given.len()
            && parts.iter().zip(&given).all(|(part, it)| part.starts_with('{') || part == it)
    })
}

#[track_caller]
fn hold_against_contract(event: &Value, answer: &Answer) {
    let (method, path) = (event["httpMethod"].as_str().unwrap(), event["path"].as_str().unwrap());
    let route = route(method, path);
    let schema = match (route, answer.status) {
        (Some(_), 304) => None,
        (Some(route), status) if status == route.status => route.response,
        _ => Some("Problem"),
    };
    let media_type = answer.header("content-type");
    match schema {
        None => assert_eq!(answer.body, Value::Null),
        Some(name) => {
            let expected =
                if name == "Problem" { "application/problem+json" } else { "application/json" };
            assert_eq!(media_type, expected, "{method} {path}");
            let errors: Vec<_> = validators()[name].iter_errors(&answer.body).collect();
            assert!(errors.is_empty(), "{method} {path}: {errors:?} in {}", answer.body);
        }
    }
    assert_eq!(answer.header("cache-control"), "no-store");
    if schema == Some("Problem") {
        let id = event["requestContext"]["requestId"].as_str().unwrap();
        assert_eq!(answer.body["instance"], format!("urn:request:{id}"));
        assert_eq!(answer.body["status"], answer.status);
    }
    if let Some(route) = route.filter(|it| it.status == answer.status) {
        let shown = route.traits.versioned && route.response.is_some();
        assert!(!shown || !answer.etag().is_empty(), "{method} {path}: no ETag");
    }
}
