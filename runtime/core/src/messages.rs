//! What the queues of work and the event bus carry between functions.
//!
//! A message names what it is about and says nothing that a table says too: who takes it
//! reads the record. It may arrive twice, and the record may be ahead of it.

use serde::{Deserialize, Serialize};

use crate::tenant::{TenantId, Tier};

/// The source of the platform's events.
pub const SOURCE: &str = "platform";

/// A tenant was made. Siloed ones may still be waiting for their stack.
pub const TENANT_CREATED: &str = "platform.tenant.created";

/// A tenant has another tier.
pub const TENANT_TIER_CHANGED: &str = "platform.tenant.tier_changed";

/// A tenant was deleted: it may use nothing any more, and its data goes at
/// [`TenantEvent::purge_at`].
pub const TENANT_DELETED: &str = "platform.tenant.deleted";

/// A tenant was told something ([`TenantNotified`]).
pub const TENANT_NOTIFIED: &str = "platform.tenant.notified";

/// Somebody wants agents to be moved ([`FailoverRequested`]).
pub const FAILOVER_REQUESTED: &str = "platform.failover.requested";

/// How long what a deleted tenant had is kept, in seconds: 30 days.
pub const KEPT_SECONDS: u32 = 30 * 24 * 60 * 60;

/// What a message of [`PROVISIONING`](crate::queues::PROVISIONING) asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisionTenant {
    /// Whose.
    pub tenant_id: TenantId,
    /// `create`, `change` or `delete`, as the tenant's `progress.work` has it.
    pub work: String,
    /// From when on what the tenant has may go (RFC 3339); with `delete` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purge_at: Option<String>,
}

/// What a message of [`JOBS`](crate::queues::JOBS) asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunJob {
    /// Whose.
    pub tenant_id: TenantId,
    /// The job's id.
    pub job_id: String,
}

/// The detail of an event about a tenant. Events are delivered at least once:
/// [`id`](Self::id) is the same each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantEvent {
    /// The event's own id, by which it is known again.
    pub id: String,
    /// Whom it is about.
    pub tenant_id: TenantId,
    /// The tier, after the event.
    pub tier: Tier,
    /// When it happened (RFC 3339).
    pub at: String,
    /// From when on the tenant's data may go (RFC 3339); with
    /// [`TENANT_DELETED`] alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purge_at: Option<String>,
}

/// The detail of [`TENANT_NOTIFIED`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantNotified {
    /// The notice's id, by which the event is known again.
    pub id: String,
    /// Whom it is for.
    pub tenant_id: TenantId,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub message: String,
    /// When it was sent (RFC 3339).
    pub at: String,
}

/// The detail of [`FAILOVER_REQUESTED`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverRequested {
    /// The request's id, by which the event is known again.
    pub id: String,
    /// Where agents are to run.
    pub region: String,
    /// Why.
    pub reason: String,
    /// Who wants it.
    pub requested_by: String,
    /// When it was asked for (RFC 3339).
    pub at: String,
}
