//! API keys of tenants.
//!
//! A key is `pk_<tenant>_<key id>_<secret>`: who it is for can be read from it, so that
//! one read of the tenant's record gives its status and what its keys have to match.

use std::{fmt, str::FromStr};

use rand::RngExt as _;
use rand::distr::Alphanumeric;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::ids::RequestedId;
use super::value::{Invalid, Timestamp, checked_text};
use crate::tenant::{LONGEST_ID, TenantId};

const PREFIX: &str = "pk";

/// Characters of a key's id.
const ID_LENGTH: usize = 12;

/// Characters of the secret. 43 of 62 make 62^43 > 2^256 secrets, each as likely.
const SECRET_LENGTH: usize = 43;

/// The longest token.
const LONGEST: usize = PREFIX.len() + LONGEST_ID + ID_LENGTH + SECRET_LENGTH + 3;

fn random(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

fn is_base62(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

checked_text! {
    /// The id of an API key. It is no secret.
    ApiKeyId, "API key id", "12 of 0-9, A-Z and a-z", |text| is_base62(text, ID_LENGTH)
}

impl RequestedId for ApiKeyId {
    /// Bytes beyond 248 make some characters a little likelier; an id is no secret.
    fn from_digest(digest: [u8; 16]) -> Self {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let digits = digest.iter().take(ID_LENGTH).map(|byte| DIGITS[usize::from(*byte) % 62]);
        Self(digits.map(char::from).collect())
    }
}

/// An API key as its owner holds it. Nothing prints it but [`expose`](Self::expose).
#[derive(Clone)]
pub struct ApiKeyToken {
    tenant: TenantId,
    id: ApiKeyId,
    secret: String,
}

impl ApiKeyToken {
    /// A new key of a tenant, from the operating system's randomness by way of a
    /// generator that is made for secrets.
    pub fn generate(tenant: TenantId) -> Self {
        Self::with_id(tenant, ApiKeyId(random(ID_LENGTH)))
    }

    /// A new key with an id that follows from the request for it. A request that comes
    /// again finds the id in the tenant's record: the key cannot be shown again.
    pub fn with_id(tenant: TenantId, id: ApiKeyId) -> Self {
        Self { tenant, id, secret: random(SECRET_LENGTH) }
    }

    /// Whose it says it is. Not true before it has been [verified](ApiKey::matches).
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Its id.
    pub fn id(&self) -> &ApiKeyId {
        &self.id
    }

    /// The key itself, to be shown once to whom it is for.
    pub fn expose(&self) -> String {
        format!("{PREFIX}_{}_{}_{}", self.tenant, self.id, self.secret)
    }

    /// What is stored of it.
    ///
    /// A fast hash is right here: the secret is 256 random bits, and nobody tries even a
    /// small part of them however fast they can. Slow hashes are for what people choose.
    /// All of the token is hashed: a hash that is copied to another tenant or another
    /// key matches nothing.
    pub fn hash(&self) -> ApiKeyHash {
        ApiKeyHash(Sha256::digest(self.expose()).into())
    }
}

impl FromStr for ApiKeyToken {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid =
            Invalid { what: "API key", expected: "pk_<tenant>_<key id>_<secret>, as it was given" };
        if text.len() > LONGEST {
            return Err(invalid);
        }
        let mut parts = text.split('_');
        let mut next = || parts.next().unwrap_or_default();
        let (prefix, tenant, id, secret) = (next(), next(), next(), next());
        let well_formed =
            prefix == PREFIX && is_base62(secret, SECRET_LENGTH) && parts.next().is_none();
        match (well_formed, tenant.parse(), id.parse()) {
            (true, Ok(tenant), Ok(id)) => Ok(Self { tenant, id, secret: secret.to_owned() }),
            _ => Err(invalid),
        }
    }
}

impl fmt::Debug for ApiKeyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyToken(…)")
    }
}

/// The SHA-256 of a token, written as 64 hexadecimal digits. `==` takes as long for
/// every difference.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiKeyHash([u8; 32]);

impl PartialEq for ApiKeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for ApiKeyHash {}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyHash(…)")
    }
}

impl TryFrom<String> for ApiKeyHash {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        super::hex::decode(&text)
            .map(Self)
            .ok_or(Invalid { what: "hash of an API key", expected: "64 hexadecimal digits" })
    }
}

impl From<ApiKeyHash> for String {
    fn from(hash: ApiKeyHash) -> Self {
        super::hex::encode(&hash.0)
    }
}

/// An API key as the tenant's record holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What a token has to match.
    pub hash: ApiKeyHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is good, once there is a newer one; that moment is too late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_until: Option<Timestamp>,
}

impl ApiKey {
    /// What is stored of a new token.
    pub fn of(token: &ApiKeyToken, now: Timestamp) -> Self {
        Self { id: token.id.clone(), hash: token.hash(), created_at: now, former_until: None }
    }

    /// Whether the token is this key, and the key is still good.
    pub fn matches(&self, token: &ApiKeyToken, now: Timestamp) -> bool {
        let good = self.former_until.is_none_or(|until| now < until);
        // Compared in any case: the time tells nothing about keys that have ended.
        (self.hash == token.hash()) & good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> ApiKeyToken {
        ApiKeyToken::generate("acme-corp".parse().unwrap())
    }

    #[test]
    fn a_token_says_whose_it_is_and_comes_back_as_it_was() {
        let token = token();
        let text = token.expose();
        assert!(text.starts_with("pk_acme-corp_"), "{text}");
        let parsed: ApiKeyToken = text.parse().unwrap();
        assert_eq!((parsed.tenant(), parsed.id()), (token.tenant(), token.id()));
        assert_eq!(parsed.hash(), token.hash());
        assert_eq!(text.len(), "pk_acme-corp_".len() + 12 + 1 + 43);
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        let good = token().expose();
        let secret = "a".repeat(SECRET_LENGTH);
        let wrong = [
            String::new(),
            format!("{good}_"),
            format!("{good}a"),
            good[..good.len() - 1].to_owned(),
            good.replacen("pk_", "sk_", 1),
            format!("pk_A/B_{}_{secret}", "a".repeat(12)),
            format!("pk_acme_{}_{secret}", "a".repeat(11)),
            format!("pk_acme_{}_{}", "a".repeat(12), "é".repeat(22)),
            "pk_".repeat(100_000),
        ];
        for text in wrong {
            let error = text.parse::<ApiKeyToken>().unwrap_err().to_string();
            assert!(!error.contains(&secret), "{error}");
        }
    }

    #[test]
    fn only_the_token_itself_matches_and_only_while_it_is_good() {
        let now: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let token = token();
        let mut key = ApiKey::of(&token, now);
        assert!(key.matches(&token, now));
        let other_tenant = ApiKeyToken { tenant: "other".parse().unwrap(), ..token.clone() };
        let other_id = ApiKeyToken { id: "a".repeat(12).parse().unwrap(), ..token.clone() };
        let other_secret = ApiKeyToken { secret: "a".repeat(43), ..token.clone() };
        for other in [other_tenant, other_id, other_secret] {
            assert!(!key.matches(&other, now));
        }
        key.former_until = Some(now.plus_seconds(60));
        assert!(key.matches(&token, now.plus_seconds(59)));
        assert!(!key.matches(&token, now.plus_seconds(60)));
    }

    #[test]
    fn nothing_prints_a_secret() {
        let token = token();
        let key = ApiKey::of(&token, Timestamp::now());
        let printed = format!("{token:?} {key:?}");
        assert!(!printed.contains(&token.secret));
        assert!(!printed.contains(&String::from(key.hash)));
        let stored = serde_json::to_string(&key).unwrap();
        assert!(!stored.contains(&token.secret));
        assert_eq!(serde_json::from_str::<ApiKey>(&stored).unwrap(), key);
        assert!(serde_json::from_str::<ApiKeyHash>("\"00\"").is_err());
    }

    #[test]
    fn the_id_of_a_requested_key_follows_from_the_request() {
        let tenant: TenantId = "acme".parse().unwrap();
        let key: super::super::IdempotencyKey = "k".parse().unwrap();
        let id: ApiKeyId = key.id(&tenant, "rotateApiKey");
        assert_eq!(id.as_str().parse::<ApiKeyId>().unwrap(), id);
        let [one, other] = [0, 1].map(|_| ApiKeyToken::with_id(tenant.clone(), id.clone()));
        assert_eq!((one.id(), other.id()), (&id, &id));
        assert_ne!(one.hash(), other.hash());
    }

    #[test]
    fn secrets_use_every_character_and_differ() {
        let secrets: String = (0..200).map(|_| token().secret).collect();
        let used: std::collections::BTreeSet<_> = secrets.chars().collect();
        assert_eq!(used.len(), 62);
        assert_ne!(token().secret, token().secret);
    }
}
