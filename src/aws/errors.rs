//! SDK errors, read through small named predicates and turned into ours.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::Error;
use crate::journal::Mask;

/// What to do about a server whose certificate nobody vouches for, as on a machine that has
/// no authorities' certificates.
const UNTRUSTED: &str = "install the authorities' certificates (package ca-certificates), or \
    name a file with yours in SSL_CERT_FILE; a proxy that opens TLS needs its own in there";

/// Whether the service answered with the error code `code`.
pub fn has_code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, code: &str) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code) == Some(code)
}

/// Whether the service's message contains `text`.
pub fn says<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, text: &str) -> bool {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::message)
        .is_some_and(|message| message.contains(text))
}

/// An SDK error as an operator reads it: `what` was tried, what the service said
/// (masked: messages can quote secret values), and what to do.
#[expect(clippy::needless_pass_by_value, reason = "it is the argument of `map_err`")]
pub fn explain<E, R>(what: impl Into<String>, error: SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let what = what.into();
    if let Some(service) = error.as_service_error() {
        let code = service.code().unwrap_or("unknown error").to_owned();
        let message = Mask::default().text(service.message().unwrap_or("without a message"));
        let shown = Error::failed(format!("{what}: {message} ({code})"));
        return match hint_for(&code) {
            Some(hint) => shown.hint(hint),
            None => shown,
        };
    }
    let chain = Mask::default().text(&chain(&error));
    let lower = chain.to_lowercase();
    let shown = Error::failed(what).caused_by(chain.clone());
    if lower.contains("credential") {
        shown
            .hint("log in (`aws sso login`), set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use `--profile`")
            .hint("to try things without an account, add `--local`")
    } else if lower.contains("unknownissuer") {
        shown.hint(UNTRUSTED)
    } else if matches!(error, SdkError::DispatchFailure(_) | SdkError::TimeoutError(_)) {
        shown
            .hint("check the network, the region, and AWS_ENDPOINT_URL if it is set")
            .hint("on the local platform: `platformctl local status`")
    } else {
        shown
    }
}

fn hint_for(code: &str) -> Option<&'static str> {
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            Some("the session has expired: log in again (`aws sso login`)")
        }
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Some(
            "`platformctl bootstrap --print-policy` prints the permissions that deploying needs, `platformctl ops policy` those of operating",
        ),
        "InvalidClientTokenId" | "SignatureDoesNotMatch" | "UnrecognizedClientException" => Some(
            "the credentials are not valid for this endpoint: check `--profile` and AWS_ENDPOINT_URL",
        ),
        "Throttling" | "ThrottlingException" | "TooManyRequestsException" => {
            Some("AWS limits the rate of calls: wait a minute and go on with `platformctl resume`")
        }
        _ => None,
    }
}

/// The causes in one line, outermost first, without repetition.
fn chain(error: &dyn std::error::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        next = cause.source();
    }
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
    use aws_smithy_runtime_api::client::result::ConnectorError;

    use super::*;

    fn unreachable(why: &str) -> Error {
        let cause = ConnectorError::io(why.into());
        let error: SdkError<GetCallerIdentityError, ()> = SdkError::dispatch_failure(cause);
        explain("cannot ask", error)
    }

    #[test]
    fn a_server_that_nobody_vouches_for_is_told_from_one_that_is_not_there() {
        let hints = |why| unreachable(why).hints().join("\n");
        assert!(hints("invalid peer certificate: UnknownIssuer").contains("ca-certificates"));
        assert!(hints("connection refused").contains("check the network"));
    }
}
