//! Dead letters of a function that was called asynchronously: it is called with them again.

use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use aws_smithy_types::retry::RetryConfig;
use serde_json::Value;

use super::broker::{Refusal, SendError};
use super::mark::Outgoing;
use crate::aws::{Regional, explain};

/// Codes with which Lambda refuses one event, and would refuse it again.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors>
const REFUSALS: [&str; 4] = [
    "InvalidRequestContentException",
    "InvalidParameterValueException",
    "RequestTooLargeException",
    "UnsupportedMediaTypeException",
];

/// Codes that pass by themselves, and say that nothing was taken.
const PASSING: [&str; 2] = ["TooManyRequestsException", "ResourceConflictException"];

/// What the function was called with. A queue of dead letters holds that itself; an on-failure
/// destination holds a record of the call, with it inside.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>
pub(super) fn event(body: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    let record = parsed.filter(|it| it["requestContext"]["functionArn"].is_string());
    let inside = record.and_then(|it| it.get("requestPayload").map(Value::to_string));
    inside.unwrap_or_else(|| body.to_owned())
}

/// Has Lambda take an event for a function; it answers before the function is called.
pub(super) async fn call(
    aws: &Regional,
    function: &str,
    message: &Outgoing,
) -> Result<Option<Refusal>, SendError> {
    // Who sends again has to count it: the client must not do so by itself.
    let once = aws_sdk_lambda::Config::builder().retry_config(RetryConfig::disabled());
    let call = aws.lambda.invoke().function_name(function).invocation_type(InvocationType::Event);
    let call = call.payload(Blob::new(event(&message.body))).customize().config_override(once);
    let Err(error) = call.send().await else { return Ok(None) };
    let code = error.as_service_error().and_then(|it| it.code()).unwrap_or_default().to_owned();
    if REFUSALS.contains(&code.as_str()) {
        return Ok(Some(Refusal { id: message.id.clone(), reason: code }));
    }
    Err(failure(function, &code, error))
}

fn failure<R>(function: &str, code: &str, error: SdkError<InvokeError, R>) -> SendError
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let (unsure, passing) = match &error {
        SdkError::ServiceError(_) if PASSING.contains(&code) => (false, true),
        // It said no; only what broke within may have happened nevertheless.
        SdkError::ServiceError(_) if code.is_empty() || code == "ServiceException" => (true, true),
        SdkError::ConstructionFailure(_) | SdkError::ServiceError(_) => (false, false),
        _ => (true, true),
    };
    let error = explain(format!("cannot call function {function} again"), error);
    SendError { unsure, passing, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_what_the_function_was_called_with() {
        assert_eq!(event(r#"{"tenant_id":"acme"}"#), r#"{"tenant_id":"acme"}"#);
        assert_eq!(event("no JSON"), "no JSON");
        let record = r#"{"version":"1.0","requestContext":{"functionArn":"arn:aws:lambda:x","condition":"RetriesExhausted"},"requestPayload":{"tenant_id":"acme"},"responsePayload":{"errorMessage":"x"}}"#;
        assert_eq!(event(record), r#"{"tenant_id":"acme"}"#);
        // One that only looks like it.
        let other = r#"{"requestPayload":{"a":1}}"#;
        assert_eq!(event(other), other);
    }
}
