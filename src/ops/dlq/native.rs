//! Moves all dead letters back by a task of SQS itself: where nothing is chosen, counted or
//! put aside, SQS does it alone, up to 500 messages a second, and goes on if nobody watches.

use std::time::Duration;

use aws_sdk_sqs::types::ListMessageMoveTasksResultEntry as Task;
use serde::Serialize;
use serde_json::json;

use crate::aws::{Regional, explain, has_code};
use crate::error::{Error, Result};
use crate::event::Events;
use crate::journal::{Journal, StepOutcome};
use crate::signal::Cancel;

/// Messages a second that a task moves at most.
pub const FASTEST: i32 = 500;

/// A move of all dead letters of a queue to the queues that they come from.
#[derive(Debug)]
pub struct MoveTask<'a> {
    /// Clients of the queue's region.
    pub aws: &'a Regional,
    /// The ARN of the queue of dead letters.
    pub arn: &'a str,
    /// Messages a second at most; none: SQS decides.
    pub rate: Option<i32>,
    /// How often SQS is asked.
    pub every: Duration,
    /// The run's journal.
    pub journal: &'a Journal,
    /// Where progress goes, and the task that it is about.
    pub events: (&'a Events, &'a str),
    /// Whether to stop.
    pub cancel: &'a Cancel,
}

/// What a task moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Messages, about.
    pub moved: u64,
    /// Messages that there were when it began, about.
    pub of: Option<u64>,
}

impl MoveTask<'_> {
    /// Moves the messages, or follows the task that an earlier attempt began. None: SQS does
    /// not offer it here, as on an emulator.
    pub async fn run(&self, goes_on: bool) -> Result<Option<Moved>> {
        let running = if goes_on { self.newest().await? } else { None };
        let running = running.filter(|task| task.status() == Some("RUNNING"));
        if running.is_none() && !self.start().await? {
            return Ok(None);
        }
        self.follow().await.map(Some)
    }

    async fn start(&self) -> Result<bool> {
        let action = "sqs:StartMessageMoveTask";
        let intent = self.journal.intent(action, self.arn, json!({ "rate": self.rate }))?;
        let call = self.aws.sqs.start_message_move_task().source_arn(self.arn);
        let answer = call.set_max_number_of_messages_per_second(self.rate).send().await;
        let Err(error) = answer else {
            self.journal.outcome(intent, StepOutcome::Done, json!({}))?;
            return Ok(true);
        };
        let unknown = [
            "InvalidAction",
            "UnsupportedOperation",
            "AWS.SimpleQueueService.UnsupportedOperation",
        ];
        let unknown = unknown.iter().any(|code| has_code(&error, code));
        let error = explain("cannot start to move the messages", error);
        let detail = json!({ "error": error.to_string() });
        if unknown {
            self.journal.outcome(intent, StepOutcome::Unchanged, detail)?;
            return Ok(false);
        }
        self.journal.outcome(intent, StepOutcome::of(&error), detail)?;
        Err(error)
    }

    async fn newest(&self) -> Result<Option<Task>> {
        let call = self.aws.sqs.list_message_move_tasks().source_arn(self.arn).max_results(1);
        let answer = call
            .send()
            .await
            .map_err(|error| explain("cannot find out how the move goes on", error))?;
        Ok(answer.results.unwrap_or_default().into_iter().next())
    }

    async fn follow(&self) -> Result<Moved> {
        let (events, id) = self.events;
        loop {
            let Some(task) = self.newest().await? else {
                return Err(Error::failed("SQS no longer knows of the move")
                    .hint("look what is left: `platformctl ops dlq-list`"));
            };
            let moved = count(Some(task.approximate_number_of_messages_moved())).unwrap_or(0);
            let of = count(task.approximate_number_of_messages_to_move());
            match task.status().unwrap_or_default() {
                "COMPLETED" => return Ok(Moved { moved, of }),
                "RUNNING" | "CANCELLING" => {
                    events.progress(id, moved, format!("{moved} moved by SQS"));
                }
                ended => {
                    let why = task.failure_reason().unwrap_or("no reason was given");
                    return Err(Error::failed(format!(
                        "the move ended as {ended} after {moved} messages: {why}"
                    )));
                }
            }
            if self.cancel.is_cancelled() {
                self.stop(&task).await?;
                return Err(self.cancel.error());
            }
            tokio::select! {
                () = tokio::time::sleep(self.every) => {}
                () = self.cancel.cancelled() => {}
            }
        }
    }

    async fn stop(&self, task: &Task) -> Result<()> {
        let Some(handle) = task.task_handle() else { return Ok(()) };
        let work = async {
            let call = self.aws.sqs.cancel_message_move_task().task_handle(handle);
            let answer = call.send().await;
            answer.map(drop).map_err(|error| explain("cannot stop the move", error))
        };
        self.journal.mutate("sqs:CancelMessageMoveTask", self.arn, json!({}), work).await
    }
}

fn count(number: Option<i64>) -> Option<u64> {
    number.and_then(|number| u64::try_from(number).ok())
}
