//! Calls a deployed function and reads its answer.

use std::time::Instant;

use aws_sdk_lambda::primitives::Blob;
use serde_json::Value;

use super::{Regional, explain};
use crate::error::{Context as _, Error, Result};
use crate::journal::Mask;

/// A function's answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What it returned.
    pub payload: Value,
    /// Wall time of the call in milliseconds, as the caller sees it.
    pub wall_ms: f64,
}

impl Regional {
    /// Calls `function` with `payload` and waits for its answer. A function that
    /// raised an error is an error.
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<Answer> {
        let body = serde_json::to_vec(payload).context("cannot serialize the payload")?;
        let begun = Instant::now();
        let answer = self
            .lambda
            .invoke()
            .function_name(function)
            .payload(Blob::new(body))
            .send()
            .await
            .map_err(|error| explain(format!("cannot call function {function}"), error))?;
        let wall_ms = begun.elapsed().as_secs_f64() * 1000.0;
        let bytes = answer.payload().map(AsRef::as_ref).unwrap_or_default();
        let payload: Result<Value> = serde_json::from_slice(bytes)
            .with_context(|| format!("function {function} did not answer in JSON"));
        if let Some(kind) = answer.function_error() {
            let said = payload
                .ok()
                .and_then(|payload| payload["errorMessage"].as_str().map(str::to_owned));
            let said = said.unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned());
            let said = Mask::default().text(&said);
            return Err(Error::failed(format!("function {function} failed ({kind}): {said}")));
        }
        Ok(Answer { payload: payload?, wall_ms })
    }
}
