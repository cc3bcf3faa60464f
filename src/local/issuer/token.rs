//! JSON Web Tokens: a header and claims, signed (RFC 7515, compact form; RFC 9068).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::keys::Pair;
use super::{AUDIENCE, ROLE_CLAIM, TENANT_CLAIM};
use crate::error::Result;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who its owner is.
    pub subject: String,
    /// Roles of those who run the platform.
    pub roles: Vec<String>,
    /// The tenant that its owner belongs to.
    pub tenant: Option<String>,
    /// When it is issued, and good from.
    pub issued: OffsetDateTime,
    /// How long it is good, in whole seconds.
    pub lifetime: Duration,
}

impl Claims {
    /// When it is good no longer.
    pub fn expires(&self) -> OffsetDateTime {
        self.issued + self.lifetime
    }

    fn to_json(&self, issuer: &str) -> Value {
        let mut claims = json!({
            "iss": issuer,
            "sub": self.subject,
            "aud": AUDIENCE,
            "exp": self.expires().unix_timestamp(),
            "nbf": self.issued.unix_timestamp(),
            "iat": self.issued.unix_timestamp(),
            "jti": format!("{:032x}", rand::random::<u128>()),
            ROLE_CLAIM: self.roles,
        });
        if let Some(tenant) = &self.tenant {
            claims[TENANT_CLAIM] = tenant.as_str().into();
        }
        claims
    }
}

pub(super) fn sign(pair: &Pair, issuer: &str, claims: &Claims) -> Result<String> {
    let header = json!({ "alg": pair.algorithm().name(), "typ": "at+jwt", "kid": pair.id() });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&header), part(&claims.to_json(issuer)));
    let signature = pair.sign(message.as_bytes())?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
