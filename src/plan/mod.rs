//! What a deploy would do, as a plain value: the union of the static diff
//! (template against template) and of CloudFormation's change set. A change set
//! never hides a static change. This module is pure; `deploy` feeds it.

mod change;
mod diff;
mod render;
mod saved;
mod union;

pub use change::{Action, Change, PropertyChange, Replacement, StackAction, StackPlan};
pub use diff::diff;
pub use render::plan_lines;
pub use saved::{SavedPlan, differences};
pub use union::union;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a deploy would do to every chosen stack, in dependency order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Account that it was made for.
    pub account: String,
    /// Region that it was made for.
    pub region: String,
    /// Environment that it was made for.
    pub environment: String,
    /// One entry a stack, in dependency order.
    pub stacks: Vec<StackPlan>,
}

impl Plan {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.stacks.iter().all(|stack| stack.action == StackAction::None)
    }

    /// Stacks that would change.
    pub fn changing(&self) -> impl Iterator<Item = &StackPlan> {
        self.stacks.iter().filter(|stack| stack.action != StackAction::None)
    }
}

/// Lowercase hexadecimal SHA-256 of a template's text.
pub fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Lowercase hexadecimal of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
