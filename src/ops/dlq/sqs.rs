//! The broker that is SQS and S3.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::retry::RetryConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName,
    MessageSystemAttributeNameForSends, MessageSystemAttributeValue, QueueAttributeName as Name,
    SendMessageBatchRequestEntry,
};
use aws_smithy_runtime_api::client::result::SdkError;

use super::again;
use super::broker::{Broker, Depth, Receipt, Refusal, SendError};
use super::letter::{Attribute, Content, Letter};
use super::mark::Outgoing;
use super::queue;
use crate::aws::{Regional, explain, has_code};
use crate::error::{Context as _, Error, Result};

/// A queue of dead letters on AWS, where they go, and the bucket of archives.
#[derive(Debug, Clone)]
pub struct Sqs {
    /// Clients of the queues' region.
    pub aws: Regional,
    /// The URL of the queue of dead letters.
    pub url: String,
    /// The URL of the queue that they go back to; none: they only leave.
    pub target: Option<String>,
    /// The function that is called with them instead, by its whole name.
    pub function: Option<String>,
    /// Clients of the bucket's region, and the bucket of archives; none: nothing is archived.
    pub archive: Option<(Regional, String)>,
}

impl Sqs {
    fn bucket(&self) -> Result<(&Regional, &str)> {
        let archive = self.archive.as_ref().map(|(aws, bucket)| (aws, bucket.as_str()));
        archive.ok_or_else(|| Error::failed("there is no bucket for archives"))
    }

    fn target(&self) -> Result<&str> {
        self.target.as_deref().ok_or_else(|| Error::failed("there is no queue to send to"))
    }

    async fn depth_of(&self, url: &str) -> Result<Depth> {
        let names = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesNotVisible,
            Name::ApproximateNumberOfMessagesDelayed,
        ];
        let call = self.aws.sqs.get_queue_attributes().queue_url(url);
        let answer = call.set_attribute_names(Some(names.into())).send().await;
        let answer = answer.map_err(|error| explain("cannot count the messages", error))?;
        Ok(queue::depth(&answer.attributes.unwrap_or_default()))
    }
}

impl Broker for Sqs {
    async fn receive(&self, count: usize, hide: Duration, wait: Duration) -> Result<Vec<Letter>> {
        let call = self.aws.sqs.receive_message().queue_url(&self.url);
        let answer = call
            .max_number_of_messages(i32::try_from(count).unwrap_or(10))
            .visibility_timeout(seconds(hide))
            .wait_time_seconds(seconds(wait))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await
            .map_err(|error| explain("cannot receive dead letters", error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(letter).collect())
    }

    async fn release(&self, letters: &[Receipt]) -> Result<()> {
        let mut entries = Vec::new();
        for (index, (_, handle)) in letters.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(handle)
                .visibility_timeout(0);
            entries.push(entry.build().context("cannot put a message back")?);
        }
        // They come back by themselves, too: after an outage nobody should wait for this.
        let twice = RetryConfig::standard().with_max_attempts(2);
        let config = aws_sdk_sqs::Config::builder().retry_config(twice);
        let call = self.aws.sqs.change_message_visibility_batch().queue_url(&self.url);
        let call = call.set_entries(Some(entries)).customize().config_override(config);
        let answer = call.send().await;
        answer.map(drop).map_err(|error| explain("cannot put messages back", error))
    }

    async fn delete(&self, letters: &[Receipt]) -> Result<Vec<String>> {
        let mut entries = Vec::new();
        for (index, (_, handle)) in letters.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(handle);
            entries.push(entry.build().context("cannot delete a message")?);
        }
        let call = self.aws.sqs.delete_message_batch().queue_url(&self.url);
        let answer = call.set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| explain("cannot delete dead letters", error))?;
        let id = |index: &str| Some(letters.get(index.parse::<usize>().ok()?)?.0.clone());
        Ok(answer.failed().iter().filter_map(|failed| id(failed.id())).collect())
    }

    async fn send(&self, request: &[Outgoing]) -> Result<Vec<Refusal>, SendError> {
        if let Some(function) = &self.function {
            let mut refusals = Vec::new();
            for message in request {
                refusals.extend(again::call(&self.aws, function, message).await?);
            }
            return Ok(refusals);
        }
        let sure = |error| SendError { unsure: false, passing: false, error };
        let mut entries = Vec::new();
        for (index, message) in request.iter().enumerate() {
            entries.push(entry(index, message).map_err(sure)?);
        }
        // Who sends again has to count it: the client must not do so by itself.
        let once = aws_sdk_sqs::Config::builder().retry_config(RetryConfig::disabled());
        let call = self.aws.sqs.send_message_batch().queue_url(self.target().map_err(sure)?);
        let call = call.set_entries(Some(entries)).customize().config_override(once);
        let answer = call.send().await.map_err(failure)?;
        let refusal = |failed: &BatchResultErrorEntry| {
            let message = request.get(failed.id().parse::<usize>().ok()?)?;
            let code = failed.code();
            let reason = match failed.message() {
                Some(text) => format!("{code}: {text}"),
                None => code.to_owned(),
            };
            Some(Refusal { id: message.id.clone(), reason })
        };
        Ok(answer.failed().iter().filter_map(refusal).collect())
    }

    fn one_by_one(&self) -> bool {
        self.function.is_some()
    }

    async fn depth(&self) -> Result<Depth> {
        self.depth_of(&self.url).await
    }

    async fn target_depth(&self) -> Result<Depth> {
        self.depth_of(self.target()?).await
    }

    async fn store(&self, key: &str, text: &str) -> Result<()> {
        let (aws, bucket) = self.bucket()?;
        let call = aws.s3.put_object().bucket(bucket).key(key).content_type("application/jsonl");
        // Object lock takes nothing without a checksum.
        let call = call.checksum_algorithm(ChecksumAlgorithm::Sha256);
        let answer = call.body(ByteStream::from(text.as_bytes().to_vec())).send().await;
        let what = || format!("cannot write s3://{bucket}/{key}");
        answer.map(drop).map_err(|error| explain(what(), error))
    }

    async fn stored(&self, key: &str) -> Result<String> {
        let (aws, bucket) = self.bucket()?;
        let what = format!("cannot read s3://{bucket}/{key}");
        let answer = aws.s3.get_object().bucket(bucket).key(key).send().await;
        let answer = answer.map_err(|error| explain(what.clone(), error))?;
        let bytes = answer.body.collect().await.context(what.clone())?.to_vec();
        String::from_utf8(bytes).context(what)
    }

    async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}

fn letter(message: Message) -> Letter {
    let system = message.attributes.unwrap_or_default().into_iter();
    let attributes = message.message_attributes.unwrap_or_default().into_iter();
    Letter {
        id: message.message_id.unwrap_or_default(),
        handle: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        system: system.map(|(name, value)| (name.as_str().to_owned(), value)).collect(),
        attributes: attributes.map(|(name, value)| (name, attribute(value))).collect(),
    }
}

fn attribute(value: MessageAttributeValue) -> Attribute {
    let content = match (value.binary_value, value.string_value) {
        (Some(bytes), _) => Content::Bytes(bytes.into_inner()),
        (None, text) => Content::Text(text.unwrap_or_default()),
    };
    Attribute { data_type: value.data_type, content }
}

fn entry(index: usize, message: &Outgoing) -> Result<SendMessageBatchRequestEntry> {
    let what = || format!("cannot send message {} again", message.id);
    let mut attributes = BTreeMap::new();
    for (name, it) in &message.attributes {
        let value = MessageAttributeValue::builder().data_type(&it.data_type);
        let value = match &it.content {
            Content::Text(text) => value.string_value(text),
            Content::Bytes(bytes) => value.binary_value(Blob::new(bytes.clone())),
        };
        attributes.insert(name.clone(), value.build().with_context(what)?);
    }
    let entry = SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(&message.body)
        .set_message_attributes(Some(attributes.into_iter().collect()))
        .set_message_group_id(message.group.clone())
        .set_message_deduplication_id(message.deduplication.clone());
    let entry = match &message.trace {
        None => entry,
        Some(trace) => {
            let value =
                MessageSystemAttributeValue::builder().data_type("String").string_value(trace);
            let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
            entry.message_system_attributes(name, value.build().with_context(what)?)
        }
    };
    entry.build().with_context(what)
}

/// How a request failed: whether its messages may have been taken, and whether it may pass.
fn failure<R>(error: SdkError<SendMessageBatchError, R>) -> SendError
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let throttled = ["RequestThrottled", "ThrottlingException", "Throttling", "OverLimit"]
        .iter()
        .any(|code| has_code(&error, code));
    let internal = ["InternalError", "InternalFailure", "ServiceUnavailable"]
        .iter()
        .any(|code| has_code(&error, code));
    let (unsure, passing) = match &error {
        SdkError::ConstructionFailure(_) => (false, false),
        // It said no; only what broke within may have happened nevertheless.
        SdkError::ServiceError(answer) => {
            let coded = aws_smithy_types::error::metadata::ProvideErrorMetadata::code(answer.err());
            let broke = internal || coded.is_none();
            (broke, broke || throttled)
        }
        SdkError::DispatchFailure(_) => (!was_refused(&error), true),
        _ => (true, true),
    };
    SendError { unsure, passing, error: explain("cannot send messages", error) }
}

/// Whether there was no connection in the first place.
fn was_refused(error: &dyn std::error::Error) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        let io = cause.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == ErrorKind::ConnectionRefused) {
            return true;
        }
        next = cause.source();
    }
    false
}
