//! Requests that may come twice.
//!
//! A request with an `Idempotency-Key` makes an item whose id follows from the tenant,
//! the operation and the key. The second request makes the same id, and a conditional
//! put finds the first one's item, which keeps the [`RequestDigest`] of what was asked:
//! the same again is answered as before, anything else under the same key is a conflict.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ids::RequestedId;
use super::value::{Invalid, checked_text};
use crate::tenant::TenantId;

checked_text! {
    /// The value of an `Idempotency-Key`.
    IdempotencyKey, "Idempotency-Key", "1 to 255 visible ASCII characters",
    |text| (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

impl IdempotencyKey {
    /// The id of what the request makes. The same tenant, operation and key give the same
    /// id, and nothing else does.
    ///
    /// Such ids do not sort by time.
    pub fn id<T: RequestedId>(&self, tenant: &TenantId, operation: &str) -> T {
        first_of(digest("id", [tenant.as_str(), operation, self.as_str()]))
    }

    /// As [`id`](Self::id), of what is the platform's and no tenant's.
    pub fn platform_id<T: RequestedId>(&self, operation: &str) -> T {
        first_of(digest("platform-id", [operation, self.as_str()]))
    }
}

fn first_of<T: RequestedId>(digest: [u8; 32]) -> T {
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    T::from_digest(first)
}

/// What a request asked for, as SHA-256 of its operation and body.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestDigest([u8; 32]);

/// What a request under a key that was used before is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// The same request: answer as before.
    Same,
    /// Another request under the same key: a conflict.
    Conflict,
}

impl RequestDigest {
    /// That of a request. The body is what was parsed, written again: spaces and the
    /// order of fields make no other request.
    pub fn of(operation: &str, body: &impl Serialize) -> Result<Self, Invalid> {
        let invalid = Invalid { what: "body", expected: "something that JSON can say" };
        let body = serde_json::to_value(body).map_err(|_| invalid)?;
        Ok(Self(digest("request", [operation, &sorted(body).to_string()])))
    }

    /// Compares a request with the one that made an item.
    pub fn repeats(self, stored: Option<Self>) -> Repeat {
        if stored == Some(self) { Repeat::Same } else { Repeat::Conflict }
    }
}

/// The same with the fields of objects in the order of their names.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> =
                fields.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// Hashes texts with their lengths, so that no two lists give the same bytes.
pub(super) fn digest<const N: usize>(purpose: &str, parts: [&str; N]) -> [u8; 32] {
    let all = std::iter::once(purpose).chain(parts);
    let hash = all.fold(Sha256::new(), |hash, part| {
        hash.chain_update((part.len() as u64).to_be_bytes()).chain_update(part)
    });
    hash.finalize().into()
}

impl fmt::Debug for RequestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestDigest({})", super::hex::encode(&self.0[..4]))
    }
}

impl TryFrom<String> for RequestDigest {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        super::hex::decode(&text)
            .map(Self)
            .ok_or(Invalid { what: "digest of a request", expected: "64 hexadecimal digits" })
    }
}

impl From<RequestDigest> for String {
    fn from(digest: RequestDigest) -> Self {
        super::hex::encode(&digest.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::ids::{JobId, WebhookId};
    use super::*;

    #[test]
    fn ids_follow_from_tenant_operation_and_key_and_from_nothing_else() {
        let (acme, other): (TenantId, TenantId) =
            ("acme".parse().unwrap(), "other".parse().unwrap());
        let key: IdempotencyKey = "k1".parse().unwrap();
        let id: JobId = key.id(&acme, "createJob");
        assert_eq!(id, key.id(&acme, "createJob"));
        assert_eq!(id.to_string().parse::<JobId>().unwrap(), id);
        let webhook: WebhookId = key.id(&acme, "createWebhook");
        assert_ne!(id.to_string(), webhook.to_string());
        assert_ne!(id, key.id(&other, "createJob"));
        assert_ne!(id, "k2".parse::<IdempotencyKey>().unwrap().id(&acme, "createJob"));
        // Where one part ends and the next begins matters.
        assert_ne!(digest("id", ["ab", "c"]), digest("id", ["a", "bc"]));
    }

    #[test]
    fn the_same_request_is_known_again_and_another_is_a_conflict() {
        let of = |body| RequestDigest::of("createJob", &body).unwrap();
        let first = of(json!({"agent": "a", "input": {"x": 1, "y": [2, 3]}}));
        let again = of(json!({"input": {"y": [2, 3], "x": 1}, "agent": "a"}));
        assert_eq!(again.repeats(Some(first)), Repeat::Same);
        let other = of(json!({"agent": "a", "input": {"x": 1, "y": [3, 2]}}));
        assert_eq!(other.repeats(Some(first)), Repeat::Conflict);
        assert_eq!(other.repeats(None), Repeat::Conflict);
        let elsewhere = RequestDigest::of("createSession", &json!({})).unwrap();
        assert_ne!(elsewhere, RequestDigest::of("createJob", &json!({})).unwrap());
        let text = String::from(first);
        assert_eq!(RequestDigest::try_from(text).unwrap(), first);
        assert!(RequestDigest::try_from("x".to_owned()).is_err());
        assert!(format!("{first:?}").len() < 32);
    }

    #[test]
    fn keys_are_visible_and_bounded() {
        assert!("8e03978e-40d5-43e8-bc93-6894a57f9324".parse::<IdempotencyKey>().is_ok());
        for wrong in ["", "a b", "a\n", "é", &"a".repeat(256)] {
            assert!(wrong.parse::<IdempotencyKey>().is_err(), "{wrong:?}");
        }
    }
}
