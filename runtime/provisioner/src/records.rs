//! The records of tenants, as far as the provisioner reads and writes them.

use std::future::Future;
use std::sync::Arc;

use runtime_core::access::{
    AccessError, Backend, OperatorDynamoDb, OperatorScope, Scope, Watchers,
};
use runtime_core::caller::{Origin, VerifiedOperator};
use runtime_core::model::{Key, Listing, ProgressState, Tenant, TenantStatus};
use runtime_core::tenant::TenantId;

/// Why a record was not read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Somebody else wrote it meanwhile: read again.
    #[error("somebody else wrote the record meanwhile")]
    Conflict,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// The `tenants` table.
pub trait Records: Send + Sync {
    /// A tenant's record.
    fn get(
        &self,
        tenant: &TenantId,
    ) -> impl Future<Output = Result<Option<Tenant>, RecordError>> + Send;

    /// Writes a record that was read and changed, if nobody else did; gives it as it is
    /// then.
    fn replace(&self, tenant: Tenant) -> impl Future<Output = Result<Tenant, RecordError>> + Send;

    /// Every tenant with unfinished work.
    fn unfinished(&self) -> impl Future<Output = Result<Vec<TenantId>, RecordError>> + Send;
}

/// The largest page of a list.
const PAGE: u32 = 100;

/// The table itself. Every use is in the audit trail.
#[derive(Clone)]
pub struct Table {
    backend: Arc<dyn Backend>,
    watchers: Watchers,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

impl Table {
    /// The table of `backend`.
    pub fn new(backend: Arc<dyn Backend>, watchers: Watchers) -> Self {
        Self { backend, watchers }
    }

    /// The provisioner works for the platform, whatever set it going: the queue and the
    /// schedule are the platform's own, and IAM lets nobody else call it.
    fn open(&self) -> Result<OperatorDynamoDb, RecordError> {
        let operator = VerifiedOperator::from_origin(&Origin::schedule())
            .map_err(|error| RecordError::Failed(error.to_string()))?;
        let scope = OperatorScope::new(&operator);
        Ok(OperatorDynamoDb::new(scope, Arc::clone(&self.backend), self.watchers.clone()))
    }
}

impl Table {
    /// To act for a tenant, which is recorded.
    pub(crate) async fn act_for(&self, tenant: &TenantId) -> Result<Scope, RecordError> {
        self.open()?.act_for(tenant).await.map_err(explain)
    }
}

impl Records for Table {
    async fn get(&self, tenant: &TenantId) -> Result<Option<Tenant>, RecordError> {
        self.open()?.get(&Key::<Tenant>::new(tenant)).await.map_err(explain)
    }

    async fn replace(&self, tenant: Tenant) -> Result<Tenant, RecordError> {
        self.open()?.replace(tenant).await.map_err(explain)
    }

    async fn unfinished(&self) -> Result<Vec<TenantId>, RecordError> {
        let table = self.open()?;
        let mut found = Vec::new();
        for status in TenantStatus::ALL {
            let listing = Listing::<Tenant>::with_status(status);
            let mut cursor: Option<String> = None;
            loop {
                let page = table.list(&listing, PAGE, cursor.as_deref()).await.map_err(explain)?;
                let open = |tenant: &Tenant| {
                    tenant.progress.as_ref().is_some_and(|progress| {
                        matches!(progress.state, ProgressState::Pending | ProgressState::Running)
                    })
                };
                found.extend(page.items.into_iter().filter(open).map(|tenant| tenant.tenant_id));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(found)
    }
}

pub(crate) fn explain(error: AccessError) -> RecordError {
    match error {
        AccessError::Condition => RecordError::Conflict,
        other => RecordError::Failed(other.to_string()),
    }
}
