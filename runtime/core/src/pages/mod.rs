//! Requests and responses of `git-store`.
//!
//! A request is one JSON object whose `operation` says which of [`Request`]'s
//! variants it is; unknown operations and unknown fields are refused. The
//! answer is always a [`Reply`]: `{"ok": {…}}` or `{"error": {…}}`. A failed
//! request is thus no failed *invocation*: Lambda neither retries it nor sends
//! it to a dead-letter queue.
//!
//! Times are Unix seconds, durations whole microseconds, sizes bytes.

mod dotgit;
mod error;
mod ids;
mod reply;
mod request;
mod text;

pub use error::{ErrorCode, InvalidValue, PageError};
pub use ids::{CommitId, ExpectedHead, PagePath, Revision, WikiName};
pub use reply::{
    HistoryEntry, HistoryPage, Initialised, ListEntry, ListPage, Maintained, Page, Pong, Reply,
    Response, Timings, Written,
};
pub use request::{History, Init, List, Maintain, Ping, Read, Request, Write};
pub use text::{Author, AuthorEmail, AuthorName, Body, Message};

/// Limits of the contract. Requests beyond them are refused, not truncated.
pub mod limits {
    /// Longest wiki name, in bytes.
    pub const WIKI_NAME: usize = 64;
    /// Longest page path, in bytes.
    pub const PATH: usize = 512;
    /// Longest segment of a page path, in bytes: what file systems allow in a name.
    pub const PATH_SEGMENT: usize = 255;
    /// Deepest page path, in segments.
    pub const PATH_SEGMENTS: usize = 32;
    /// Largest page body, in bytes. A Lambda's payload ends at 6 MB in either
    /// direction, and JSON adds its escapes.
    pub const BODY: usize = 5 * 1024 * 1024;
    /// Longest commit message, in bytes.
    pub const MESSAGE: usize = 4 * 1024;
    /// Longest author name, in bytes.
    pub const AUTHOR_NAME: usize = 256;
    /// Longest author e-mail address, in bytes (RFC 5321 allows no longer one).
    pub const AUTHOR_EMAIL: usize = 254;
    /// Most commits that one `history` answers.
    pub const HISTORY: u32 = 200;
    /// Commits that `history` answers when the request does not say.
    pub const HISTORY_DEFAULT: u32 = 50;
    /// Most pages that one `list` answers.
    pub const LIST: u32 = 5_000;
    /// Pages that `list` answers when the request does not say.
    pub const LIST_DEFAULT: u32 = 1_000;
    /// Shortest abbreviation of a commit id, in hex digits (as git's own default).
    pub const REVISION: usize = 7;
}
