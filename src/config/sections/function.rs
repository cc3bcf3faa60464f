//! Sizes and limits of a function.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stacks::spec::{self, FunctionSpec};

/// Sizes and limits of a function.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FunctionConfig {
    /// Memory in MB.
    #[schemars(range(min = 128, max = 10240))]
    pub memory_mb: u32,
    /// Time limit in seconds.
    #[schemars(range(min = 5, max = 900))]
    pub timeout_seconds: u32,
    /// Most concurrent executions.
    #[schemars(range(min = 1, max = 10000))]
    pub reserved_concurrency: u32,
    /// Executions kept warm; they cost money while idle.
    pub provisioned_concurrency: u32,
    /// Days that logs are kept; a value that CloudWatch Logs accepts, such as 7, 30 or 365.
    pub log_retention_days: u32,
    /// Another version that takes a share of the calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing: Option<Routing>,
}

/// A share of the calls for another version than the newest.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Routing {
    /// Number of the version.
    #[schemars(range(min = 1))]
    pub version: u32,
    /// Its share of the calls in percent.
    #[schemars(range(min = 1, max = 99))]
    pub percent: u8,
}

impl Default for FunctionConfig {
    fn default() -> Self {
        let spec = FunctionSpec::default();
        Self {
            memory_mb: spec.memory_mb,
            timeout_seconds: spec.timeout_seconds,
            reserved_concurrency: spec.reserved_concurrency,
            provisioned_concurrency: spec.provisioned_concurrency,
            log_retention_days: spec.log_retention_days,
            routing: None,
        }
    }
}

impl FunctionConfig {
    /// The inputs of synthesis.
    pub fn spec(&self) -> FunctionSpec {
        FunctionSpec {
            memory_mb: self.memory_mb,
            timeout_seconds: self.timeout_seconds,
            reserved_concurrency: self.reserved_concurrency,
            provisioned_concurrency: self.provisioned_concurrency,
            log_retention_days: self.log_retention_days,
            routing: self
                .routing
                .as_ref()
                .map(|share| spec::Routing { version: share.version, percent: share.percent }),
        }
    }
}
