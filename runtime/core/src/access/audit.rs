//! The audit trail of access: violations, and whatever operators do.

use std::future::Future;
use std::pin::Pin;
#[cfg(any(test, feature = "testing"))]
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use serde::Serialize;
use serde_json::json;

use super::sdk::explain;
use crate::model::{InvocationId, Timestamp};
use crate::tenant::TenantId;

pub use crate::names::ACCESS_PREFIX;

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRecord {
    /// When it happened.
    pub at: Timestamp,
    /// What it was.
    pub kind: AuditKind,
    /// Who did it: a subject, as the authoriser knows it.
    pub subject: String,
    /// For which tenant, or in whose name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// The operation, such as `put`.
    pub operation: &'static str,
    /// The tables, or the bucket.
    pub tables: Vec<String>,
    /// What was reached for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempted: Option<String>,
}

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditKind {
    /// Somebody reached for what is not theirs.
    CrossTenantAccess,
    /// An operator did something. The record is written before it is done.
    OperatorAccess,
}

impl AuditRecord {
    /// Where it is kept: no two records have the same key.
    pub fn key(&self) -> String {
        let at = self.at.to_string();
        let day = at.get(..10).unwrap_or_default().replace('-', "/");
        let whose = self
            .tenant_id
            .as_ref()
            .map_or_else(|| "platform".to_owned(), |tenant| format!("tenants/{tenant}"));
        format!("{ACCESS_PREFIX}{whose}/{day}/{}.json", InvocationId::at(self.at))
    }

    /// What is kept of it. It is plain data, which is always JSON.
    fn text(&self) -> String {
        json!(self).to_string()
    }
}

/// What an audit trail answers.
pub type Recorded<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// Keeps records.
pub trait Audit: Send + Sync {
    /// Keeps one; it is kept when this returns.
    fn record<'a>(&'a self, record: &'a AuditRecord) -> Recorded<'a>;
}

/// Keeps records in the bucket of the audit trail, whose lock nobody opens.
#[derive(Debug, Clone)]
pub struct S3Audit {
    client: aws_sdk_s3::Client,
    bucket: String,
}

impl S3Audit {
    /// In the bucket of the variable [`AUDIT_BUCKET`](crate::names::AUDIT_BUCKET).
    pub fn new(client: aws_sdk_s3::Client, bucket: impl Into<String>) -> Self {
        Self { client, bucket: bucket.into() }
    }
}

impl Audit for S3Audit {
    fn record<'a>(&'a self, record: &'a AuditRecord) -> Recorded<'a> {
        Box::pin(async move {
            let put = self
                .client
                .put_object()
                .bucket(&self.bucket)
                .key(record.key())
                .content_type("application/json")
                // A bucket with a lock takes nothing without one.
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .if_none_match("*")
                .body(ByteStream::from(record.text().into_bytes()));
            put.send().await.map(drop).map_err(|error| explain(&error))
        })
    }
}

/// Keeps records in the log, as lines of level `WARN` with the target `audit`: for
/// functions that may not write to the audit trail.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogAudit;

impl Audit for LogAudit {
    fn record<'a>(&'a self, record: &'a AuditRecord) -> Recorded<'a> {
        Box::pin(async move {
            tracing::warn!(target: "audit", record = record.text(), "access");
            Ok(())
        })
    }
}

/// Keeps records in memory.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug, Clone, Default)]
pub struct MemoryAudit {
    records: Arc<Mutex<Vec<AuditRecord>>>,
    broken: Option<String>,
}

#[cfg(any(test, feature = "testing"))]
impl MemoryAudit {
    /// One that keeps nothing, and says why.
    pub fn broken(why: &str) -> Self {
        Self { broken: Some(why.to_owned()), ..Self::default() }
    }

    /// Every record so far.
    pub fn records(&self) -> Vec<AuditRecord> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(any(test, feature = "testing"))]
impl Audit for MemoryAudit {
    fn record<'a>(&'a self, record: &'a AuditRecord) -> Recorded<'a> {
        Box::pin(async move {
            if let Some(broken) = &self.broken {
                return Err(broken.clone());
            }
            self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record.clone());
            Ok(())
        })
    }
}
