//! Asynchronous jobs.

use serde::{Deserialize, Serialize};

use super::invocation::expires_later;
use super::{
    AgentName, Invalid, Item, JobId, Key, RequestDigest, Revision, TenantItem, Text, Timestamp, key,
};
use crate::api::JobStatus;
use crate::tables::{JOBS, Table};
use crate::tenant::TenantId;

/// Work that is done in the background.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its id.
    pub job_id: JobId,
    /// The agent that does it.
    pub agent: AgentName,
    /// The task. However many bytes its characters have, it fits an item.
    pub input: Text<1, 100_000>,
    /// How far it is.
    pub status: JobStatus,
    /// Where its result is, below the tenant's prefix of the bucket of results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Text<1, 500>>,
    /// Why it could not be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Text<1, 2_000>>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was written last.
    pub updated_at: Timestamp,
    /// When it may go, in seconds since 1970.
    pub expires_at: i64,
    /// What made it, if the request may come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<RequestDigest>,
    /// How often it was written.
    pub revision: Revision,
}

impl Item for Job {
    const TABLE: Table = JOBS;

    fn key(&self) -> Key<Self> {
        Key::<Self>::new(&self.tenant_id, self.job_id)
    }

    fn index_keys(&self) -> Vec<(&'static str, String)> {
        vec![("status_job", key::by_status(self.status, self.job_id))]
    }

    fn revision(&self) -> Option<Revision> {
        Some(self.revision)
    }

    fn with_revision(self, revision: Revision) -> Self {
        Self { revision, ..self }
    }

    fn check(&self) -> Result<(), Invalid> {
        let invalid = |what, expected| Err(Invalid { what, expected });
        if self.result.is_some() && self.status != JobStatus::Succeeded {
            return invalid("result", "none unless the job is done");
        }
        if self.error.is_some() != (self.status == JobStatus::Failed) {
            return invalid("error", "a cause exactly when the job has failed");
        }
        if self.updated_at < self.created_at {
            return invalid("updated_at", "a moment that is not before created_at");
        }
        expires_later(self.created_at, self.expires_at)
    }
}

impl TenantItem for Job {
    fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }
}
