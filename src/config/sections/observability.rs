//! The observability stack.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stacks::spec::ObservabilitySpec;

/// Alarms and dashboards.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ObservabilityConfig {
    /// Who is woken: mail addresses and https:// endpoints, such as that of a paging
    /// service.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<String>,
    /// Who is told: likewise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// Sessions with agents that the account may have open at once in the runtime
    /// region: its quota of `AgentCore`, "Active session workloads".
    #[schemars(range(min = 1))]
    pub session_quota: u32,
    /// Percentage of requests that are traced.
    #[schemars(range(min = 0, max = 100))]
    pub traced_percent: u8,
    /// Monthly cost, in US dollars, of everything with the environment's tags; notices
    /// hear at 80 %, pages when it is exceeded.
    #[schemars(range(min = 1))]
    pub monthly_usd: u32,
}

impl Default for ObservabilityConfig {
    fn default() -> Self {
        let spec = ObservabilitySpec::default();
        Self {
            pages: spec.pages,
            notices: spec.notices,
            session_quota: spec.session_quota,
            traced_percent: spec.traced_percent,
            monthly_usd: spec.monthly_usd,
        }
    }
}

impl ObservabilityConfig {
    /// The inputs of synthesis.
    pub fn spec(&self) -> ObservabilitySpec {
        ObservabilitySpec {
            pages: self.pages.clone(),
            notices: self.notices.clone(),
            session_quota: self.session_quota,
            traced_percent: self.traced_percent,
            monthly_usd: self.monthly_usd,
        }
    }
}
