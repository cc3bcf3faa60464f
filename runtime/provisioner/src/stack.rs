//! What the states of a stack mean for whoever wants to change it.

/// A stack as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackState {
    /// Such as `CREATE_COMPLETE`.
    pub status: String,
}

/// What can be done with a stack in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It has nothing yet, and is made by its first change set.
    Empty,
    /// Something is under way.
    Moving,
    /// It can be changed.
    Good,
    /// A change was undone; it can be changed.
    Undone,
    /// Its creation failed: it has never worked, and can only be deleted.
    Stillborn,
    /// CloudFormation needs a person.
    Stuck,
}

/// What can be done with a stack of this status.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>
///
/// ```
/// use provisioner::{Kind, kind};
///
/// assert_eq!(kind("UPDATE_ROLLBACK_COMPLETE"), Kind::Undone);
/// ```
pub fn kind(status: &str) -> Kind {
    match status {
        "REVIEW_IN_PROGRESS" => Kind::Empty,
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => Kind::Good,
        "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" => Kind::Undone,
        "CREATE_FAILED" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => Kind::Stillborn,
        status if status.ends_with("_IN_PROGRESS") => Kind::Moving,
        _ => Kind::Stuck,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_means_something() {
        for (status, expected) in [
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Kind::Moving),
            ("DELETE_IN_PROGRESS", Kind::Moving),
            ("REVIEW_IN_PROGRESS", Kind::Empty),
            ("ROLLBACK_COMPLETE", Kind::Stillborn),
            ("DELETE_FAILED", Kind::Stuck),
            ("UPDATE_ROLLBACK_FAILED", Kind::Stuck),
            ("SOMETHING_NEW", Kind::Stuck),
        ] {
            assert_eq!(kind(status), expected, "{status}");
        }
    }
}
