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
pub use render::{plan_lines, plan_summary};
pub use saved::{SavedPlan, differences};
pub use union::union;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Types whose replacement leaves data behind.
const WITH_DATA: &[&str] =
    &["AWS::DynamoDB::Table", "AWS::EFS::FileSystem", "AWS::KMS::Key", "AWS::S3::Bucket"];

/// What a deploy would do to every chosen stack, in dependency order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Account that it was made for.
    pub account: String,
    /// Home region that it was made for.
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

    /// Resources with data in them that would be removed or replaced, as
    /// `stack / resource (type)`. Their data would be kept aside, and the platform
    /// would go on without it.
    pub fn data_at_risk(&self) -> Vec<String> {
        let risks = self.stacks.iter().flat_map(|stack| {
            let data =
                stack.harmful().filter(|change| WITH_DATA.contains(&change.resource_type.as_str()));
            data.map(|change| {
                format!("{} / {} ({})", stack.name, change.resource, change.resource_type)
            })
        });
        risks.collect()
    }

    /// Whether its stacks are in more than one region.
    pub fn has_several_regions(&self) -> bool {
        self.stacks.windows(2).any(|pair| pair[0].region != pair[1].region)
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
