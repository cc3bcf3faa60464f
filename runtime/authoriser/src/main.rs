//! The `authoriser` Lambda.

#![forbid(unsafe_code)]

use std::env;

use authoriser::clock::MachineClock;
use authoriser::config::Config;
use authoriser::dynamo::TenantsTable;
use authoriser::fetch::Http;
use authoriser::{Authoriser, Log, service};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use runtime_core::metrics::NAMESPACE_VARIABLE;
use runtime_core::telemetry;
use serde_json::Value;

// One decision at a time: more threads would only cost start-up time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let variable = |name: &str| env::var(name).ok();
    let config = Config::read(variable)?;
    let namespace = variable(NAMESPACE_VARIABLE)
        .ok_or_else(|| format!("{NAMESPACE_VARIABLE} is not set; it is the metrics' namespace"))?;
    let tenants = TenantsTable::from_environment(&config.prefix).await;
    let authoriser = &Authoriser::new(config, tenants, Http::default(), MachineClock::default())?;
    let log = &Log::new(namespace);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        service::answer(authoriser, log, event.payload)
    }))
    .await
}
