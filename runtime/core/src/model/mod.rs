//! What the tables hold.
//!
//! One file an item. Fields have types that are valid as soon as they exist
//! ([`Text`], [`Timestamp`], [`HttpsUrl`], ids), and [`Item`] checks what fields cannot
//! say alone: when an item is written and when it is read. Where an item stands is its
//! [`Key`], and lists are [`Listing`]s: both are put together in one file.
//!
//! ```
//! use runtime_core::model::{Item, Key, Session, SessionId, Timestamp, Revision};
//!
//! let now: Timestamp = "2026-11-21T08:00:00Z".parse()?;
//! let session = Session {
//!     tenant_id: "acme".parse()?,
//!     session_id: SessionId::generate(),
//!     agent: "helper".parse()?,
//!     created_at: now,
//!     expires_at: now.plus_seconds(3_600).seconds(),
//!     request_digest: None,
//!     revision: Revision::FIRST,
//! };
//! let attributes = session.to_attributes()?;
//! assert_eq!(Session::from_attributes(attributes)?, session);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod agent;
mod api;
mod api_key;
mod billing;
mod cursor;
mod hex;
mod idempotency;
mod ids;
mod invocation;
mod item;
mod job;
mod key;
mod listing;
mod operation;
mod ops_lock;
mod revision;
mod session;
mod tenant;
mod tool;
mod url;
mod value;
mod webhook;

#[cfg(any(test, feature = "testing"))]
pub mod samples;
#[cfg(test)]
mod tests;

pub use agent::{Agent, Definition};
pub use api_key::{ApiKey, ApiKeyHash, ApiKeyId, ApiKeyToken};
pub use billing::{BillingSummary, Usage};
pub use cursor::{Cursor, InvalidCursor};
pub use idempotency::{IdempotencyKey, Repeat, RequestDigest};
pub use ids::{
    AgentName, AgentVersion, DeliveryId, InvocationId, JobId, LockName, OperationId, Period,
    RequestedId, RunId, SemanticVersion, SessionId, StepId, ToolName, WebhookId, WriteId,
};
pub use invocation::{Invocation, InvocationStatus};
pub use item::{
    Attributes, Item, ModelError, PlatformItem, REVISION, RequestedItem, TenantItem, VERSION,
};
pub use job::Job;
pub use key::{Key, SEPARATOR, job_status};
pub use listing::{Listing, Partition};
pub use operation::{
    APPROVALS, AccountPlan, Approval, ApprovalReply, FailoverRequest, Fulfilled, Notice, Placed,
};
pub use ops_lock::{Guarded, Holder, LockWrite, OpsLock};
pub use revision::Revision;
pub use serde_dynamo::AttributeValue;
pub use session::Session;
pub use tenant::{MOST_API_KEYS, Progress, ProgressState, Tenant, TenantStatus, Work};
pub use tool::Tool;
pub use url::{HttpsUrl, is_public};
pub use value::{Email, Invalid, MonthlyUsd, Text, Timestamp};
pub use webhook::{Delivery, DeliveryState, MOST_ATTEMPTS, Webhook};
