//! CloudFormation, in the regions of a tenant's stacks.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudformation::types::{
    Capability, ChangeSetStatus, ChangeSetType, Parameter, ResourceStatus,
};
use tokio::time::{Instant, sleep};

use crate::stack::StackState;

/// A change set is there within seconds, and its stack's validation within a minute.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_secs(1);

/// What the reasons of empty change sets have in them; CloudFormation has no code for it.
const EMPTY: [&str; 2] = ["didn't contain changes", "No updates are to be performed"];

/// Why CloudFormation did not do what it was asked. Texts have codes and its messages,
/// which name resources and never values of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormationError {
    /// It can be tried again.
    #[error("CloudFormation is busy: {0}")]
    Busy(String),
    /// It refuses, and would refuse again.
    #[error("{0}")]
    Refused(String),
}

/// A stack that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackRequest {
    /// Its physical name.
    pub name: String,
    /// Where.
    pub region: String,
    /// JSON.
    pub template: String,
    /// Values of parameters; the others have defaults.
    pub parameters: BTreeMap<String, String>,
}

/// What came of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// The stack is so already.
    Unchanged,
    /// It changes.
    Changing,
}

/// What the provisioner needs of CloudFormation.
pub trait Formation: Send + Sync {
    /// The stack, if there is one.
    fn state(
        &self,
        region: &str,
        name: &str,
    ) -> impl Future<Output = Result<Option<StackState>, FormationError>> + Send;

    /// Begins to make or to change a stack.
    fn change(
        &self,
        request: &StackRequest,
        create: bool,
    ) -> impl Future<Output = Result<Started, FormationError>> + Send;

    /// Begins to delete a stack.
    fn delete(
        &self,
        region: &str,
        name: &str,
    ) -> impl Future<Output = Result<(), FormationError>> + Send;

    /// The first failure of what happened to a stack last.
    fn first_failure(
        &self,
        region: &str,
        name: &str,
    ) -> impl Future<Output = Result<Option<String>, FormationError>> + Send;
}

/// CloudFormation itself.
#[derive(Debug, Clone)]
pub struct CloudFormation {
    config: SdkConfig,
    role: String,
}

impl CloudFormation {
    /// With the credentials of `config`. CloudFormation takes the role of this ARN for
    /// what is in the stacks.
    pub fn new(config: SdkConfig, role: impl Into<String>) -> Self {
        Self { config, role: role.into() }
    }

    fn client(&self, region: &str) -> Client {
        let config = self.config.to_builder().region(Region::new(region.to_owned())).build();
        Client::new(&config)
    }

    /// Waits until the change set can be executed; `false`: it is empty.
    async fn is_ready(&self, client: &Client, id: &str) -> Result<bool, FormationError> {
        let begun = Instant::now();
        loop {
            let set = client.describe_change_set().change_set_name(id).send().await;
            let set = set.map_err(|error| explain(&error))?;
            let reason = set.status_reason().unwrap_or_default();
            match set.status() {
                Some(ChangeSetStatus::CreateComplete) => return Ok(true),
                Some(ChangeSetStatus::Failed) if EMPTY.iter().any(|it| reason.contains(it)) => {
                    return Ok(false);
                }
                Some(ChangeSetStatus::Failed) => {
                    return Err(FormationError::Refused(reason.to_owned()));
                }
                _ if begun.elapsed() > PATIENCE => {
                    return Err(FormationError::Busy("the change set is not ready".to_owned()));
                }
                _ => sleep(PAUSE).await,
            }
        }
    }
}

impl Formation for CloudFormation {
    async fn state(&self, region: &str, name: &str) -> Result<Option<StackState>, FormationError> {
        match self.client(region).describe_stacks().stack_name(name).send().await {
            Ok(answer) => Ok(answer.stacks().first().and_then(|stack| {
                let status = stack.stack_status()?.as_str().to_owned();
                Some(StackState { status })
            })),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(explain(&error)),
        }
    }

    async fn change(
        &self,
        request: &StackRequest,
        create: bool,
    ) -> Result<Started, FormationError> {
        let client = self.client(&request.region);
        let kind = if create { ChangeSetType::Create } else { ChangeSetType::Update };
        let parameters = request.parameters.iter().map(|(key, value)| {
            Parameter::builder().parameter_key(key).parameter_value(value).build()
        });
        let millis = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        let made = client
            .create_change_set()
            .stack_name(&request.name)
            .change_set_name(format!("provisioner-{millis}"))
            .change_set_type(kind)
            .capabilities(Capability::CapabilityNamedIam)
            .template_body(&request.template)
            .set_parameters(Some(parameters.collect()))
            .role_arn(&self.role)
            .send()
            .await
            .map_err(|error| explain(&error))?;
        let id = made.id().unwrap_or_default();
        let ready = self.is_ready(&client, id).await;
        if !matches!(ready, Ok(true)) {
            // Best effort: what is left of it hinders nothing.
            let _ = client.delete_change_set().change_set_name(id).send().await;
            return ready.map(|_| Started::Unchanged);
        }
        let executed = client.execute_change_set().change_set_name(id).send().await;
        executed.map_err(|error| explain(&error))?;
        Ok(Started::Changing)
    }

    async fn delete(&self, region: &str, name: &str) -> Result<(), FormationError> {
        let deleted =
            self.client(region).delete_stack().stack_name(name).role_arn(&self.role).send().await;
        deleted.map(|_| ()).map_err(|error| explain(&error))
    }

    async fn first_failure(
        &self,
        region: &str,
        name: &str,
    ) -> Result<Option<String>, FormationError> {
        let events = self.client(region).describe_stack_events().stack_name(name).send().await;
        let events = events.map_err(|error| explain(&error))?;
        // Newest first: the failure that others followed from is the last one before the
        // operation began.
        let mut first = None;
        for event in events.stack_events() {
            let whole = event.physical_resource_id() == event.stack_id();
            let status = event.resource_status().map_or("", ResourceStatus::as_str);
            if whole
                && matches!(
                    status,
                    "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS"
                )
            {
                break;
            }
            let reason = event.resource_status_reason().unwrap_or_default();
            let followed = reason.contains("cancelled") || reason.is_empty();
            if status.ends_with("_FAILED") && !whole && !followed {
                let resource = event.logical_resource_id().unwrap_or_default();
                let kind = event.resource_type().unwrap_or_default();
                first = Some(format!("{resource} ({kind}): {reason}"));
            }
        }
        Ok(first)
    }
}

/// `DescribeStacks` of a stack that is not there is a `ValidationError`.
fn is_absent<E: ProvideErrorMetadata>(error: &E) -> bool {
    error.code() == Some("ValidationError")
        && error.message().is_some_and(|message| message.contains("does not exist"))
}

fn explain<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> FormationError {
    let code = error.code().unwrap_or("no answer").to_owned();
    let text = match error.message() {
        Some(message) => format!("{code}: {message}"),
        None => code.clone(),
    };
    let refused = matches!(
        code.as_str(),
        "ValidationError"
            | "AccessDenied"
            | "AccessDeniedException"
            | "InsufficientCapabilities"
            | "LimitExceeded"
            | "LimitExceededException"
    );
    if refused { FormationError::Refused(text) } else { FormationError::Busy(text) }
}
