//! The platform's items, for those who run it; and the one read that comes before
//! anybody is verified.

use std::sync::Arc;

use super::audit::{AuditKind, AuditRecord};
use super::backend::Backend;
use super::error::AccessError;
use super::guard::{Guard, Watchers, Whose};
use super::items;
use super::operation::{Condition, Update};
use super::scope::{OperatorScope, Scope};
use crate::api::Page;
use crate::model::{
    AttributeValue, Item as _, Key, Listing, OpsLock, PlatformItem, Tenant, Timestamp,
};
use crate::tables::TENANTS;
use crate::tenant::TenantId;

/// Tenants, bills and locks. Each use is recorded in the audit trail before it is made;
/// if it cannot be recorded, it is not made. Operators read, admins write too.
#[derive(Clone)]
pub struct OperatorDynamoDb {
    guard: Guard,
    watchers: Watchers,
    scope: OperatorScope,
}

impl OperatorDynamoDb {
    /// The tables of `backend`, for the operator of the scope.
    pub fn new(scope: OperatorScope, backend: Arc<dyn Backend>, watchers: Watchers) -> Self {
        let guard = Guard::new(Whose::Platform(scope.clone()), backend, watchers.clone());
        Self { guard, watchers, scope }
    }

    /// Reads an item.
    pub async fn get<T: PlatformItem>(&self, key: &Key<T>) -> Result<Option<T>, AccessError> {
        self.guard.get(key).await
    }

    /// Makes an item that is not there; otherwise [`AccessError::Condition`].
    pub async fn create<T: PlatformItem>(&self, item: &T) -> Result<(), AccessError> {
        self.guard.write(items::put(item, Condition::absent())?).await
    }

    /// Makes or replaces an item.
    pub async fn put<T: PlatformItem>(
        &self,
        item: &T,
        condition: Condition,
    ) -> Result<(), AccessError> {
        self.guard.write(items::put(item, condition)?).await
    }

    /// Makes or replaces an item while a lock is held: not if somebody else has taken it
    /// meanwhile, however late that is noticed here.
    pub async fn put_fenced<T: PlatformItem>(
        &self,
        item: &T,
        condition: Condition,
        lock: &OpsLock,
    ) -> Result<(), AccessError> {
        let token = AttributeValue::N(lock.token.to_string());
        let held = items::check(&lock.key(), Condition::present().and_equal("token", token));
        self.guard.transact(vec![items::put(item, condition)?, held]).await
    }

    /// Writes an item that was read and changed, if nobody else did meanwhile, and gives
    /// it with its new revision.
    pub async fn replace<T: PlatformItem>(&self, item: T) -> Result<T, AccessError> {
        self.guard.replace(item).await
    }

    /// Changes attributes of an item that is there, and gives the item as it is then.
    pub async fn update<T: PlatformItem>(
        &self,
        key: &Key<T>,
        update: Update,
        condition: Condition,
    ) -> Result<T, AccessError> {
        self.guard.update(key, update, condition).await
    }

    /// Deletes an item.
    pub async fn delete<T: PlatformItem>(
        &self,
        key: &Key<T>,
        condition: Condition,
    ) -> Result<(), AccessError> {
        self.guard.write(items::delete(key, condition)).await
    }

    /// Reads a page of a list.
    pub async fn list<T: PlatformItem>(
        &self,
        listing: &Listing<T>,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<T>, AccessError> {
        self.guard.list(listing, limit, cursor).await
    }

    /// Acts for a tenant, such as to delete what it has: an admin alone, and recorded.
    pub async fn act_for(&self, tenant: &TenantId) -> Result<Scope, AccessError> {
        if !self.scope.may_change() {
            return Err(AccessError::ReadOnly { operation: "act-for", table: TENANTS.name });
        }
        self.recorded("act-for", tenant).await?;
        Ok(Scope::on_behalf(tenant.clone(), self.scope.subject()))
    }

    /// Looks at what a tenant has, and changes nothing of it: operators too, and recorded.
    pub async fn look_at(&self, tenant: &TenantId) -> Result<Scope, AccessError> {
        self.recorded("look-at", tenant).await?;
        Ok(Scope::looked_at(tenant.clone(), self.scope.subject()))
    }

    async fn recorded(
        &self,
        operation: &'static str,
        tenant: &TenantId,
    ) -> Result<(), AccessError> {
        let record = AuditRecord {
            at: Timestamp::now(),
            kind: AuditKind::OperatorAccess,
            subject: self.scope.subject().to_owned(),
            tenant_id: Some(tenant.clone()),
            operation,
            tables: Vec::new(),
            attempted: None,
        };
        self.watchers.audit.record(&record).await.map_err(AccessError::Audit)
    }
}

/// Reads the record of a tenant by its id, for the authoriser: whether a tenant may use
/// the platform, and what its API keys are, has to be known before anybody is verified.
/// It reads that one record and can do nothing else.
#[derive(Clone)]
pub struct TenantDirectory {
    backend: Arc<dyn Backend>,
    watchers: Watchers,
}

impl TenantDirectory {
    /// The `tenants` table of `backend`.
    pub fn new(backend: Arc<dyn Backend>, watchers: Watchers) -> Self {
        Self { backend, watchers }
    }

    /// The tenant's record, if there is one.
    pub async fn get(&self, tenant: &TenantId) -> Result<Option<Tenant>, AccessError> {
        let whose = Whose::Record(Scope::on_behalf(tenant.clone(), "authoriser"));
        let guard = Guard::new(whose, Arc::clone(&self.backend), self.watchers.clone());
        guard.get(&Key::<Tenant>::new(tenant)).await
    }
}

/// A tenant's own record, for the tenant: it is read, and its keys are changed. Nothing
/// else of it can be, and no other record is reached.
#[derive(Clone)]
pub struct OwnTenant {
    guard: Guard,
    tenant: TenantId,
}

impl OwnTenant {
    /// The record of the scope's tenant, in the `tenants` table of `backend`.
    pub fn new(scope: Scope, backend: Arc<dyn Backend>, watchers: Watchers) -> Self {
        let tenant = scope.tenant_id().clone();
        Self { guard: Guard::new(Whose::Record(scope), backend, watchers), tenant }
    }

    /// The record.
    pub async fn get(&self) -> Result<Option<Tenant>, AccessError> {
        self.guard.get(&Key::<Tenant>::new(&self.tenant)).await
    }

    /// Writes the keys of a record that was read and [given a
    /// key](Tenant::add_key), if nobody else wrote it meanwhile; gives the record as it
    /// is then. Whatever else was changed in it is not written.
    pub async fn write_keys(&self, read: &Tenant) -> Result<Tenant, AccessError> {
        let mut attributes = read.to_attributes()?;
        let keys = attributes.remove("api_keys").ok_or(AccessError::Absent)?;
        let update = Update::new()
            .set("api_keys", keys)
            .set_text("updated_at", Timestamp::now().max(read.created_at).to_string());
        self.guard.update(&read.key(), update, Condition::revision(read.revision)).await
    }
}
