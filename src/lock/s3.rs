//! Leases as objects of a bucket, for a region without the platform's tables.

use aws_sdk_s3::config::Builder;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use runtime_core::model::{Item as _, LockName, OpsLock};

use super::dynamodb::{TIME_LIMIT, classified};
use super::store::{LeaseStore, Seen, StoreError, Version, Wrote};
use crate::error::Error;

/// Leases in a bucket: one object each, written only over the `ETag` last seen.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
#[derive(Debug, Clone)]
pub struct S3Leases {
    client: aws_sdk_s3::Client,
    bucket: String,
    prefix: String,
}

impl S3Leases {
    /// Leases in the bucket called `bucket`, below `prefix`, such as `acme-dev`.
    pub fn new(
        client: aws_sdk_s3::Client,
        bucket: impl Into<String>,
        prefix: impl Into<String>,
    ) -> Self {
        Self { client, bucket: bucket.into(), prefix: prefix.into() }
    }

    /// Where the leases are, for people.
    pub fn place(&self) -> String {
        format!("bucket {}, below {}/locks/", self.bucket, self.prefix)
    }

    fn object(&self, name: &LockName) -> String {
        format!("{}/locks/{name}.json", self.prefix)
    }

    fn refused(
        &self,
        name: &LockName,
        error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> StoreError {
        let object = self.object(name);
        let message = format!("s3://{}/{object} is no lease that is understood", self.bucket);
        StoreError::Refused(Error::failed(message).caused_by(error))
    }
}

fn once() -> Builder {
    aws_sdk_s3::Config::builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(TIME_LIMIT).build())
}

fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

impl LeaseStore for S3Leases {
    async fn read(&self, name: &LockName) -> Result<Option<Seen>, StoreError> {
        let what = format!("cannot read a lease in bucket {}", self.bucket);
        let get = self.client.get_object().bucket(&self.bucket).key(self.object(name));
        let answer = match get.customize().config_override(once()).send().await {
            Ok(answer) => answer,
            Err(error) if code(&error) == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(classified(&what, error)),
        };
        let Some(version) = answer.e_tag.clone().map(Version) else {
            return Err(self.refused(name, "it has no ETag"));
        };
        let body = tokio::time::timeout(TIME_LIMIT, answer.body.collect()).await;
        let body = match body {
            Ok(Ok(body)) => body.into_bytes(),
            Ok(Err(error)) => {
                return Err(StoreError::Unknown(Error::failed(what).caused_by(error)));
            }
            Err(_) => return Err(StoreError::Unknown(Error::failed(what))),
        };
        let record: OpsLock =
            serde_json::from_slice(&body).map_err(|error| self.refused(name, error))?;
        record.check().map_err(|error| self.refused(name, error))?;
        Ok(Some(Seen { record, version }))
    }

    async fn write(&self, record: &OpsLock, over: Option<&Version>) -> Result<Wrote, StoreError> {
        let name = &record.lock_name;
        let body = serde_json::to_vec(record).map_err(|error| self.refused(name, error))?;
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(self.object(name))
            .content_type("application/json")
            .body(ByteStream::from(body));
        let put = match over {
            Some(Version(seen)) => put.if_match(seen),
            None => put.if_none_match("*"),
        };
        let error = match put.customize().config_override(once()).send().await {
            Ok(answer) => {
                return match answer.e_tag {
                    Some(version) => Ok(Wrote::Done(Version(version))),
                    // It is written; which version it is, a read tells.
                    None => Ok(Wrote::Conflict),
                };
            }
            Err(error) => error,
        };
        match code(&error) {
            // The last one: another conditional write of the same object is under way.
            Some("PreconditionFailed" | "NoSuchKey" | "ConditionalRequestConflict") => {
                Ok(Wrote::Conflict)
            }
            _ => {
                let what = format!("cannot write a lease in bucket {}", self.bucket);
                Err(classified(&what, error))
            }
        }
    }
}
