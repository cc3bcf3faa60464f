//! Failures inside the store, and what the caller gets to know of them.

use std::{io, path::PathBuf};

use gix::hash::ObjectId;
use runtime_core::pages::{CommitId, ErrorCode, PageError};

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field of the request cannot be served.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field's name on the wire.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such thing.
    #[error("no such {what}")]
    NotFound {
        /// `wiki`, `page` or `revision`.
        what: &'static str,
    },
    /// The head is not what the writer expected.
    #[error("the head has moved")]
    Conflict {
        /// The head that was found.
        head: Option<ObjectId>,
    },
    /// A page and a folder would share a name.
    #[error("{0}")]
    PathClash(String),
    /// Something stored exceeds a limit.
    #[error("{what} has {size} bytes, more than {limit}")]
    TooLarge {
        /// The kind of thing.
        what: &'static str,
        /// Its size in bytes.
        size: u64,
        /// The most that is let through, in bytes.
        limit: u64,
    },
    /// A tree entry that is no page and no folder.
    #[error("{0}")]
    Unsupported(String),
    /// Other writers kept winning.
    #[error("other writers won {attempts} times in a row")]
    Busy {
        /// Rounds that were lost.
        attempts: u32,
    },
    /// The repository contradicts itself.
    #[error("{0}")]
    Corrupt(String),
    /// The file system failed.
    #[error("failed to {doing} {}", path.display())]
    Io {
        /// What was being done: `open`, `rename`, …
        doing: &'static str,
        /// To which file; for logs only, callers do not see it.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: an input/output error with its circumstances.
    pub(crate) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }

    fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid { .. } => ErrorCode::InvalidRequest,
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::Conflict { .. } => ErrorCode::Conflict,
            Self::PathClash(_) => ErrorCode::PathClash,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::Unsupported(_) => ErrorCode::Unsupported,
            Self::Busy { .. } => ErrorCode::Busy,
            Self::Corrupt(_) => ErrorCode::Corrupt,
            Self::Io { .. } => ErrorCode::Internal,
        }
    }
}

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        let message = match &error {
            // The path stays inside.
            Error::Io { doing, source, .. } => format!("failed to {doing}: {}", source.kind()),
            other => other.to_string(),
        };
        let field = match &error {
            Error::Invalid { field, .. } => Some((*field).to_owned()),
            Error::PathClash(_) => Some("path".to_owned()),
            Error::NotFound { what } => {
                Some(if *what == "page" { "path" } else { what }.to_owned())
            }
            Error::Conflict { .. } => Some("expected_head".to_owned()),
            _ => None,
        };
        let head = match &error {
            Error::Conflict { head } => head.as_ref().map(commit_id),
            _ => None,
        };
        Self { code: error.code(), message, field, head }
    }
}

/// A git object id as the contract writes it.
pub(crate) fn commit_id(id: &ObjectId) -> CommitId {
    id.to_string().parse().expect("a SHA-1 object id prints as 40 lower-case hex digits")
}
