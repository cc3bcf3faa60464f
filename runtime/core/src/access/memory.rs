//! Tables and a bucket in memory, for tests: they do what the real ones would, and
//! remember whose rows were touched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::backend::{Backend, ObjectBackend, Pending};
use super::error::BackendError;
use super::objects::{ObjectOperation, ObjectReply};
use super::operation::{BatchWrite, Change, Operation, Query, Reply, Update, Write};
use crate::model::{AttributeValue, Attributes, REVISION};
use crate::tables::Table;

/// Table, partition key, sort key.
type Place = (&'static str, String, String);

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<Place, Attributes>,
    touched: BTreeSet<(&'static str, String)>,
    operations: usize,
    /// How many items of a batch are dealt with; the others are left.
    capacity: Option<usize>,
}

/// Tables in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryTables(Arc<Mutex<State>>);

impl MemoryTables {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, so many items of each batch are dealt with, and the others are left.
    pub fn set_capacity(&self, capacity: Option<usize>) {
        self.state().capacity = capacity;
    }

    /// The tables and partitions whose rows were read or written since this was asked
    /// last.
    pub fn take_touched(&self) -> BTreeSet<(&'static str, String)> {
        std::mem::take(&mut self.state().touched)
    }

    /// How many operations have arrived.
    pub fn operations(&self) -> usize {
        self.state().operations
    }

    /// Puts a row, whatever it is.
    pub fn plant(&self, table: &Table, row: Attributes) {
        let place = place(table, &row);
        self.state().rows.insert(place, row);
    }
}

fn text(attributes: &Attributes, name: &str) -> String {
    match attributes.get(name) {
        Some(AttributeValue::S(text)) => text.clone(),
        _ => String::new(),
    }
}

fn place(table: &Table, keyed: &Attributes) -> Place {
    let sort = table.sort_key.map(|name| text(keyed, name)).unwrap_or_default();
    (table.name, text(keyed, table.partition_key), sort)
}

impl State {
    fn touch(&mut self, place: &Place) {
        self.touched.insert((place.0, place.1.clone()));
    }

    fn read(&mut self, table: &Table, key: &Attributes) -> Option<Attributes> {
        let place = place(table, key);
        self.touch(&place);
        self.rows.get(&place).cloned()
    }

    fn allows(&self, write: &Write) -> bool {
        write.condition.holds(self.rows.get(&place(&write.table, write.change.keyed())))
    }

    fn apply(&mut self, write: &Write) -> Option<Attributes> {
        let place = place(&write.table, write.change.keyed());
        self.touch(&place);
        match &write.change {
            Change::Put(item) => {
                self.rows.insert(place, item.clone());
                None
            }
            Change::Delete(_) => {
                self.rows.remove(&place);
                None
            }
            Change::Check(_) => None,
            Change::Update { key, update } => {
                let row = self.rows.entry(place).or_insert_with(|| key.clone());
                change(row, update);
                Some(row.clone())
            }
        }
    }

    fn query(&mut self, query: &Query) -> Reply {
        let sort_key = query.index.map(|index| index.sort_key).or(query.table.sort_key);
        let sort_of = |row: &Attributes| sort_key.map(|name| text(row, name)).unwrap_or_default();
        let order = |row: &Attributes| {
            let (_, partition, sort) = place(&query.table, row);
            (sort_of(row), partition, sort)
        };
        let rows = self.rows.iter().filter(|((table, ..), _)| *table == query.table.name);
        let mut rows: Vec<_> = rows
            .map(|(_, row)| row.clone())
            .filter(|row| text(row, query.partition_key) == query.partition)
            // What lacks the key of an index is not in it.
            .filter(|row| query.index.is_none_or(|index| row.contains_key(index.sort_key)))
            .filter(|row| sort_of(row).starts_with(&query.prefix))
            .collect();
        rows.sort_by_key(order);
        if query.newest_first {
            rows.reverse();
        }
        if let Some(start) = &query.start {
            let start = order(start);
            rows.retain(
                |row| if query.newest_first { order(row) < start } else { order(row) > start },
            );
        }
        let more = rows.len() > query.limit as usize;
        rows.truncate(query.limit as usize);
        for row in &rows {
            self.touch(&place(&query.table, row));
        }
        let names = query.table.partition_key;
        let names = [Some(names), query.table.sort_key].into_iter().flatten();
        let index = query.index.iter().flat_map(|index| [index.partition_key, index.sort_key]);
        let names: Vec<_> = names.chain(index).collect();
        let last_key = rows.last().filter(|_| more).map(|row| {
            names
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), row.get(*name)?.clone())))
                .collect()
        });
        Reply { items: rows, last_key, ..Reply::default() }
    }

    fn run(&mut self, operation: &Operation) -> Result<Reply, BackendError> {
        self.operations += 1;
        let capacity = self.capacity.unwrap_or(usize::MAX);
        let mut reply = Reply::default();
        match operation {
            Operation::Get { table, key } => reply.items.extend(self.read(table, key)),
            Operation::Query(query) => return Ok(self.query(query)),
            Operation::BatchGet { table, keys } => {
                let (now, later) = keys.split_at(keys.len().min(capacity));
                reply.items = now.iter().filter_map(|key| self.read(table, key)).collect();
                reply.unread = later.to_vec();
            }
            Operation::BatchWrite { table, writes } => {
                let (now, later) = writes.split_at(writes.len().min(capacity));
                for write in now {
                    let change = match write {
                        BatchWrite::Put(item) => Change::Put(item.clone()),
                        BatchWrite::Delete(key) => Change::Delete(key.clone()),
                    };
                    self.apply(&Write {
                        table: *table,
                        change,
                        condition: super::Condition::none(),
                    });
                }
                reply.unwritten = later.to_vec();
            }
            Operation::Write(write) => {
                if !self.allows(write) {
                    return Err(BackendError::Condition);
                }
                reply.items.extend(self.apply(write));
            }
            Operation::Transact(writes) => {
                if !writes.iter().all(|write| self.allows(write)) {
                    return Err(BackendError::Condition);
                }
                for write in writes {
                    self.apply(write);
                }
            }
        }
        Ok(reply)
    }
}

fn change(row: &mut Attributes, update: &Update) {
    row.extend(update.set.clone());
    let raise = std::iter::once((REVISION, 1));
    for (name, number) in raise.chain(update.add.iter().map(|(name, it)| (name.as_str(), *it))) {
        let old: i64 = match row.get(name) {
            Some(AttributeValue::N(old)) => old.parse().unwrap_or(0),
            _ => 0,
        };
        row.insert(name.to_owned(), AttributeValue::N((old + number).to_string()));
    }
    for name in &update.remove {
        row.remove(name);
    }
}

impl Backend for MemoryTables {
    fn run<'a>(&'a self, operation: &'a Operation) -> Pending<'a, Reply> {
        Box::pin(async move { self.state().run(operation) })
    }
}

/// A bucket in memory. Its signed addresses work nowhere.
#[derive(Debug, Clone, Default)]
pub struct MemoryBucket(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl MemoryBucket {
    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an object, whatever its key.
    pub fn plant(&self, key: &str, body: &[u8]) {
        self.objects().insert(key.to_owned(), body.to_vec());
    }

    /// Every key.
    pub fn keys(&self) -> Vec<String> {
        self.objects().keys().cloned().collect()
    }

    fn answer(&self, operation: &ObjectOperation) -> Result<ObjectReply, BackendError> {
        let mut objects = self.objects();
        let mut reply = ObjectReply::default();
        match operation {
            ObjectOperation::Get { key } => {
                reply.body = Some(objects.get(key).cloned().ok_or(BackendError::Absent)?);
            }
            ObjectOperation::Put { key, new: true, .. } if objects.contains_key(key) => {
                return Err(BackendError::Condition);
            }
            ObjectOperation::Put { key, body, .. } => {
                objects.insert(key.clone(), body.clone());
            }
            ObjectOperation::Delete { key } => {
                objects.remove(key);
            }
            ObjectOperation::List { prefix, after, limit } => {
                let after = after.clone().unwrap_or_default();
                let keys = objects.keys().filter(|key| key.starts_with(prefix) && **key > after);
                let mut keys: Vec<_> = keys.cloned().collect();
                reply.more = keys.len() > *limit as usize;
                keys.truncate(*limit as usize);
                reply.keys = keys;
            }
            ObjectOperation::PresignGet { key, lasts }
            | ObjectOperation::PresignPut { key, lasts, .. } => {
                let seconds = lasts.as_secs();
                reply.url = Some(format!("https://bucket.invalid/{key}?expires={seconds}"));
            }
        }
        Ok(reply)
    }
}

impl ObjectBackend for MemoryBucket {
    fn run<'a>(&'a self, operation: &'a ObjectOperation) -> Pending<'a, ObjectReply> {
        Box::pin(async move { self.answer(operation) })
    }
}
