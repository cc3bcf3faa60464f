//! Sessions of users with agents.

use serde::{Deserialize, Serialize};

use super::invocation::expires_later;
use super::{
    AgentName, Invalid, Item, Key, RequestDigest, Revision, SessionId, TenantItem, Timestamp,
};
use crate::tables::{SESSIONS, Table};
use crate::tenant::TenantId;

/// A session of a user with an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its id.
    pub session_id: SessionId,
    /// The agent.
    pub agent: AgentName,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself, in seconds since 1970.
    pub expires_at: i64,
    /// What made it, if the request may come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<RequestDigest>,
    /// How often it was written.
    pub revision: Revision,
}

impl Session {
    /// Whether it has ended; a session ends at its moment, however long the table keeps
    /// the item.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        now.seconds() >= self.expires_at
    }
}

impl Item for Session {
    const TABLE: Table = SESSIONS;

    fn key(&self) -> Key<Self> {
        Key::<Self>::new(&self.tenant_id, self.session_id)
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

impl TenantItem for Session {
    fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }
}
