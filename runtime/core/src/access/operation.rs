//! What is asked of tables, as plain data: it can be looked at before it is sent.

use std::collections::BTreeMap;

use crate::model::{AttributeValue, Attributes, REVISION, Revision, Timestamp};
use crate::tables::{EXPIRES_AT, Index, Table};

/// Something that is asked of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Reads an item, as it was last written.
    Get {
        /// Where.
        table: Table,
        /// Which.
        key: Attributes,
    },
    /// Reads a part of a list.
    Query(Query),
    /// Reads up to 100 items.
    BatchGet {
        /// Where.
        table: Table,
        /// Which, each once.
        keys: Vec<Attributes>,
    },
    /// Writes up to 25 items, each for itself and without a condition.
    BatchWrite {
        /// Where.
        table: Table,
        /// What.
        writes: Vec<BatchWrite>,
    },
    /// Writes an item.
    Write(Write),
    /// Writes up to 100 items, all or none.
    Transact(Vec<Write>),
}

impl Operation {
    /// Its name, for records and errors.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Get { .. } => "get",
            Self::Query(_) => "query",
            Self::BatchGet { .. } => "batch-get",
            Self::BatchWrite { .. } => "batch-write",
            Self::Write(write) => write.change.name(),
            Self::Transact(_) => "transact",
        }
    }

    /// The tables that it is about.
    pub fn tables(&self) -> Vec<Table> {
        match self {
            Self::Get { table, .. }
            | Self::BatchGet { table, .. }
            | Self::BatchWrite { table, .. } => vec![*table],
            Self::Query(query) => vec![query.table],
            Self::Write(write) => vec![write.table],
            Self::Transact(writes) => writes.iter().map(|write| write.table).collect(),
        }
    }

    /// What it is about, for the audit trail: the first partition.
    pub(super) fn attempted(&self) -> Option<String> {
        let partition = |table: &Table, key: &Attributes| shown(key.get(table.partition_key));
        match self {
            Self::Get { table, key } => Some(partition(table, key)),
            Self::Query(query) => Some(query.partition.clone()),
            Self::BatchGet { table, keys } => keys.first().map(|key| partition(table, key)),
            Self::BatchWrite { table, writes } => {
                writes.first().map(|write| partition(table, write.keyed()))
            }
            Self::Write(write) => Some(partition(&write.table, write.change.keyed())),
            Self::Transact(writes) => {
                writes.first().map(|write| partition(&write.table, write.change.keyed()))
            }
        }
    }

    /// Whether it changes nothing.
    pub fn only_reads(&self) -> bool {
        matches!(self, Self::Get { .. } | Self::Query(_) | Self::BatchGet { .. })
    }
}

/// A part of a list: items of one partition whose sort keys begin alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Where.
    pub table: Table,
    /// By which index; none: by the table's own keys.
    pub index: Option<Index>,
    /// The name of the partition key.
    pub partition_key: &'static str,
    /// Its value.
    pub partition: String,
    /// What sort keys begin with; empty: anything.
    pub prefix: String,
    /// Backwards.
    pub newest_first: bool,
    /// How many items are looked at.
    pub limit: u32,
    /// The key after which the list goes on.
    pub start: Option<Attributes>,
}

/// A write of many.
#[derive(Debug, Clone, PartialEq)]
pub enum BatchWrite {
    /// Makes or replaces an item.
    Put(Attributes),
    /// Deletes the item with this key.
    Delete(Attributes),
}

impl BatchWrite {
    /// The attributes that have to hold the key: those of the key, or of the item.
    pub fn keyed(&self) -> &Attributes {
        match self {
            Self::Put(it) | Self::Delete(it) => it,
        }
    }
}

/// A write of one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// Where.
    pub table: Table,
    /// What.
    pub change: Change,
    /// What has to be true of the item that is there.
    pub condition: Condition,
}

/// What a write does.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Makes or replaces an item.
    Put(Attributes),
    /// Changes attributes of the item with this key.
    Update {
        /// Which.
        key: Attributes,
        /// What.
        update: Update,
    },
    /// Deletes the item with this key.
    Delete(Attributes),
    /// Changes nothing: only the condition counts. In transactions alone.
    Check(Attributes),
}

impl Change {
    /// Its name, for records and errors.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Put(_) => "put",
            Self::Update { .. } => "update",
            Self::Delete(_) => "delete",
            Self::Check(_) => "check",
        }
    }

    /// The attributes that have to hold the key: those of the key, or of the item.
    pub fn keyed(&self) -> &Attributes {
        match self {
            Self::Put(it) | Self::Delete(it) | Self::Check(it) | Self::Update { key: it, .. } => it,
        }
    }
}

/// What becomes of single attributes. Attributes of keys, the version of the schema and
/// the revision cannot be named: the revision is raised by every update.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    /// New values.
    pub set: BTreeMap<String, AttributeValue>,
    /// What is added to numbers.
    pub add: BTreeMap<String, i64>,
    /// What is taken away.
    pub remove: Vec<String>,
}

impl Update {
    /// Changes nothing but the revision.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an attribute to a text.
    pub fn set_text(self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, AttributeValue::S(value.into()))
    }

    /// Sets an attribute.
    pub fn set(mut self, name: &str, value: AttributeValue) -> Self {
        self.set.insert(name.to_owned(), value);
        self
    }

    /// Adds to a number; one that is not there is 0.
    pub fn add(mut self, name: &str, number: i64) -> Self {
        self.add.insert(name.to_owned(), number);
        self
    }

    /// Takes an attribute away.
    pub fn remove(mut self, name: &str) -> Self {
        self.remove.push(name.to_owned());
        self
    }

    /// Every attribute that it names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let keys = self.set.keys().chain(self.add.keys()).chain(&self.remove);
        keys.map(String::as_str)
    }
}

/// What has to be true of the item that is there, for a write to be made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Condition {
    /// There is one, or there is none.
    pub exists: Option<bool>,
    /// With `exists: false`: one that has expired by then does not count, however long
    /// the table keeps it. In seconds since 1970.
    pub expired_by: Option<i64>,
    /// Attributes with these values; without a value: not there at all.
    pub equal: BTreeMap<String, Option<AttributeValue>>,
}

impl Condition {
    /// Anything, or nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// There is none.
    pub fn absent() -> Self {
        Self { exists: Some(false), ..Self::default() }
    }

    /// There is none, or one that has expired.
    pub fn absent_or_expired(now: Timestamp) -> Self {
        Self { expired_by: Some(now.seconds()), ..Self::absent() }
    }

    /// There is one.
    pub fn present() -> Self {
        Self { exists: Some(true), ..Self::default() }
    }

    /// There is one, with this revision. Revision 0 is that of an item without one.
    pub fn revision(revision: Revision) -> Self {
        let value = match revision {
            Revision(0) => None,
            Revision(number) => Some(AttributeValue::N(number.to_string())),
        };
        Self { equal: [(REVISION.to_owned(), value)].into(), ..Self::present() }
    }

    /// And an attribute has this value, such as the token of a lock.
    pub fn and_equal(mut self, name: &str, value: AttributeValue) -> Self {
        self.equal.insert(name.to_owned(), Some(value));
        self
    }

    /// Whether it holds for what is there, as `DynamoDB` would say.
    pub fn holds(&self, item: Option<&Attributes>) -> bool {
        let expired = |item: &Attributes| match (self.expired_by, item.get(EXPIRES_AT)) {
            (Some(now), Some(AttributeValue::N(at))) => at.parse().is_ok_and(|at: i64| at <= now),
            _ => false,
        };
        let exists = match self.exists {
            None => true,
            Some(true) => item.is_some(),
            Some(false) => item.is_none_or(expired),
        };
        let value = |name: &String| item.and_then(|item| item.get(name));
        exists && self.equal.iter().all(|(name, expected)| value(name) == expected.as_ref())
    }
}

/// What came back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// The items that were read, or the one that was updated.
    pub items: Vec<Attributes>,
    /// The key of the last item of a part of a list, if there is more.
    pub last_key: Option<Attributes>,
    /// Keys that were not read for want of capacity.
    pub unread: Vec<Attributes>,
    /// Writes that were not made for want of capacity.
    pub unwritten: Vec<BatchWrite>,
}

/// The value of a partition key, for people.
pub(super) fn shown(value: Option<&AttributeValue>) -> String {
    match value {
        Some(AttributeValue::S(text)) => text.clone(),
        Some(_) => "a key that is no text".to_owned(),
        None => "no key".to_owned(),
    }
}
