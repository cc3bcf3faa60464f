//! What the authoriser tells the functions behind it about a caller.
//!
//! API Gateway hands it on as `requestContext.authorizer`, a flat map of strings. A
//! function that reads its [`AuthContext`] from there knows whom it works for, and takes
//! the tenant from nowhere else. The fields that say who somebody is are those that
//! [`Verified`](crate::caller::Verified) reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::Caller;
use crate::caller::{CALLER, SUBJECT};
use crate::tables::TENANT_ID;
use crate::tenant::{TenantId, Tier};

/// The header by which a caller may say which tenant a request is about. It never gives
/// more than the token does: it has to agree with it.
pub const TENANT_HEADER: &str = "x-tenant-id";

/// The header that carries an API key, instead of `Authorization`.
pub const API_KEY_HEADER: &str = "x-api-key";

/// The header that a signed request to STS names its audience in, so that it is of use
/// here alone.
pub const AUDIENCE_HEADER: &str = "x-platformctl-audience";

/// The role of a token that makes its owner an [administrator](Caller::Admin).
pub const ADMIN_ROLE: &str = "Platform.Admin";

/// The role of a token that makes its owner an [operator](Caller::Operator).
pub const OPERATOR_ROLE: &str = "Platform.Operator";

/// Environment variable of the authoriser: who signs users in, a JSON list of
/// [`IssuerConfig`].
pub const ISSUERS: &str = "ISSUERS";

/// Environment variable of the authoriser: which programs come with an identity of AWS,
/// a JSON object ([`AwsMachines`]). Absent: none.
pub const AWS_MACHINES: &str = "AWS_MACHINES";

/// The tenant that staff named: a field of its own, because it is not theirs
/// ([`Verified`](crate::caller::Verified) would refuse it as that).
const NAMED_TENANT: &str = "named_tenant";
const TIER: &str = "tier";
const REQUEST_ID: &str = "request_id";
const SCOPES: &str = "scopes";

/// Who calls, as the authoriser found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthContext {
    /// The tenant that the request is about. Always there for a tenant's users and
    /// programs; for staff, when the request names one.
    pub tenant: Option<TenantId>,
    /// What the caller may be.
    pub caller: Caller,
    /// Who it is: a hash of issuer and subject, the same each time.
    pub subject: String,
    /// The tenant's tier, for a tenant's users and programs.
    pub tier: Option<Tier>,
    /// The request, as the gateway numbers it.
    pub request_id: String,
    /// What the token is restricted to, if its issuer says so.
    pub scopes: Vec<String>,
}

/// A context that no authoriser wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the authoriser's `{0}` is missing or is not what it writes")]
pub struct InvalidContext(pub &'static str);

impl AuthContext {
    /// As the authoriser answers it: strings alone, and nothing that is not there.
    pub fn to_map(&self) -> BTreeMap<&'static str, String> {
        let mut map = BTreeMap::from([
            (CALLER, self.caller.name().to_owned()),
            (SUBJECT, self.subject.clone()),
            (REQUEST_ID, self.request_id.clone()),
        ]);
        if let Some(tenant) = &self.tenant {
            let field = if self.of_tenant() { TENANT_ID } else { NAMED_TENANT };
            map.insert(field, tenant.to_string());
        }
        if let Some(tier) = self.tier {
            map.insert(TIER, tier.name().to_owned());
        }
        if !self.scopes.is_empty() {
            map.insert(SCOPES, self.scopes.join(" "));
        }
        map
    }

    /// Reads what the gateway handed on; `member` finds a member of
    /// `requestContext.authorizer`. The gateway's own members beside it do not matter.
    pub fn read<'a>(member: impl Fn(&str) -> Option<&'a str>) -> Result<Self, InvalidContext> {
        let text = |name| member(name).filter(|text| !text.is_empty()).ok_or(InvalidContext(name));
        let caller = text(CALLER)?;
        let caller = Caller::KNOWN.into_iter().find(|it| it.name() == caller);
        let caller = caller.ok_or(InvalidContext(CALLER))?;
        let (field, other) = match caller {
            Caller::Tenant | Caller::Machine => (TENANT_ID, NAMED_TENANT),
            _ => (NAMED_TENANT, TENANT_ID),
        };
        if member(other).is_some() {
            return Err(InvalidContext(other));
        }
        let tenant = member(field).map(str::parse).transpose();
        let tenant = tenant.map_err(|_| InvalidContext(field))?;
        let tier = |name: &str| Tier::ALL.into_iter().find(|it| it.name() == name);
        let tier = match member(TIER) {
            Some(name) => Some(tier(name).ok_or(InvalidContext(TIER))?),
            None => None,
        };
        // Whoever is a tenant's, and no tenant's, is nobody.
        if field == TENANT_ID && tenant.is_none() {
            return Err(InvalidContext(TENANT_ID));
        }
        Ok(Self {
            tenant,
            caller,
            subject: text(SUBJECT)?.to_owned(),
            tier,
            request_id: text(REQUEST_ID)?.to_owned(),
            scopes: member(SCOPES).unwrap_or_default().split_whitespace().map(Into::into).collect(),
        })
    }

    fn of_tenant(&self) -> bool {
        matches!(self.caller, Caller::Tenant | Caller::Machine)
    }

    /// Whether what a request says in [`TENANT_HEADER`] is what the decision was about.
    /// Functions refuse a request where it is not: the gateway may remember a decision
    /// for a while, and does not look at this header when it does.
    pub fn agrees(&self, header: Option<&str>) -> bool {
        header.is_none_or(|named| self.tenant.as_ref().is_some_and(|own| own.as_str() == named))
    }
}

/// The value of the gateway's own API key by which a tenant's requests count against its
/// usage plan; `prefix` is `<project>-<environment>`.
///
/// It is no secret. The gateway takes it from the authoriser alone, and knows it of
/// nobody who merely sends it.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html>
///
/// ```
/// use runtime_core::auth::usage_key;
///
/// let key = usage_key("acme-dev", "globex");
/// assert_eq!(key, "usage-key-of-tenant-acme-dev-globex");
/// ```
pub fn usage_key(prefix: &str, tenant: &str) -> String {
    // The gateway wants 20 to 128 characters: the first words have 20.
    format!("usage-key-of-tenant-{prefix}-{tenant}")
}

/// An algorithm of signatures with a public key. There is no other kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSA, PKCS #1 version 1.5, SHA-256.
    RS256,
    /// RSA, PKCS #1 version 1.5, SHA-384.
    RS384,
    /// RSA, PKCS #1 version 1.5, SHA-512.
    RS512,
    /// RSA, PSS, SHA-256.
    PS256,
    /// RSA, PSS, SHA-384.
    PS384,
    /// RSA, PSS, SHA-512.
    PS512,
    /// ECDSA on P-256, SHA-256.
    ES256,
    /// ECDSA on P-384, SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
}

/// Who signs users in, as the authoriser is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Its name, for logs.
    pub name: String,
    /// The `iss` of its tokens.
    pub issuer: String,
    /// Whom its tokens are for.
    pub audience: String,
    /// The claim that says whom a token is for.
    #[serde(default = "aud", skip_serializing_if = "is_aud")]
    pub audience_claim: String,
    /// Where its public keys are: https.
    pub jwks_url: String,
    /// The claim that holds a user's roles, one text or a list.
    pub role_claim: String,
    /// The claim that holds the tenant's id. Absent: none of its users is a tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_claim: Option<String>,
    /// Whether its roles make administrators and operators of the platform.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub staff: bool,
    /// The algorithms that it may sign with. Absent: RS256.
    #[serde(default = "usual_algorithms", skip_serializing_if = "are_usual")]
    pub algorithms: Vec<Algorithm>,
    /// The `typ` that its tokens may have. Absent: `JWT` and `at+jwt`.
    #[serde(default = "usual_types", skip_serializing_if = "are_usual_types")]
    pub types: Vec<String>,
    /// Whether its tokens may have no `typ`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub type_optional: bool,
    /// Whether it runs on this machine: then, and only at a loopback address, its keys
    /// may be read without TLS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub local: bool,
}

impl IssuerConfig {
    /// An issuer of which everything else is the usual: its users have roles in `roles`,
    /// and no tenant.
    pub fn new(
        name: impl Into<String>,
        issuer: impl Into<String>,
        audience: impl Into<String>,
        jwks_url: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            issuer: issuer.into(),
            audience: audience.into(),
            audience_claim: aud(),
            jwks_url: jwks_url.into(),
            role_claim: "roles".to_owned(),
            tenant_claim: None,
            staff: false,
            algorithms: usual_algorithms(),
            types: usual_types(),
            type_optional: false,
            local: false,
        }
    }
}

/// Programs that show who they are by a request to STS that they signed and did not send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsMachines {
    /// What they have to write into [`AUDIENCE_HEADER`].
    pub audience: String,
    /// The regions whose STS may be asked.
    pub regions: Vec<String>,
    /// The account of their roles, 12 digits.
    pub account: String,
    /// The name of a tenant's role, with `{tenant}` for its id.
    pub role: String,
}

fn aud() -> String {
    "aud".to_owned()
}

fn is_aud(claim: &str) -> bool {
    claim == "aud"
}

fn usual_algorithms() -> Vec<Algorithm> {
    vec![Algorithm::RS256]
}

fn are_usual(algorithms: &[Algorithm]) -> bool {
    algorithms == [Algorithm::RS256]
}

fn usual_types() -> Vec<String> {
    ["JWT", "at+jwt"].map(Into::into).to_vec()
}

fn are_usual_types(types: &[String]) -> bool {
    types == ["JWT", "at+jwt"]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Verified;

    fn context() -> AuthContext {
        AuthContext {
            tenant: Some("acme".parse().unwrap()),
            caller: Caller::Tenant,
            subject: "5eb1".to_owned(),
            tier: Some(Tier::Standard),
            request_id: "r-1".to_owned(),
            scopes: vec!["jobs:read".to_owned(), "jobs:write".to_owned()],
        }
    }

    #[test]
    fn a_context_comes_back_as_it_was() {
        let staff = AuthContext {
            tenant: None,
            caller: Caller::Admin,
            tier: None,
            scopes: Vec::new(),
            ..context()
        };
        let named = AuthContext { tenant: context().tenant, ..staff.clone() };
        for context in [context(), staff, named] {
            let map = context.to_map();
            let member = |name: &str| map.get(name).map(String::as_str);
            assert_eq!(AuthContext::read(member), Ok(context.clone()));
            assert_eq!(
                matches!(Verified::from_context(member), Ok(Verified::Tenant(_))),
                context.of_tenant()
            );
        }
    }

    #[test]
    fn what_no_authoriser_wrote_is_refused() {
        let wrong = [
            ("caller", "root"),
            ("caller", "public"),
            ("caller", ""),
            ("subject", ""),
            ("tenant_id", "../a"),
            ("tier", "gold"),
        ];
        for (name, value) in wrong {
            let mut map = context().to_map();
            map.insert(name, value.to_owned());
            let read = AuthContext::read(|name| map.get(name).map(String::as_str));
            assert_eq!(read, Err(InvalidContext(name)));
        }
        let mut map = context().to_map();
        map.remove("tenant_id");
        let read = AuthContext::read(|name| map.get(name).map(String::as_str));
        assert_eq!(read, Err(InvalidContext("tenant_id")));
    }

    #[test]
    fn a_header_gives_nothing_that_the_decision_does_not() {
        let staff = AuthContext { tenant: None, caller: Caller::Admin, ..context() };
        assert!(context().agrees(None) && context().agrees(Some("acme")) && staff.agrees(None));
        assert!(!context().agrees(Some("globex")) && !staff.agrees(Some("acme")));
        assert!(!context().agrees(Some("")));
    }

    #[test]
    fn no_configuration_allows_a_shared_secret_or_no_signature() {
        let with = |algorithm: &str| {
            let text = format!(
                r#"{{"name":"a","issuer":"i","audience":"b","jwks_url":"u","role_claim":"r","algorithms":["{algorithm}"]}}"#
            );
            serde_json::from_str::<IssuerConfig>(&text)
        };
        assert_eq!(with("ES256").unwrap().algorithms, [Algorithm::ES256]);
        for algorithm in ["HS256", "HS384", "HS512", "none", "None", "rs256", ""] {
            assert!(with(algorithm).is_err(), "{algorithm}");
        }
    }
}
