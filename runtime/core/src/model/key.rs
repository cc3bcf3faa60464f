//! Keys of items: the one place where they are put together.
//!
//! The partition key of what belongs to tenants is the tenant's id, which has been
//! parsed; sort keys of several parts have [`SEPARATOR`] between them, which no id and no
//! name can hold. A prefix ends with it, so that `a` does not find what is `ab`'s.

use std::fmt;
use std::marker::PhantomData;

use serde_dynamo::AttributeValue;

use super::{
    APPROVALS, AccountPlan, Agent, AgentName, AgentVersion, Approval, Attributes, BillingSummary,
    Delivery, DeliveryId, FailoverRequest, Invocation, InvocationId, Item, Job, JobId, LockName,
    Notice, OperationId, OpsLock, Period, RunId, SemanticVersion, Session, SessionId, StepId,
    Tenant, TenantItem, Tool, ToolName, Webhook, WebhookId,
};
use crate::api::JobStatus;
use crate::tenant::TenantId;

/// Between the parts of a sort key.
pub const SEPARATOR: char = '#';

/// The key of an item of one type. That of what belongs to a tenant cannot be made
/// without the tenant's id.
pub struct Key<T> {
    partition: String,
    sort: Option<String>,
    of: PhantomData<fn() -> T>,
}

impl<T: Item> Key<T> {
    fn new_in(partition: &impl ToString, sort: Option<String>) -> Self {
        Self { partition: partition.to_string(), sort, of: PhantomData }
    }

    /// The value of the partition key.
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The value of the sort key, where the table has one.
    pub fn sort(&self) -> Option<&str> {
        self.sort.as_deref()
    }

    /// The attributes of the key.
    pub fn attributes(&self) -> Attributes {
        let sort = T::TABLE.sort_key.zip(self.sort.clone());
        std::iter::once((T::TABLE.partition_key, self.partition.clone()))
            .chain(sort)
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value)))
            .collect()
    }
}

impl<T: TenantItem> Key<T> {
    fn of_tenant(tenant: &TenantId, sort: String) -> Self {
        Self::new_in(tenant, Some(sort))
    }
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        Self { partition: self.partition.clone(), sort: self.sort.clone(), of: PhantomData }
    }
}

impl<T> PartialEq for Key<T> {
    fn eq(&self, other: &Self) -> bool {
        self.partition == other.partition && self.sort == other.sort
    }
}

impl<T> Eq for Key<T> {}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}", self.partition)?;
        self.sort.iter().try_for_each(|sort| write!(f, ", {sort}"))?;
        f.write_str(")")
    }
}

impl Key<Tenant> {
    /// A tenant's own record.
    pub fn new(tenant: &TenantId) -> Self {
        Self::new_in(tenant, None)
    }
}

impl Key<Agent> {
    /// One version of an agent.
    pub fn new(tenant: &TenantId, name: &AgentName, version: AgentVersion) -> Self {
        Self::of_tenant(tenant, join([name.as_str(), &version.in_key()]))
    }
}

impl Key<Invocation> {
    /// An invocation.
    pub fn new(tenant: &TenantId, id: InvocationId) -> Self {
        Self::of_tenant(tenant, id.to_string())
    }
}

impl Key<Job> {
    /// A job.
    pub fn new(tenant: &TenantId, id: JobId) -> Self {
        Self::of_tenant(tenant, id.to_string())
    }
}

impl Key<Session> {
    /// A session.
    pub fn new(tenant: &TenantId, id: SessionId) -> Self {
        Self::of_tenant(tenant, id.to_string())
    }
}

impl Key<Tool> {
    /// One version of a tool.
    pub fn new(tenant: &TenantId, name: &ToolName, version: &SemanticVersion) -> Self {
        Self::of_tenant(tenant, join([name.as_str(), &version.in_key()]))
    }
}

/// Webhooks and deliveries share a table: what an item is stands first in its key.
pub(super) const WEBHOOK: &str = "webhook";
pub(super) const DELIVERY: &str = "delivery";

impl Key<Webhook> {
    /// A webhook.
    pub fn new(tenant: &TenantId, id: WebhookId) -> Self {
        Self::of_tenant(tenant, join([WEBHOOK, &id.to_string()]))
    }
}

impl Key<Delivery> {
    /// A delivery of a webhook.
    pub fn new(tenant: &TenantId, webhook: WebhookId, id: DeliveryId) -> Self {
        Self::of_tenant(tenant, join([DELIVERY, &webhook.to_string(), &id.to_string()]))
    }
}

impl Key<OpsLock> {
    /// A lock.
    pub fn new(name: &LockName) -> Self {
        Self::new_in(name, None)
    }
}

impl Key<BillingSummary> {
    /// What a tenant used in a month.
    pub fn new(tenant: &TenantId, period: &Period) -> Self {
        Self::new_in(tenant, Some(period.to_string()))
    }
}

/// The partitions of the table of operations. A notice's ends with its tenant's id.
pub(super) const NOTICES: &str = "notice";
pub(super) const FAILOVERS: &str = "failover";
pub(super) const ACCOUNT_PLANS: &str = "account-plan";

impl Key<Notice> {
    /// A notice to a tenant.
    pub fn new(tenant: &TenantId, id: OperationId) -> Self {
        Self::new_in(&join([NOTICES, tenant.as_str()]), Some(id.to_string()))
    }
}

impl Key<FailoverRequest> {
    /// A request to move agents.
    pub fn new(id: OperationId) -> Self {
        Self::new_in(&FAILOVERS, Some(id.to_string()))
    }
}

impl Key<AccountPlan> {
    /// A plan of accounts.
    pub fn new(id: OperationId) -> Self {
        Self::new_in(&ACCOUNT_PLANS, Some(id.to_string()))
    }
}

impl Key<Approval> {
    /// What a step of a run asks for.
    pub fn new(run: &RunId, step: &StepId) -> Self {
        Self::new_in(&APPROVALS, Some(join([run.as_str(), step.as_str()])))
    }
}

/// The sort key of the index by agent.
pub(super) fn by_agent(agent: &AgentName, invocation: InvocationId) -> String {
    join([agent.as_str(), &invocation.to_string()])
}

/// The sort key of the index by status.
pub(super) fn by_status(status: JobStatus, job: JobId) -> String {
    join([job_status(status), &job.to_string()])
}

/// The status as it stands in items and keys.
pub fn job_status(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Queued => "queued",
        JobStatus::Running => "running",
        JobStatus::Succeeded => "succeeded",
        JobStatus::Failed => "failed",
        JobStatus::Cancelled => "cancelled",
    }
}

pub(super) fn join<const N: usize>(parts: [&str; N]) -> String {
    debug_assert!(parts.iter().all(|part| !part.is_empty() && !part.contains(SEPARATOR)));
    parts.join("#")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_with_the_names_of_its_table() {
        let key = Key::<BillingSummary>::new(&"acme".parse().unwrap(), &"2026-11".parse().unwrap());
        let attributes = key.attributes();
        assert_eq!(attributes["tenant_id"], AttributeValue::S("acme".into()));
        assert_eq!(attributes["period"], AttributeValue::S("2026-11".into()));
        assert_eq!(format!("{key:?}"), "Key(acme, 2026-11)");
        assert_eq!(Key::<OpsLock>::new(&"deploy".parse().unwrap()).attributes().len(), 1);
    }
}
