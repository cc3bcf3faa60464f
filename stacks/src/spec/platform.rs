//! Inputs of the platform stack.

use std::collections::BTreeMap;

use runtime_core::functions::Function;

use super::FunctionSpec;

/// Tables, buckets, queues, functions and the API.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlatformSpec {
    /// The functions that are deployed, beside git-store, with their sizes. Default
    /// none; [`Function::BUILT`] are those that can be.
    pub functions: BTreeMap<Function, FunctionSpec>,
}
