//! How an item becomes what a table holds, and back.

use std::collections::HashMap;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use serde::ser::Serialize;
use serde_dynamo::AttributeValue;

use super::{Invalid, Key, RequestDigest, Revision};
use crate::tables::Table;
use crate::tenant::TenantId;

/// What a table holds of an item.
pub type Attributes = HashMap<String, AttributeValue>;

/// The attribute with the version of an item's schema. An item without it is of
/// version 0.
pub const VERSION: &str = "v";

/// The attribute with the revision of items that change.
pub const REVISION: &str = "revision";

/// What a table holds is not what the model knows, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Something newer wrote it.
    #[error(
        "an item of {table} has version {found} of its schema, and this program knows up to {known}: a newer release wrote it; deploy that release here too"
    )]
    Newer {
        /// The table's short name.
        table: &'static str,
        /// What was found.
        found: u64,
        /// The newest that is known.
        known: u64,
    },
    /// It is older than anything that can be brought up to date.
    #[error("an item of {table} has version {found} of its schema, which no upgrade is known for")]
    TooOld {
        /// The table's short name.
        table: &'static str,
        /// What was found.
        found: u64,
    },
    /// A field is missing or has a wrong value.
    #[error("an item of {table} cannot be read: {reason}")]
    Unreadable {
        /// The table's short name.
        table: &'static str,
        /// The field, and what was expected.
        reason: String,
    },
    /// It stands under a key that is not its own.
    #[error("an item of {table} does not match its key: {attribute} is not what its fields make")]
    Misplaced {
        /// The table's short name.
        table: &'static str,
        /// The attribute of the key.
        attribute: &'static str,
    },
    /// Fields contradict each other.
    #[error("an item of {table} is not valid: {invalid}")]
    Contradictory {
        /// The table's short name.
        table: &'static str,
        /// What is wrong.
        invalid: Invalid,
    },
}

/// Something that a table holds.
pub trait Item: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The table.
    const TABLE: Table;

    /// The version of the schema that is written, from 1.
    const VERSION: u64 = 1;

    /// Where it stands.
    fn key(&self) -> Key<Self>;

    /// The keys of indexes that no field of the same name holds.
    fn index_keys(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// How often it was written, where that matters.
    fn revision(&self) -> Option<Revision>;

    /// The same with another revision. Items without one stay as they are.
    fn with_revision(self, revision: Revision) -> Self;

    /// Whether its fields go together; each for itself is valid.
    fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }

    /// Brings the attributes of an older item from version `from` to the next.
    fn upgrade(from: u64, attributes: &mut Attributes) -> Result<(), ModelError> {
        let _ = attributes;
        Err(ModelError::TooOld { table: Self::TABLE.name, found: from })
    }

    /// What the table is to hold.
    fn to_attributes(&self) -> Result<Attributes, ModelError> {
        let table = Self::TABLE.name;
        self.check().map_err(|invalid| ModelError::Contradictory { table, invalid })?;
        let unreadable = |error: serde_dynamo::Error| ModelError::Unreadable {
            table,
            reason: error.to_string(),
        };
        let mut attributes: Attributes = serde_dynamo::to_item(self).map_err(unreadable)?;
        attributes.extend(self.key().attributes());
        let keys = self.index_keys().into_iter();
        attributes.extend(keys.map(|(name, key)| (name.to_owned(), AttributeValue::S(key))));
        attributes.insert(VERSION.to_owned(), AttributeValue::N(Self::VERSION.to_string()));
        Ok(attributes)
    }

    /// What the table holds. Attributes that are not known are ignored: an older release
    /// may read while a newer one that only adds something is being rolled out.
    fn from_attributes(mut attributes: Attributes) -> Result<Self, ModelError> {
        let table = Self::TABLE.name;
        let found = version(table, &attributes)?;
        if found > Self::VERSION {
            return Err(ModelError::Newer { table, found, known: Self::VERSION });
        }
        (found..Self::VERSION).try_for_each(|from| Self::upgrade(from, &mut attributes))?;
        let Traced(item) = serde_dynamo::from_item::<_, Traced<Self>>(attributes.clone())
            .map_err(|error| ModelError::Unreadable { table, reason: error.to_string() })?;
        item.check().map_err(|invalid| ModelError::Contradictory { table, invalid })?;
        let misplaced = |attribute| Err(ModelError::Misplaced { table, attribute });
        for (attribute, value) in item.key().attributes() {
            if attributes.get(&attribute) != Some(&value) {
                let sort_key = Self::TABLE.sort_key.filter(|it| *it == attribute);
                return misplaced(sort_key.unwrap_or(Self::TABLE.partition_key));
            }
        }
        for (attribute, key) in item.index_keys() {
            if attributes.get(attribute) != Some(&AttributeValue::S(key)) {
                return misplaced(attribute);
            }
        }
        Ok(item)
    }
}

/// An item that belongs to a tenant, in a table where the partition key of everything is
/// the tenant's id.
pub trait TenantItem: Item {
    /// Whose it is.
    fn tenant_id(&self) -> &TenantId;
}

/// An item of a tenant that a request with an `Idempotency-Key` makes.
pub trait RequestedItem: TenantItem {
    /// What the request asked for.
    fn request_digest(&self) -> Option<RequestDigest>;
}

macro_rules! requested {
    ($($item:ident)*) => { $(
        impl RequestedItem for super::$item {
            fn request_digest(&self) -> Option<RequestDigest> {
                self.request_digest
            }
        }
    )* };
}
requested!(Agent Invocation Job Session Webhook);

/// An item that those who run the platform keep, of tenants or not.
pub trait PlatformItem: Item {}

fn version(table: &'static str, attributes: &Attributes) -> Result<u64, ModelError> {
    let reason = || "v: expected a whole number".to_owned();
    match attributes.get(VERSION) {
        None => Ok(0),
        Some(AttributeValue::N(number)) => {
            number.parse().map_err(|_| ModelError::Unreadable { table, reason: reason() })
        }
        Some(_) => Err(ModelError::Unreadable { table, reason: reason() }),
    }
}

/// Reads a value and says in which field it failed.
struct Traced<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Traced<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_path_to_error::deserialize(deserializer)
            .map(Self)
            .map_err(|error| D::Error::custom(format!("{}: {}", error.path(), error.inner())))
    }
}
