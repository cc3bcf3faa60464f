//! The `tenant-api` Lambda.

#![forbid(unsafe_code)]

use std::env;

use lambda_http::Error;
use runtime_core::telemetry;
use tenant_api::{App, Settings, aws};

// One request at a time: more threads would only cost start-up time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let variable = |name: &str| env::var(name).ok();
    let settings = Settings::from_variables(variable)?;
    // Nothing is asked of anybody before the first request needs it.
    let services = aws::services(&settings, variable)?;
    lambda_http::run(tenant_api::service(App { settings, services })).await
}
