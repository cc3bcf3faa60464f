//! What the gateway itself says when it refuses: problems as RFC 9457 has them.

use serde_json::{Map, Value, json};

/// Type of response, status, title, and what is wrong: what the gateway says of it, or
/// a text of ours where that would mislead.
///
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html>
const RESPONSES: [(&str, Option<u16>, &str, Option<&str>); 14] = [
    ("DEFAULT_4XX", None, "Request refused", None),
    ("DEFAULT_5XX", None, "Internal error", Some("Something went wrong. Try again later.")),
    ("ACCESS_DENIED", Some(403), "Forbidden", Some("The token does not allow this.")),
    ("AUTHORIZER_FAILURE", Some(503), "Service Unavailable", Some("Try again in some seconds.")),
    ("BAD_REQUEST_BODY", Some(400), "Bad Request", Some("The body is not what the API describes.")),
    ("BAD_REQUEST_PARAMETERS", Some(400), "Bad Request", None),
    ("INTEGRATION_FAILURE", Some(502), "Bad Gateway", Some("Try again in some seconds.")),
    (
        "INTEGRATION_TIMEOUT",
        Some(504),
        "Gateway Timeout",
        Some("It took too long. A job has more time."),
    ),
    // The gateway's word for a path or method that is not there.
    (
        "MISSING_AUTHENTICATION_TOKEN",
        Some(404),
        "Not Found",
        Some("There is no such path or method."),
    ),
    ("QUOTA_EXCEEDED", Some(429), "Too Many Requests", Some("The month's requests are used up.")),
    ("REQUEST_TOO_LARGE", Some(413), "Content Too Large", None),
    ("THROTTLED", Some(429), "Too Many Requests", Some("Slow down, and try again.")),
    (
        "UNAUTHORIZED",
        Some(401),
        "Unauthorized",
        Some("Send a valid token in the Authorization header."),
    ),
    ("WAF_FILTERED", Some(403), "Forbidden", Some("The request was filtered.")),
];

/// The extension of the document that sets them all.
pub(super) fn responses() -> Value {
    let all = RESPONSES
        .into_iter()
        .map(|(kind, status, title, detail)| (kind.to_owned(), response(status, title, detail)));
    Value::Object(all.collect())
}

/// Templates are filled in by plain replacement; `messageString` comes with its quotes.
fn response(status: Option<u16>, title: &str, detail: Option<&str>) -> Value {
    let status_member = status.map(|status| format!(r#""status":{status},"#)).unwrap_or_default();
    let detail = match detail {
        Some(text) => Value::from(text).to_string(),
        None => "$context.error.messageString".to_owned(),
    };
    let problem = format!(
        r#"{{"type":"about:blank","title":"{title}",{status_member}"detail":{detail},"instance":"urn:request:$context.requestId"}}"#
    );
    let mut out = Map::new();
    if let Some(status) = status {
        out.insert("statusCode".into(), status.to_string().into());
    }
    let kind = json!({ "gatewayresponse.header.Content-Type": "'application/problem+json'" });
    out.insert("responseParameters".into(), kind);
    out.insert("responseTemplates".into(), json!({ "application/json": problem }));
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_response_is_a_problem_once_it_is_filled_in() {
        for (kind, response) in responses().as_object().unwrap() {
            let template = response["responseTemplates"]["application/json"].as_str().unwrap();
            let filled = template
                .replace("$context.error.messageString", r#""a \"message\"""#)
                .replace("$context.requestId", "a-b-c");
            let problem: runtime_core::api::Problem = serde_json::from_str(&filled).unwrap();
            let status = problem.status.map(|status| status.to_string());
            assert_eq!(response["statusCode"].as_str(), status.as_deref(), "{kind}");
            assert!(problem.detail.is_some_and(|detail| !detail.is_empty()), "{kind}");
        }
    }
}
