//! Operations on typed items: what tenants and operators have in common.

use std::collections::VecDeque;
use std::time::Duration;

use super::error::AccessError;
use super::guard::Guard;
use super::operation::{BatchWrite, Change, Condition, Operation, Query, Update, Write};
use crate::api::Page;
use crate::model::{AttributeValue, Attributes, Cursor, Item, Key, Listing, Partition, Timestamp};
use crate::tables::{EXPIRES_AT, Table};

/// The most items of a page.
pub const LARGEST_PAGE: u32 = 200;

/// The most items of one request.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html>
const MOST_READS: usize = 100;
const MOST_WRITES: usize = 25;
const MOST_TRANSACTED: usize = 100;
pub(super) const TRANSACTION_SIZE: &str = "a transaction has 1 to 100 writes";

/// How often a batch is sent while some of it is left, and the first pause; each is
/// twice as long as the one before. Together less than two seconds.
pub(super) const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

pub(super) fn put<T: Item>(item: &T, condition: Condition) -> Result<Write, AccessError> {
    let change = Change::Put(item.to_attributes()?);
    Ok(Write { table: T::TABLE, change, condition })
}

pub(super) fn delete<T: Item>(key: &Key<T>, condition: Condition) -> Write {
    Write { table: T::TABLE, change: Change::Delete(key.attributes()), condition }
}

pub(super) fn check<T: Item>(key: &Key<T>, condition: Condition) -> Write {
    Write { table: T::TABLE, change: Change::Check(key.attributes()), condition }
}

pub(super) fn update<T: Item>(key: &Key<T>, update: Update, condition: Condition) -> Write {
    let change = Change::Update { key: key.attributes(), update };
    Write { table: T::TABLE, change, condition }
}

/// A new item is one that is not there, or has expired.
pub(super) fn new_item(table: &Table) -> Condition {
    if table.expires { Condition::absent_or_expired(Timestamp::now()) } else { Condition::absent() }
}

/// An item that has expired is not there for readers, however long the table keeps it.
fn has_expired(table: &Table, attributes: &Attributes) -> bool {
    let now = Timestamp::now().seconds();
    match attributes.get(EXPIRES_AT) {
        Some(AttributeValue::N(at)) if table.expires => at.parse().is_ok_and(|at: i64| at <= now),
        _ => false,
    }
}

impl Guard {
    pub(super) async fn get<T: Item>(&self, key: &Key<T>) -> Result<Option<T>, AccessError> {
        let operation = Operation::Get { table: T::TABLE, key: key.attributes() };
        let mut items = self.send(&operation).await?.items;
        let found = items.pop().filter(|it| !has_expired(&T::TABLE, it));
        Ok(found.map(T::from_attributes).transpose()?)
    }

    pub(super) async fn write(&self, write: Write) -> Result<(), AccessError> {
        self.send(&Operation::Write(write)).await.map(drop)
    }

    /// Writes the item that was read, changed; gives it with its new revision.
    pub(super) async fn replace<T: Item>(&self, item: T) -> Result<T, AccessError> {
        let read = item
            .revision()
            .ok_or(AccessError::Request("the item has no revision: name a condition"))?;
        let item = item.with_revision(read.next());
        self.write(put(&item, Condition::revision(read))?).await?;
        Ok(item)
    }

    pub(super) async fn update<T: Item>(
        &self,
        key: &Key<T>,
        change: Update,
        condition: Condition,
    ) -> Result<T, AccessError> {
        // An update of nothing would make an item of its key alone.
        let condition = Condition { exists: Some(true), ..condition };
        let write = Operation::Write(update(key, change, condition));
        let item = self.send(&write).await?.items.pop().ok_or(AccessError::Absent)?;
        Ok(T::from_attributes(item)?)
    }

    pub(super) async fn list<T: Item>(
        &self,
        listing: &Listing<T>,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<T>, AccessError> {
        let partition = self.partition(listing.partition())?;
        let start = match cursor {
            Some(text) => Some(Cursor::parse(text, &partition, listing)?.key(&partition, listing)),
            None => None,
        };
        let index = listing.index();
        let query = Query {
            table: T::TABLE,
            index,
            partition_key: index.map_or(T::TABLE.partition_key, |index| index.partition_key),
            partition: partition.clone(),
            prefix: listing.prefix().to_owned(),
            newest_first: listing.is_newest_first(),
            limit: limit.clamp(1, LARGEST_PAGE),
            start,
        };
        let reply = self.send(&Operation::Query(query)).await?;
        let items = reply.items.into_iter().filter(|it| !has_expired(&T::TABLE, it));
        let items = items.map(T::from_attributes).collect::<Result<_, _>>()?;
        let next = reply.last_key.map(|key| {
            Cursor::after(&partition, listing, &key)
                .ok_or(AccessError::Request("the position of the next page is too long"))
        });
        Ok(Page { items, next: next.transpose()? })
    }

    /// The partition of a list, for whom it is read.
    fn partition(&self, partition: &Partition) -> Result<String, AccessError> {
        match (partition, self.tenant()) {
            (Partition::Fixed(partition), _) => Ok(partition.clone()),
            (Partition::Tenant, Some(tenant)) => Ok(tenant.to_string()),
            (Partition::Tenant, None) => {
                Err(AccessError::Request("a list of a tenant is read for that tenant"))
            }
        }
    }

    /// Those that are there, in no order.
    pub(super) async fn batch_get<T: Item>(&self, keys: &[Key<T>]) -> Result<Vec<T>, AccessError> {
        let mut left: Vec<Attributes> = Vec::new();
        for key in keys.iter().map(Key::attributes) {
            if !left.contains(&key) {
                left.push(key);
            }
        }
        let mut found = Vec::new();
        let mut attempts = Attempts::default();
        let mut left = VecDeque::from(left);
        while !left.is_empty() {
            let keys: Vec<_> = left.drain(..left.len().min(MOST_READS)).collect();
            let reply = self.send(&Operation::BatchGet { table: T::TABLE, keys }).await?;
            found.extend(reply.items);
            let unread = reply.unread;
            if !unread.is_empty() {
                attempts.pause(unread.len() + left.len()).await?;
                left.extend(unread);
            }
        }
        let found = found.into_iter().filter(|it| !has_expired(&T::TABLE, it));
        Ok(found.map(T::from_attributes).collect::<Result<_, _>>()?)
    }

    /// Writes each for itself. What was written stays when some are left in the end.
    pub(super) async fn batch_write<T: Item>(
        &self,
        puts: &[T],
        deletes: &[Key<T>],
    ) -> Result<(), AccessError> {
        let puts = puts.iter().map(|item| item.to_attributes().map(BatchWrite::Put));
        let mut left: VecDeque<_> = puts.collect::<Result<_, _>>()?;
        left.extend(deletes.iter().map(|key| BatchWrite::Delete(key.attributes())));
        let mut attempts = Attempts::default();
        while !left.is_empty() {
            let writes: Vec<_> = left.drain(..left.len().min(MOST_WRITES)).collect();
            let reply = self.send(&Operation::BatchWrite { table: T::TABLE, writes }).await?;
            if !reply.unwritten.is_empty() {
                attempts.pause(reply.unwritten.len() + left.len()).await?;
                left.extend(reply.unwritten);
            }
        }
        Ok(())
    }

    pub(super) async fn transact(&self, writes: Vec<Write>) -> Result<(), AccessError> {
        if writes.len() > MOST_TRANSACTED {
            return Err(AccessError::Request(TRANSACTION_SIZE));
        }
        self.send(&Operation::Transact(writes)).await.map(drop)
    }
}

/// How long to wait after so many attempts.
pub(super) fn pause_after(attempts: u32) -> Duration {
    FIRST_PAUSE * 2_u32.pow(attempts.saturating_sub(1))
}

/// How often something was left.
#[derive(Debug, Default)]
struct Attempts(u32);

impl Attempts {
    async fn pause(&mut self, left: usize) -> Result<(), AccessError> {
        self.0 += 1;
        if self.0 >= ATTEMPTS {
            return Err(AccessError::Unprocessed { left, attempts: self.0 });
        }
        tokio::time::sleep(pause_after(self.0)).await;
        Ok(())
    }
}
