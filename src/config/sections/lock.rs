//! Where leases are.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What stores leases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LockBackend {
    /// The platform's table of locks, in the home region.
    #[default]
    DynamoDb,
    /// A bucket that exists already, in any region.
    S3,
}

/// Seconds that a lease lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LeaseTime(u32);

impl LeaseTime {
    /// In seconds: 5 to 3600.
    pub fn seconds(self) -> u32 {
        self.0
    }
}

impl Default for LeaseTime {
    fn default() -> Self {
        Self(60)
    }
}

impl TryFrom<String> for LeaseTime {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let seconds = humantime::parse_duration(&text).ok().map(|time| time.as_secs());
        let seconds = seconds.and_then(|seconds| u32::try_from(seconds).ok());
        seconds
            .filter(|seconds| (5..=3600).contains(seconds))
            .map(Self)
            .ok_or("expected a time from 5s to 1h, such as 60s")
    }
}

impl std::str::FromStr for LeaseTime {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl From<LeaseTime> for String {
    fn from(time: LeaseTime) -> Self {
        humantime::format_duration(Duration::from_secs(time.0.into())).to_string()
    }
}

/// The locks that keep two machines from changing one environment, and from moving its
/// runtime at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LockConfig {
    /// Where they are: dynamodb (the platform's own table) or s3 (a bucket of yours).
    pub backend: LockBackend,
    /// The region of the bucket. It must not be the one that agents are moved away from
    /// when it fails. Left out: the home region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// With s3: the bucket's name. It has to exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// How long a lock is kept for a holder that is not heard of: 5s to 1h.
    #[schemars(with = "String")]
    pub lease: LeaseTime,
}
