//! What a token endpoint answers (RFC 6749, 5).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::{Granted, UNTOLD};
use crate::error::{Error, Result};
use crate::http::{Answer, Secret, printable};

/// The longest that a token is kept, whatever its issuer says.
const LONGEST: Duration = Duration::from_hours(24 * 90);

#[derive(Deserialize)]
struct Given {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
    error_description: Option<String>,
}

/// An answer of a token endpoint.
pub(super) enum Outcome {
    Granted(Granted),
    Refused { code: String, description: Option<String> },
}

/// Reads an answer of `from`. No error of it quotes the answer.
pub(super) fn read(answer: &Answer, from: &str) -> Result<Outcome> {
    if answer.status == 200 {
        let unreadable = || {
            // The parser's own message could quote what it read.
            Error::failed(format!(
                "{from} answered with something that is no token ({})",
                answer.content_type()
            ))
        };
        let given: Given = serde_json::from_slice(&answer.body).map_err(|_| unreadable())?;
        let usable = |c: char| c.is_ascii_graphic();
        if given.access_token.is_empty() || !given.access_token.chars().all(usable) {
            return Err(unreadable());
        }
        if !given.token_type.eq_ignore_ascii_case("bearer") {
            return Err(Error::failed(format!(
                "{from} gave a token of type {}, and the API takes bearer tokens",
                printable(&given.token_type, 30)
            )));
        }
        let lifetime = given.expires_in.map_or(UNTOLD, Duration::from_secs).min(LONGEST);
        let expires = OffsetDateTime::now_utc() + lifetime;
        return Ok(Outcome::Granted(Granted { token: Secret::new(given.access_token), expires }));
    }
    // RFC 6749 has 400 and 401 for this; some answer with others.
    match serde_json::from_slice::<Refused>(&answer.body) {
        Ok(refused) if (400..500).contains(&answer.status) => Ok(Outcome::Refused {
            code: printable(&refused.error, 80),
            description: refused.error_description.map(|text| printable(&text, 300)),
        }),
        _ => Err(Error::failed(format!(
            "{from} answered with status {} ({})",
            answer.status,
            answer.content_type()
        ))),
    }
}

/// The error of a refusal that is final.
pub(super) fn refusal(from: &str, code: &str, description: Option<&str>) -> Error {
    let said = description.map(|text| format!(": {text}")).unwrap_or_default();
    let error = Error::failed(format!("{from} gave no token ({code}{said})"));
    match code {
        "access_denied" => {
            error.hint("the sign-in was refused on the other device; run `platformctl login` again")
        }
        "expired_token" => {
            error.hint("the code was not typed in time; run `platformctl login` again")
        }
        "invalid_client" => error.hint("check the client's id, and PLATFORMCTL_CLIENT_SECRET"),
        "unauthorized_client" | "unsupported_grant_type" => {
            error.hint("let the issuer allow this way of signing in for the application")
        }
        "invalid_scope" => error.hint("say what to ask for with `--scope`"),
        _ => error,
    }
}

/// What a token says of its owner, if it is a JSON Web Token. Nobody has verified it: it
/// is for people to read.
pub fn said_of(token: &Secret) -> Option<String> {
    let payload = token.expose().split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let names = ["preferred_username", "email", "name", "sub"];
    let name = names.iter().find_map(|claim| claims[claim].as_str())?;
    Some(printable(name, 80))
}

/// The texts of a claim of a token, one or a list, as far as it says. Nothing is verified:
/// for what its owner is shown, and asked.
pub fn claim_of(token: &Secret, claim: &str) -> Vec<String> {
    let payload = token.expose().split('.').nth(1);
    let decoded = payload.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let claims: Value =
        decoded.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let texts = match &claims[claim] {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => vec![text.as_str()],
        _ => Vec::new(),
    };
    texts.into_iter().map(|text| printable(text, 80)).collect()
}
