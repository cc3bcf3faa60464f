//! Agents of tenants, by name and version.

use serde::{Deserialize, Serialize};

use super::{
    AgentName, AgentVersion, Invalid, Item, Key, RequestDigest, Revision, TenantItem, Text,
    Timestamp, ToolName,
};
use crate::tables::{AGENTS, Table};
use crate::tenant::TenantId;

/// The most tools of an agent.
const MOST_TOOLS: usize = 50;

/// What an agent is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// What it is told before anything else.
    pub instructions: Text<1, 20_000>,
    /// The id of its model; absent: the platform's choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Text<1, 200>>,
    /// The tools that it may call.
    #[serde(default)]
    pub tools: Vec<ToolName>,
}

/// One version of an agent. Versions do not change: a change makes the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its name.
    pub name: AgentName,
    /// Its version.
    pub version: AgentVersion,
    /// What it is.
    pub definition: Definition,
    /// When this version was made.
    pub created_at: Timestamp,
    /// What made it, if the request may come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<RequestDigest>,
    /// How often it was written.
    pub revision: Revision,
}

impl Item for Agent {
    const TABLE: Table = AGENTS;

    fn key(&self) -> Key<Self> {
        Key::<Self>::new(&self.tenant_id, &self.name, self.version)
    }

    fn revision(&self) -> Option<Revision> {
        Some(self.revision)
    }

    fn with_revision(self, revision: Revision) -> Self {
        Self { revision, ..self }
    }

    fn check(&self) -> Result<(), Invalid> {
        let mut tools: Vec<_> = self.definition.tools.iter().collect();
        tools.sort_unstable();
        if tools.len() > MOST_TOOLS || tools.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Invalid {
                what: "definition.tools",
                expected: "at most 50 tools, each once",
            });
        }
        Ok(())
    }
}

impl TenantItem for Agent {
    fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }
}
