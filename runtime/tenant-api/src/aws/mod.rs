//! The services, as AWS gives them. Clients are made when the first request needs them,
//! and shared from then on.

mod data;
mod gateway;
mod outbox;
mod secrets;
mod trail;

use std::sync::Arc;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use runtime_core::access::{Acting, Connections};
use runtime_core::names::{
    AUDIT_BUCKET, EVENT_BUS, PARAMETERS, RESULTS_BUCKET, SECRETS_KEY, TENANT_ROLE,
};
use runtime_core::telemetry::Metrics;
use runtime_core::{metrics, queues};
use tokio::sync::OnceCell;

use crate::services::{ServiceError, Services};
use crate::settings::{InvalidSettings, Settings};

pub use data::AwsData;
pub use gateway::AwsGateway;
pub use outbox::AwsOutbox;
pub use secrets::AwsSecrets;
pub use trail::AwsTrail;

/// What the function is told of where things are.
#[derive(Debug, Clone)]
pub struct Places {
    /// `<project>-<environment>`.
    pub prefix: String,
    /// The path of the platform's parameters, such as `/acme/dev/platform`.
    pub parameters: String,
    /// The bucket of results.
    pub results: String,
    /// The bucket of the audit trail.
    pub audit: String,
    /// The event bus.
    pub bus: String,
    /// The URLs of the queues, in the order of [`queues::ALL`], as far as it sends there.
    pub queues: Vec<(queues::Queue, String)>,
    /// The key that encrypts secrets; none: that of the service.
    pub secrets_key: Option<String>,
    /// As whom tenants' data is reached.
    pub acting: Acting,
    /// Where metrics go.
    pub metrics: Metrics,
}

impl Places {
    /// Reads the function's variables.
    pub fn from_variables(
        settings: &Settings,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidSettings> {
        let set = |name: &'static str, expected| {
            let value = variable(name).filter(|it| !it.is_empty());
            value.ok_or(InvalidSettings { variable: name, expected })
        };
        let queue = |queue: queues::Queue| {
            set(queue.url_variable, "the URL of a queue").map(|url| (queue, url))
        };
        let acting = Acting::from_variables(&variable).map_err(|_| InvalidSettings {
            variable: TENANT_ROLE,
            expected: "the ARN of the role for tenants",
        })?;
        let namespace = set(metrics::NAMESPACE_VARIABLE, "the namespace of metrics")?;
        Ok(Self {
            prefix: settings.prefix.clone(),
            parameters: set(PARAMETERS, "the path of the platform's parameters")?,
            results: set(RESULTS_BUCKET, "the name of a bucket")?,
            audit: set(AUDIT_BUCKET, "the name of a bucket")?,
            bus: set(EVENT_BUS, "the name of an event bus")?,
            queues: vec![queue(queues::JOBS)?, queue(queues::PROVISIONING)?],
            secrets_key: variable(SECRETS_KEY).filter(|it| !it.is_empty()),
            acting,
            metrics: Metrics::new(&namespace, std::io::stdout()),
        })
    }
}

/// Connections that are made when they are needed first.
#[derive(Debug, Default)]
pub(crate) struct Lazy(OnceCell<Connections>);

impl Lazy {
    async fn get(&self) -> &Connections {
        self.0.get_or_init(Connections::from_environment).await
    }
}

/// Every service, by the function's variables.
pub fn services(
    settings: &Settings,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Services, InvalidSettings> {
    let places = Places::from_variables(settings, variable)?;
    Ok(with(Arc::default(), places))
}

/// Every service, with connections that are there already.
pub fn connected(connections: Connections, places: Places) -> Services {
    with(Arc::new(Lazy(OnceCell::new_with(Some(connections)))), places)
}

fn with(lazy: Arc<Lazy>, places: Places) -> Services {
    let places = Arc::new(places);
    Services {
        data: Arc::new(AwsData::new(Arc::clone(&lazy), Arc::clone(&places))),
        secrets: Arc::new(AwsSecrets::own(Arc::clone(&lazy), places.secrets_key.clone())),
        gateway: Arc::new(AwsGateway::new(Arc::clone(&lazy), Arc::clone(&places))),
        outbox: Arc::new(AwsOutbox::new(Arc::clone(&lazy), Arc::clone(&places))),
        trail: Arc::new(AwsTrail::new(lazy, places)),
    }
}

/// Codes of errors that pass by themselves.
const BUSY: [&str; 7] = [
    "InternalServiceError",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottlingException",
    "TooManyRequestsException",
    "InternalFailure",
];

/// The code of an error: its text may quote a secret.
fn failed<E: ProvideErrorMetadata, R>(operation: &str, error: &SdkError<E, R>) -> ServiceError {
    match error {
        SdkError::ServiceError(context) => {
            let code = context.err().code().unwrap_or("an error without a code");
            let text = format!("{operation}: {code}");
            if BUSY.contains(&code) { ServiceError::Busy(text) } else { ServiceError::Failed(text) }
        }
        SdkError::TimeoutError(_) => ServiceError::Busy(format!("{operation}: no answer in time")),
        SdkError::DispatchFailure(_) => ServiceError::Busy(format!("{operation}: not reached")),
        _ => ServiceError::Failed(format!("{operation}: an answer that cannot be read")),
    }
}

/// Whether a service answered with this code.
fn is<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, code: &str) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code) == Some(code)
}
