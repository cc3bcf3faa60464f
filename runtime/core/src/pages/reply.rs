//! What `git-store` answers.
//!
//! Readers ignore fields that they do not know, so that a newer store can say
//! more.

use serde::{Deserialize, Serialize};

use super::{CommitId, PageError};

/// The whole answer: `{"ok": {…}}` or `{"error": {…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The operation was done.
    Ok(Response),
    /// It was not.
    Error(PageError),
}

impl Reply {
    /// The reply as a result, for `?`.
    pub fn into_result(self) -> Result<Response, PageError> {
        match self {
            Self::Ok(response) => Ok(response),
            Self::Error(error) => Err(error),
        }
    }
}

impl From<Result<Response, PageError>> for Reply {
    fn from(result: Result<Response, PageError>) -> Self {
        match result {
            Ok(response) => Self::Ok(response),
            Err(error) => Self::Error(error),
        }
    }
}

/// A successful answer; `operation` repeats the request's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Response {
    /// Of `ping`.
    Ping(Pong),
    /// Of `init`.
    Init(Initialised),
    /// Of `write`.
    Write(Written),
    /// Of `read`.
    Read(Page),
    /// Of `history`.
    History(HistoryPage),
    /// Of `list`.
    List(ListPage),
    /// Of `maintain`.
    Maintain(Maintained),
}

/// Where the time went, in microseconds. A step that did not happen took 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// The whole operation.
    pub total: u64,
    /// Making sure of the repository (and making it, for `init`).
    pub open: u64,
    /// Finding the head.
    pub head: u64,
    /// Reading commits, trees and pages.
    pub read: u64,
    /// Storing objects durably.
    pub write_objects: u64,
    /// Moving the reference.
    pub move_reference: u64,
    /// Waiting between attempts.
    pub wait: u64,
}

/// Answer of `ping`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// The store's version.
    pub version: String,
}

/// Answer of `init`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Initialised {
    /// Whether this request made the repository.
    pub created: bool,
    /// Where the time went.
    pub timings: Timings,
}

/// Answer of `write`: the page is durable, and so is everything before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The commit that has the page: the new one, or the head if nothing changed.
    pub commit: CommitId,
    /// Whether a commit was made. `false` if the page had this very text already.
    pub changed: bool,
    /// Rounds against other writers that it took, from 1.
    pub attempts: u32,
    /// Where the time went.
    pub timings: Timings,
}

/// Answer of `read`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The commit that was read.
    pub commit: CommitId,
    /// Git's id of the text, which changes exactly when the text does.
    pub blob: String,
    /// The text.
    pub body: String,
    /// Where the time went.
    pub timings: Timings,
}

/// Answer of `history`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPage {
    /// The commits, newest first.
    pub commits: Vec<HistoryEntry>,
    /// Where to go on (as `from`); absent at the end of the history. One request
    /// looks at a bounded number of commits, so there may be a next page though
    /// this one is not full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<CommitId>,
    /// Where the time went.
    pub timings: Timings,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Its id.
    pub commit: CommitId,
    /// Who wrote it, as stored.
    pub name: String,
    /// The author's e-mail address, as stored.
    pub email: String,
    /// When, in seconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// Why, without the final line feed; cut at
    /// [`limits::MESSAGE`](super::limits::MESSAGE).
    pub message: String,
}

/// Answer of `list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPage {
    /// The commit that was read; absent if the wiki has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// The pages, sorted by the bytes of their paths.
    pub pages: Vec<ListEntry>,
    /// Whether there are more; ask again with `after` set to the last path.
    pub truncated: bool,
    /// Where the time went.
    pub timings: Timings,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListEntry {
    /// Its path.
    pub path: String,
    /// Git's id of its text.
    pub blob: String,
}

/// Answer of `maintain`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintained {
    /// Commits whose objects were put into a larger pack.
    pub commits: u32,
    /// Larger packs that there are now.
    pub packs: u32,
    /// Files that were removed because all they hold is elsewhere, or because nothing
    /// names it. What this request made superfluous is removed by a later one.
    pub removed: u32,
    /// Whether all was done that could be. If not, time was up; ask again.
    pub finished: bool,
    /// Where the time went.
    pub timings: Timings,
}
