//! Tenants: who they are and what their tier gives them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Shortest tenant id, in characters.
pub const SHORTEST_ID: usize = 3;

/// What a tenant id matches, apart from its length, as a regular expression.
pub const ID_PATTERN: &str = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";

/// Longest tenant id. Names of a tenant's resources are made from it, and the
/// shortest that AWS allows, 48 characters of an `AgentCore` memory, also holds the
/// project and the environment, up to 25.
pub const LONGEST_ID: usize = 22;

/// The id of a tenant: [`SHORTEST_ID`] to [`LONGEST_ID`] of `a-z`, `0-9` and single hyphens,
/// beginning with a letter and not ending with a hyphen.
///
/// Parsed once, where it comes in. No id is `.`, `..` or has a separator of any kind,
/// so it can stand in a key, a prefix, a path and an ARN.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(
        !try_from,
        !into,
        description = "A tenant's id: 3 to 22 of a-z, 0-9 and single hyphens, beginning with a letter and not ending with a hyphen.",
        extend("pattern" = "^[a-z][a-z0-9-]{1,20}[a-z0-9]$")
    )
)]
pub struct TenantId(String);

/// A text that is no tenant id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a tenant id has {SHORTEST_ID} to {LONGEST_ID} of a-z, 0-9 and single hyphens, begins with a letter and ends with none of the hyphens"
)]
pub struct InvalidTenantId;

impl TenantId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TenantId {
    type Error = InvalidTenantId;

    fn try_from(text: String) -> Result<Self, InvalidTenantId> {
        let valid = (SHORTEST_ID..=LONGEST_ID).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.contains("--")
            && !text.ends_with('-');
        if valid { Ok(Self(text)) } else { Err(InvalidTenantId) }
    }
}

impl FromStr for TenantId {
    type Err = InvalidTenantId;

    fn from_str(text: &str) -> Result<Self, InvalidTenantId> {
        Self::try_from(text.to_owned())
    }
}

impl From<TenantId> for String {
    fn from(id: TenantId) -> Self {
        id.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a tenant pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// The smallest.
    Basic,
    /// The usual one.
    Standard,
    /// The largest.
    Premium,
}

impl Tier {
    /// Every tier, the smallest first.
    pub const ALL: [Self; 3] = [Self::Basic, Self::Standard, Self::Premium];

    /// The name, such as `basic`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Standard => "standard",
            Self::Premium => "premium",
        }
    }

    /// The monthly budget of a tenant of the tier that was given none, in US dollars.
    pub const fn usual_monthly_usd(self) -> u32 {
        match self {
            Self::Basic => 50,
            Self::Standard => 250,
            Self::Premium => 1_000,
        }
    }
}

/// Whether a tenant shares what it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// It shares everything, kept apart by keys: it is a row, and costs no stack.
    Pooled,
    /// It has a stack with a role, a key and a memory of its own.
    Silo,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_mean_something_else_are_refused() {
        for id in ["acme", "a-b-c", "a12", &"a".repeat(LONGEST_ID)] {
            assert_eq!(id.parse::<TenantId>().unwrap().as_str(), id);
        }
        let hostile = [
            "", "a", "ab", ".", "..", "../a", "a/b", "a#b", "a:b", "a*b", "a?b", "Acme", "acmé",
            "1abc", "-abc", "abc-", "a--b", "a b", "a\n", "a\0b", "a_b", "$(x)", "${aws:x}",
        ];
        for id in hostile {
            assert!(id.parse::<TenantId>().is_err(), "{id:?}");
        }
        assert!("a".repeat(LONGEST_ID + 1).parse::<TenantId>().is_err());
    }

    #[test]
    fn an_id_is_checked_when_it_is_read() {
        assert!(serde_json::from_str::<TenantId>("\"acme\"").is_ok());
        assert!(serde_json::from_str::<TenantId>("\"a/b\"").is_err());
    }
}
