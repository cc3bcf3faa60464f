//! What one can ask of `git-store`.

use serde::{Deserialize, Serialize};

use super::{Author, Body, ExpectedHead, Message, PagePath, Revision, WikiName};

/// A request. On the wire: the variant's fields, and `operation` beside them.
///
/// ```
/// use runtime_core::pages::Request;
///
/// let request: Request =
///     serde_json::from_str(r#"{"operation": "read", "wiki": "team", "path": "home.md"}"#)?;
/// assert!(matches!(request, Request::Read(read) if read.path.as_str() == "home.md"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Request {
    /// Is anybody there? Touches no repository.
    Ping(Ping),
    /// Make a wiki's repository, unless it exists.
    Init(Init),
    /// Create or replace one page, as one commit.
    Write(Write),
    /// One page.
    Read(Read),
    /// Commits, newest first.
    History(History),
    /// Paths of pages, sorted by their bytes.
    List(List),
    /// Consolidate what many commits have stored. Safe at any time, beside readers and
    /// writers; does nothing where nothing is to be done.
    Maintain(Maintain),
}

impl Request {
    /// The operation's name on the wire.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Ping(_) => "ping",
            Self::Init(_) => "init",
            Self::Write(_) => "write",
            Self::Read(_) => "read",
            Self::History(_) => "history",
            Self::List(_) => "list",
            Self::Maintain(_) => "maintain",
        }
    }

    /// The wiki that it is about.
    pub fn wiki(&self) -> Option<&WikiName> {
        match self {
            Self::Ping(_) => None,
            Self::Init(Init { wiki })
            | Self::Write(Write { wiki, .. })
            | Self::Read(Read { wiki, .. })
            | Self::History(History { wiki, .. })
            | Self::List(List { wiki, .. }) => Some(wiki),
            Self::Maintain(Maintain { wiki }) => wiki.as_ref(),
        }
    }
}

/// See [`Request::Ping`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ping {}

/// See [`Request::Init`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Init {
    /// The wiki to make.
    pub wiki: WikiName,
}

/// See [`Request::Write`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// The wiki to write to.
    pub wiki: WikiName,
    /// The page; missing folders are made.
    pub path: PagePath,
    /// The page's new text.
    pub body: Body,
    /// Who wrote it.
    pub author: Author,
    /// Why.
    pub message: Message,
    /// When given, write only if the head is still this one. When absent, the
    /// change goes on top of whatever the head is: the last writer of a page wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_head: Option<ExpectedHead>,
}

/// See [`Request::Read`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// The wiki to read from.
    pub wiki: WikiName,
    /// The page.
    pub path: PagePath,
    /// The commit to read at; the head when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
}

/// See [`Request::History`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The wiki to look at.
    pub wiki: WikiName,
    /// Only commits that changed this page, or a page in this folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PagePath>,
    /// Where to start, itself included; the head when absent. A former answer's
    /// `next` goes here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Revision>,
    /// Most commits to answer: 1 to [`limits::HISTORY`](super::limits::HISTORY),
    /// [`limits::HISTORY_DEFAULT`](super::limits::HISTORY_DEFAULT) when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// See [`Request::List`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The wiki to look at.
    pub wiki: WikiName,
    /// Only pages in this folder, at any depth, or the page of this very path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<PagePath>,
    /// The commit to look at; the head when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// Only paths after this one: where a truncated answer ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<PagePath>,
    /// Most pages to answer: 1 to [`limits::LIST`](super::limits::LIST),
    /// [`limits::LIST_DEFAULT`](super::limits::LIST_DEFAULT) when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// See [`Request::Maintain`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maintain {
    /// The wiki to maintain; all of them, in no order, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wiki: Option<WikiName>,
}
