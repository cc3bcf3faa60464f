//! Follows a stack's operation to its end, event by event.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_cloudformation::types::{StackEvent, StackStatus};
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

/// How long a stack may go on to look as if it was only announced.
const LAG: Duration = Duration::from_mins(1);

/// Ids of the events that a stack has so far; what comes later belongs to the
/// operation that begins now.
pub(super) async fn seen_events(aws: &Regional, stack: &str) -> Result<BTreeSet<String>> {
    // One page, the newest 100: what is older than they are does not matter.
    let answer = aws.cloudformation.describe_stack_events().stack_name(stack).send().await;
    match answer {
        Ok(answer) => {
            let ids = answer.stack_events().iter().filter_map(|event| event.event_id());
            Ok(ids.map(str::to_owned).collect())
        }
        Err(error) if crate::aws::says(&error, "does not exist") => Ok(BTreeSet::new()),
        Err(error) => Err(explain(format!("cannot read the events of stack {stack}"), error)),
    }
}

/// The newest events, newest first: page after page of 100 until one of `seen`.
async fn events_since(
    aws: &Regional,
    stack: &str,
    seen: &BTreeSet<String>,
) -> Result<Vec<StackEvent>> {
    let known = |event: &StackEvent| event.event_id().is_some_and(|id| seen.contains(id));
    let mut events = Vec::new();
    let mut pages =
        aws.cloudformation.describe_stack_events().stack_name(stack).into_paginator().send();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => {
                let last = page.stack_events().iter().any(known);
                events.extend(page.stack_events().iter().filter(|event| !known(event)).cloned());
                if last {
                    break;
                }
            }
            Err(error) if crate::aws::says(&error, "does not exist") => break,
            Err(error) => {
                return Err(explain(format!("cannot read the events of stack {stack}"), error));
            }
        }
    }
    Ok(events)
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
    /// Whether the stack is as it was wanted.
    pub(super) fn succeeded(&self) -> bool {
        self.stack.as_ref().is_some_and(|stack| {
            matches!(stack.status, StackStatus::CreateComplete | StackStatus::UpdateComplete)
        })
    }

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
        let begun = Instant::now();
        let mut history = Vec::new();
        let mut settled = BTreeSet::new();
        loop {
            let stack = observe(self.aws, self.stack).await?;
            // The status may lag behind: what was announced is about to be made.
            let busy = stack.as_ref().is_some_and(|stack| {
                stack.is_busy() || stack.is_empty_shell() && begun.elapsed() < LAG
            });
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
        let mut new = events_since(self.aws, self.stack, &self.seen).await?;
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
