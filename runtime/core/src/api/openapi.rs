//! The API described for others: an `OpenAPI` 3.1 document.

use std::collections::BTreeMap;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{RecursiveTransform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::operations;
use super::{
    AccountPlan, AccountSplit, Agent, AgentDefinition, ApiKey, Approval, AuditExport,
    CreatedWebhook, ErrorRate, Failover, FailoverRequest, Health, Invocation, Job, Method,
    NewAgent, NewApproval, NewApprovalAnswer, NewFailover, NewInvocation, NewJob, NewNotice,
    NewSession, NewTenant, NewWebhook, Notice, Page, Problem, QuotaUse, ROUTES, Report, Route,
    SecurityEvent, Session, Tenant, TenantChange, Webhook,
};

/// The version of the API. The major version stands in every path.
pub const VERSION: &str = "1.0.0";

/// The reports there are, as the path names them.
pub const REPORTS: [&str; 2] = ["usage", "cost"];

/// The most items of a page.
const LARGEST_PAGE: u32 = 200;

/// What an `ETag` looks like.
const ETAG: &str = r#"^"(0|[1-9][0-9]{0,18})"$"#;

/// The document. The same code gives the same bytes.
///
/// ```
/// let document = runtime_core::api::openapi::document();
/// assert_eq!(document["paths"]["/v1/health"]["get"]["operationId"], "getHealth");
/// ```
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.as_str().to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Platform API",
            "version": VERSION,
            "description": "Tenants, their agents, and what agents do. A field that is not given is left out, never null.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "parameters": parameters(),
            "headers": headers(),
            "responses": responses(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of the users' identity provider, or an API key.",
                },
            },
        },
    })
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [route.path.split('/').nth(2).unwrap_or_default()],
        "security": [],
    });
    if route.authorised() {
        let callers: Vec<_> = route.callers.iter().map(|caller| caller.name()).collect();
        operation["security"] = json!([{ "token": callers }]);
    }
    let parameters = parameters_of(route);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(request) = route.request {
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema_reference(request) } },
        });
    }
    operation["responses"] = responses_of(route);
    operation
}

fn parameters_of(route: &Route) -> Vec<Value> {
    let reference = |name: &str| json!({ "$ref": format!("#/components/parameters/{name}") });
    let resource = route.path.split('/').nth(2).unwrap_or_default();
    let mut parameters: Vec<_> = route
        .parameters()
        .map(|parameter| {
            let name = match (resource, parameter) {
                ("tenants", "id") => "TenantId",
                (_, "id") => "Id",
                (_, "report") => "ReportName",
                (_, "run") => "Run",
                (_, "step") => "Step",
                _ => "AgentName",
            };
            reference(name)
        })
        .collect();
    if route.operation == "getReport" {
        parameters.push(reference("Period"));
    }
    if route.operation == "getErrorRate" {
        parameters.push(reference("Since"));
    }
    if route.traits.paged {
        parameters.extend(["Limit", "Cursor"].map(reference));
    }
    if route.traits.idempotent {
        parameters.push(reference("IdempotencyKey"));
    }
    if route.traits.versioned {
        let reads = route.method == Method::Get;
        parameters.push(reference(if reads { "IfNoneMatch" } else { "IfMatch" }));
    }
    parameters
}

fn responses_of(route: &Route) -> Value {
    let mut success = json!({ "description": "Done" });
    if let Some(response) = route.response {
        success["content"] =
            json!({ "application/json": { "schema": schema_reference(response) } });
    }
    if route.traits.versioned && route.response.is_some() {
        success["headers"] = json!({ "ETag": { "$ref": "#/components/headers/ETag" } });
    }
    let mut responses = Map::new();
    responses.insert(route.status.to_string(), success);
    let reads = route.method == Method::Get;
    let failures = [
        ("304", "NotModified", route.traits.versioned && reads),
        ("400", "Problem", !route.path.ends_with("/health")),
        ("401", "Problem", route.authorised()),
        ("403", "Problem", route.authorised()),
        ("404", "Problem", route.parameters().next().is_some()),
        ("409", "Problem", route.traits.idempotent),
        ("412", "Problem", route.traits.versioned && !reads),
        ("413", "Problem", route.request.is_some()),
        ("415", "Problem", route.request.is_some()),
        ("428", "Problem", route.traits.versioned && !reads),
        ("429", "TooManyRequests", true),
        ("default", "Problem", true),
    ];
    for (status, name, may_be) in failures {
        if may_be {
            let reference = json!({ "$ref": format!("#/components/responses/{name}") });
            responses.insert(status.to_owned(), reference);
        }
    }
    responses.into()
}

fn parameters() -> Value {
    let parameter = |place: &str, name: &str, description: &str, schema: Value| {
        json!({
            "name": name,
            "in": place,
            "required": place == "path" || ["Idempotency-Key", "If-Match"].contains(&name),
            "description": description,
            "schema": schema,
        })
    };
    json!({
        "TenantId": parameter("path", "id", "The tenant's id", json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{1,20}[a-z0-9]$" })),
        "Id": parameter("path", "id", "The id", json!({ "type": "string", "minLength": 1, "maxLength": 64 })),
        "AgentName": parameter("path", "name", "The agent's name", json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,47}$" })),
        "ReportName": parameter("path", "report", "The report's name", json!({ "type": "string", "enum": REPORTS })),
        "Run": parameter("path", "run", "The run", json!({ "type": "string", "pattern": operations::RUN })),
        "Step": parameter("path", "step", "The step", json!({ "type": "string", "pattern": operations::STEP })),
        "Since": parameter("query", "since", "How far back, in seconds", json!({ "type": "integer", "minimum": 60, "maximum": 2_592_000, "default": 86_400 })),
        "Period": parameter("query", "period", "The month; left out: the one that it is", json!({ "type": "string", "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])$" })),
        "Limit": parameter("query", "limit", "The most items of a page", json!({ "type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": 50 })),
        "Cursor": parameter("query", "cursor", "Where to go on: `next` of the page before", json!({ "type": "string", "maxLength": 2048 })),
        "IdempotencyKey": parameter("header", "Idempotency-Key", "The request's own name: sent again, it has no second effect for a day", json!({ "type": "string", "pattern": "^[!-~]{8,128}$" })),
        "IfMatch": parameter("header", "If-Match", "The `ETag` of what is to be changed: refused when it is another by now", json!({ "type": "string", "pattern": ETAG })),
        "IfNoneMatch": parameter("header", "If-None-Match", "The `ETag` of what is known: nothing is sent when it is the same still", json!({ "type": "string", "maxLength": 128 })),
    })
}

fn headers() -> Value {
    json!({
        "ETag": { "description": "The version of what is sent", "schema": { "type": "string", "pattern": ETAG } },
        "Retry-After": { "description": "Seconds to wait", "schema": { "type": "string" } },
    })
}

fn responses() -> Value {
    let problem = json!({ "application/problem+json": { "schema": schema_reference("Problem") } });
    let retry_after = json!({ "Retry-After": { "$ref": "#/components/headers/Retry-After" } });
    json!({
        "Problem": { "description": "What went wrong (RFC 9457)", "content": problem },
        "TooManyRequests": { "description": "More than the tier or the platform allows", "headers": retry_after, "content": problem },
        "NotModified": { "description": "It is the same still" },
    })
}

fn schema_reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The schemas of every type, sorted by name.
fn schemas() -> BTreeMap<String, Value> {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    macro_rules! add {
        ($($ty:ty),* $(,)?) => { $( add::<$ty>(&mut generator); )* };
    }
    add![
        AccountPlan,
        AccountSplit,
        Agent,
        AgentDefinition,
        ApiKey,
        Approval,
        AuditExport,
        CreatedWebhook,
        ErrorRate,
        Failover,
        FailoverRequest,
        Health,
        Invocation,
        Job,
        NewAgent,
        NewApproval,
        NewApprovalAnswer,
        NewFailover,
        NewInvocation,
        NewJob,
        NewNotice,
        NewSession,
        NewTenant,
        NewWebhook,
        Notice,
        Page<Agent>,
        Page<Approval>,
        Page<Job>,
        Page<SecurityEvent>,
        Page<Session>,
        Page<Tenant>,
        Page<Webhook>,
        Problem,
        QuotaUse,
        Report,
        Session,
        Tenant,
        TenantChange,
        Webhook,
    ];
    let plain = |(name, schema): (String, Value)| {
        let Ok(mut schema) = Schema::try_from(schema) else { return (name, Value::Null) };
        schemars::transform::Transform::transform(
            &mut RecursiveTransform(without_null),
            &mut schema,
        );
        (name, schema.to_value())
    };
    generator.take_definitions(true).into_iter().map(plain).collect()
}

fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

/// `Option` is for fields that may be left out: no null, which API Gateway's validation
/// does not know either.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = &kinds[..] {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(only)] = &choices[..] {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.insert(key, value);
            }
        }
    }
    // Subschemas come by the recursion.
    transform_subschemas(&mut |_: &mut Schema| {}, schema);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every `$ref` in a value.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    found.push(reference.clone());
                }
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_component_is_used() {
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        for reference in &found {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        for section in ["schemas", "parameters", "headers", "responses"] {
            for name in document["components"][section].as_object().unwrap().keys() {
                let reference = format!("#/components/{section}/{name}");
                assert!(found.contains(&reference), "{reference}");
            }
        }
    }

    #[test]
    fn nothing_is_null() {
        assert!(!document().to_string().contains("null\""));
    }

    /// `UPDATE_OPENAPI=1 cargo test -p runtime-core --all-features` writes it.
    #[test]
    fn the_file_is_what_the_code_says() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let written = format!("{:#}\n", document());
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(file, &written).unwrap();
        }
        let read = std::fs::read_to_string(file).unwrap();
        assert!(read == written, "openapi.json is not up to date; UPDATE_OPENAPI=1 writes it");
    }
}
