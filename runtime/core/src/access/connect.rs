//! Clients of AWS, or of the local platform.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::{Builder, tls};

/// What every client of a function has in common: region, endpoint, one pool of
/// connections. Made once, where the function starts; clients are cheap.
#[derive(Debug, Clone)]
pub struct Connections {
    config: SdkConfig,
}

impl Connections {
    /// By the function's environment, with the credentials of its own role.
    pub async fn from_environment() -> Self {
        let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        let http = Builder::new().tls_provider(ring).build_https();
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
        Self { config }
    }

    /// By a configuration that is there already.
    pub fn new(config: SdkConfig) -> Self {
        Self { config }
    }

    /// The same with other credentials: those of
    /// [`NarrowedCredentials::of`](super::NarrowedCredentials::of).
    pub fn with(&self, credentials: Option<Credentials>) -> Self {
        let Some(credentials) = credentials else { return self.clone() };
        let provider = SharedCredentialsProvider::new(credentials);
        // What others cached of the identity before is not for this one.
        let config = self.config.to_builder().credentials_provider(provider);
        Self {
            config: config.identity_cache(aws_config::identity::IdentityCache::no_cache()).build(),
        }
    }

    /// `DynamoDB`.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config)
    }

    /// S3, with the bucket in the path where an endpoint was given.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config)
            .force_path_style(self.config.endpoint_url().is_some())
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// STS.
    pub fn sts(&self) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.config)
    }

    /// The configuration, for clients of other services.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }
}
