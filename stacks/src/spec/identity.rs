//! Inputs of the identity stack.

/// Keys, pipelines, and who signs users in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentitySpec {}
