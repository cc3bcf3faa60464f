//! A tenant's items.

use std::sync::Arc;

use super::backend::Backend;
use super::error::AccessError;
use super::guard::{Guard, Watchers, Whose};
use super::items;
use super::operation::{Condition, Update, Write};
use super::scope::Scope;
use crate::api::Page;
use crate::model::{Key, Listing, Repeat, RequestedItem, TenantItem};

/// The tables, as one tenant sees them: the items of that tenant, and nothing else.
#[derive(Clone)]
pub struct TenantScopedDynamoDb {
    guard: Guard,
}

/// An item that a request made.
#[derive(Debug, Clone, PartialEq)]
pub enum Created<T> {
    /// Just now.
    New(T),
    /// The first time that it came; as the item is now.
    Before(T),
}

/// Writes that are made all or not at all: up to 100, each of another item.
#[derive(Debug, Clone, Default)]
pub struct Transaction(Vec<Write>);

impl Transaction {
    /// Without a write.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes or replaces an item.
    pub fn put<T: TenantItem>(
        mut self,
        item: &T,
        condition: Condition,
    ) -> Result<Self, AccessError> {
        self.0.push(items::put(item, condition)?);
        Ok(self)
    }

    /// Makes an item that is not there, or has expired.
    pub fn create<T: TenantItem>(self, item: &T) -> Result<Self, AccessError> {
        self.put(item, items::new_item(&T::TABLE))
    }

    /// Changes attributes of an item that is there.
    pub fn update<T: TenantItem>(
        mut self,
        key: &Key<T>,
        update: Update,
        condition: Condition,
    ) -> Self {
        let condition = Condition { exists: Some(true), ..condition };
        self.0.push(items::update(key, update, condition));
        self
    }

    /// Deletes an item.
    pub fn delete<T: TenantItem>(mut self, key: &Key<T>, condition: Condition) -> Self {
        self.0.push(items::delete(key, condition));
        self
    }

    /// Asks for something of an item that is not written.
    pub fn check<T: TenantItem>(mut self, key: &Key<T>, condition: Condition) -> Self {
        self.0.push(items::check(key, condition));
        self
    }
}

impl TenantScopedDynamoDb {
    /// The tables of `backend`, for the tenant of the scope.
    pub fn new(scope: Scope, backend: Arc<dyn Backend>, watchers: Watchers) -> Self {
        Self { guard: Guard::new(Whose::Tenant(scope), backend, watchers) }
    }

    /// Reads an item as it was last written. One that has expired is not there.
    pub async fn get<T: TenantItem>(&self, key: &Key<T>) -> Result<Option<T>, AccessError> {
        self.guard.get(key).await
    }

    /// Makes an item that is not there, or has expired; otherwise
    /// [`AccessError::Condition`].
    pub async fn create<T: TenantItem>(&self, item: &T) -> Result<(), AccessError> {
        self.guard.write(items::put(item, items::new_item(&T::TABLE))?).await
    }

    /// Makes an item for a request that may come twice: an item that is there already is
    /// given if the same request made it, and [`AccessError::KeyReused`] if another did.
    ///
    /// The id of the item follows from the request's
    /// [`IdempotencyKey`](crate::model::IdempotencyKey::id).
    pub async fn create_once<T: RequestedItem>(&self, item: T) -> Result<Created<T>, AccessError> {
        match self.create(&item).await {
            Ok(()) => return Ok(Created::New(item)),
            Err(AccessError::Condition) => {}
            Err(error) => return Err(error),
        }
        match (self.get(&item.key()).await?, item.request_digest()) {
            (Some(there), Some(digest)) => match digest.repeats(there.request_digest()) {
                Repeat::Same => Ok(Created::Before(there)),
                Repeat::Conflict => Err(AccessError::KeyReused),
            },
            // It has just gone, or nothing says what was asked for.
            _ => Err(AccessError::Condition),
        }
    }

    /// Makes or replaces an item.
    pub async fn put<T: TenantItem>(
        &self,
        item: &T,
        condition: Condition,
    ) -> Result<(), AccessError> {
        self.guard.write(items::put(item, condition)?).await
    }

    /// Writes an item that was read and changed, if nobody else did meanwhile, and gives
    /// it with its new revision. The revision of `item` is the one that was read.
    pub async fn replace<T: TenantItem>(&self, item: T) -> Result<T, AccessError> {
        self.guard.replace(item).await
    }

    /// Changes attributes of an item that is there, raises its revision, and gives the
    /// item as it is then.
    pub async fn update<T: TenantItem>(
        &self,
        key: &Key<T>,
        update: Update,
        condition: Condition,
    ) -> Result<T, AccessError> {
        self.guard.update(key, update, condition).await
    }

    /// Deletes an item; without a condition, one that is not there is no error.
    pub async fn delete<T: TenantItem>(
        &self,
        key: &Key<T>,
        condition: Condition,
    ) -> Result<(), AccessError> {
        self.guard.write(items::delete(key, condition)).await
    }

    /// Reads a page of a list: up to `limit` items, at most
    /// [`LARGEST_PAGE`](super::LARGEST_PAGE), and fewer where some have expired. A cursor
    /// is the `next` of the page before.
    pub async fn list<T: TenantItem>(
        &self,
        listing: &Listing<T>,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<T>, AccessError> {
        self.guard.list(listing, limit, cursor).await
    }

    /// Reads many items: those that are there, in no order.
    pub async fn batch_get<T: TenantItem>(&self, keys: &[Key<T>]) -> Result<Vec<T>, AccessError> {
        self.guard.batch_get(keys).await
    }

    /// Writes and deletes many items, each for itself and without a condition. When some
    /// are left in the end ([`AccessError::Unprocessed`]), the others have been written.
    pub async fn batch_write<T: TenantItem>(
        &self,
        puts: &[T],
        deletes: &[Key<T>],
    ) -> Result<(), AccessError> {
        self.guard.batch_write(puts, deletes).await
    }

    /// Makes all writes or none.
    pub async fn transact(&self, transaction: Transaction) -> Result<(), AccessError> {
        self.guard.transact(transaction.0).await
    }
}
