//! Inputs of the agentcore stack.

/// Where agents run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentcoreSpec {}
