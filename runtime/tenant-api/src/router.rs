//! From an event of API Gateway to an answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use lambda_http::RequestExt as _;
use runtime_core::api::{ROUTES, Route};
use runtime_core::caller::Verified;
use runtime_core::functions::Function;
use runtime_core::metrics::REQUESTS_FAILED;
use runtime_core::telemetry;
use tower::{Service, ServiceExt as _};
use tracing::Instrument as _;

use crate::app::App;
use crate::caller::{Anyone, agrees, kind, request_id, verified};
use crate::extract::LARGEST_BODY;
use crate::problem::Problem;
use crate::{agents, export, jobs, platform, tenants, webhooks};

type Handler = MethodRouter<Arc<App>>;

/// Who answers an operation.
fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "listTenants" => get(tenants::read::list),
        "createTenant" => post(tenants::create::create),
        "getTenant" => get(tenants::read::get),
        "changeTenant" => patch(tenants::change::change),
        "deleteTenant" => delete(tenants::change::delete),
        "exportAudit" => post(export::create),
        "rotateApiKey" => post(tenants::rotate::rotate),
        "listTenantSessions" => get(tenants::look::sessions),
        "getErrorRate" => get(tenants::look::error_rate),
        "notifyTenant" => post(tenants::notify::notify),
        "listAgents" => get(agents::list),
        "createAgent" => post(agents::create),
        "getAgent" => get(agents::get),
        "replaceAgent" => put(agents::replace),
        "deleteAgent" => delete(agents::delete),
        "listJobs" => get(jobs::list),
        "createJob" => post(jobs::create),
        "getJob" => get(jobs::get),
        "cancelJob" => delete(jobs::cancel),
        "listWebhooks" => get(webhooks::list),
        "createWebhook" => post(webhooks::create),
        "getWebhook" => get(webhooks::get),
        "deleteWebhook" => delete(webhooks::delete),
        "getFailover" => get(platform::failover),
        "failOver" => post(platform::fail_over),
        "getQuota" => get(platform::quota),
        "getAccountPlan" => get(platform::account_plan),
        "listApprovals" => get(platform::approvals),
        "requestApproval" => post(platform::request_approval),
        "getApproval" => get(platform::approval),
        "answerApproval" => post(platform::answer_approval),
        "splitAccounts" => post(platform::split_accounts),
        "listSecurityEvents" => get(platform::security_events),
        "getReport" => get(platform::report),
        _ => return None,
    })
}

/// Answers requests as `lambda_http` makes them of the gateway's events.
pub fn service(
    app: App,
) -> impl Service<lambda_http::Request, Response = Response, Error = Infallible, Future: Send> + Clone
{
    let app = Arc::new(app);
    let mut router = Router::new();
    for route in ROUTES.iter().filter(|it| it.function == Some(Function::TenantApi)) {
        let Some(handler) = handler(route.operation) else { continue };
        let check = move |request: Request, next: Next| check(route, request, next);
        router = router.route(route.path, handler.layer(from_fn(check)));
    }
    router
        .fallback(|| async { Problem::not_found("route") })
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(Arc::clone(&app), observe))
        .with_state(app)
        .map_request(without_stage)
}

/// The path as the API has it: the name of the stage is not part of it.
fn without_stage(request: lambda_http::Request) -> lambda_http::Request {
    let path = request.raw_http_path().to_owned();
    let query = request.uri().query().map(|query| format!("?{query}"));
    let uri = format!("{path}{}", query.unwrap_or_default()).parse::<Uri>();
    let (mut parts, body) = request.into_parts();
    if let Ok(uri) = uri {
        parts.uri = uri;
    }
    lambda_http::Request::from_parts(parts, body)
}

/// What the log says of the route.
#[derive(Debug, Clone, Copy)]
struct Operation(&'static str);

/// Checks the caller against the list of routes. The gateway has asked the authoriser
/// already; this does not rely on it.
async fn check(route: &'static Route, request: Request, next: Next) -> Response {
    let allowed = request
        .extensions()
        .get::<Anyone>()
        .is_some_and(|Anyone(caller)| route.callers.contains(&kind(caller)));
    let mut response =
        if allowed { next.run(request).await } else { Problem::forbidden().into_response() };
    response.extensions_mut().insert(Operation(route.operation));
    response
}

/// Says who calls, names the request in problems, and logs a line.
async fn observe(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.extensions());
    let caller = verified(request.extensions());
    let tenant = match &caller {
        Some(Ok(Verified::Tenant(caller))) => Some(caller.tenant().clone()),
        _ => None,
    };
    let trace = std::env::var("_X_AMZN_TRACE_ID").ok();
    let id = id.unwrap_or_default();
    let span = telemetry::request(&id, trace.as_deref(), tenant.as_ref());
    let method = request.method().clone();
    async move {
        let mut response = match caller {
            Some(Ok(_)) if !agrees(request.extensions(), request.headers()) => {
                let cause = Some("the header names another tenant".to_owned());
                Problem { cause, ..Problem::forbidden() }.into_response()
            }
            Some(Ok(caller)) => {
                request.extensions_mut().insert(Anyone(caller));
                next.run(request).await
            }
            Some(Err(error)) => {
                let cause = Some(error.to_string());
                Problem { cause, ..Problem::forbidden() }.into_response()
            }
            None => Problem::forbidden().into_response(),
        };
        let problem = response.extensions_mut().remove::<Problem>();
        let operation = response.extensions().get::<Operation>().map_or("", |it| it.0);
        if let Some(problem) = &problem {
            response = problem.answer(Some(&id));
        }
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let cause = problem.and_then(|it| it.cause);
        log(&method, operation, response.status(), started, cause.as_deref());
        if response.status().is_server_error() {
            count_failure(&app, operation, &id).await;
        }
        response
    }
    .instrument(span)
    .await
}

fn log(
    method: &Method,
    operation: &str,
    status: StatusCode,
    started: Instant,
    cause: Option<&str>,
) {
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let status = status.as_u16();
    let method = method.as_str();
    match (status, cause) {
        (500.., _) => tracing::error!(method, route = operation, status, micros, cause, "failed"),
        (_, Some(cause)) => {
            tracing::warn!(method, route = operation, status, micros, cause, "refused");
        }
        _ => tracing::info!(method, route = operation, status, micros, "answered"),
    }
}

async fn count_failure(app: &App, operation: &str, id: &str) {
    let about = [("route", operation.into()), ("request_id", id.into())];
    if let Ok(watchers) = app.watchers().await {
        watchers.metrics.count(REQUESTS_FAILED, 1, &about);
    }
}

/// `Allow` names the methods that there are for the path.
async fn method_not_allowed(request: Request) -> Problem {
    let path: Vec<_> = request.uri().path().split('/').collect();
    let matches = |route: &&Route| {
        let parts: Vec<_> = route.path.split('/').collect();
        parts.len() == path.len()
            && parts.iter().zip(&path).all(|(part, given)| part.starts_with('{') || part == given)
    };
    let methods: Vec<_> = ROUTES.iter().filter(matches).map(|it| it.method.as_str()).collect();
    let detail = format!("There is {} for this path.", methods.join(", "));
    let allow = HeaderValue::from_str(&methods.join(", ")).ok();
    Problem { allow, ..Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail) }
}
