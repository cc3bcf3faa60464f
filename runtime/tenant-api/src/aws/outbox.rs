//! SQS and `EventBridge`.

use std::sync::Arc;

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_types::DateTime;
use runtime_core::messages::SOURCE;

use super::{Lazy, Places, failed};
use crate::services::{Answer, Event, Message, Outbox, ServiceError};

/// The queues and the bus.
#[derive(Debug)]
pub struct AwsOutbox {
    lazy: Arc<Lazy>,
    places: Arc<Places>,
}

impl AwsOutbox {
    pub(super) fn new(lazy: Arc<Lazy>, places: Arc<Places>) -> Self {
        Self { lazy, places }
    }
}

impl Outbox for AwsOutbox {
    fn send<'a>(&'a self, message: &'a Message) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut queues = self.places.queues.iter();
            let (_, url) = queues.find(|(queue, _)| *queue == message.queue).ok_or_else(|| {
                ServiceError::Failed(format!("the queue {} is not known", message.queue.name))
            })?;
            let client = aws_sdk_sqs::Client::new(self.lazy.get().await.config());
            let (group, known_by) = message.order.clone().unzip();
            let send = client
                .send_message()
                .queue_url(url)
                .message_body(&message.body)
                .set_message_group_id(group)
                .set_message_deduplication_id(known_by);
            send.send().await.map(drop).map_err(|error| failed("SendMessage", &error))
        })
    }

    fn publish<'a>(&'a self, event: &'a Event) -> Answer<'a, ()> {
        Box::pin(async move {
            let entry = PutEventsRequestEntry::builder()
                .event_bus_name(&self.places.bus)
                .source(SOURCE)
                .detail_type(event.kind)
                .time(DateTime::from_secs(event.at))
                .detail(&event.detail)
                .build();
            let client = aws_sdk_eventbridge::Client::new(self.lazy.get().await.config());
            let output = client.put_events().entries(entry).send().await;
            let output = output.map_err(|error| failed("PutEvents", &error))?;
            // It answers 200 also when it took none.
            let refused = output.entries().iter().find_map(|entry| entry.error_code());
            match (output.failed_entry_count, refused) {
                (0, None) => Ok(()),
                (_, code) => {
                    let code = code.unwrap_or("an error without a code");
                    Err(ServiceError::Busy(format!("PutEvents: {code}")))
                }
            }
        })
    }
}
