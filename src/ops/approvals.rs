//! What runs of runbooks ask people for, through the platform's API.

use runtime_core::api::{Approval, NewApproval};

use super::{Api, Call};
use crate::error::{Context as _, Result};

/// Asks for something. The same question again has no second effect.
pub async fn request(api: &Api, asked: &NewApproval, key: &str) -> Result<Approval> {
    let body = serde_json::to_value(asked).context("cannot serialize a request")?;
    Ok(api.call(&Call::of("requestApproval").body(body).key(key)).await?.value)
}

/// What a step of a run asks for, and what was said; none: it asks for nothing.
pub async fn find(api: &Api, run: &str, step: &str) -> Result<Option<Approval>> {
    let call = Call::of("getApproval").parameter("run", run).parameter("step", step);
    Ok(api.find(&call).await?.map(|answered| answered.value))
}
