//! Names of wikis, pages and commits.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{InvalidValue, dotgit, limits};

/// Gives a string newtype its conversions: `parse` is the one way in.
macro_rules! string_value {
    ($name:ident) => {
        impl $name {
            /// The value as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidValue;

            fn try_from(value: String) -> Result<Self, InvalidValue> {
                Self::check(&value)?;
                Ok(Self(value))
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(value: &str) -> Result<Self, InvalidValue> {
                Self::try_from(value.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(super) use string_value;

/// Name of a wiki: 1 to [`limits::WIKI_NAME`] of `a-z`, `0-9`, `-` and `_`,
/// starting with a letter or digit. It becomes a folder's name, so case and dots
/// are left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WikiName(String);
string_value!(WikiName);

impl WikiName {
    fn check(value: &str) -> Result<(), InvalidValue> {
        let invalid = |rule: String| Err(InvalidValue::new("wiki name", rule));
        if value.is_empty() || value.len() > limits::WIKI_NAME {
            return invalid(format!("must have 1 to {} characters", limits::WIKI_NAME));
        }
        if !value.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()) {
            return invalid("must start with a lower-case letter or a digit".into());
        }
        match value.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '_')) {
            Some(c) => invalid(format!("must not contain {c:?}")),
            None => Ok(()),
        }
    }
}

/// Path of a page, or of a folder of pages: segments joined by `/`, without a
/// leading or trailing one.
///
/// At most [`limits::PATH`] bytes and [`limits::PATH_SEGMENTS`] segments of at
/// most [`limits::PATH_SEGMENT`] bytes. No segment is empty, `.`, `..`, starts
/// or ends with a space, ends with a dot (Windows drops it), or is of the
/// `.git` family, in any disguise that HFS+ or NTFS accepts. No control or
/// text-direction characters and no backslash.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PagePath(String);
string_value!(PagePath);

impl PagePath {
    /// The path's segments, outermost first; at least one.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    fn check(value: &str) -> Result<(), InvalidValue> {
        let invalid = |rule: String| Err(InvalidValue::new("page path", rule));
        if value.is_empty() {
            return invalid("must not be empty".into());
        }
        if value.len() > limits::PATH {
            return invalid(format!("must have at most {} bytes", limits::PATH));
        }
        if value.split('/').count() > limits::PATH_SEGMENTS {
            return invalid(format!("must have at most {} segments", limits::PATH_SEGMENTS));
        }
        if let Some(c) = value.chars().find(|c| is_forbidden(*c)) {
            return invalid(format!("must not contain {c:?}"));
        }
        value.split('/').try_for_each(Self::check_segment)
    }

    fn check_segment(segment: &str) -> Result<(), InvalidValue> {
        let invalid = |rule: String| Err(InvalidValue::new("page path", rule));
        match segment {
            "" => return invalid("must not have empty segments or a slash at either end".into()),
            "." | ".." => return invalid(format!("must not contain the segment {segment:?}")),
            _ => {}
        }
        if segment.len() > limits::PATH_SEGMENT {
            return invalid(format!(
                "must have segments of at most {} bytes",
                limits::PATH_SEGMENT
            ));
        }
        if segment.starts_with(' ') || segment.ends_with([' ', '.']) {
            return invalid(
                "must not have segments that start or end with a space, or end with a dot".into(),
            );
        }
        if dotgit::is_reserved(segment) {
            return invalid(format!("must not contain the reserved segment {segment:?}"));
        }
        Ok(())
    }
}

/// Control characters, the separators that terminals and logs take for line
/// ends, the characters that reverse the direction of text (and so make one
/// path look like another), and Windows' separator.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\\' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Full id of a commit: 40 lower-case hex digits (SHA-1, git's default format).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);
string_value!(CommitId);

impl CommitId {
    fn check(value: &str) -> Result<(), InvalidValue> {
        if value.len() == 40 && is_hex(value) {
            return Ok(());
        }
        Err(InvalidValue::new("commit id", "must be 40 lower-case hex digits"))
    }
}

/// A commit's id, whole or abbreviated to at least [`limits::REVISION`] digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Revision(String);
string_value!(Revision);

impl Revision {
    fn check(value: &str) -> Result<(), InvalidValue> {
        if (limits::REVISION..=40).contains(&value.len()) && is_hex(value) {
            return Ok(());
        }
        let rule = format!("must be {} to 40 lower-case hex digits", limits::REVISION);
        Err(InvalidValue::new("revision", rule))
    }
}

impl From<CommitId> for Revision {
    fn from(id: CommitId) -> Self {
        Self(id.0)
    }
}

fn is_hex(value: &str) -> bool {
    value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// What a writer believes the head to be: `"empty"` (no commit yet) or a
/// commit's full id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ExpectedHead {
    /// The wiki has no commit yet.
    Empty,
    /// The head is this commit.
    Commit(CommitId),
}

impl ExpectedHead {
    const EMPTY: &str = "empty";

    /// Whether `head` is what was expected.
    pub fn matches(&self, head: Option<&CommitId>) -> bool {
        match self {
            Self::Empty => head.is_none(),
            Self::Commit(id) => head == Some(id),
        }
    }
}

impl TryFrom<String> for ExpectedHead {
    type Error = InvalidValue;

    fn try_from(value: String) -> Result<Self, InvalidValue> {
        if value == Self::EMPTY {
            return Ok(Self::Empty);
        }
        let rule = "must be \"empty\" or 40 lower-case hex digits";
        CommitId::try_from(value)
            .map(Self::Commit)
            .map_err(|_| InvalidValue::new("expected head", rule))
    }
}

impl From<ExpectedHead> for String {
    fn from(value: ExpectedHead) -> Self {
        match value {
            ExpectedHead::Empty => ExpectedHead::EMPTY.to_owned(),
            ExpectedHead::Commit(id) => id.0,
        }
    }
}

#[cfg(test)]
mod tests;
