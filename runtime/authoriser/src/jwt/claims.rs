//! What a token says, once it is known who says it.

use runtime_core::auth::IssuerConfig;
use serde_json::{Map, Value};

use crate::reason::Reason;

/// How far clocks may be apart, in seconds.
pub(crate) const SKEW_SECONDS: i64 = 60;

/// The longest that a token may be good for, in seconds. Entra's and `AuthKit`'s are good
/// for minutes to hours.
const LONGEST_LIFE_SECONDS: i64 = 24 * 60 * 60;

/// The most roles that are looked at.
const MOST_ROLES: usize = 100;

/// Claims that hold what a token is restricted to: of Entra, of RFC 9068, of `AuthKit`.
const SCOPES: [&str; 3] = ["scp", "scope", "permissions"];

/// The most scopes that are handed on, and the longest one.
const MOST_SCOPES: usize = 50;
const LONGEST_SCOPE: usize = 64;

/// What of a token's claims counts.
#[derive(Debug)]
pub(crate) struct Claims {
    /// Who it is, as the issuer knows them.
    pub subject: String,
    /// Their roles.
    pub roles: Vec<String>,
    /// Their tenant, as the token has it.
    pub tenant: Option<String>,
    /// What the token is restricted to.
    pub scopes: Vec<String>,
}

impl Claims {
    /// Checks the claims of a token whose signature is the issuer's; `now` is in seconds
    /// since 1970.
    pub(crate) fn check(
        claims: &Map<String, Value>,
        issuer: &IssuerConfig,
        now: i64,
    ) -> Result<Self, Reason> {
        if claims.get("iss").and_then(Value::as_str) != Some(issuer.issuer.as_str()) {
            return Err(Reason::Issuer);
        }
        let audience = claims.get(&issuer.audience_claim).ok_or(Reason::Audience)?;
        if !text_or_list(audience).ok_or(Reason::Claims)?.contains(&issuer.audience.as_str()) {
            return Err(Reason::Audience);
        }
        times(claims, now)?;
        let subject = claims.get("sub").and_then(Value::as_str);
        let subject = subject.filter(|it| !it.is_empty()).ok_or(Reason::Claims)?;
        let roles = match claims.get(&issuer.role_claim) {
            None => Vec::new(),
            Some(roles) => text_or_list(roles).ok_or(Reason::Claims)?,
        };
        let tenant = issuer.tenant_claim.as_ref().and_then(|claim| claims.get(claim));
        let tenant = match tenant {
            None => None,
            Some(Value::String(tenant)) => Some(tenant.clone()),
            Some(_) => return Err(Reason::Claims),
        };
        Ok(Self {
            subject: subject.to_owned(),
            roles: roles.into_iter().take(MOST_ROLES).map(str::to_owned).collect(),
            tenant,
            scopes: scopes(claims)?,
        })
    }
}

fn times(claims: &Map<String, Value>, now: i64) -> Result<(), Reason> {
    let expires = seconds(claims, "exp")?.ok_or(Reason::Claims)?;
    let issued = seconds(claims, "iat")?.ok_or(Reason::Claims)?;
    let begins = seconds(claims, "nbf")?;
    if now >= expires.saturating_add(SKEW_SECONDS) {
        return Err(Reason::Expired);
    }
    if begins.is_some_and(|begins| begins > now.saturating_add(SKEW_SECONDS)) {
        return Err(Reason::NotYetValid);
    }
    let from_the_future = issued > now.saturating_add(SKEW_SECONDS);
    let life = expires.saturating_sub(issued);
    if from_the_future || !(1..=LONGEST_LIFE_SECONDS).contains(&life) {
        return Err(Reason::IssueTime);
    }
    Ok(())
}

/// A moment in seconds since 1970: a number, which may have a fraction (RFC 7519, 2).
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, Reason> {
    const MOST: f64 = 9_007_199_254_740_992.0;
    let Some(value) = claims.get(name) else { return Ok(None) };
    let whole = value.as_i64().or_else(|| {
        let value = value.as_f64().filter(|value| (0.0..MOST).contains(value))?;
        // Within what a double counts exactly.
        #[allow(clippy::cast_possible_truncation)]
        Some(value.floor() as i64)
    });
    whole.filter(|seconds| *seconds >= 0).map(Some).ok_or(Reason::Claims)
}

/// One text, or a list of texts alone.
fn text_or_list(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// Scopes, in characters that the gateway and logs carry unchanged. A token with others is
/// refused: with some of them left out, it would be read as less restricted than it is.
fn scopes(claims: &Map<String, Value>) -> Result<Vec<String>, Reason> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\".contains(&byte);
    let mut found = Vec::new();
    for claim in SCOPES.iter().filter_map(|name| claims.get(*name)) {
        let texts = text_or_list(claim).ok_or(Reason::Claims)?;
        for scope in texts.into_iter().flat_map(|text| text.split(' ')) {
            let good = scope.len() <= LONGEST_SCOPE && scope.bytes().all(plain);
            if !good || found.len() == MOST_SCOPES {
                return Err(Reason::Claims);
            }
            if !scope.is_empty() {
                found.push(scope.to_owned());
            }
        }
    }
    Ok(found)
}
