//! Revisions of items: a change names the revision that it was made from, and is
//! refused when there is a newer one.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::value::Invalid;

/// How often an item was written. The first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// That of a new item.
    pub const FIRST: Self = Self(1);

    /// That of the item after the next change.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// As an `ETag` has it, such as `"3"`. It is a strong one: an item of the same
    /// revision is the same in every byte.
    pub fn etag(self) -> String {
        format!("\"{}\"", self.0)
    }

    /// Reads an `If-Match` that names one revision. `*` and lists are refused: whoever
    /// changes an item has read it.
    pub fn from_if_match(header: &str) -> Result<Self, Invalid> {
        let digits = header.trim().strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        digits
            .filter(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit()))
            .filter(|it| *it == "0" || !it.starts_with('0'))
            .and_then(|it| it.parse().ok())
            .map(Self)
            .ok_or(Invalid { what: "If-Match", expected: "the ETag of an answer, such as \"3\"" })
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_comes_back_as_the_revision_it_was() {
        for revision in [0, 1, 42, u64::MAX].map(Revision) {
            assert_eq!(Revision::from_if_match(&revision.etag()).unwrap(), revision);
        }
        for wrong in ["", "3", "*", "\"\"", "\"-1\"", "\"03\"", "W/\"3\"", "\"1\", \"2\"", "\"+1\""]
        {
            assert!(Revision::from_if_match(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(Revision(u64::MAX).next(), Revision(u64::MAX));
    }
}
