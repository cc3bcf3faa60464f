//! Access to data: the only way in which functions reach tables and buckets.
//!
//! For a tenant there are [`TenantScopedDynamoDb`] and [`TenantScopedS3`]. They are made
//! for a [`Scope`], which is made from a verified caller; no operation says for whom it
//! is. What belongs to the platform is reached through [`OperatorDynamoDb`], for an
//! [`OperatorScope`], which no tenant's caller can become.
//!
//! A tenant's data is confined four times: keys are made of the tenant's id; each
//! operation is looked at before it is sent, and each item and key that comes back;
//! the credentials are those of a session that reaches that tenant's data alone
//! ([`NarrowedCredentials`]). Whoever reaches outside gets a 403, and a
//! [`TenantAccessViolation`] is counted, logged and recorded.
//!
//! ```no_run
//! # use std::sync::Arc;
//! use runtime_core::access::{
//!     Acting, Connections, DynamoDb, LogAudit, NarrowedCredentials, Scope, TenantScopedDynamoDb,
//!     Watchers,
//! };
//! use runtime_core::caller::VerifiedCaller;
//! use runtime_core::model::{Job, Listing};
//! use runtime_core::telemetry::Metrics;
//!
//! # async fn example(caller: VerifiedCaller) -> Result<(), Box<dyn std::error::Error>> {
//! // Once, where the function starts:
//! let connections = Connections::from_environment().await;
//! let acting = Acting::from_variables(|name| std::env::var(name).ok())?;
//! let narrowed = NarrowedCredentials::new(connections.sts(), acting, "acme-dev", None);
//! let metrics = Metrics::from_variables(|name| std::env::var(name).ok()).ok_or("METRICS_NAMESPACE is not set")?;
//! let watchers = Watchers { audit: Arc::new(LogAudit), metrics };
//! // For each request:
//! let scope = Scope::tenant(&caller);
//! let client = connections.with(narrowed.of(&scope).await?).dynamodb();
//! let tables = Arc::new(DynamoDb::new(client, "acme-dev"));
//! let data = TenantScopedDynamoDb::new(scope, tables, watchers);
//! let page = data.list(&Listing::<Job>::all().newest_first(), 50, None).await?;
//! # Ok(())
//! # }
//! ```

mod audit;
mod backend;
mod connect;
mod credentials;
mod dynamodb;
mod error;
mod expressions;
mod guard;
mod items;
#[cfg(any(test, feature = "testing"))]
mod memory;
mod objects;
mod operation;
mod operator;
mod s3;
mod scope;
mod sdk;
#[cfg(any(test, feature = "testing"))]
mod wire;

#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "testing"))]
pub use audit::MemoryAudit;
pub use audit::{ACCESS_PREFIX, Audit, AuditKind, AuditRecord, LogAudit, Recorded, S3Audit};
pub use backend::{Backend, ObjectBackend, Pending};
pub use connect::Connections;
pub use credentials::{Acting, NarrowedCredentials};
pub use dynamodb::{Created, TenantScopedDynamoDb, Transaction};
pub use error::{AccessError, BackendError, TenantAccessViolation};
pub use guard::Watchers;
pub use items::LARGEST_PAGE;
#[cfg(any(test, feature = "testing"))]
pub use memory::{MemoryBucket, MemoryTables};
pub use objects::{LONGEST_PRESIGNED, ObjectKey, ObjectOperation, ObjectReply, TenantScopedS3};
pub use operation::{BatchWrite, Change, Condition, Operation, Query, Reply, Update, Write};
pub use operator::{OperatorDynamoDb, OwnTenant, TenantDirectory};
pub use s3::S3Bucket;
pub use scope::{OperatorScope, Scope};
pub use sdk::DynamoDb;
#[cfg(any(test, feature = "testing"))]
pub use wire::{Sent, Wire};
