//! Changes as plain values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What would happen to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It would be made.
    Add,
    /// It is there, without a stack, and would become part of this one.
    Import,
    /// It would be changed in place.
    Modify,
    /// It would be made anew, and the old one removed.
    Replace,
    /// It would be removed.
    Remove,
}

impl Action {
    /// The sign in front of it: `+ ← ~ ± -`.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Import => "←",
            Self::Modify => "~",
            Self::Replace => "±",
            Self::Remove => "-",
        }
    }

    /// Whether it can lose data.
    pub fn harms(self) -> bool {
        matches!(self, Self::Replace | Self::Remove)
    }
}

/// Whether a property's change makes a new resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// It does not.
    Never,
    /// It depends on values known only when deploying.
    Conditionally,
    /// It does.
    Always,
}

/// One property that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyChange {
    /// Dotted path, such as `RootDirectory.Path`.
    pub path: String,
    /// The old value as shown, when it is known.
    pub before: Option<String>,
    /// The new value as shown, when it is known.
    pub after: Option<String>,
    /// Whether it makes a new resource.
    pub replacement: Replacement,
}

/// One resource that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What would happen.
    pub action: Action,
    /// Logical id.
    pub resource: String,
    /// Resource type, such as `AWS::EFS::AccessPoint`.
    pub resource_type: String,
    /// Which properties, when it is changed or replaced.
    pub properties: Vec<PropertyChange>,
}

/// What would happen to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StackAction {
    /// It would be made.
    Create,
    /// It would be updated.
    Update,
    /// Nothing.
    None,
}

/// What would happen to one stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StackPlan {
    /// Short name, such as `network`.
    pub name: String,
    /// Name in CloudFormation, such as `acme-dev-network`.
    pub stack_name: String,
    /// Region that it is deployed to.
    pub region: String,
    /// What would happen to it.
    pub action: StackAction,
    /// Which resources, adds first, removals last.
    pub changes: Vec<Change>,
    /// Changes outside resources: parameters, outputs, metadata.
    pub other: Vec<String>,
    /// SHA-256 of the new template.
    pub template_digest: String,
    /// The parameters that it is deployed with, but for outputs of stacks that are yet
    /// to be deployed.
    pub parameters: BTreeMap<String, String>,
    /// What the stack was when the plan was made; `None`: it did not exist.
    pub live: Option<String>,
    /// Whether CloudFormation's own change set is part of this plan. It is not for a
    /// new stack, nor while a stack that this one imports from does not exist.
    pub verified: bool,
}

impl StackPlan {
    /// Number of changes, of resources and others.
    pub fn count(&self) -> usize {
        self.changes.len() + self.other.len()
    }

    /// Resources that would be removed or replaced.
    pub fn harmful(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.action.harms())
    }
}
