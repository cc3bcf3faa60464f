//! Clients bound to one region and one place: AWS itself, the user's own
//! endpoint, or the local platform. No default region leaks in: every client
//! comes from [`Aws::in_region`].

mod errors;
mod invoke;
mod regions;
mod traces;

use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::timeout::TimeoutConfig;

pub use errors::{explain, has_code, says};
pub use invoke::{Answer, Observed, Unanswered};
pub use regions::Regions;
pub use traces::TraceSummary;

use crate::error::Result;

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(5);

/// Attempts of a request that AWS throttles or that fails in passing, with growing
/// pauses: hundreds of stacks reach CloudFormation's limits, which are met by waiting.
const ATTEMPTS: u32 = 8;

/// The same for queues, whose limits are far: who works with many messages is told soon that
/// nobody answers, and goes on later.
const QUEUE_ATTEMPTS: u32 = 4;

/// Attempts of a run's first request, and the pause after the first of them.
const FIRST_ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// AWS, with the credentials of the usual chain.
    Aws {
        /// Credentials profile, when one was named.
        profile: Option<String>,
        /// Where the profile's role is assumed, when it names one.
        region: String,
        /// The user's own endpoint (`AWS_ENDPOINT_URL`), when one was named.
        endpoint: Option<String>,
    },
    /// The local platform: fixed endpoint and credentials, so that no request can
    /// reach a real account.
    Local {
        /// Its loopback address, such as `http://127.0.0.1:4566`.
        endpoint: String,
        /// Access key id, which the emulator takes for the account.
        account: String,
    },
}

/// A connection without a region.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
}

/// Who the credentials belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// 12-digit account.
    pub account: String,
    /// ARN of the user or role.
    pub arn: String,
}

/// Clients of one region.
#[derive(Debug, Clone)]
pub struct Regional {
    /// The region.
    pub region: String,
    /// `CloudFormation`.
    pub cloudformation: aws_sdk_cloudformation::Client,
    /// `DynamoDB`.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// S3, with path-style addresses where an endpoint was given.
    pub s3: aws_sdk_s3::Client,
    /// Lambda.
    pub lambda: aws_sdk_lambda::Client,
    /// Systems Manager's parameters.
    pub ssm: aws_sdk_ssm::Client,
    /// SQS.
    pub sqs: aws_sdk_sqs::Client,
    /// STS.
    pub sts: aws_sdk_sts::Client,
    /// X-Ray.
    pub xray: aws_sdk_xray::Client,
}

impl Aws {
    /// Loads credentials and endpoint; sends nothing yet.
    ///
    /// A profile that was named wins over credentials in the environment, as it does
    /// for the AWS CLI: whoever names one means that account.
    pub async fn connect(place: &Place) -> Self {
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).build();
        let config = match place {
            Place::Local { endpoint, account } => {
                // Built by hand: the loader would read the user's profile and environment.
                let credentials = Credentials::from_keys(account, "local", None);
                SdkConfig::builder()
                    .behavior_version(BehaviorVersion::latest())
                    .http_client(http_client(ProxyConfig::disabled(), tls::TrustStore::empty()))
                    .timeout_config(timeouts)
                    .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
                    .endpoint_url(endpoint)
                    .credentials_provider(SharedCredentialsProvider::new(credentials))
                    .build()
            }
            Place::Aws { profile, region, endpoint } => {
                let mut loader = aws_config::defaults(BehaviorVersion::latest())
                    .http_client(http_client(ProxyConfig::from_env(), tls::TrustStore::default()))
                    .timeout_config(timeouts)
                    .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
                if let Some(profile) = profile {
                    let provider = ProviderConfig::without_region()
                        .with_http_client(http_client(
                            ProxyConfig::from_env(),
                            tls::TrustStore::default(),
                        ))
                        .with_region(Some(Region::new(region.clone())));
                    let named = ProfileFileCredentialsProvider::builder()
                        .configure(&provider)
                        .profile_name(profile)
                        .build();
                    loader = loader.profile_name(profile).credentials_provider(named);
                }
                if let Some(endpoint) = endpoint {
                    loader = loader.endpoint_url(endpoint);
                }
                loader.load().await
            }
        };
        Self { config }
    }

    /// Clients of several regions, of which the first is home.
    pub fn in_regions(&self, home: &str, others: &[String]) -> Regions {
        Regions::new(self.in_region(home), others.iter().map(|region| self.in_region(region)))
    }

    /// Clients of one region.
    pub fn in_region(&self, region: &str) -> Regional {
        Regional::new(&self.config, region)
    }
}

/// HTTPS through `proxy`, with servers whose certificates `trusted` vouches for: none for
/// the local platform, which speaks plain HTTP and must work on a machine without any.
fn http_client(proxy: ProxyConfig, trusted: tls::TrustStore) -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_with_connector_fn(move |settings, components| {
        let context = tls::TlsContext::builder().with_trust_store(trusted.clone()).build();
        let mut connector = Connector::builder()
            .proxy_config(proxy.clone())
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring));
        if let Ok(context) = context {
            connector = connector.tls_context(context);
        }
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.build()
    })
}

impl Regional {
    /// Clients of `region` on top of `config`.
    pub fn new(config: &SdkConfig, region: &str) -> Self {
        let config = config.to_builder().region(Region::new(region.to_owned())).build();
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(config.endpoint_url().is_some())
            .build();
        let mut sqs = aws_sdk_sqs::config::Builder::from(&config);
        if let Some(retry) = config.retry_config() {
            let attempts = retry.max_attempts().min(QUEUE_ATTEMPTS);
            sqs = sqs.retry_config(retry.clone().with_max_attempts(attempts));
        }
        Self {
            region: region.to_owned(),
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            lambda: aws_sdk_lambda::Client::new(&config),
            ssm: aws_sdk_ssm::Client::new(&config),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
            sts: aws_sdk_sts::Client::new(&config),
            xray: aws_sdk_xray::Client::new(&config),
        }
    }

    /// Who the credentials belong to.
    ///
    /// The first request of a run: where nobody answers, its user hears of it at once.
    pub async fn identity(&self) -> Result<Identity> {
        let first = RetryConfig::standard()
            .with_max_attempts(FIRST_ATTEMPTS)
            .with_initial_backoff(FIRST_PAUSE);
        let answer = self
            .sts
            .get_caller_identity()
            .customize()
            .config_override(aws_sdk_sts::Config::builder().retry_config(first))
            .send()
            .await
            .map_err(|error| explain("cannot find out who the credentials belong to", error))?;
        Ok(Identity {
            account: answer.account().unwrap_or_default().to_owned(),
            arn: answer.arn().unwrap_or_default().to_owned(),
        })
    }
}
