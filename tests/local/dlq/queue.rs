//! A queue of the emulator, as tests fill and empty it.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName,
    QueueAttributeName, SendMessageBatchRequestEntry,
};

use super::TENANTS;
use crate::platform::{Platform, block_on};

/// A queue of the emulator.
#[derive(Clone)]
pub(crate) struct Queue {
    sqs: Client,
    url: String,
}

impl Queue {
    pub(crate) fn of(platform: &Platform, name: &str) -> Self {
        let sqs = platform.aws().sqs;
        let found = block_on(sqs.get_queue_url().queue_name(name).send()).unwrap();
        Self { sqs, url: found.queue_url().unwrap().to_owned() }
    }

    /// Sends messages with the numbers from `first` on.
    pub(crate) fn fill(&self, first: usize, count: usize) {
        let ordered = self.url.strip_suffix(".fifo").is_some();
        let numbers: Vec<usize> = (first..first + count).collect();
        for batch in numbers.chunks(10) {
            let entries = batch.iter().map(|number| {
                let tenant = TENANTS[number % TENANTS.len()];
                let body = format!(
                    r#"{{"tenant_id": "{tenant}", "n": {number}, "email": "ada@example.com"}}"#
                );
                let own = MessageAttributeValue::builder().data_type("Number.own");
                let own = own.string_value(number.to_string()).build().unwrap();
                let error = MessageAttributeValue::builder().data_type("String");
                let error = error.string_value(["Timeout", "Denied"][number % 2]).build().unwrap();
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(number.to_string())
                    .message_body(body)
                    .message_attributes("own", own)
                    .message_attributes("ERROR_CODE", error);
                let entry = if ordered {
                    entry.message_group_id(tenant).message_deduplication_id(number.to_string())
                } else {
                    entry
                };
                entry.build().unwrap()
            });
            let entries = Some(entries.collect::<Vec<_>>());
            let send = self.sqs.send_message_batch().queue_url(&self.url).set_entries(entries);
            assert!(block_on(send.send()).unwrap().failed().is_empty());
        }
    }

    fn receive(&self) -> Vec<Message> {
        let receive = self.sqs.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let receive = receive
            .visibility_timeout(600)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All);
        block_on(receive.send()).unwrap().messages.unwrap_or_default()
    }

    /// Takes up to ten messages out.
    pub(crate) fn take(&self) -> Vec<Message> {
        let messages = self.receive();
        let entries = messages.iter().enumerate().map(|(index, message)| {
            let handle = message.receipt_handle().unwrap();
            let entry = DeleteMessageBatchRequestEntry::builder().receipt_handle(handle);
            entry.id(index.to_string()).build().unwrap()
        });
        let entries: Vec<_> = entries.collect();
        if !entries.is_empty() {
            let delete = self.sqs.delete_message_batch().queue_url(&self.url);
            block_on(delete.set_entries(Some(entries)).send()).unwrap();
        }
        messages
    }

    /// Takes all messages out.
    pub(crate) fn drain(&self) -> Vec<Message> {
        let mut all = Vec::new();
        loop {
            let taken = self.take();
            if taken.is_empty() {
                return all;
            }
            all.extend(taken);
        }
    }

    /// Messages: visible and hidden.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let get = self.sqs.get_queue_attributes().queue_url(&self.url);
        let answer = block_on(get.set_attribute_names(Some(names.to_vec())).send()).unwrap();
        let attributes = answer.attributes.unwrap();
        let [visible, hidden] = names.map(|name| attributes[&name].parse().unwrap());
        (visible, hidden)
    }
}
