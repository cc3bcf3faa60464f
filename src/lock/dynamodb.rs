//! Leases in the platform's table of locks.

use std::time::Duration;

use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use runtime_core::model::{Item as _, Key, LockName, OpsLock};
use runtime_core::tables::OPS_LOCKS;

use super::store::{LeaseStore, Seen, StoreError, Version, Wrote};
use crate::aws::explain;
use crate::error::Error;

/// How long one request may take. The protocol asks again itself, and reads back before
/// it does.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The attribute whose value is another with every write.
const WRITE: &str = "write";

/// Leases in a `DynamoDB` table.
#[derive(Debug, Clone)]
pub struct DynamoDbLeases {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

impl DynamoDbLeases {
    /// Leases in the table called `table`, in the client's region.
    pub fn new(client: aws_sdk_dynamodb::Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Where the leases are, for people.
    pub fn place(&self) -> String {
        format!("table {}", self.table)
    }

    fn failed<E, R>(&self, what: &str, error: SdkError<E, R>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        classified(&format!("cannot {what} a lease in table {}", self.table), error)
    }
}

/// One attempt, and not for long.
fn once() -> Builder {
    aws_sdk_dynamodb::Config::builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(TIME_LIMIT).build())
}

impl LeaseStore for DynamoDbLeases {
    async fn read(&self, name: &LockName) -> Result<Option<Seen>, StoreError> {
        let key = Key::<OpsLock>::new(name).attributes();
        let key = key.into_iter().map(|(name, value)| (name, value.into())).collect();
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key))
            // As it was written last, not as some copy has it.
            .consistent_read(true)
            .customize()
            .config_override(once())
            .send()
            .await
            .map_err(|error| self.failed("read", error))?;
        let Some(item) = answer.item else { return Ok(None) };
        let item = item.into_iter().map(|(name, value)| (name, value.into())).collect();
        let record = OpsLock::from_attributes(item).map_err(|error| {
            let message = format!("the lease {name} in table {} cannot be read", self.table);
            StoreError::Refused(Error::failed(message).caused_by(error))
        })?;
        let version = Version(record.write.to_string());
        Ok(Some(Seen { record, version }))
    }

    async fn write(&self, record: &OpsLock, over: Option<&Version>) -> Result<Wrote, StoreError> {
        let item = record.to_attributes().map_err(|error| {
            StoreError::Refused(Error::failed("the lease cannot be written").caused_by(error))
        })?;
        let item = item.into_iter().map(|(name, value)| (name, value.into())).collect();
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = match over {
            Some(Version(seen)) => put
                .condition_expression("#write = :seen")
                .expression_attribute_names("#write", WRITE)
                .expression_attribute_values(":seen", AttributeValue::S(seen.clone())),
            None => put
                .condition_expression("attribute_not_exists(#key)")
                .expression_attribute_names("#key", OPS_LOCKS.partition_key),
        };
        match put.customize().config_override(once()).send().await {
            Ok(_) => Ok(Wrote::Done(Version(record.write.to_string()))),
            Err(error) if code(&error) == Some("ConditionalCheckFailedException") => {
                Ok(Wrote::Conflict)
            }
            Err(error) => Err(self.failed("write", error)),
        }
    }
}

fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// Codes with which a store says that it will not, whoever asks how often. Everything else
/// may be otherwise in a moment, or may have been done all the same.
const REFUSALS: [&str; 16] = [
    "AccessDenied",
    "AccessDeniedException",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "ExpiredTokenException",
    "IllegalLocationConstraintException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "NotImplemented",
    // The bucket is in another region.
    "PermanentRedirect",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    "ValidationException",
];

/// What a failed request says of what it asked for.
pub(super) fn classified<E, R>(what: &str, error: SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let kind: fn(Error) -> StoreError = match code(&error) {
        Some("ResourceNotFoundException" | "NoSuchBucket") => StoreError::Missing,
        Some(code) if REFUSALS.contains(&code) => StoreError::Refused,
        // It never left: no credentials, no address.
        None if matches!(error, SdkError::ConstructionFailure(_)) => StoreError::Refused,
        _ => StoreError::Unknown,
    };
    kind(explain(what, error))
}
