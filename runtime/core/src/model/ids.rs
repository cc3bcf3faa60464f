//! Ids and names. None can hold [`SEPARATOR`](super::key::SEPARATOR), and none is empty:
//! keys made of several cannot be confused.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use super::value::{Invalid, Timestamp, checked_text};

/// Declares an id of 26 characters that sorts by the time when it was made.
macro_rules! ulid_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Ulid);

        impl $name {
            /// A new id, of now.
            pub fn generate() -> Self {
                Self(random(Timestamp::now()))
            }

            /// A new id, of a moment.
            pub fn at(moment: Timestamp) -> Self {
                Self(random(moment))
            }
        }

        impl RequestedId for $name {
            fn from_digest(digest: [u8; 16]) -> Self {
                Self(Ulid::from_bytes(digest))
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                parse(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

/// An id that can be derived from a request, so that a repeated request makes the same.
pub trait RequestedId: Sized {
    /// The id of these bytes.
    fn from_digest(digest: [u8; 16]) -> Self;
}

fn random(moment: Timestamp) -> Ulid {
    Ulid::from_parts(moment.milliseconds(), rand::random())
}

/// Parses the one way of writing an id; the library also takes small letters and letters
/// that look alike.
fn parse(text: &str) -> Result<Ulid, Invalid> {
    let canonical = |id: &Ulid| id.to_string() == text;
    Ulid::from_string(text)
        .ok()
        .filter(canonical)
        .ok_or(Invalid { what: "id", expected: "a ULID: 26 of 0-9 and A-Z without I, L, O and U" })
}

ulid_id! {
    /// The id of an invocation of an agent.
    InvocationId
}
ulid_id! {
    /// The id of a job.
    JobId
}
ulid_id! {
    /// The id of a session.
    SessionId
}
ulid_id! {
    /// The id of a webhook.
    WebhookId
}
ulid_id! {
    /// The id of a delivery of a webhook.
    DeliveryId
}
ulid_id! {
    /// The id of a write of a lock's record.
    WriteId
}
ulid_id! {
    /// The id of something that was asked of those who run the platform.
    OperationId
}

fn is_name(text: &str) -> bool {
    (1..=48).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

checked_text! {
    /// The name of an agent.
    AgentName, "agent name", "1 to 48 of a-z, 0-9 and hyphens, beginning with a letter", is_name
}
checked_text! {
    /// The name of a tool.
    ToolName, "tool name", "1 to 48 of a-z, 0-9 and hyphens, beginning with a letter", is_name
}
checked_text! {
    /// The name of a lock of operations, such as `deploy`.
    LockName, "lock name", "1 to 100 of a-z, 0-9, hyphens and slashes, beginning with a letter",
    |text| (1..=100).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-/".contains(&b))
}
checked_text! {
    /// The id of a run of the CLI or of an operation.
    RunId, "run id", "1 to 100 of letters, digits, hyphens, dots and underscores",
    |text| (1..=100).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}
checked_text! {
    /// The id of a step of a runbook.
    StepId, "step", "1 to 100 of a-z, 0-9 and underscores, beginning with a letter",
    |text| (1..=100).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
checked_text! {
    /// A month, such as `2026-11`.
    Period, "period", "a month as YYYY-MM, from 1970-01 on",
    |text| {
        let Some((year, month)) = text.split_once('-') else { return false };
        let digits = |part: &str, length| {
            part.len() == length && part.bytes().all(|b| b.is_ascii_digit())
        };
        digits(year, 4) && digits(month, 2) && year >= "1970" && ("01"..="12").contains(&month)
    }
}

/// The version of an agent, from 1. Every change of an agent makes the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct AgentVersion(u32);

impl AgentVersion {
    /// The first.
    pub const FIRST: Self = Self(1);

    /// The number.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The next. The last one of all has none; nobody gets there.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// As it stands in keys: as many digits for each, so that the order of texts is that
    /// of numbers.
    pub(super) fn in_key(self) -> String {
        format!("{:010}", self.0)
    }
}

impl TryFrom<u32> for AgentVersion {
    type Error = Invalid;

    fn try_from(number: u32) -> Result<Self, Invalid> {
        if number == 0 {
            Err(Invalid { what: "agent version", expected: "a number from 1 on" })
        } else {
            Ok(Self(number))
        }
    }
}

impl From<AgentVersion> for u32 {
    fn from(version: AgentVersion) -> Self {
        version.0
    }
}

/// A semantic version without build metadata, which has no order. Its numbers are below
/// a million.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SemanticVersion(semver::Version);

impl SemanticVersion {
    /// As it stands in keys: the order of texts is that of versions, but for the
    /// pre-releases of one version among themselves, whose numbers sort as text.
    pub(super) fn in_key(&self) -> String {
        let semver::Version { major, minor, patch, pre, .. } = &self.0;
        let numbers = format!("{major:06}.{minor:06}.{patch:06}");
        // `~` sorts behind everything that a pre-release may begin with.
        if pre.is_empty() { numbers + "~" } else { format!("{numbers}-{pre}") }
    }
}

impl FromStr for SemanticVersion {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let version = if text.len() <= 64 { semver::Version::parse(text).ok() } else { None };
        version
            .filter(|it| it.build.is_empty() && it.major.max(it.minor).max(it.patch) < 1_000_000)
            .map(Self)
            .ok_or(Invalid {
                what: "version",
                expected: "a semantic version such as 1.2.3 or 1.2.3-rc.1, at most 64 characters, without build metadata",
            })
    }
}

impl TryFrom<String> for SemanticVersion {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<SemanticVersion> for String {
    fn from(version: SemanticVersion) -> Self {
        version.to_string()
    }
}

impl fmt::Display for SemanticVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that mean something else to somebody.
    const HOSTILE: [&str; 16] = [
        "",
        ".",
        "..",
        "../a",
        "a/b#c",
        "a#b",
        "a:b",
        "a b",
        "a\0",
        "a\n",
        "é",
        "a\u{200b}",
        "${aws:x}",
        "*",
        "_",
        "#",
    ];

    #[test]
    fn no_hostile_text_is_an_id_or_a_name() {
        for text in HOSTILE {
            assert!(text.parse::<JobId>().is_err(), "{text:?}");
            assert!(text.parse::<AgentName>().is_err(), "{text:?}");
            assert!(text.parse::<ToolName>().is_err(), "{text:?}");
            assert!(text.parse::<LockName>().is_err(), "{text:?}");
            assert!(text.parse::<SemanticVersion>().is_err(), "{text:?}");
            assert!(text.parse::<Period>().is_err(), "{text:?}");
        }
        assert!("a".repeat(49).parse::<AgentName>().is_err());
        assert!("a".repeat(48).parse::<AgentName>().is_ok());
    }

    #[test]
    fn an_id_is_written_one_way_and_sorts_by_time() {
        let early = JobId::at("2026-01-01T00:00:00Z".parse().unwrap());
        let late = JobId::at("2026-01-01T00:00:00.001Z".parse().unwrap());
        assert!(early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse::<JobId>().unwrap(), early);
        assert!(early.to_string().to_lowercase().parse::<JobId>().is_err());
        // The largest number of 26 such digits has 130 bits.
        assert!("Z".repeat(26).parse::<JobId>().is_err());
        assert_ne!(JobId::generate(), JobId::generate());
    }

    #[test]
    fn versions_sort_in_keys_as_they_follow_each_other() {
        let versions = ["1.0.0-alpha", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"];
        let keys: Vec<_> =
            versions.iter().map(|it| it.parse::<SemanticVersion>().unwrap().in_key()).collect();
        assert!(keys.is_sorted(), "{keys:?}");
        for wrong in ["1", "1.2", "01.2.3", "1.2.3+build", "1000000.0.0", "v1.2.3", "1.2.3 "] {
            assert!(wrong.parse::<SemanticVersion>().is_err(), "{wrong:?}");
        }
        let [nine, ten] = [9, 10].map(|it| AgentVersion::try_from(it).unwrap());
        assert!(nine.in_key() < ten.in_key());
        assert_eq!(nine.next(), ten);
        assert!(AgentVersion::try_from(0).is_err());
    }

    #[test]
    fn a_period_is_a_month() {
        assert!("2026-11".parse::<Period>().is_ok());
        for wrong in ["2026-13", "2026-00", "2026-1", "1969-12", "2026-11-01", "20a6-11"] {
            assert!(wrong.parse::<Period>().is_err(), "{wrong:?}");
        }
    }
}
