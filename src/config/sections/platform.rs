//! The platform stack.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stacks::spec::PlatformSpec;

use super::FunctionConfig;

/// Tables, buckets, queues, functions and the API.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlatformConfig {
    /// The functions that are deployed, beside git-store, with their sizes. Only those
    /// whose crates are there can be.
    #[schemars(with = "BTreeMap<String, FunctionConfig>")]
    pub functions: BTreeMap<runtime_core::functions::Function, FunctionConfig>,
}

impl PlatformConfig {
    /// The inputs of synthesis.
    pub fn spec(&self) -> PlatformSpec {
        let functions = self.functions.iter().map(|(function, it)| (*function, it.spec()));
        PlatformSpec { functions: functions.collect() }
    }
}
