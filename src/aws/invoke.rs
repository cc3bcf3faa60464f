//! Calls a deployed function and reads its answer.

use std::time::{Duration, Instant};

use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::LogType;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Regional, explain};
use crate::error::{Context as _, Error, Result};
use crate::event::Events;
use crate::journal::Mask;
use crate::signal::Cancel;

/// A function's answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What it returned.
    pub payload: Value,
    /// Wall time of the call in milliseconds, as the caller sees it.
    pub wall_ms: f64,
}

/// Carries a trace from the caller; Lambda takes it over.
const TRACE_HEADER: &str = "x-amzn-trace-id";
/// What one call of a function brought, for whoever measures it.
#[derive(Debug, Clone)]
pub struct Observed {
    /// What it returned, as bytes.
    pub payload: Vec<u8>,
    /// How it failed, when it did: `Handled` or `Unhandled`.
    pub function_error: Option<String>,
    /// The end of its log, with the line that Lambda reports; up to 4 KB.
    pub log_tail: String,
}

/// Why a call has no answer: a kind that can be counted, and a line for people.
#[derive(Debug, Clone)]
pub struct Unanswered {
    /// `throttled`, `timed out`, `unreachable`, or the service's own code.
    pub kind: String,
    /// One line.
    pub message: String,
}

/// What Lambda answers while a function that was just made is not quite there: its
/// network interfaces, its mount, its role
/// (<https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors>).
const NOT_YET: &[&str] = &[
    "EFSIOException",
    "EFSMountConnectivityException",
    "EFSMountFailureException",
    "EFSMountTimeoutException",
    "ENILimitReachedException",
    "KMSAccessDeniedException",
    "ResourceNotReadyException",
];

/// How long a new function may take to be there, and the pause between two calls.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_secs(5);

impl Regional {
    /// As [`Regional::invoke`], for the first call of a function that may have been
    /// made a moment ago: waits while Lambda says that it is not there yet. The
    /// function may be called more than once.
    pub async fn invoke_when_ready(
        &self,
        function: &str,
        payload: &Value,
        events: &Events,
        cancel: &Cancel,
    ) -> Result<Answer> {
        let begun = Instant::now();
        loop {
            let error = match self.invoke(function, payload).await {
                Err(error) if begun.elapsed() < PATIENCE => error,
                answer => return answer,
            };
            // The code stands at the end of the message, in parentheses.
            let not_yet = |code: &&str| error.message().ends_with(&format!("({code})"));
            if !NOT_YET.iter().any(not_yet) {
                return Err(error);
            }
            events.info(format!("{}; trying again", error.message()));
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = cancel.cancelled() => return Err(cancel.error()),
            }
        }
    }

    /// Calls `function` once, without retries, and asks for the end of its log: what takes
    /// long, or is throttled, is to be seen and not hidden.
    pub async fn observe(
        &self,
        function: &str,
        payload: Vec<u8>,
        patience: Duration,
    ) -> Result<Observed, Unanswered> {
        let once = aws_sdk_lambda::Config::builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_timeout(patience).build());
        let answer = self
            .lambda
            .invoke()
            .function_name(function)
            .payload(Blob::new(payload))
            .log_type(LogType::Tail)
            .customize()
            .config_override(once)
            .send()
            .await;
        let answer = answer.map_err(|error| {
            let kind = match &error {
                SdkError::TimeoutError(_) => "timed out".to_owned(),
                SdkError::DispatchFailure(_) => "unreachable".to_owned(),
                other => match other.code() {
                    Some("TooManyRequestsException") => "throttled".to_owned(),
                    Some(code) => code.to_owned(),
                    None => "no answer".to_owned(),
                },
            };
            let message = explain(format!("cannot call function {function}"), error);
            Unanswered { kind, message: Mask::default().text(message.message()) }
        })?;
        let log = answer.log_result().and_then(|log| STANDARD.decode(log).ok());
        Ok(Observed {
            payload: answer.payload().map(|it| it.as_ref().to_vec()).unwrap_or_default(),
            function_error: answer.function_error().map(str::to_owned),
            log_tail: log.map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default(),
        })
    }

    /// Calls `function` with `payload` and waits for its answer. A function that
    /// raised an error is an error.
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<Answer> {
        self.invoke_traced(function, payload, None).await
    }

    /// As [`Regional::invoke`], as part of a trace: `trace` is a header such as
    /// `Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1`.
    pub async fn invoke_traced(
        &self,
        function: &str,
        payload: &Value,
        trace: Option<&str>,
    ) -> Result<Answer> {
        let body = serde_json::to_vec(payload).context("cannot serialize the payload")?;
        let trace = trace.map(str::to_owned);
        let begun = Instant::now();
        let answer = self
            .lambda
            .invoke()
            .function_name(function)
            .payload(Blob::new(body))
            .customize()
            .mutate_request(move |request| {
                if let Some(trace) = &trace {
                    request.headers_mut().insert(TRACE_HEADER, trace.clone());
                }
            })
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
