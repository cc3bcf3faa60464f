//! The table of tenants.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_http_client::{Builder, tls};
use runtime_core::model::{Item as _, Tenant};
use runtime_core::tables::{TENANT_ID, TENANTS};
use runtime_core::tenant::TenantId;

use crate::directory::{Directory, DirectoryError};

/// How long a read may take with all its attempts. The gateway's caller waits.
const TIME_LIMIT: Duration = Duration::from_secs(3);

/// How long one attempt may take: a table answers within some milliseconds.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(1);

/// The tenants as `DynamoDB` has them.
#[derive(Debug, Clone)]
pub struct TenantsTable {
    client: Client,
    table: String,
}

impl TenantsTable {
    /// By the function's environment and role; `prefix` is `<project>-<environment>`.
    /// Nothing is connected before it is needed.
    pub async fn from_environment(prefix: &str) -> Self {
        let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(TIME_LIMIT)
            .operation_attempt_timeout(ATTEMPT_LIMIT);
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(Builder::new().tls_provider(ring).build_https())
            .timeout_config(timeouts.build())
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .load()
            .await;
        Self { client: Client::new(&config), table: format!("{prefix}-{}", TENANTS.name) }
    }
}

impl Directory for TenantsTable {
    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, DirectoryError> {
        let read = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(TENANT_ID, AttributeValue::S(id.to_string()))
            // Who was shut out a moment ago is out.
            .consistent_read(true);
        let answer = read.send().await;
        let answer =
            answer.map_err(|error| DirectoryError(DisplayErrorContext(error).to_string()))?;
        let Some(item) = answer.item else { return Ok(None) };
        let attributes = item.into_iter().map(|(name, value)| (name, value.into())).collect();
        let tenant = Tenant::from_attributes(attributes).map_err(|error| {
            DirectoryError(format!("the record of {id} cannot be read: {error}"))
        })?;
        // A table that answers another question than the one it was asked is not one.
        if tenant.tenant_id == *id {
            Ok(Some(tenant))
        } else {
            Err(DirectoryError(format!("the record of {id} is another's")))
        }
    }
}
