//! The `git-store` Lambda.

#![forbid(unsafe_code)]

use std::{env, future, io, time::SystemTime};

use git_store::{Store, service};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use runtime_core::names::{LOG_FILTER, STORE_ROOT};
use serde_json::Value;
use tracing_subscriber::EnvFilter;

// One invocation at a time, and all of it blocks on the file system: more
// threads would only cost start-up time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log_as_json();
    let root = env::var_os(STORE_ROOT).ok_or_else(|| format!("{STORE_ROOT} is not set"))?;
    let store = Store::new(root);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        // A deadline in the past is answered with the least time that there is.
        let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        future::ready(Ok::<_, Error>(service::answer_within(&store, event.payload, left)))
    }))
    .await
}

fn log_as_json() {
    let filter = EnvFilter::try_from_env(LOG_FILTER).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        // CloudWatch has its own clock.
        .without_time()
        .with_writer(io::stderr)
        .init();
}
