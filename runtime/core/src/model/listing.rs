//! Lists of items: which keys they ask for.

use std::fmt;
use std::marker::PhantomData;

use super::key::{ACCOUNT_PLANS, DELIVERY, FAILOVERS, WEBHOOK, job_status, join};
use super::{
    APPROVALS, AccountPlan, Agent, AgentName, Approval, BillingSummary, Delivery, FailoverRequest,
    Invocation, Item, Job, Period, Session, Tenant, TenantStatus, Tool, ToolName, Webhook,
    WebhookId,
};
use crate::api::JobStatus;
use crate::tables::{BILLING, INVOCATIONS, Index, JOBS, TENANTS};
use crate::tenant::TenantId;

/// What a list holds: the items of one type whose keys begin alike, in the order of keys.
pub struct Listing<T> {
    index: Option<Index>,
    partition: Partition,
    prefix: String,
    newest_first: bool,
    of: PhantomData<fn() -> T>,
}

/// Whose a list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Partition {
    /// That of the tenant for whom it is read, whoever that is.
    Tenant,
    /// One that operators read, such as a status.
    Fixed(String),
}

impl<T: Item> Listing<T> {
    fn of_table(partition: Partition, prefix: String) -> Self {
        Self { index: None, partition, prefix, newest_first: false, of: PhantomData }
    }

    fn of_index(index: Index, partition: Partition, prefix: String) -> Self {
        Self { index: Some(index), ..Self::of_table(partition, prefix) }
    }

    /// The other way round: ids and versions grow, so that the newest come first.
    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// Whether it is the other way round.
    pub fn is_newest_first(&self) -> bool {
        self.newest_first
    }

    /// The index that is read, where it is not the table.
    pub fn index(&self) -> Option<Index> {
        self.index
    }

    /// Whose it is.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// What sort keys begin with; empty: anything.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl<T> fmt::Debug for Listing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("index", &self.index.map(|index| index.name))
            .field("partition", &self.partition)
            .field("prefix", &self.prefix)
            .field("newest_first", &self.newest_first)
            .finish_non_exhaustive()
    }
}

fn prefix<const N: usize>(parts: [&str; N]) -> String {
    join(parts) + "#"
}

impl Listing<Agent> {
    /// Every version of every agent.
    pub fn all() -> Self {
        Self::of_table(Partition::Tenant, String::new())
    }

    /// The versions of an agent.
    pub fn versions_of(name: &AgentName) -> Self {
        Self::of_table(Partition::Tenant, prefix([name.as_str()]))
    }
}

impl Listing<Invocation> {
    /// Every invocation.
    pub fn all() -> Self {
        Self::of_table(Partition::Tenant, String::new())
    }

    /// The invocations of an agent.
    pub fn of_agent(name: &AgentName) -> Self {
        Self::of_index(INVOCATIONS.indexes[0], Partition::Tenant, prefix([name.as_str()]))
    }
}

impl Listing<Job> {
    /// Every job.
    pub fn all() -> Self {
        Self::of_table(Partition::Tenant, String::new())
    }

    /// The jobs that are this far.
    pub fn with_status(status: JobStatus) -> Self {
        Self::of_index(JOBS.indexes[0], Partition::Tenant, prefix([job_status(status)]))
    }
}

impl Listing<Session> {
    /// Every session.
    pub fn all() -> Self {
        Self::of_table(Partition::Tenant, String::new())
    }
}

impl Listing<Tool> {
    /// Every version of every tool.
    pub fn all() -> Self {
        Self::of_table(Partition::Tenant, String::new())
    }

    /// The versions of a tool.
    pub fn versions_of(name: &ToolName) -> Self {
        Self::of_table(Partition::Tenant, prefix([name.as_str()]))
    }
}

impl Listing<Webhook> {
    /// Every webhook; no deliveries.
    pub fn all() -> Self {
        Self::of_table(Partition::Tenant, prefix([WEBHOOK]))
    }
}

impl Listing<Delivery> {
    /// The deliveries of a webhook.
    pub fn of_webhook(webhook: WebhookId) -> Self {
        Self::of_table(Partition::Tenant, prefix([DELIVERY, &webhook.to_string()]))
    }
}

impl Listing<Tenant> {
    /// The tenants of a status, the oldest first.
    pub fn with_status(status: TenantStatus) -> Self {
        let partition = Partition::Fixed(status.name().to_owned());
        Self::of_index(TENANTS.indexes[0], partition, String::new())
    }
}

impl Listing<FailoverRequest> {
    /// Every request, in no order of time.
    pub fn all() -> Self {
        Self::of_table(Partition::Fixed(FAILOVERS.to_owned()), String::new())
    }
}

impl Listing<AccountPlan> {
    /// Every plan, in no order of time.
    pub fn all() -> Self {
        Self::of_table(Partition::Fixed(ACCOUNT_PLANS.to_owned()), String::new())
    }
}

impl Listing<Approval> {
    /// Every approval, by run.
    pub fn all() -> Self {
        Self::of_table(Partition::Fixed(APPROVALS.to_owned()), String::new())
    }
}

impl Listing<BillingSummary> {
    /// What all tenants used in a month.
    pub fn of_period(period: &Period) -> Self {
        Self::of_index(BILLING.indexes[0], Partition::Fixed(period.to_string()), String::new())
    }

    /// What a tenant used, month by month.
    pub fn of_tenant(tenant: &TenantId) -> Self {
        Self::of_table(Partition::Fixed(tenant.to_string()), String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::by_status;
    use super::super::{AgentVersion, DeliveryId, JobId, Key};
    use super::*;

    fn agent(name: &str) -> AgentName {
        name.parse().unwrap()
    }

    #[test]
    fn names_that_begin_alike_are_not_confused() {
        let tenant: TenantId = "acme".parse().unwrap();
        let names = ["a", "ab", "a-b", "a-", "a0"];
        for one in names {
            let versions = Listing::<Agent>::versions_of(&agent(one));
            for other in names {
                let key = Key::<Agent>::new(&tenant, &agent(other), AgentVersion::FIRST);
                let found = key.sort().unwrap().starts_with(versions.prefix());
                assert_eq!(found, one == other, "{one} finds {other}");
            }
        }
    }

    #[test]
    fn webhooks_and_their_deliveries_are_found_apart() {
        let tenant: TenantId = "acme".parse().unwrap();
        let (webhook, other) = (WebhookId::generate(), WebhookId::generate());
        let hook = Key::<Webhook>::new(&tenant, webhook);
        let delivery = Key::<Delivery>::new(&tenant, webhook, DeliveryId::generate());
        let starts = |key: Option<&str>, prefix: &str| key.unwrap().starts_with(prefix);
        assert!(starts(hook.sort(), Listing::<Webhook>::all().prefix()));
        assert!(!starts(delivery.sort(), Listing::<Webhook>::all().prefix()));
        assert!(starts(delivery.sort(), Listing::<Delivery>::of_webhook(webhook).prefix()));
        assert!(!starts(delivery.sort(), Listing::<Delivery>::of_webhook(other).prefix()));
        assert!(!starts(hook.sort(), Listing::<Delivery>::of_webhook(webhook).prefix()));
    }

    #[test]
    fn every_status_has_its_own_list_and_the_indexes_are_those_meant() {
        let all = [
            JobStatus::Queued,
            JobStatus::Running,
            JobStatus::Succeeded,
            JobStatus::Failed,
            JobStatus::Cancelled,
        ];
        for status in all {
            assert_eq!(serde_json::to_value(status).unwrap(), job_status(status));
            let key = by_status(status, JobId::generate());
            let lists =
                all.iter().filter(|it| key.starts_with(Listing::<Job>::with_status(**it).prefix()));
            assert_eq!(lists.count(), 1);
        }
        let sort_key = |index: Option<Index>| index.map(|it| it.sort_key);
        assert_eq!(
            sort_key(Listing::<Job>::with_status(JobStatus::Failed).index()),
            Some("status_job")
        );
        assert_eq!(sort_key(Listing::of_agent(&agent("a")).index()), Some("agent_invocation"));
        assert_eq!(
            sort_key(Listing::<Tenant>::with_status(TenantStatus::Active).index()),
            Some("created_at")
        );
    }
}
