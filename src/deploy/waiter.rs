//! Follows a stack's operation to its end, event by event.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_cloudformation::types::StackEvent;
use time::OffsetDateTime;

use super::observe::{LiveStack, observe};
use super::root_cause::{Failure, root_cause};
use crate::aws::{Regional, explain};
use crate::error::{Error, Result};
use crate::event::Events;
use crate::signal::Cancel;

/// First pause between two looks; doubled up to [`LONGEST`]. A local stack is done
/// within a second, one on AWS takes minutes.
const SHORTEST: Duration = Duration::from_millis(60);
const LONGEST: Duration = Duration::from_secs(3);

/// Ids of the events that a stack has so far; what comes later belongs to the
/// operation that begins now.
pub(super) async fn seen_events(aws: &Regional, stack: &str) -> Result<BTreeSet<String>> {
    Ok(events_of(aws, stack)
        .await?
        .iter()
        .filter_map(|event| event.event_id().map(str::to_owned))
        .collect())
}

async fn events_of(aws: &Regional, stack: &str) -> Result<Vec<StackEvent>> {
    // One page holds the newest 100 events; an operation is followed more often than that.
    let answer = aws.cloudformation.describe_stack_events().stack_name(stack).send().await;
    match answer {
        Ok(answer) => Ok(answer.stack_events().to_vec()),
        Err(error) if crate::aws::says(&error, "does not exist") => Ok(Vec::new()),
        Err(error) => Err(explain(format!("cannot read the events of stack {stack}"), error)),
    }
}

/// How a followed operation ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// The stack, or `None` when it is gone.
    pub stack: Option<LiveStack>,
    /// Every event of the operation, oldest first.
    pub events: Vec<Failure>,
}

impl Ended {
    /// The error of an operation that did not succeed, with its first root cause.
    pub(super) fn failure(&self, stack: &str) -> Error {
        let status = self.stack.as_ref().map_or("gone", |stack| stack.status.as_str());
        let mask = crate::journal::Mask::default();
        match root_cause(&self.events) {
            Some(Failure { resource, resource_type, reason, .. }) => Error::failed(format!(
                "stack {stack} is {status}: {resource} ({resource_type}) failed: {}",
                mask.text(reason)
            )),
            None => {
                let reason = self.stack.as_ref().and_then(|stack| stack.reason.clone());
                Error::failed(format!(
                    "stack {stack} is {status}: {}",
                    mask.text(&reason.unwrap_or_default())
                ))
            }
        }
    }
}

/// What is followed.
pub(super) struct Follow<'a> {
    pub aws: &'a Regional,
    /// Name or, for a stack that will be deleted, id.
    pub stack: &'a str,
    /// Events from before the operation.
    pub seen: BTreeSet<String>,
    /// The task that progress belongs to.
    pub task: &'a str,
    pub events: &'a Events,
    pub cancel: &'a Cancel,
}

impl Follow<'_> {
    /// Returns when the stack is no longer busy. An interruption ends the
    /// following, not the operation: CloudFormation goes on by itself.
    pub(super) async fn until_idle(mut self) -> Result<Ended> {
        let mut pause = SHORTEST;
        let mut history = Vec::new();
        let mut settled = BTreeSet::new();
        loop {
            let stack = observe(self.aws, self.stack).await?;
            let busy = stack.as_ref().is_some_and(LiveStack::is_busy);
            self.report(&mut history, &mut settled).await?;
            if !busy {
                return Ok(Ended { stack, events: history });
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.cancel.cancelled() => return Err(self.cancel.error()),
            }
            pause = (pause * 2).min(LONGEST);
        }
    }

    async fn report(
        &mut self,
        history: &mut Vec<Failure>,
        settled: &mut BTreeSet<String>,
    ) -> Result<()> {
        let mut new: Vec<StackEvent> = events_of(self.aws, self.stack)
            .await?
            .into_iter()
            .filter(|event| event.event_id().is_some_and(|id| !self.seen.contains(id)))
            .collect();
        new.reverse();
        for event in new {
            self.seen.extend(event.event_id().map(str::to_owned));
            let resource = event.logical_resource_id().unwrap_or_default();
            let status = event.resource_status().map_or("", |status| status.as_str());
            let resource_type = event.resource_type().unwrap_or_default();
            if status.ends_with("_COMPLETE") && resource_type != "AWS::CloudFormation::Stack" {
                settled.insert(resource.to_owned());
            }
            let words = format!("{resource} {}", status.to_lowercase().replace('_', " "));
            self.events.progress(self.task, settled.len() as u64, words);
            history.push(Failure {
                resource: resource.to_owned(),
                resource_type: resource_type.to_owned(),
                status: status.to_owned(),
                reason: event.resource_status_reason().unwrap_or_default().to_owned(),
            });
        }
        Ok(())
    }
}

/// A suffix for names that must be unique: seconds since 1970 and nanoseconds.
pub(super) fn unique_suffix() -> String {
    let now = OffsetDateTime::now_utc();
    format!("{}-{:09}", now.unix_timestamp(), now.nanosecond())
}
