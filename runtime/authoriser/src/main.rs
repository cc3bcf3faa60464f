//! The `authoriser` Lambda.

#![forbid(unsafe_code)]
// The future of a decision within its span nests deeper than the default.
#![recursion_limit = "256"]

use std::{env, io, panic};

use authoriser::clock::MachineClock;
use authoriser::config::Config;
use authoriser::dynamo::TenantsTable;
use authoriser::fetch::Http;
use authoriser::{Authoriser, Log, service};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use runtime_core::metrics::NAMESPACE_VARIABLE;
use runtime_core::names::LOG_FILTER;
use runtime_core::telemetry::{self, Lines, XRay};
use serde_json::Value;
use tracing::Instrument as _;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Where the runtime says that a handler answered with an error. Ours does for every
/// request that is to be answered with 401: anybody could fill the log with errors.
const HANDLER_ERRORS: &str = "lambda_runtime::layers::panic=off";

// One decision at a time: more threads would only cost start-up time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log()?;
    let variable = |name: &str| env::var(name).ok();
    let config = Config::read(variable)?;
    let namespace = variable(NAMESPACE_VARIABLE)
        .ok_or_else(|| format!("{NAMESPACE_VARIABLE} is not set; it is the metrics' namespace"))?;
    let tenants = TenantsTable::from_environment(&config.prefix).await;
    let authoriser = &Authoriser::new(config, tenants, Http::default(), MachineClock::default())?;
    let log = &Log::new(namespace);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let context = &event.context;
        let span = telemetry::request(&context.request_id, context.xray_trace_id.as_deref(), None);
        service::answer(authoriser, log, event.payload).instrument(span)
    }))
    .await
}

/// Logs as other functions do, but for [`HANDLER_ERRORS`]. What panics is logged without
/// its message, in which something of a request could be.
fn log() -> Result<(), Error> {
    let filter = EnvFilter::try_from_env(LOG_FILTER)
        .unwrap_or_else(|_| EnvFilter::new(LevelFilter::INFO.to_string()))
        .add_directive(HANDLER_ERRORS.parse()?);
    let lines = Lines::to(io::stderr as fn() -> io::Stderr);
    tracing_subscriber::registry().with(filter).with(lines).with(XRay::from_environment()).init();
    panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        tracing::error!(at, "it panicked");
    }));
    Ok(())
}
