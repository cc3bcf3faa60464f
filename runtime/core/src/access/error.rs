//! Why access did not work.

use std::fmt;

use crate::model::{InvalidCursor, ModelError};
use crate::tenant::TenantId;

/// Longest value that a violation keeps of what was attempted.
const LONGEST_ATTEMPT: usize = 64;

/// Somebody reached for what is not theirs: data of another tenant, or of the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantAccessViolation {
    /// For whom it was done; nobody: those who run the platform.
    pub tenant: Option<TenantId>,
    /// What was reached for, shortened, without control characters.
    pub attempted: String,
    /// The operation, such as `get`.
    pub operation: &'static str,
    /// The short name of the table, or of the bucket.
    pub table: String,
    /// Whether it was seen in what came back: then something was sent.
    pub in_reply: bool,
}

impl TenantAccessViolation {
    pub(super) fn new(
        tenant: Option<&TenantId>,
        attempted: &str,
        operation: &'static str,
        table: &str,
    ) -> Self {
        let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        let attempted = attempted.chars().take(LONGEST_ATTEMPT).map(plain).collect();
        let (tenant, table) = (tenant.cloned(), table.to_owned());
        Self { tenant, attempted, operation, table, in_reply: false }
    }
}

impl fmt::Display for TenantAccessViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.tenant.as_ref().map_or("the platform", |tenant| tenant.as_str());
        let Self { attempted, operation, table, .. } = self;
        write!(f, "{operation} of {table} for {who} reached for {attempted:?}")
    }
}

impl std::error::Error for TenantAccessViolation {}

/// What a table or a bucket answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// What is there is not as the condition says.
    #[error("the condition does not hold")]
    Condition,
    /// There is no such thing.
    #[error("there is no such thing")]
    Absent,
    /// Too much at once; the client has tried again already.
    #[error("it is busy: {0}")]
    Busy(String),
    /// Anything else, without values.
    #[error("{0}")]
    Failed(String),
}

/// Why access did not work.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AccessError {
    /// It is not theirs: answer 403 and nothing more.
    #[error("{0}")]
    Violation(#[from] TenantAccessViolation),
    /// An operator may look and not change: answer 403.
    #[error(
        "{operation} of {table}: an operator sees everything and changes nothing; this takes an admin"
    )]
    ReadOnly {
        /// The operation.
        operation: &'static str,
        /// The table.
        table: &'static str,
    },
    /// What is there is not what the request was made from: answer 409 or 412.
    #[error("what is there has changed, or is there already")]
    Condition,
    /// Another request came with the same `Idempotency-Key`: answer 409.
    #[error("the Idempotency-Key was used for another request; take a new one")]
    KeyReused,
    /// There is no such thing: answer 404.
    #[error("there is no such thing")]
    Absent,
    /// What was asked for cannot be: answer 400.
    #[error("{0}")]
    Request(&'static str),
    /// No cursor of this list: answer 400.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// What a table holds is not what the model knows.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Some of many were not read or written for want of capacity; again later.
    #[error("{left} of a batch are left after {attempts} attempts")]
    Unprocessed {
        /// How many.
        left: usize,
        /// How often it was tried.
        attempts: u32,
    },
    /// What has to be recorded could not be, and so was not done.
    #[error("the audit trail cannot be written: {0}")]
    Audit(String),
    /// No credentials for the tenant.
    #[error("no credentials for the tenant: {0}")]
    Credentials(String),
    /// The table or the bucket did not answer as it should.
    #[error(transparent)]
    Backend(BackendError),
}

impl From<BackendError> for AccessError {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::Condition => Self::Condition,
            BackendError::Absent => Self::Absent,
            other => Self::Backend(other),
        }
    }
}

impl AccessError {
    /// The status of an answer. The text of one from 500 on is for logs: it may say
    /// more than callers are to know.
    pub fn status(&self) -> u16 {
        match self {
            Self::Violation(_) | Self::ReadOnly { .. } => 403,
            Self::Condition | Self::KeyReused => 409,
            Self::Absent => 404,
            Self::Request(_) | Self::Cursor(_) => 400,
            Self::Unprocessed { .. } | Self::Backend(BackendError::Busy(_)) => 503,
            Self::Model(_) | Self::Audit(_) | Self::Credentials(_) | Self::Backend(_) => 500,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_the_status_of_its_kind() {
        let acme: TenantId = "acme".parse().unwrap();
        let violation = TenantAccessViolation::new(Some(&acme), "oth\ner", "get", "jobs");
        assert_eq!(violation.to_string(), "get of jobs for acme reached for \"oth\u{fffd}er\"");
        let long = TenantAccessViolation::new(None, &"é".repeat(100), "get", "jobs");
        assert_eq!(long.attempted.chars().count(), LONGEST_ATTEMPT);
        assert!(long.to_string().contains("for the platform"));
        let too_old = ModelError::TooOld { table: "jobs", found: 0 };
        let all: [(AccessError, u16); 13] = [
            (AccessError::KeyReused, 409),
            (violation.into(), 403),
            (AccessError::ReadOnly { operation: "put", table: "tenants" }, 403),
            (BackendError::Condition.into(), 409),
            (BackendError::Absent.into(), 404),
            (AccessError::Request("no"), 400),
            (InvalidCursor.into(), 400),
            (AccessError::Unprocessed { left: 1, attempts: 2 }, 503),
            (BackendError::Busy("slow down".into()).into(), 503),
            (BackendError::Failed("broken".into()).into(), 500),
            (too_old.into(), 500),
            (AccessError::Audit("no".into()), 500),
            (AccessError::Credentials("no".into()), 500),
        ];
        for (error, status) in all {
            assert_eq!(error.status(), status, "{error}");
        }
    }
}
