//! Limits of benchmarks, and what Lambda costs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Benchmarks.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BenchConfig {
    /// Of the page store.
    pub efs: BenchEfsConfig,
    /// What Lambda costs, for estimates. Left out: AWS's list prices.
    pub prices: LambdaPrices,
}

/// The benchmark of the page store.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BenchEfsConfig {
    /// Limits: `bench efs` exits with 9 when one is missed.
    pub criteria: EfsCriteria,
}

/// Limits of the page store, as a caller sees it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EfsCriteria {
    /// 95th percentile of warm reads, in milliseconds; of at least 20.
    pub warm_read_p95_ms: u32,
    /// 95th percentile of warm writes, in milliseconds; of at least 20.
    pub warm_write_p95_ms: u32,
    /// 95th percentile of cold starts, in milliseconds; of at least 5.
    pub cold_start_p95_ms: u32,
    /// How many reads and writes at once may fail.
    pub concurrent_errors: u32,
    /// How many reads and writes one after another may fail.
    pub sequential_errors: u32,
}

impl Default for EfsCriteria {
    fn default() -> Self {
        Self {
            warm_read_p95_ms: 500,
            warm_write_p95_ms: 1_000,
            cold_start_p95_ms: 5_000,
            concurrent_errors: 0,
            sequential_errors: 0,
        }
    }
}

/// What Lambda costs, in US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LambdaPrices {
    /// A GB-second on arm64.
    pub arm64_gb_second: f64,
    /// A GB-second on `x86_64`.
    pub x86_64_gb_second: f64,
    /// A million requests.
    pub million_requests: f64,
}

impl Default for LambdaPrices {
    /// List prices of us-east-1, first tier (<https://aws.amazon.com/lambda/pricing/>). Other
    /// regions differ by some percent.
    fn default() -> Self {
        Self {
            arm64_gb_second: 0.000_013_333_4,
            x86_64_gb_second: 0.000_016_666_7,
            million_requests: 0.20,
        }
    }
}
