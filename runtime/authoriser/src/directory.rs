//! Who the tenants are: asked of the table, and remembered for some seconds.

use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use runtime_core::model::Tenant;
use runtime_core::tenant::TenantId;

use crate::clock::Clock;
use crate::reason::Reason;

/// For how long an answer counts, also that there is no such tenant. A tenant that is
/// suspended, and a key that has been ended, are good for as long.
pub const FRESH: Duration = Duration::from_secs(5);

/// How many answers are remembered. One has about a kilobyte.
const MOST: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();

/// The tenants are out of reach; the text says why, for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DirectoryError(pub String);

/// Somebody who knows the tenants.
pub trait Directory: Send + Sync {
    /// What is known of a tenant; nothing: there is none.
    fn tenant(
        &self,
        id: &TenantId,
    ) -> impl Future<Output = Result<Option<Tenant>, DirectoryError>> + Send;
}

type Remembered = (Duration, Option<Arc<Tenant>>);

/// A directory that remembers.
#[derive(Debug)]
pub(crate) struct Tenants<D> {
    directory: D,
    remembered: Mutex<LruCache<TenantId, Remembered>>,
}

impl<D: Directory> Tenants<D> {
    pub(crate) fn new(directory: D) -> Self {
        Self { directory, remembered: Mutex::new(LruCache::new(MOST)) }
    }

    /// What is known of a tenant.
    pub(crate) async fn get(
        &self,
        id: &TenantId,
        clock: &impl Clock,
    ) -> Result<Option<Arc<Tenant>>, Reason> {
        let now = clock.now().steady;
        {
            let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((asked, state)) = remembered.get(id)
                && now.saturating_sub(*asked) < FRESH
            {
                return Ok(state.clone());
            }
        }
        let state = self.directory.tenant(id).await.map_err(|error| {
            tracing::warn!(%error, "the tenants are out of reach");
            Reason::TenantsUnavailable
        })?;
        let state = state.map(Arc::new);
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.put(id.clone(), (now, state.clone()));
        Ok(state)
    }
}
