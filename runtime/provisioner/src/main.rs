//! The `provisioner` Lambda.

#![forbid(unsafe_code)]
// The futures of three SDK clients nest deeper than the default.
#![recursion_limit = "256"]

use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use provisioner::{CloudFormation, Service, Stores, System, Table};
use runtime_core::access::{Acting, Connections, DynamoDb, NarrowedCredentials, S3Audit, Watchers};
use runtime_core::names::{AUDIT_BUCKET, RESULTS_BUCKET, TENANCY, TENANT_STACKS_ROLE};
use runtime_core::telemetry::{self, Metrics};
use serde_json::Value;
use stacks::tenant::Tenancy;
use tracing::Instrument as _;

/// Kept back for the record and the answer.
const MARGIN: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let tenancy: Tenancy = serde_json::from_str(&variable(TENANCY)?)
        .map_err(|error| format!("{TENANCY} is none: {error}"))?;
    let connections = Connections::from_environment().await;
    let metrics = Metrics::from_variables(|name| env::var(name).ok())
        .ok_or("the metrics' namespace is not set")?;
    let audit = Arc::new(S3Audit::new(connections.s3(), variable(AUDIT_BUCKET)?));
    let tables = Arc::new(DynamoDb::new(connections.dynamodb(), tenancy.prefix()));
    let watchers = Watchers { audit, metrics };
    let records = Table::new(tables, watchers.clone());
    let acting = Acting::from_variables(|name| env::var(name).ok())?;
    let results = variable(RESULTS_BUCKET)?;
    let data = Stores {
        records: records.clone(),
        narrowed: NarrowedCredentials::new(
            connections.sts(),
            acting,
            tenancy.prefix(),
            Some(results.clone()),
        ),
        connections: connections.clone(),
        prefix: tenancy.prefix(),
        results,
        watchers,
    };
    let service = Service {
        records,
        data,
        formation: CloudFormation::new(connections.config().clone(), variable(TENANT_STACKS_ROLE)?),
        tenancy,
    };
    let service = &service;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let context = &event.context;
        let span = telemetry::request(&context.request_id, context.xray_trace_id.as_deref(), None);
        let left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        let deadline = Instant::now() + left.saturating_sub(MARGIN);
        async move { service.answer(&event.payload, System { deadline }).await }.instrument(span)
    }))
    .await
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("{name} is not set"))
}
