//! How requests fail.

use serde::{Deserialize, Serialize};

use super::CommitId;

/// A value that breaks one of the contract's rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {rule}")]
pub struct InvalidValue {
    /// The kind of value, as a reader would call it: `page path`.
    pub what: &'static str,
    /// The rule that it breaks: `must not be empty`.
    pub rule: String,
}

impl InvalidValue {
    pub(super) fn new(what: &'static str, rule: impl Into<String>) -> Self {
        Self { what, rule: rule.into() }
    }
}

/// What kind of failure it is. Programs decide on this; people read the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// The request breaks the contract; the same request will fail again.
    InvalidRequest,
    /// There is no such wiki, page or revision.
    NotFound,
    /// `expected_head` is not the head. Nothing was written.
    Conflict,
    /// A page stands where a folder is needed, or the other way round.
    PathClash,
    /// A stored object is larger than the contract lets through.
    TooLarge,
    /// The stored entry is no page: a symbolic link, a submodule, or not text.
    Unsupported,
    /// Other writers won every round. Nothing was written; try again later.
    Busy,
    /// The repository contradicts itself.
    Corrupt,
    /// The store failed. A write may or may not have happened; repeating it is
    /// safe, because an identical write changes nothing.
    Internal,
    /// A code that this version of the contract does not know.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// Whether the same request may succeed later, without anybody changing it.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Busy | Self::Internal)
    }
}

/// The error of a [`Reply`](super::Reply).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct PageError {
    /// The kind of failure.
    pub code: ErrorCode,
    /// One line for people; never contains a page's body or a path of the store.
    pub message: String,
    /// The request's field at fault, such as `path` or `author.email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// On [`ErrorCode::Conflict`]: the head that was found, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<CommitId>,
}
