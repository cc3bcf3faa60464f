//! Cursors: where the next page of a list begins.
//!
//! A cursor is opaque to callers, and says nothing of whose the list is: the tenant is
//! always that of the caller. It is bound by a digest to the tenant, the table and what
//! was asked for, so that one that was given to somebody else, or for another list, is
//! refused. The digest needs no secret: who makes a cursor up can only begin elsewhere
//! in a list that is their own.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_dynamo::AttributeValue;
use subtle::ConstantTimeEq as _;

use super::idempotency::digest;
use super::{Attributes, Item, Listing};

/// Longest cursor, in characters.
const LONGEST: usize = 2_000;

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    position: BTreeMap<String, String>,
}

/// A text that is no cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "cursor: expected the `next` of an answer to the same request of the same caller; begin again without a cursor"
)]
pub struct InvalidCursor;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    v: u8,
    /// What it is bound to.
    b: String,
    /// The attributes of the last key, without the partition of the list.
    p: BTreeMap<String, String>,
}

const VERSION: u8 = 1;

/// What a list is: `partition` is the caller's, whatever the listing says.
fn binding<T: Item>(partition: &str, listing: &Listing<T>) -> String {
    let index = listing.index().map_or("", |index| index.name);
    let order = if listing.is_newest_first() { "newest first" } else { "" };
    let bound = digest("cursor", [partition, T::TABLE.name, index, listing.prefix(), order]);
    URL_SAFE_NO_PAD.encode(&bound[..16])
}

fn partition_key<T: Item>(listing: &Listing<T>) -> &'static str {
    listing.index().map_or(T::TABLE.partition_key, |index| index.partition_key)
}

impl Cursor {
    /// The cursor after an item with this key, in a list of this partition. The key is
    /// that of the table, and where an index was read that of the index too.
    pub fn after<T: Item>(
        partition: &str,
        listing: &Listing<T>,
        key: &Attributes,
    ) -> Option<String> {
        let own = partition_key(listing);
        let position = key.iter().filter(|(name, _)| *name != own);
        let position: Option<BTreeMap<_, _>> = position
            .map(|(name, value)| match value {
                AttributeValue::S(text) => Some((name.clone(), text.clone())),
                _ => None,
            })
            .collect();
        let wire = Wire { v: VERSION, b: binding(partition, listing), p: position? };
        let text = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&wire).ok()?);
        Some(text).filter(|text| text.len() <= LONGEST)
    }

    /// Reads a cursor of a list of this partition.
    pub fn parse<T: Item>(
        text: &str,
        partition: &str,
        listing: &Listing<T>,
    ) -> Result<Self, InvalidCursor> {
        if text.len() > LONGEST {
            return Err(InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let wire: Wire = serde_json::from_slice(&bytes).map_err(|_| InvalidCursor)?;
        let bound = binding(partition, listing);
        let bound: bool = wire.b.as_bytes().ct_eq(bound.as_bytes()).into();
        let own = partition_key(listing);
        let mut names = vec![T::TABLE.partition_key];
        names.extend(T::TABLE.sort_key);
        names.extend(listing.index().iter().flat_map(|it| [it.partition_key, it.sort_key]));
        names.retain(|name| *name != own);
        names.sort_unstable();
        names.dedup();
        let complete = wire.p.keys().eq(names.iter());
        let sort_key = listing.index().map(|it| it.sort_key).or(T::TABLE.sort_key);
        let inside = sort_key
            .and_then(|name| wire.p.get(name))
            .is_none_or(|sort| sort.starts_with(listing.prefix()));
        let short = wire.p.values().all(|value| !value.is_empty());
        if wire.v == VERSION && bound && complete && inside && short {
            Ok(Self { position: wire.p })
        } else {
            Err(InvalidCursor)
        }
    }

    /// The key that the list goes on after, in the partition of the caller.
    pub fn key<T: Item>(&self, partition: &str, listing: &Listing<T>) -> Attributes {
        let own = (partition_key(listing).to_owned(), partition.to_owned());
        let all = self.position.clone().into_iter().chain([own]);
        all.map(|(name, value)| (name, AttributeValue::S(value))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Agent, Job, JobId, Key, Tenant, TenantStatus, Tool};
    use super::*;
    use crate::api::JobStatus;
    use crate::tenant::TenantId;

    fn tenant(id: &str) -> TenantId {
        id.parse().unwrap()
    }

    fn job_key() -> Attributes {
        Key::<Job>::new(&tenant("acme"), JobId::generate()).attributes()
    }

    #[test]
    fn a_cursor_comes_back_for_the_same_list_of_the_same_tenant() {
        let (key, list) = (job_key(), Listing::<Job>::all());
        let text = Cursor::after("acme", &list, &key).unwrap();
        let cursor = Cursor::parse("acme", "acme", &list);
        assert_eq!(cursor, Err(InvalidCursor));
        let cursor = Cursor::parse(&text, "acme", &list).unwrap();
        assert_eq!(cursor.key("acme", &list), key);
    }

    #[test]
    fn a_cursor_of_another_tenant_or_another_list_is_refused() {
        let (key, list) = (job_key(), Listing::<Job>::all());
        let text = Cursor::after("acme", &list, &key).unwrap();
        assert!(Cursor::parse(&text, "other", &list).is_err());
        assert!(Cursor::parse(&text, "acme", &Listing::<Job>::all().newest_first()).is_err());
        assert!(
            Cursor::parse(&text, "acme", &Listing::<Job>::with_status(JobStatus::Failed)).is_err()
        );
        assert!(Cursor::parse(&text, "acme", &Listing::<Agent>::all()).is_err());
        assert!(Cursor::parse(&text, "acme", &Listing::<Tool>::all()).is_err());
    }

    /// A cursor that somebody makes up, with a right binding.
    fn forged<T: Item>(list: &Listing<T>, position: &[(&str, &str)]) -> String {
        let position = position.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let wire = Wire { v: VERSION, b: binding("acme", list), p: position };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&wire).unwrap())
    }

    #[test]
    fn a_made_up_cursor_names_no_tenant_and_stays_in_its_list() {
        let list = Listing::<Job>::with_status(JobStatus::Failed);
        let id = JobId::generate().to_string();
        let good = forged(&list, &[("job_id", &id), ("status_job", &format!("failed#{id}"))]);
        let cursor = Cursor::parse(&good, "acme", &list).unwrap();
        assert_eq!(cursor.key("acme", &list)["tenant_id"], AttributeValue::S("acme".into()));
        let wrong: [&[(&str, &str)]; 5] = [
            &[],
            &[("job_id", &id)],
            &[("job_id", &id), ("status_job", "queued#1")],
            &[("job_id", ""), ("status_job", "failed#1")],
            &[("job_id", &id), ("status_job", "failed#1"), ("tenant_id", "other")],
        ];
        for position in wrong {
            assert!(
                Cursor::parse(&forged(&list, position), "acme", &list).is_err(),
                "{position:?}"
            );
        }
    }

    #[test]
    fn cursors_are_bounded_and_well_formed() {
        let list = Listing::<Job>::all();
        let text = Cursor::after("acme", &list, &job_key()).unwrap();
        for wrong in [String::new(), "!".into(), "e30".into(), text + "A", "A".repeat(LONGEST + 1)]
        {
            assert!(Cursor::parse(&wrong, "acme", &list).is_err());
        }
        let long: Attributes =
            [("job_id".to_owned(), AttributeValue::S("a".repeat(LONGEST)))].into();
        assert_eq!(Cursor::after("acme", &list, &long), None);
        let number: Attributes = [("job_id".to_owned(), AttributeValue::N("1".into()))].into();
        assert_eq!(Cursor::after("acme", &list, &number), None);
    }

    #[test]
    fn operators_lists_go_on_in_their_own_partition() {
        let list = Listing::<Tenant>::with_status(TenantStatus::Active);
        let key: Attributes = [("tenant_id", "acme"), ("status", "active"), ("created_at", "2026")]
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())))
            .into();
        let text = Cursor::after("active", &list, &key).unwrap();
        assert_eq!(Cursor::parse(&text, "active", &list).unwrap().key("active", &list), key);
        assert!(Cursor::parse(&text, "deleted", &list).is_err());
    }
}
