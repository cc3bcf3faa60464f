//! Keeps the journals of runs in the audit bucket, where nobody can change them.

use std::path::Path;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use stacks::cfn::Naming;

use super::bucket::bucket_exists;
use crate::aws::{Regional, explain};
use crate::error::{Context as _, Result};

/// The name of the audit bucket, as the platform stack gives it.
pub fn audit_bucket(naming: &Naming, account: &str) -> String {
    naming.name(&format!("audit-{account}-{}", naming.region()))
}

/// Copies a run's journal to `bucket`, once the bucket exists. Returns where it is.
///
/// A run that goes on later is copied again: the bucket keeps both versions.
pub async fn keep_journal(
    aws: &Regional,
    bucket: &str,
    journal: &Path,
    run: &str,
) -> Result<Option<String>> {
    if !bucket_exists(aws, bucket).await? {
        return Ok(None);
    }
    let text = tokio::fs::read(journal)
        .await
        .with_context(|| format!("cannot read {}", journal.display()))?;
    let key = format!("journals/{run}.jsonl");
    let target = format!("s3://{bucket}/{key}");
    aws.s3
        .put_object()
        .bucket(bucket)
        .key(&key)
        .content_type("application/jsonl")
        // Object lock takes nothing without one.
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .body(ByteStream::from(text))
        .send()
        .await
        .map_err(|error| explain(format!("cannot write {target}"), error))?;
    Ok(Some(target))
}
