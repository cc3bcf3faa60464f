//! How long a round trip takes, and what a client remembers instead of making one.

use std::{fmt, str::FromStr, time::Duration};

use crate::counts::Class;

/// How long the server takes to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Profile {
    /// A round trip that reads data or metadata.
    pub read: Duration,
    /// A round trip that writes data or changes metadata.
    pub write: Duration,
}

impl Profile {
    /// No delay: operations are only counted.
    pub const NONE: Self = Self { read: Duration::ZERO, write: Duration::ZERO };

    /// EFS Regional in General Purpose mode: reads take 250 µs, writes 2.7 ms.
    ///
    /// Source: "Amazon EFS performance specifications", table "Performance summary",
    /// <https://docs.aws.amazon.com/efs/latest/ug/performance.html>. AWS says "as low as":
    /// these are the figures of a good day.
    pub const EFS_REGIONAL: Self =
        Self { read: Duration::from_micros(250), write: Duration::from_micros(2_700) };

    /// EFS One Zone in General Purpose mode: reads take 250 µs, writes 1.6 ms. Same source.
    pub const EFS_ONE_ZONE: Self =
        Self { read: Duration::from_micros(250), write: Duration::from_micros(1_600) };

    /// The profiles and their names.
    pub const NAMED: [(&'static str, Self); 3] = [
        ("efs-regional", Self::EFS_REGIONAL),
        ("efs-one-zone", Self::EFS_ONE_ZONE),
        ("none", Self::NONE),
    ];

    /// The delay of one round trip of `class`.
    pub fn delay(&self, class: Class) -> Duration {
        match class {
            Class::Read | Class::MetadataRead => self.read,
            Class::Write | Class::MetadataWrite => self.write,
        }
    }
}

impl FromStr for Profile {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::NAMED
            .into_iter()
            .find_map(|(known, profile)| (known == name).then_some(profile))
            .ok_or_else(|| UnknownName {
                name: name.to_owned(),
                expected: "efs-regional, efs-one-zone, none",
            })
    }
}

/// What a client keeps, and so does not ask the server for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cache {
    /// As Linux's NFS 4.1 client with its default mount options: see the crate's
    /// documentation.
    #[default]
    Nfs,
    /// Nothing: every operation costs a round trip, and writes are not gathered.
    None,
}

impl Cache {
    /// How long attributes of a file are trusted: `acregmin` of `nfs(5)`. The client
    /// doubles it up to 60 s for a file that does not change; the least is the careful
    /// choice here.
    pub const FILE_ATTRIBUTES: Duration = Duration::from_secs(3);

    /// How long attributes of a folder, and with them names that are or are not in it, are
    /// trusted: `acdirmin` of `nfs(5)`.
    pub const FOLDER_ATTRIBUTES: Duration = Duration::from_secs(30);

    /// The most bytes that go in one WRITE or READ: `wsize` and `rsize` of EFS's
    /// recommended mount options.
    pub const TRANSFER: u64 = 1 << 20;

    pub(crate) fn file_attributes(self) -> Duration {
        match self {
            Self::Nfs => Self::FILE_ATTRIBUTES,
            Self::None => Duration::ZERO,
        }
    }

    pub(crate) fn folder_attributes(self) -> Duration {
        match self {
            Self::Nfs => Self::FOLDER_ATTRIBUTES,
            Self::None => Duration::ZERO,
        }
    }
}

impl FromStr for Cache {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "nfs" => Ok(Self::Nfs),
            "none" => Ok(Self::None),
            _ => Err(UnknownName { name: name.to_owned(), expected: "nfs, none" }),
        }
    }
}

/// A name that means nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    name: String,
    expected: &'static str,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not known: expected one of {}", self.name, self.expected)
    }
}

impl std::error::Error for UnknownName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_others_refused() {
        assert_eq!("efs-one-zone".parse(), Ok(Profile::EFS_ONE_ZONE));
        assert_eq!("none".parse(), Ok(Cache::None));
        let error = "efs".parse::<Profile>().unwrap_err().to_string();
        assert_eq!(
            error,
            r#""efs" is not known: expected one of efs-regional, efs-one-zone, none"#
        );
    }
}
