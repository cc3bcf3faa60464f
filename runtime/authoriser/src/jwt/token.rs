//! A token's parts. Nothing of them is believed yet.

use runtime_core::auth::Algorithm;
use serde_json::{Map, Value};

use super::strict;
use crate::reason::Reason;

/// The longest token, in bytes. API Gateway has room for 10,240 bytes of headers, and
/// Entra's longest tokens are shorter than this.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
pub(crate) const LONGEST: usize = 8_192;

/// The longest header, in characters. Ours have less than 200.
const LONGEST_HEADER: usize = 1_024;

/// The longest id of a key, in characters.
const LONGEST_KEY_ID: usize = 200;

/// Members of the header by which a token would bring its own key.
const KEYS: [&str; 4] = ["jku", "jwk", "x5u", "x5c"];

/// Members that change how a token is to be read (RFC 7515, 4.1.11; RFC 7797).
const CRITICAL: [&str; 2] = ["crit", "b64"];

/// Members that may be there. Thumbprints are a hint that we have no use for.
const KNOWN: [&str; 5] = ["alg", "kid", "typ", "x5t", "x5t#S256"];

/// A token that has the form of one.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    /// The algorithm, if it is one that anybody may use.
    pub algorithm: Option<Algorithm>,
    /// The id of the key.
    pub key_id: String,
    /// The type, in lower case, without `application/`.
    pub kind: Option<String>,
    /// The claims.
    pub claims: Map<String, Value>,
    /// What is signed: header and claims, as they came.
    pub signed: &'a [u8],
    /// The signature.
    pub signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Reason> {
        if text.len() > LONGEST {
            return Err(Reason::TooLong);
        }
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Reason::Malformed);
        };
        if header.len() > LONGEST_HEADER {
            return Err(Reason::TooLong);
        }
        let signed = &text.as_bytes()[..header.len() + 1 + claims.len()];
        let header = object(header)?;
        let Header { algorithm, key_id, kind } = Header::read(&header)?;
        let claims = object(claims)?;
        let signature = strict::base64url(signature).filter(|it| !it.is_empty());
        let signature = signature.ok_or(Reason::Malformed)?;
        Ok(Self { algorithm, key_id, kind, claims, signed, signature })
    }

    /// The issuer that it names. Nothing but the choice of keys may follow from it.
    pub(crate) fn named_issuer(&self) -> Result<&str, Reason> {
        self.claims.get("iss").and_then(Value::as_str).ok_or(Reason::Claims)
    }
}

fn object(part: &str) -> Result<Map<String, Value>, Reason> {
    strict::base64url(part).and_then(|bytes| strict::object(&bytes)).ok_or(Reason::Malformed)
}

struct Header {
    algorithm: Option<Algorithm>,
    key_id: String,
    kind: Option<String>,
}

impl Header {
    fn read(header: &Map<String, Value>) -> Result<Self, Reason> {
        let has = |names: &[&str]| names.iter().any(|name| header.contains_key(*name));
        if has(&KEYS) {
            return Err(Reason::KeyInToken);
        }
        if has(&CRITICAL) {
            return Err(Reason::CriticalHeader);
        }
        if header.keys().any(|name| !KNOWN.contains(&name.as_str())) {
            return Err(Reason::UnknownHeader);
        }
        let text = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Reason::Malformed),
        };
        let name = text("alg")?.ok_or(Reason::Malformed)?;
        let algorithm = serde_json::from_value(Value::String(name.clone())).ok();
        let key_id = text("kid")?.ok_or(Reason::UnknownKey)?;
        let fits = (1..=LONGEST_KEY_ID).contains(&key_id.len())
            && key_id.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits {
            return Err(Reason::UnknownKey);
        }
        let kind = text("typ")?.map(|kind| kind_name(kind));
        Ok(Self { algorithm, key_id: key_id.clone(), kind })
    }
}

/// The name of a type to compare it by: a media type, of which `application/` may be left
/// out (RFC 7515, 4.1.9).
pub(crate) fn kind_name(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    kind.strip_prefix("application/").map(str::to_owned).unwrap_or(kind)
}
