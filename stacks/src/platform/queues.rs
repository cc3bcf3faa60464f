//! Queues of work, and the event bus.

use std::collections::BTreeMap;

use runtime_core::queues::{ALL, Queue};

use super::Common;
use crate::cfn::aws::{events, sqs};
use crate::cfn::iam::{Operator, Principal, Statement};
use crate::cfn::{Handle, Options, Stack, arn, camel};
use crate::construct::queue::{self, DEAD_LETTER_SECONDS, Work};
use crate::construct::watch::Watch;
use crate::spec::FunctionSpec;

/// A message stays hidden for six time limits of its function, as Lambda advises: it
/// is tried again only when the function was throttled, too.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
const TIME_LIMITS: u32 = 6;

/// Events can be played again for this long.
const ARCHIVE_DAYS: i64 = 30;

/// The queues by their short names.
#[derive(Debug)]
pub(super) struct Queues(BTreeMap<&'static str, Handle<sqs::Queue>>);

impl Queues {
    /// The queue of the contract. All of them are there.
    pub(super) fn of(&self, queue: &Queue) -> &Handle<sqs::Queue> {
        &self.0[queue.name]
    }
}

/// Makes every queue with its dead letters.
pub(super) fn queues(stack: &mut Stack, common: &Common) -> (Queues, Vec<Watch>) {
    let mut made = BTreeMap::new();
    let mut watched = Vec::new();
    for definition in &ALL {
        let naming = stack.naming();
        let default = FunctionSpec::default();
        let consumer = common.spec.functions.get(&definition.consumer).unwrap_or(&default);
        let work = Work {
            id: format!("{}Queue", camel(definition.name)),
            name: naming.name(definition.name),
            dead_letters: naming.name(&definition.dead_letters()),
            ordered: definition.ordered,
            attempts: definition.attempts,
            visibility_seconds: TIME_LIMITS * consumer.timeout_seconds,
        };
        let of = definition.name.to_owned();
        let physical = |name: &str| format!("{name}{}", definition.suffix());
        watched.push(Watch::Queue { queue: physical(&work.name), of: of.clone() });
        watched.push(Watch::DeadLetters { queue: physical(&work.dead_letters), of });
        made.insert(definition.name, work.add(stack, &common.data_key));
    }
    (Queues(made), watched)
}

/// The event bus, its archive, and a queue for events that the key or a target refused.
pub(super) fn bus(stack: &mut Stack, common: &Common) -> (Handle<events::EventBus>, Vec<Watch>) {
    let name = stack.naming().name("events");
    let lost = stack.naming().name("events-dead-letters");
    let id = "EventBusDeadLetters";
    let dead_letters = sqs::Queue::new()
        .queue_name(&lost)
        .message_retention_period(DEAD_LETTER_SECONDS)
        .kms_master_key_id(&common.data_key);
    let dead_letters = stack.add(id, dead_letters);
    let send = Statement::allow(["sqs:SendMessage"])
        .sid("FromTheBus")
        .principal(Principal::service("events.amazonaws.com"))
        .resource(dead_letters.arn())
        // By its name: the bus refers to the queue.
        .when(Operator::ArnEquals, "aws:SourceArn", arn("events", &format!("event-bus/{name}")));
    let allowed = queue::policy(stack, id, &dead_letters, Some(send));
    let bus = events::EventBus::new(&name)
        .description("What happens on the platform")
        .kms_key_identifier(&common.data_key)
        .dead_letter_config(events::event_bus::DeadLetterConfig::new().arn(dead_letters.arn()));
    let bus = stack.add_with("EventBus", bus, Options::new().depends_on(&allowed));
    stack.add(
        "EventArchive",
        events::Archive::new(bus.arn())
            .archive_name(name)
            .description("Events that can be played again")
            .retention_days(ARCHIVE_DAYS)
            .kms_key_identifier(&common.data_key),
    );
    (bus, vec![Watch::DeadLetters { queue: lost, of: "events".to_owned() }])
}
