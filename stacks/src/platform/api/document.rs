//! What the gateway is told to do with each route.

use std::collections::{BTreeMap, BTreeSet};

use runtime_core::api::{Caller, ROUTES, Route, openapi};
use runtime_core::auth::TENANT_HEADER;
use runtime_core::functions::Function;
use runtime_core::names::REASON_HEADER;
use serde_json::{Map, Value, json};

use super::{convert, responses};
use crate::cfn::{Value as Property, sub_with};
use crate::construct::function::Deployed;

/// The stage variable with the web application's origin.
pub(super) const WEB_ORIGIN: &str = "webOrigin";

/// How the authoriser is called in the document.
const SCHEME: &str = "authoriser";

/// How the document says that a request counts against a usage plan.
const KEY_SCHEME: &str = "api_key";

/// A little less than the gateway waits for an answer.
const TIMEOUT_MILLISECONDS: u32 = 29_000;

/// What a decision is remembered by, if it is. A decision holds for one token on one
/// method of one path: remembered by the token alone, what was allowed on one route would
/// be allowed on all. A request without a token is refused unasked.
///
/// The gateway wants every source to be there, so what requests may leave out cannot be
/// one: `x-api-key` and `x-tenant-id`. Where decisions are remembered, keys come in
/// `Authorization` alone, and functions look at `x-tenant-id` themselves
/// (`AuthContext::agrees`). Where they are not, nothing is a source, and the authoriser
/// sees every request.
const IDENTITY_SOURCES: &str =
    "method.request.header.Authorization, context.httpMethod, context.path";

/// The routes whose function is deployed. Those for known callers need the authoriser.
pub(super) fn routes(functions: &BTreeMap<Function, Deployed>) -> Vec<&'static Route> {
    let deployed = |function: &Function| functions.contains_key(function);
    let served = |route: &&Route| {
        route.function.as_ref().is_none_or(deployed)
            && (!route.authorised() || deployed(&Function::Authoriser))
    };
    ROUTES.iter().filter(served).collect()
}

/// The document that the gateway imports.
pub(super) fn body(
    routes: &[&Route],
    functions: &BTreeMap<Function, Deployed>,
    decision_seconds: u32,
) -> Value {
    let contract = openapi::document();
    let mut paths = Map::new();
    for route in routes {
        let method = route.method.as_str().to_lowercase();
        let described = &contract["paths"][route.path][&method];
        let mut operation = convert::operation(&contract, described, route.status);
        operation["x-amazon-apigateway-integration"] = match &route.function {
            Some(function) => call(&functions[function]),
            None => healthy(),
        };
        operation["security"] = security(route);
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[method] = operation;
    }
    for (path, item) in &mut paths {
        item["options"] = preflight(path, routes);
    }
    let mut body = convert::document(&contract, paths);
    if let Some(authoriser) = functions.get(&Function::Authoriser)
        && routes.iter().any(|route| route.authorised())
    {
        let scheme = authorise(authoriser, decision_seconds);
        let key = json!({ "type": "apiKey", "name": "x-api-key", "in": "header" });
        body["components"]["securitySchemes"] = json!({ SCHEME: scheme, KEY_SCHEME: key });
    }
    body["x-amazon-apigateway-request-validators"] =
        json!({ "all": { "validateRequestBody": true, "validateRequestParameters": true } });
    body["x-amazon-apigateway-request-validator"] = "all".into();
    body["x-amazon-apigateway-gateway-responses"] = responses::responses();
    body
}

/// Usage plans count and limit only methods that ask for a key. The authoriser gives
/// that of the tenant; who runs the platform has none, and is on no plan.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html>
fn security(route: &Route) -> Value {
    let of_tenants = [Caller::Tenant, Caller::Machine];
    let counted = route.callers.iter().all(|caller| of_tenants.contains(caller));
    match (route.authorised(), counted) {
        (false, _) => json!([]),
        (true, true) => json!([{ SCHEME: [], KEY_SCHEME: [] }]),
        (true, false) => json!([{ SCHEME: [] }]),
    }
}

/// By its alias: the function behind it may change without a new deployment of the API.
fn invocation(function: &Deployed) -> Value {
    let uri: Property<String> = sub_with(
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/\
         ${Function}/invocations",
        [("Function", function.alias.id())],
    );
    uri.into_json()
}

fn call(function: &Deployed) -> Value {
    json!({
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": invocation(function),
        "timeoutInMillis": TIMEOUT_MILLISECONDS,
    })
}

fn authorise(authoriser: &Deployed, decision_seconds: u32) -> Value {
    let mut scheme = json!({
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": {
            "type": "request",
            "authorizerUri": invocation(authoriser),
            "authorizerResultTtlInSeconds": decision_seconds,
        },
    });
    if decision_seconds > 0 {
        scheme["x-amazon-apigateway-authorizer"]["identitySource"] = IDENTITY_SOURCES.into();
    }
    scheme
}

/// The gateway answers by itself, and so says only that it is there.
fn healthy() -> Value {
    json!({
        "type": "mock",
        "requestTemplates": { "application/json": r#"{"statusCode": 200}"# },
        "responses": {
            "default": {
                "statusCode": "200",
                "responseTemplates": { "application/json": r#"{"status":"ok"}"# },
            },
        },
    })
}

/// What browsers ask before they send a request to another origin. Pages come from the
/// same origin as the API, through the distribution, and need no such answer; it is
/// for tools that ask anyway, and names that origin alone.
fn preflight(path: &str, routes: &[&Route]) -> Value {
    let methods: BTreeSet<_> = routes
        .iter()
        .filter(|route| route.path == path)
        .map(|route| route.method.as_str())
        .collect();
    let methods = methods.into_iter().collect::<Vec<_>>().join(",");
    let headers = [
        ("Access-Control-Allow-Origin", format!("stageVariables.{WEB_ORIGIN}")),
        ("Access-Control-Allow-Methods", format!("'{methods}'")),
        (
            "Access-Control-Allow-Headers",
            format!(
                "'Authorization,Content-Type,Idempotency-Key,If-Match,If-None-Match,\
                 {TENANT_HEADER},{REASON_HEADER}'"
            ),
        ),
        ("Access-Control-Max-Age", "'600'".to_owned()),
        ("Vary", "'Origin'".to_owned()),
    ];
    let declared: Map<_, _> = headers
        .iter()
        .map(|(name, _)| ((*name).to_owned(), json!({ "schema": { "type": "string" } })))
        .collect();
    let values: Map<_, _> = headers
        .into_iter()
        .map(|(name, value)| (format!("method.response.header.{name}"), value.into()))
        .collect();
    let mut options = json!({
        "security": [],
        "responses": { "204": { "description": "Done", "headers": declared } },
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": { "application/json": r#"{"statusCode": 204}"# },
            "responses": { "default": { "statusCode": "204", "responseParameters": values } },
        },
    });
    // The gateway wants every parameter of a path declared for each of its methods.
    let names = routes.iter().find(|route| route.path == path);
    let parameters: Vec<_> = names
        .into_iter()
        .flat_map(|route| route.parameters())
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    if !parameters.is_empty() {
        options["parameters"] = parameters.into();
    }
    options
}
