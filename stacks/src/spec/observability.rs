//! Inputs of the observability stack.

/// Alarms and dashboards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObservabilitySpec {}
