//! The observability stack.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stacks::spec::ObservabilitySpec;

/// Alarms and dashboards.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ObservabilityConfig {}

impl ObservabilityConfig {
    /// The inputs of synthesis.
    pub fn spec(&self) -> ObservabilitySpec {
        ObservabilitySpec::default()
    }
}
