//! Invocations of agents, in order of time.

use serde::{Deserialize, Serialize};

use super::{
    AgentName, AgentVersion, Invalid, InvocationId, Item, Key, RequestDigest, Revision, SessionId,
    TenantItem, Text, Timestamp, key,
};
use crate::tables::{INVOCATIONS, Table};
use crate::tenant::TenantId;

/// How an invocation went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InvocationStatus {
    /// The agent works.
    Running,
    /// It answered.
    Succeeded,
    /// It did not.
    Failed,
}

/// An invocation of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its id.
    pub invocation_id: InvocationId,
    /// The agent.
    pub agent: AgentName,
    /// The version of the agent that answered.
    pub agent_version: AgentVersion,
    /// The session that it belongs to.
    pub session_id: SessionId,
    /// How it went.
    pub status: InvocationStatus,
    /// The answer, kept for a request that comes again. A longer one is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Text<0, 90_000>>,
    /// Tokens that the model read.
    #[serde(default)]
    pub input_tokens: u64,
    /// Tokens that the model wrote.
    #[serde(default)]
    pub output_tokens: u64,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub milliseconds: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it may go, in seconds since 1970.
    pub expires_at: i64,
    /// What made it, if the request may come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<RequestDigest>,
    /// How often it was written.
    pub revision: Revision,
}

impl Item for Invocation {
    const TABLE: Table = INVOCATIONS;

    fn key(&self) -> Key<Self> {
        Key::<Self>::new(&self.tenant_id, self.invocation_id)
    }

    fn index_keys(&self) -> Vec<(&'static str, String)> {
        vec![("agent_invocation", key::by_agent(&self.agent, self.invocation_id))]
    }

    fn revision(&self) -> Option<Revision> {
        Some(self.revision)
    }

    fn with_revision(self, revision: Revision) -> Self {
        Self { revision, ..self }
    }

    fn check(&self) -> Result<(), Invalid> {
        if self.output.is_some() && self.status != InvocationStatus::Succeeded {
            return Err(Invalid { what: "output", expected: "none unless the agent answered" });
        }
        expires_later(self.created_at, self.expires_at)
    }
}

/// Something expires after it was made.
pub(super) fn expires_later(created_at: Timestamp, expires_at: i64) -> Result<(), Invalid> {
    if expires_at > created_at.seconds() {
        Ok(())
    } else {
        Err(Invalid { what: "expires_at", expected: "a moment after created_at" })
    }
}

impl TenantItem for Invocation {
    fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }
}
