//! Tools that a tenant's agents may call.

use serde::{Deserialize, Serialize};

use super::{
    HttpsUrl, Invalid, Item, Key, Revision, SemanticVersion, TenantItem, Text, Timestamp, ToolName,
};
use crate::tables::{TOOLS, Table};
use crate::tenant::TenantId;

/// One version of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its name.
    pub name: ToolName,
    /// Its version.
    pub version: SemanticVersion,
    /// What it does, as agents are told.
    pub description: Text<1, 2_000>,
    /// What it takes, as a JSON schema of an object.
    pub input_schema: Text<2, 50_000>,
    /// Where it is called; absent: the platform has it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<HttpsUrl>,
    /// Whether agents may call it.
    pub enabled: bool,
    /// When this version was made.
    pub created_at: Timestamp,
    /// How often it was written.
    pub revision: Revision,
}

impl Item for Tool {
    const TABLE: Table = TOOLS;

    fn key(&self) -> Key<Self> {
        Key::<Self>::new(&self.tenant_id, &self.name, &self.version)
    }

    fn revision(&self) -> Option<Revision> {
        Some(self.revision)
    }

    fn with_revision(self, revision: Revision) -> Self {
        Self { revision, ..self }
    }

    fn check(&self) -> Result<(), Invalid> {
        match serde_json::from_str(self.input_schema.as_str()) {
            Ok(serde_json::Value::Object(_)) => Ok(()),
            _ => Err(Invalid { what: "input_schema", expected: "a JSON object" }),
        }
    }
}

impl TenantItem for Tool {
    fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }
}
