//! The identity stack.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stacks::spec::IdentitySpec;

/// Keys, pipelines, and who signs users in.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityConfig {}

impl IdentityConfig {
    /// The inputs of synthesis.
    pub fn spec(&self) -> IdentitySpec {
        IdentitySpec::default()
    }
}
