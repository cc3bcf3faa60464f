//! The `git-store` Lambda.

#![forbid(unsafe_code)]

use std::{env, time::SystemTime};

use git_store::{Store, service};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use runtime_core::{names::STORE_ROOT, telemetry};
use serde_json::Value;
use tracing::Instrument as _;

// One invocation at a time, and all of it blocks on the file system: more
// threads would only cost start-up time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let root = env::var_os(STORE_ROOT).ok_or_else(|| format!("{STORE_ROOT} is not set"))?;
    let store = Store::new(root);
    let store = &store;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let context = &event.context;
        let span = telemetry::request(&context.request_id, context.xray_trace_id.as_deref(), None);
        // A deadline in the past is answered with the least time that there is.
        let left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        async move { Ok::<_, Error>(service::answer_within(store, event.payload, left)) }
            .instrument(span)
    }))
    .await
}
