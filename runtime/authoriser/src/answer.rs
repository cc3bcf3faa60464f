//! What the gateway hears.

use serde_json::{Map, Value, json};

use crate::decide::Allowed;
use crate::reason::{Outcome, Reason};
use crate::request::Request;

/// The error by which the gateway answers 401. Any other is its own failure.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-lambda-authorizer-output.html>
pub(crate) const UNAUTHORISED: &str = "Unauthorized";

/// Lets one request through: its method of its path, and nothing that is like it.
pub(crate) fn allow(request: &Request, allowed: &Allowed) -> Value {
    let context: Map<_, _> = allowed
        .context
        .to_map()
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
    let mut answer = policy("Allow", &allowed.context.subject, &request.method_arn);
    answer["context"] = context.into();
    if let Some(key) = &allowed.usage_key {
        answer["usageIdentifierKey"] = key.clone().into();
    }
    answer
}

/// Refuses a request: by a policy, or by an error where there is nobody to have one.
pub(crate) fn refuse(request: &Request, reason: Reason) -> Result<Value, String> {
    match reason.outcome() {
        Outcome::Unauthorised => Err(UNAUTHORISED.to_owned()),
        Outcome::Denied => Ok(policy("Deny", "refused", &request.method_arn)),
        Outcome::Unavailable => Err(format!("no decision: {}", reason.code())),
    }
}

fn policy(effect: &str, principal: &str, method_arn: &str) -> Value {
    json!({
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{
                "Action": "execute-api:Invoke",
                "Effect": effect,
                "Resource": literal(method_arn),
            }],
        },
    })
}

/// A resource that stands for itself: paths may have the characters by which policies
/// mean any text, one character, and variables.
fn literal(arn: &str) -> String {
    let mut out = String::with_capacity(arn.len());
    for c in arn.chars() {
        match c {
            '*' | '?' | '$' => out.extend(["${", &c.to_string(), "}"]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_wildcards_means_itself() {
        assert_eq!(literal("arn:aws:x/live/GET/v1/a"), "arn:aws:x/live/GET/v1/a");
        assert_eq!(literal("a/*/?/${b}"), "a/${*}/${?}/${$}{b}");
    }
}
