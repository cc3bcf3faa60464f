//! "Our queue": encrypted, over TLS alone, with a queue for what could not be handled.

use serde_json::json;

use crate::cfn::aws::sqs::{self, queue};
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Handle, Stack, Value, arn};

/// How long a dead letter waits for somebody to look: the longest SQS offers, 14 days.
pub(crate) const DEAD_LETTER_SECONDS: i64 = 14 * 24 * 60 * 60;

/// How long work waits: shorter than dead letters do, which keep the time at which
/// they were first sent.
const WORK_SECONDS: i64 = 4 * 24 * 60 * 60;

/// A queue of work and the queue of its dead letters.
#[derive(Debug)]
pub(crate) struct Work {
    /// Logical id; that of the dead letters ends in `DeadLetters`.
    pub id: String,
    /// Physical name without its suffix.
    pub name: String,
    /// Physical name of the dead letters' queue without its suffix.
    pub dead_letters: String,
    /// Whether messages of a group arrive in order.
    pub ordered: bool,
    /// How often a message is tried.
    pub attempts: u8,
    /// How long a message is hidden from others once it is taken.
    pub visibility_seconds: u32,
}

impl Work {
    /// Adds both queues with their policies.
    pub(crate) fn add(self, stack: &mut Stack, key: &Value<String>) -> Handle<sqs::Queue> {
        let suffix = if self.ordered { ".fifo" } else { "" };
        let physical = format!("{}{suffix}", self.name);
        // By its name: the two queues cannot both refer to the other.
        let source = arn("sqs", &physical).into_json();
        let dead_letters = kind(sqs::Queue::new(), self.ordered)
            .queue_name(format!("{}{suffix}", self.dead_letters))
            .message_retention_period(DEAD_LETTER_SECONDS)
            .kms_master_key_id(key)
            .redrive_allow_policy(json!({
                "redrivePermission": "byQueue",
                "sourceQueueArns": [source],
            }));
        let id = format!("{}DeadLetters", self.id);
        let dead_letters = stack.add(&id, dead_letters);
        policy(stack, &id, &dead_letters, None);
        let redrive = queue::RedrivePolicy::new()
            .dead_letter_target_arn(dead_letters.arn())
            .max_receive_count(self.attempts);
        let work = kind(sqs::Queue::new(), self.ordered)
            .queue_name(physical)
            .message_retention_period(WORK_SECONDS)
            .visibility_timeout(self.visibility_seconds)
            .kms_master_key_id(key)
            .redrive_policy(redrive)
            // Others may not use it for their dead letters.
            .redrive_allow_policy(json!({ "redrivePermission": "denyAll" }));
        let work = stack.add(&self.id, work);
        policy(stack, &self.id, &work, None);
        work
    }
}

/// Ordered queues count by message group, so that one tenant's work does not slow
/// another's.
fn kind(queue: sqs::Queue, ordered: bool) -> sqs::Queue {
    if !ordered {
        return queue;
    }
    queue
        .fifo_queue(true)
        .deduplication_scope("messageGroup")
        .fifo_throughput_limit("perMessageGroupId")
}

/// The policy of a queue: TLS alone, and what else it allows.
pub(crate) fn policy(
    stack: &mut Stack,
    id: &str,
    queue: &Handle<sqs::Queue>,
    allowed: Option<Statement>,
) -> Handle<sqs::QueuePolicy> {
    let tls_only = Statement::deny(["sqs:*"])
        .sid("TlsOnly")
        .principal(Principal::anyone())
        .resource(queue.arn())
        .when(Operator::Bool, "aws:SecureTransport", "false");
    let statements = [tls_only].into_iter().chain(allowed);
    let policy = sqs::QueuePolicy::new(PolicyDocument::new(statements), [queue.queue_url()]);
    stack.add(format!("{id}Policy"), policy)
}
