//! Values of fields: each is valid as soon as it exists, whether it was made here or
//! read from a table.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// A text that is not what a field holds. Says what was expected, and never quotes the
/// text: it may be a secret or name a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: expected {expected}")]
pub struct Invalid {
    /// What it was to be, such as `agent name`.
    pub what: &'static str,
    /// What it has to look like.
    pub expected: &'static str,
}

/// Declares a text that is checked by a function when it is made and when it is read.
macro_rules! checked_text {
    ($(#[$meta:meta])* $name:ident, $what:literal, $expected:literal, $valid:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::model::Invalid;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) {
                    Ok(Self(text))
                } else {
                    Err($crate::model::Invalid { what: $what, expected: $expected })
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(super) use checked_text;

/// Text of `MIN` to `MAX` characters. Its `Debug` gives the length alone: texts are what
/// people wrote.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The beginning of `text`, as much as fits: for causes and messages of others,
    /// whose length nobody promises. `MIN` has to be 0 or 1; an empty text becomes `-`.
    pub fn cut(text: &str) -> Self {
        const { assert!(MIN <= 1 && MAX >= 1) };
        let cut: String = text.chars().take(MAX).collect();
        Self(if cut.is_empty() && MIN > 0 { "-".to_owned() } else { cut })
    }
}

impl<const MIN: usize, const MAX: usize> TryFrom<String> for Text<MIN, MAX> {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        // Characters are counted only where bytes do not decide.
        let fits = text.len() <= MAX || (text.len() <= 4 * MAX && text.chars().count() <= MAX);
        if fits && text.chars().take(MIN).count() == MIN {
            Ok(Self(text))
        } else {
            Err(Invalid { what: "text", expected: "a length within the field's bounds" })
        }
    }
}

impl<const MIN: usize, const MAX: usize> FromStr for Text<MIN, MAX> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::try_from(text.to_owned())
    }
}

impl<const MIN: usize, const MAX: usize> From<Text<MIN, MAX>> for String {
    fn from(text: Text<MIN, MAX>) -> Self {
        text.0
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Debug for Text<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

/// A moment in UTC, to the millisecond. Written as RFC 3339 with a fixed number of
/// digits, so that the order of texts, and of an index by them, is that of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(OffsetDateTime);

const FIXED: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

impl Timestamp {
    /// Now.
    pub fn now() -> Self {
        Self::from(OffsetDateTime::now_utc())
    }

    /// Seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// Milliseconds since 1970; nothing is stored that is older.
    pub fn milliseconds(self) -> u64 {
        u64::try_from(self.0.unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
    }

    /// Later by so many seconds. Stays where it is at the end of time.
    pub fn plus_seconds(self, seconds: u32) -> Self {
        self.0.checked_add(time::Duration::seconds(seconds.into())).map_or(self, Self::from)
    }

    /// The moment itself.
    pub fn moment(self) -> OffsetDateTime {
        self.0
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(moment: OffsetDateTime) -> Self {
        let moment = moment.to_offset(UtcOffset::UTC);
        let whole = moment.replace_millisecond(moment.millisecond());
        Self(whole.unwrap_or(moment))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl FromStr for Timestamp {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok();
        // What moving to UTC would take out of the years that can be written.
        moment
            .filter(|it| (1970..9999).contains(&it.year()))
            .map(Self::from)
            .ok_or(Invalid { what: "timestamp", expected: "RFC 3339, from 1970 on" })
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(FIXED).map_err(|_| fmt::Error)?)
    }
}

checked_text! {
    /// An address of electronic mail: as much of its form as matters before something is
    /// sent to it.
    Email, "email", "name@domain, 3 to 254 visible ASCII characters", |text| {
        let parts: Vec<_> = text.split('@').collect();
        (3..=254).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_graphic())
            && matches!(parts[..], [name, domain] if !name.is_empty() && !domain.is_empty())
    }
}

/// A budget of a month in whole US dollars: 1 to 1,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct MonthlyUsd(u32);

impl MonthlyUsd {
    /// The dollars.
    pub fn dollars(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for MonthlyUsd {
    type Error = Invalid;

    fn try_from(dollars: u32) -> Result<Self, Invalid> {
        if (1..=1_000_000).contains(&dollars) {
            Ok(Self(dollars))
        } else {
            Err(Invalid { what: "monthly budget", expected: "1 to 1000000 US dollars" })
        }
    }
}

impl From<MonthlyUsd> for u32 {
    fn from(budget: MonthlyUsd) -> Self {
        budget.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_in_utc_and_sort_as_they_passed() {
        let text = |moment: &str| moment.parse::<Timestamp>().map(|it| it.to_string());
        assert_eq!(text("2026-11-21T07:00:00+01:00").unwrap(), "2026-11-21T06:00:00.000Z");
        assert_eq!(text("2026-11-21T06:00:00.123987Z").unwrap(), "2026-11-21T06:00:00.123Z");
        for wrong in ["", "2026-11-21", "2026-11-21T06:00:00", "1969-12-31T23:59:59Z", "now"] {
            assert!(text(wrong).is_err(), "{wrong:?}");
        }
        let early: Timestamp = "2026-11-21T06:00:00.009Z".parse().unwrap();
        let late = early.plus_seconds(1);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(late.milliseconds() - early.milliseconds(), 1_000);
        assert_eq!(early.to_string().parse::<Timestamp>().unwrap(), early);
    }

    #[test]
    fn texts_have_the_length_of_their_field_in_characters() {
        assert!(Text::<1, 3>::from_str("äöü").is_ok());
        assert!(Text::<1, 3>::from_str("äöüß").is_err());
        assert!(Text::<1, 3>::from_str("").is_err());
        assert!(Text::<0, 3>::from_str("").is_ok());
        assert_eq!(Text::<1, 3>::cut("äöüß").as_str(), "äöü");
        assert_eq!(Text::<1, 3>::cut("").as_str(), "-");
        let secret = Text::<0, 20>::from_str("what somebody wrote").unwrap();
        assert_eq!(format!("{secret:?}"), "Text(19 bytes)");
    }

    #[test]
    fn budgets_and_addresses_have_bounds() {
        assert!(MonthlyUsd::try_from(0).is_err() && MonthlyUsd::try_from(1_000_001).is_err());
        assert_eq!(MonthlyUsd::try_from(1_000_000).unwrap().dollars(), 1_000_000);
        assert!("a@b".parse::<Email>().is_ok());
        let long = format!("{}@b", "a".repeat(253));
        for wrong in ["a", "@b", "a@", "a@b@c", "a b@c", "a@b\n", long.as_str()] {
            let refused = wrong.parse::<Email>().unwrap_err().to_string();
            assert!(refused.starts_with("email: expected "), "{wrong:?}");
        }
    }
}
