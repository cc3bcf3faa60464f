//! What is asked of those who run the platform, and what they say.
//!
//! Nothing here is carried out by whoever wrote it: a request waits in the table for the
//! command line, which holds the locks and proves what it does.

use serde::{Deserialize, Serialize};

use super::invocation::expires_later;
use super::{
    Invalid, Item, Key, OperationId, PlatformItem, RequestDigest, Revision, RunId, StepId, Text,
    Timestamp,
};
use crate::tables::{OPERATIONS, Table};
use crate::tenant::TenantId;

/// The partition of approvals.
pub const APPROVALS: &str = "approval";

/// What a tenant was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Whom.
    pub tenant_id: TenantId,
    /// Its id.
    pub notice_id: OperationId,
    /// What it is about.
    pub subject: Text<1, 200>,
    /// What it says.
    pub message: Text<1, 10_000>,
    /// Who sent it.
    pub sent_by: Text<1, 200>,
    /// When.
    pub created_at: Timestamp,
    /// When it may go, in seconds since 1970.
    pub expires_at: i64,
    /// What made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<RequestDigest>,
    /// How often it was written.
    pub revision: Revision,
}

/// Somebody wants agents to be moved to another region. Of several that wait, the newest
/// counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverRequest {
    /// Its id.
    pub request_id: OperationId,
    /// Where they are to run.
    pub region: Text<1, 40>,
    /// Why.
    pub reason: Text<1, 500>,
    /// Who wants it.
    pub requested_by: Text<1, 200>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Who moved them; absent: nobody yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfilled: Option<Fulfilled>,
    /// When it may go, in seconds since 1970.
    pub expires_at: i64,
    /// What made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<RequestDigest>,
    /// How often it was written.
    pub revision: Revision,
}

/// A request was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilled {
    /// The run that did it.
    pub run_id: RunId,
    /// Who ran it.
    pub by: Text<1, 200>,
    /// The fencing token of the decision.
    pub token: u64,
    /// When.
    pub at: Timestamp,
}

/// Which tenants with a stack of their own are to be in which account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountPlan {
    /// Its id.
    pub plan_id: OperationId,
    /// Why.
    pub reason: Text<1, 500>,
    /// Who wants it.
    pub requested_by: Text<1, 200>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The most tenants that it puts in an account.
    pub tenants_an_account: u32,
    /// By account, in the order in which they were named.
    pub accounts: Vec<Placed>,
    /// Those for whom there is no room.
    pub unplaced: Vec<TenantId>,
    /// When it may go, in seconds since 1970.
    pub expires_at: i64,
    /// What made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<RequestDigest>,
    /// How often it was written.
    pub revision: Revision,
}

/// The tenants of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// The account, 12 digits.
    pub account: Text<12, 12>,
    /// Who is to be there.
    pub tenants: Vec<TenantId>,
}

/// What a step of a run asks people for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The run.
    pub run_id: RunId,
    /// The step.
    pub step: StepId,
    /// The number of the question in the run's journal: asked again, it is another.
    pub number: u64,
    /// The runbook's id.
    pub runbook: Text<1, 100>,
    /// What to look at, or to do.
    pub text: Text<0, 10_000>,
    /// The roles of whom one may answer; none: anybody who runs the platform.
    pub from: Vec<Text<1, 100>>,
    /// What has to be said with the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Text<1, 1_000>>,
    /// Whether whoever asks may not answer.
    #[serde(default)]
    pub four_eyes: bool,
    /// Who asks.
    pub requested_by: Text<1, 200>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// Until when it may be answered; absent: for as long as it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<ApprovalReply>,
    /// When it may go, in seconds since 1970.
    pub expires_at: i64,
    /// How often it was written.
    pub revision: Revision,
}

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalReply {
    /// Whether it was granted, or done.
    pub granted: bool,
    /// Who said so.
    pub by: Text<1, 200>,
    /// The roles that they have.
    pub roles: Vec<Text<1, 100>>,
    /// When.
    pub at: Timestamp,
    /// What they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Text<1, 1_000>>,
}

macro_rules! operation {
    ($($item:ident: $key:expr;)*) => { $(
        impl Item for $item {
            const TABLE: Table = OPERATIONS;

            fn key(&self) -> Key<Self> {
                let key: fn(&Self) -> Key<Self> = $key;
                key(self)
            }

            fn revision(&self) -> Option<Revision> {
                Some(self.revision)
            }

            fn with_revision(self, revision: Revision) -> Self {
                Self { revision, ..self }
            }

            fn check(&self) -> Result<(), Invalid> {
                expires_later(self.created_at, self.expires_at)
            }
        }

        impl PlatformItem for $item {}
    )* };
}
operation! {
    Notice: |it| Key::<Self>::new(&it.tenant_id, it.notice_id);
    FailoverRequest: |it| Key::<Self>::new(it.request_id);
    AccountPlan: |it| Key::<Self>::new(it.plan_id);
    Approval: |it| Key::<Self>::new(&it.run_id, &it.step);
}

impl FailoverRequest {
    /// The newest of those that nobody carried out, of all there are.
    pub fn open(all: Vec<Self>) -> Option<Self> {
        let newest = all.into_iter().max_by_key(|it| (it.created_at, it.request_id));
        newest.filter(|it| it.fulfilled.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn of_requests_the_newest_counts_and_only_while_it_is_open() {
        let first = samples::failover_request();
        let second =
            FailoverRequest { created_at: first.created_at.plus_seconds(1), ..first.clone() };
        let all = || vec![second.clone(), first.clone()];
        assert_eq!(FailoverRequest::open(all()), Some(second.clone()));
        let done = FailoverRequest { fulfilled: Some(samples::fulfilled()), ..second.clone() };
        assert_eq!(FailoverRequest::open(vec![done, first.clone()]), None, "the former is past");
        assert_eq!(FailoverRequest::open(Vec::new()), None);
    }
}
