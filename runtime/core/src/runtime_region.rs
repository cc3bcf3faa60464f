//! The region in which agents run now.
//!
//! `runtime_region` of platform.yaml says where their stacks are deployed, and is where
//! agents run until operators move them. The authoritative value is then in the record of
//! the lock [`LOCK`], whose fencing token is checked by the very write that changes it.
//! [`PARAMETER`] is a copy for readers.
//!
//! Parameter Store has no conditional writes: a copy that was sent by a former holder of
//! the lock can arrive after that of the next. So the copy carries its token, and a reader
//! keeps to this rule: of two values that it has seen, the one with the greater token
//! counts, and of two with the same token the later read ([`RuntimeRegion::or_newer`]).
//! Without the parameter, agents run where their stacks are. No stack makes it: a deploy
//! would put back the value of its template whenever it changed a tag.

use std::fmt;
use std::str::FromStr;

/// The lock that guards it.
pub const LOCK: &str = "runtime-region";

/// The copy: the last part of its path, below `/<project>-<environment>/platform/` as the
/// parameters of the platform's stack are.
pub const PARAMETER: &str = "runtime-region";

/// The region in which agents run, and the fencing token with which that was decided.
/// Written `eu-west-1@12`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeRegion {
    /// Such as `eu-west-1`.
    pub region: String,
    /// From 1.
    pub token: u64,
}

/// A text is no [`RuntimeRegion`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a region and a token, such as eu-west-1@12")]
pub struct InvalidRuntimeRegion;

impl RuntimeRegion {
    /// What counts after `read` was read: a value that is older by its token does not.
    #[must_use]
    pub fn or_newer(self, read: Self) -> Self {
        if read.token >= self.token { read } else { self }
    }
}

impl fmt::Display for RuntimeRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.region, self.token)
    }
}

impl FromStr for RuntimeRegion {
    type Err = InvalidRuntimeRegion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (region, token) = text.split_once('@').ok_or(InvalidRuntimeRegion)?;
        let token = token.parse().map_err(|_| InvalidRuntimeRegion)?;
        if is_region(region) {
            Ok(Self { region: region.to_owned(), token })
        } else {
            Err(InvalidRuntimeRegion)
        }
    }
}

/// Whether a text looks like the name of a region.
pub fn is_region(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, words)) => {
            (2..=4).contains(&words.len())
                && words.iter().all(letters)
                && (1..=2).contains(&number.len())
                && number.bytes().all(|b| b.is_ascii_digit())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_copy_that_arrives_late_does_not_count() {
        let read = |text: &str| text.parse::<RuntimeRegion>().unwrap();
        let now = read("eu-west-1@12");
        assert_eq!(now.clone().or_newer(read("eu-west-2@11")), now);
        assert_eq!(now.clone().or_newer(read("eu-west-2@12")), read("eu-west-2@12"));
        assert_eq!(now.or_newer(read("eu-west-2@13")).to_string(), "eu-west-2@13");
    }

    #[test]
    fn what_is_no_region_with_a_token_is_refused() {
        for wrong in ["", "eu-west-1", "@1", "eu-west-1@", "eu-west-1@x", "Eu-west-1@1", "west@1"] {
            assert_eq!(wrong.parse::<RuntimeRegion>(), Err(InvalidRuntimeRegion), "{wrong}");
        }
        assert!(is_region("us-gov-west-1") && is_region("ap-southeast-2"));
        assert!(!is_region("eu-west") && !is_region("eu-west-") && !is_region("-eu-west-1"));
    }
}
