//! One change set: made, read, executed, or deleted.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudformation::primitives::DateTime;
use aws_sdk_cloudformation::types::{
    Capability, Change as SdkChange, ChangeAction, ChangeSetStatus, ChangeSetType, EventFilter,
    Parameter, Replacement as SdkReplacement, RequiresRecreation, ResourceAttribute,
    ResourceChange, ResourceChangeDetail,
};

use time::OffsetDateTime;

use super::waiter::unique_suffix;
use crate::aws::{Regional, explain};
use crate::error::{Error, Result};
use crate::journal::Mask;
use crate::plan::{Action, Change, PropertyChange, Replacement};
use crate::signal::Cancel;

/// Names of our change sets begin with this; others are left alone.
pub(super) const PREFIX: &str = "platformctl-";

/// Longest body that goes in the request itself
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>).
pub(super) const MAX_INLINE: usize = 51_200;

/// Age after which nobody is looking at a change set any more.
const ABANDONED: time::Duration = time::Duration::hours(1);

/// A change set is made within seconds; one that is not in this time never will be.
const PATIENCE: Duration = Duration::from_mins(5);

/// Where CloudFormation reads the template.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// In the request.
    Inline(String),
    /// An object in the artefact bucket, by its URL.
    Url(String),
}

/// What a change set is made of.
#[derive(Debug, Clone)]
pub(super) struct Request<'a> {
    pub stack_name: &'a str,
    /// The run's short name: part of the change set's, so that runs know their own.
    pub run: &'a str,
    pub create: bool,
    /// Whether what has the name of a resource already becomes that resource.
    pub import_existing: bool,
    pub body: Body,
    pub parameters: &'a BTreeMap<String, String>,
}

/// A change set that is ready to be executed.
#[derive(Debug, Clone)]
pub(super) struct ChangeSet {
    pub id: String,
    pub changes: Vec<Change>,
}

/// Makes a change set and waits for it; `None` when there is nothing to change.
/// An empty one is deleted again.
pub(super) async fn create(
    aws: &Regional,
    request: &Request<'_>,
    cancel: &Cancel,
) -> Result<Option<ChangeSet>> {
    let stack = request.stack_name;
    let kind = if request.create { ChangeSetType::Create } else { ChangeSetType::Update };
    let parameters = request
        .parameters
        .iter()
        .map(|(key, value)| Parameter::builder().parameter_key(key).parameter_value(value).build());
    let call = aws
        .cloudformation
        .create_change_set()
        .stack_name(stack)
        .change_set_name(format!("{PREFIX}{}-{}", request.run, unique_suffix()))
        .change_set_type(kind)
        .capabilities(Capability::CapabilityNamedIam)
        .set_import_existing_resources(request.import_existing.then_some(true))
        .set_parameters(Some(parameters.collect()));
    let call = match &request.body {
        Body::Inline(text) => call.template_body(text),
        Body::Url(url) => call.template_url(url),
    };
    let id = call
        .send()
        .await
        .map_err(|error| explain(format!("cannot make a change set for stack {stack}"), error))?
        .id()
        .unwrap_or_default()
        .to_owned();
    match ready(aws, stack, &id, cancel).await {
        Ok(true) => Ok(Some(ChangeSet { changes: read(aws, stack, &id).await?, id })),
        Ok(false) => {
            delete(aws, stack, &id).await?;
            Ok(None)
        }
        Err(error) => {
            // Best effort: the first error is the one to show.
            let _ = delete(aws, stack, &id).await;
            Err(error)
        }
    }
}

/// Waits until the change set can be executed; `false` when it is empty.
async fn ready(aws: &Regional, stack: &str, id: &str, cancel: &Cancel) -> Result<bool> {
    let mut pause = Duration::from_millis(50);
    let begun = tokio::time::Instant::now();
    loop {
        let answer = aws
            .cloudformation
            .describe_change_set()
            .stack_name(stack)
            .change_set_name(id)
            .send()
            .await
            .map_err(|error| {
                explain(format!("cannot read the change set of stack {stack}"), error)
            })?;
        let reason = answer.status_reason().unwrap_or_default();
        match answer.status() {
            Some(ChangeSetStatus::CreateComplete) => return Ok(true),
            Some(ChangeSetStatus::Failed) if is_empty_reason(reason) => return Ok(false),
            Some(ChangeSetStatus::Failed) => {
                let reason = Mask::default().text(reason);
                let error =
                    Error::failed(format!("the change set of stack {stack} failed: {reason}"));
                // Early validation says only how many failed; the events say what.
                if !reason.contains("DescribeEvents") {
                    return Err(error);
                }
                return Err(match validation_failures(aws, stack, id).await {
                    failures if failures.is_empty() => error,
                    failures => error.caused_by(failures.join("\n")),
                });
            }
            _ if begun.elapsed() > PATIENCE => {
                return Err(Error::failed(format!(
                    "the change set of stack {stack} was not ready after {} s",
                    PATIENCE.as_secs()
                )));
            }
            _ => {}
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = cancel.cancelled() => return Err(cancel.error()),
        }
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// What CloudFormation's early validation refused; nothing when it cannot be read,
/// because the failure itself is the error to show.
async fn validation_failures(aws: &Regional, stack: &str, id: &str) -> Vec<String> {
    let failed = EventFilter::builder().failed_events(true).build();
    let call = aws.cloudformation.describe_events().stack_name(stack).change_set_name(id);
    let Ok(answer) = call.filters(failed).send().await else { return Vec::new() };
    let mask = Mask::default();
    let mut failures: Vec<String> = answer
        .operation_events()
        .iter()
        .filter_map(|event| {
            let reason = event.validation_status_reason().or(event.resource_status_reason())?;
            let resource = event.logical_resource_id().unwrap_or(stack);
            Some(mask.text(&format!("{resource}: {reason}")))
        })
        .collect();
    failures.dedup();
    failures
}

/// The two sentences with which CloudFormation says that nothing would change.
fn is_empty_reason(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

async fn read(aws: &Regional, stack: &str, id: &str) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let mut token = None;
    loop {
        let answer = aws
            .cloudformation
            .describe_change_set()
            .stack_name(stack)
            .change_set_name(id)
            .include_property_values(true)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| {
                explain(format!("cannot read the change set of stack {stack}"), error)
            })?;
        changes.extend(answer.changes().iter().filter_map(SdkChange::resource_change).map(change));
        token = answer.next_token().map(str::to_owned);
        if token.is_none() {
            return Ok(changes);
        }
    }
}

fn change(sdk: &ResourceChange) -> Change {
    let action = match (sdk.action(), sdk.replacement()) {
        (Some(ChangeAction::Add), _) => Action::Add,
        (Some(ChangeAction::Import), _) => Action::Import,
        (Some(ChangeAction::Remove), _) => Action::Remove,
        (_, Some(SdkReplacement::True)) => Action::Replace,
        _ => Action::Modify,
    };
    let properties = if matches!(action, Action::Modify | Action::Replace) {
        let mut properties: Vec<PropertyChange> =
            sdk.details().iter().filter_map(property).collect();
        properties.dedup_by(|left, right| left.path == right.path);
        properties
    } else {
        Vec::new()
    };
    Change {
        action,
        resource: sdk.logical_resource_id().unwrap_or_default().to_owned(),
        resource_type: sdk.resource_type().unwrap_or_default().to_owned(),
        properties,
    }
}

fn property(detail: &ResourceChangeDetail) -> Option<PropertyChange> {
    let target = detail.target()?;
    let path = match (target.attribute(), target.name()) {
        (Some(ResourceAttribute::Properties) | None, Some(name)) => name.to_owned(),
        (Some(attribute), _) => attribute.as_str().to_owned(),
        (None, None) => return None,
    };
    let replacement = match target.requires_recreation() {
        Some(RequiresRecreation::Always) => Replacement::Always,
        Some(RequiresRecreation::Conditionally) => Replacement::Conditionally,
        _ => Replacement::Never,
    };
    Some(PropertyChange {
        path,
        before: target.before_value().map(str::to_owned),
        after: target.after_value().map(str::to_owned),
        replacement,
    })
}

/// Begins to execute a change set.
pub(super) async fn execute(aws: &Regional, stack: &str, id: &str) -> Result<()> {
    aws.cloudformation
        .execute_change_set()
        .stack_name(stack)
        .change_set_name(id)
        .send()
        .await
        .map(drop)
        .map_err(|error| explain(format!("cannot execute the change set of stack {stack}"), error))
}

/// Deletes a change set.
pub(super) async fn delete(aws: &Regional, stack: &str, id: &str) -> Result<()> {
    aws.cloudformation
        .delete_change_set()
        .stack_name(stack)
        .change_set_name(id)
        .send()
        .await
        .map(drop)
        .map_err(|error| explain(format!("cannot delete a change set of stack {stack}"), error))
}

/// Deletes what crashed runs left: the change sets of `run` other than `keep`, and
/// those of others that are too old to be under way. Younger ones may belong to a
/// colleague who is looking at a plan.
pub(super) async fn delete_leftovers(
    aws: &Regional,
    stack: &str,
    run: &str,
    keep: Option<&str>,
) -> Result<()> {
    let own = format!("{PREFIX}{run}-");
    let old = OffsetDateTime::now_utc().unix_timestamp() - ABANDONED.whole_seconds();
    let answer =
        aws.cloudformation.list_change_sets().stack_name(stack).send().await.map_err(|error| {
            explain(format!("cannot list the change sets of stack {stack}"), error)
        })?;
    for summary in answer.summaries() {
        let name = summary.change_set_name().unwrap_or_default();
        let made = summary.creation_time().map_or(0, DateTime::secs);
        let ours = name.starts_with(&own) || (name.starts_with(PREFIX) && made < old);
        let id = summary.change_set_id().unwrap_or_default();
        if ours && Some(id) != keep {
            delete(aws, stack, id).await?;
        }
    }
    Ok(())
}
