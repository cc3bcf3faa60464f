//! The agentcore stack.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stacks::spec::AgentcoreSpec;

/// Where agents run.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AgentcoreConfig {}

impl AgentcoreConfig {
    /// The inputs of synthesis.
    pub fn spec(&self) -> AgentcoreSpec {
        AgentcoreSpec::default()
    }
}
