//! What those who run the platform ask for and are asked. A field that is not given is
//! left out, never null.

use serde::{Deserialize, Serialize};

use super::types::schema;
use crate::tenant::TenantId;

/// A region: what [`is_region`](crate::runtime_region::is_region) takes.
#[cfg(feature = "openapi")]
const REGION: &str = "^[a-z]+(-[a-z]+){1,3}-[0-9]{1,2}$";

/// The id of a run.
#[cfg(feature = "openapi")]
pub(super) const RUN: &str = "^[A-Za-z0-9._-]{1,100}$";

/// The id of a step.
#[cfg(feature = "openapi")]
pub(super) const STEP: &str = "^[a-z][a-z0-9_]{0,99}$";

schema! {
    /// What a tenant is to be told.
    #[serde(deny_unknown_fields)]
    pub struct NewNotice {
        /// What it is about.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 200)))]
        pub subject: String,
        /// What it says.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 10_000)))]
        pub message: String,
    }

    /// What a tenant was told. It is on the event bus as `platform.tenant.notified`.
    pub struct Notice {
        /// Its id, by which the event is known too.
        pub id: String,
        /// Whom it is for.
        pub tenant_id: TenantId,
        /// What it is about.
        pub subject: String,
        /// What it says.
        pub message: String,
        /// When it was sent (RFC 3339).
        pub sent_at: String,
    }

    /// How many invocations of a tenant's agents failed.
    pub struct ErrorRate {
        /// Whose they are.
        pub tenant_id: TenantId,
        /// From when on they are counted (RFC 3339).
        pub from: String,
        /// Until when (RFC 3339).
        pub until: String,
        /// How many there were that are over.
        pub invocations: u64,
        /// How many of them failed.
        pub failed: u64,
        /// The share that failed, from 0 to 1; 0 where there were none.
        pub rate: f64,
        /// Whether all that the tenant has were read; otherwise there are more than the
        /// 20,000 that were.
        pub complete: bool,
        /// The same in equal parts of the time, the oldest first.
        pub steps: Vec<ErrorRateStep>,
        /// The same by agent, the one with the most failures first.
        pub agents: Vec<AgentErrors>,
    }

    /// A part of the time.
    pub struct ErrorRateStep {
        /// When it begins (RFC 3339).
        pub from: String,
        /// Invocations that are over.
        pub invocations: u64,
        /// How many of them failed.
        pub failed: u64,
    }

    /// An agent's part.
    pub struct AgentErrors {
        /// The agent.
        pub agent: String,
        /// Invocations that are over.
        pub invocations: u64,
        /// How many of them failed.
        pub failed: u64,
    }

    /// Where the agents' runtime is to be.
    #[serde(deny_unknown_fields)]
    pub struct NewFailover {
        /// The region.
        #[cfg_attr(feature = "openapi", schemars(length(max = 40), regex(pattern = REGION)))]
        pub region: String,
        /// Why, for the audit trail.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 500)))]
        pub reason: String,
    }

    /// A request to move the agents' runtime. The API moves nothing: an operator carries it
    /// out with `platformctl ops set-runtime-region`, which holds the lock and proves that
    /// agents answer.
    pub struct FailoverRequest {
        /// Its id.
        pub id: String,
        /// Where agents are to run.
        pub region: String,
        /// Why.
        pub reason: String,
        /// Who asked for it.
        pub requested_by: String,
        /// When (RFC 3339).
        pub requested_at: String,
        /// How far it is.
        pub state: RequestState,
        /// The run that carried it out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub run: Option<String>,
        /// When it was carried out (RFC 3339).
        #[serde(skip_serializing_if = "Option::is_none")]
        pub fulfilled_at: Option<String>,
    }

    /// How far a request is.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "kebab-case")]
    pub enum RequestState {
        /// It waits for an operator.
        Requested,
        /// A newer one counts.
        Superseded,
        /// It was carried out.
        Fulfilled,
    }

    /// Where agents run, and who decided it.
    pub struct Failover {
        /// The region. Absent: they were never moved, and run where their stacks are; or
        /// the lock is kept in a bucket, which the API does not read.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub region: Option<String>,
        /// The fencing token of the decision.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub fence: Option<u64>,
        /// Where they ran before.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub previous: Option<String>,
        /// When it was decided (RFC 3339).
        #[serde(skip_serializing_if = "Option::is_none")]
        pub decided_at: Option<String>,
        /// Who holds the lock; absent: nobody.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub lock: Option<LockHolder>,
        /// What was asked for last.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub request: Option<FailoverRequest>,
    }

    /// Who holds a lock.
    pub struct LockHolder {
        /// The user.
        pub who: String,
        /// The machine.
        pub host: String,
        /// What is done under it.
        pub job: String,
        /// Why.
        pub reason: String,
        /// The run.
        pub run: String,
        /// The fencing token.
        pub fence: u64,
        /// Since when, by the holder's clock (RFC 3339).
        pub since: String,
    }

    /// Accounts that tenants are to be spread over.
    #[serde(deny_unknown_fields)]
    pub struct AccountSplit {
        /// The accounts, 12 digits each.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 100), extend("uniqueItems" = true), inner(regex(pattern = r"^[0-9]{12}$"))))]
        pub accounts: Vec<String>,
        /// Why, for the audit trail.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 500)))]
        pub reason: String,
    }

    /// Which tenants are to be in which account. It is a plan: the API makes no account and
    /// moves no tenant. Tenants without a stack of their own stay where they are, and are
    /// not in it.
    pub struct AccountPlan {
        /// Its id.
        pub id: String,
        /// Why it was asked for.
        pub reason: String,
        /// Who asked for it.
        pub requested_by: String,
        /// When (RFC 3339).
        pub requested_at: String,
        /// How far it is.
        pub state: RequestState,
        /// The most tenants that it puts in an account: 70 % of the roles that one may have.
        pub tenants_an_account: u32,
        /// The accounts, as they were named.
        pub accounts: Vec<PlannedAccount>,
        /// Tenants for whom there is no room.
        pub unplaced: Vec<TenantId>,
    }

    /// An account, and who is to be there.
    pub struct PlannedAccount {
        /// The account.
        pub account: String,
        /// Its tenants.
        pub tenants: Vec<TenantId>,
        /// How full its quotas would be of them, the fullest first.
        pub quotas: Vec<super::Quota>,
    }

    /// What a step of a run of a runbook asks people for.
    #[serde(deny_unknown_fields)]
    pub struct NewApproval {
        /// The run.
        #[cfg_attr(feature = "openapi", schemars(regex(pattern = RUN)))]
        pub run: String,
        /// The step.
        #[cfg_attr(feature = "openapi", schemars(regex(pattern = STEP)))]
        pub step: String,
        /// The number of the question in the run's journal.
        #[cfg_attr(feature = "openapi", schemars(range(max = 4_294_967_295_u32)))]
        pub number: u64,
        /// The runbook's id.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 100)))]
        pub runbook: String,
        /// What to look at, or to do.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schemars(length(max = 10_000)))]
        pub text: String,
        /// The roles of whom one may answer; none: anybody who runs the platform.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schemars(length(max = 20), inner(length(min = 1, max = 100))))]
        pub from: Vec<String>,
        /// What has to be said with the answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 1_000)))]
        pub evidence: Option<String>,
        /// Whether whoever asks may not answer.
        #[serde(default)]
        pub four_eyes: bool,
        /// For how many seconds it may be answered. Left out: for 30 days.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schemars(range(min = 1, max = 2_592_000)))]
        pub within_seconds: Option<u32>,
    }

    /// What a step of a run asks people for, and what they said.
    pub struct Approval {
        /// The run.
        pub run: String,
        /// The step.
        pub step: String,
        /// The number of the question in the run's journal.
        pub number: u64,
        /// The runbook's id.
        pub runbook: String,
        /// What to look at, or to do.
        pub text: String,
        /// The roles of whom one may answer; none: anybody who runs the platform.
        pub from: Vec<String>,
        /// What has to be said with the answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub evidence: Option<String>,
        /// Whether whoever asks may not answer.
        pub four_eyes: bool,
        /// Who asks.
        pub requested_by: String,
        /// When it was asked (RFC 3339).
        pub requested_at: String,
        /// Until when it may be answered (RFC 3339).
        pub until: String,
        /// What was said; absent: nothing yet.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub answer: Option<ApprovalAnswer>,
    }

    /// What somebody says.
    #[serde(deny_unknown_fields)]
    pub struct NewApprovalAnswer {
        /// Whether it is granted, or done.
        pub granted: bool,
        /// What shows that it was done, or why it is refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 1_000)))]
        pub evidence: Option<String>,
    }

    /// What somebody said.
    pub struct ApprovalAnswer {
        /// Whether it was granted, or done.
        pub granted: bool,
        /// Who said so.
        pub by: String,
        /// The roles that they have.
        pub roles: Vec<String>,
        /// When (RFC 3339).
        pub at: String,
        /// What they said.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub evidence: Option<String>,
    }
}
