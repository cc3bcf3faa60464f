//! A message of a queue of dead letters, and what can be read off it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use runtime_core::queues::{REDRIVE_COUNT, REDRIVE_OF};
use runtime_core::tenant::TenantId;
use serde_json::{Value, json};

/// A message attribute, as its sender set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, also with a type of the sender's own behind a dot.
    pub data_type: String,
    /// What it holds.
    pub content: Content,
}

/// What a message attribute holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text, also that of a number.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Attribute {
    /// An attribute of type `String`.
    pub fn text(value: impl Into<String>) -> Self {
        Self { data_type: "String".to_owned(), content: Content::Text(value.into()) }
    }

    /// An attribute of type `Number`.
    pub fn number(value: u64) -> Self {
        Self { data_type: "Number".to_owned(), content: Content::Text(value.to_string()) }
    }

    /// The text, unless it is bytes.
    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::Bytes(_) => None,
        }
    }

    /// What it adds to a message's size beside its name, in bytes.
    fn size(&self) -> usize {
        let content = match &self.content {
            Content::Text(text) => text.len(),
            Content::Bytes(bytes) => bytes.len(),
        };
        self.data_type.len() + content
    }

    fn value(&self) -> Value {
        match &self.content {
            Content::Text(text) => json!({ "type": self.data_type, "text": text }),
            Content::Bytes(bytes) => {
                json!({ "type": self.data_type, "base64": STANDARD.encode(bytes) })
            }
        }
    }
}

/// A message as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its id, the same however often it is received.
    pub id: String,
    /// The handle of this receipt, by which it is deleted or put back.
    pub handle: String,
    /// The body.
    pub body: String,
    /// What SQS knows of it: `SentTimestamp`, `MessageGroupId` and so on.
    pub system: BTreeMap<String, String>,
    /// What its sender said beside the body.
    pub attributes: BTreeMap<String, Attribute>,
}

/// The run that moved a message, and the id of the message that it is a copy of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The run.
    pub run: String,
    /// The id that the message had then.
    pub id: String,
}

impl Letter {
    /// The body as JSON; a text that is none is a string.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| Value::String(self.body.clone()))
    }

    /// Its message group, in an ordered queue.
    pub fn group(&self) -> Option<&str> {
        self.system.get("MessageGroupId").map(String::as_str)
    }

    /// When it was first sent, in milliseconds since 1970.
    pub fn sent_ms(&self) -> Option<u64> {
        self.system.get("SentTimestamp")?.parse().ok()
    }

    /// How long ago it was first sent, in seconds.
    pub fn age_seconds(&self, now_ms: u64) -> Option<u64> {
        Some(now_ms.saturating_sub(self.sent_ms()?) / 1000)
    }

    /// How often it was received, about.
    pub fn receive_count(&self) -> u64 {
        let count = self.system.get("ApproximateReceiveCount");
        count.and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// How often it was moved back to its queue.
    pub fn redrive_count(&self) -> u64 {
        self.text(REDRIVE_COUNT).and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// What moved it back, if something did.
    pub fn origin(&self) -> Option<Origin> {
        let (run, id) = self.text(REDRIVE_OF)?.split_once('/')?;
        Some(Origin { run: run.to_owned(), id: id.to_owned() })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_text()
    }

    /// Its size as SQS counts: the body, and names, types and values of attributes.
    pub fn size(&self) -> usize {
        size(&self.body, &self.attributes)
    }

    /// Whom it is about: the first of `tenant_id` in the body, in the detail of an event
    /// and in what a function was given, a message attribute, and the message group.
    pub fn tenant(&self, body: &Value) -> Option<String> {
        let places = ["/tenant_id", "/detail/tenant_id", "/requestPayload/tenant_id"];
        let more = ["/requestPayload/detail/tenant_id", "/tenant"];
        let named = places.iter().chain(&more).find_map(|place| body.pointer(place)?.as_str());
        let named = named.or_else(|| self.text("tenant_id")).or_else(|| self.text("tenant"));
        named.or_else(|| self.group()).and_then(tenant_id)
    }

    /// What went wrong, as whoever gave it up says: the type of a function's error, or the
    /// code of Lambda, `EventBridge` or the scheduler. SQS itself says nothing when a message
    /// was received too often.
    pub fn error(&self, body: &Value) -> Option<String> {
        let places = ["/responsePayload/errorType", "/errorType", "/requestContext/condition"];
        let in_body = places.iter().find_map(|place| body.pointer(place)?.as_str());
        let named = in_body.or_else(|| self.text("ERROR_CODE")).map(str::to_owned);
        named.or_else(|| Some(format!("Lambda status {}", self.text("ErrorCode")?)))
    }

    /// The message that goes with [`error`](Self::error).
    pub fn error_message(&self, body: &Value) -> Option<String> {
        let places = ["/responsePayload/errorMessage", "/errorMessage"];
        let in_body = places.iter().find_map(|place| body.pointer(place)?.as_str());
        let named = in_body.or_else(|| self.text("ERROR_MESSAGE"));
        named.or_else(|| self.text("ErrorMessage")).map(str::to_owned)
    }

    /// The function that could not handle it, when the message says so.
    pub fn function(&self, body: &Value) -> Option<String> {
        let arn = body.pointer("/requestContext/functionArn").and_then(Value::as_str);
        let arn = arn.or_else(|| {
            self.text("TARGET_ARN")?.contains(":function:").then_some(self.text("TARGET_ARN")?)
        })?;
        let (_, name) = arn.split_once(":function:")?;
        name.split(':').next().map(str::to_owned)
    }

    /// All of it, as archives keep it and as it can be sent again.
    pub fn record(&self) -> Value {
        let attributes: serde_json::Map<_, _> =
            self.attributes.iter().map(|(name, value)| (name.clone(), value.value())).collect();
        json!({
            "v": 1,
            "id": self.id,
            "body": self.body,
            "system": self.system,
            "attributes": attributes,
        })
    }

    /// What filters look at.
    pub fn document(&self, now_ms: u64) -> Value {
        let body = self.json();
        let texts: serde_json::Map<_, _> = self
            .attributes
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_text()?.into())))
            .collect();
        json!({
            "id": self.id,
            "tenant": self.tenant(&body),
            "error": self.error(&body),
            "function": self.function(&body),
            "age_seconds": self.age_seconds(now_ms),
            "redrive_count": self.redrive_count(),
            "receive_count": self.receive_count(),
            "attributes": self.system,
            "message_attributes": texts,
            "body": body,
        })
    }
}

/// The size of a message as SQS counts, in bytes.
pub(super) fn size(body: &str, attributes: &BTreeMap<String, Attribute>) -> usize {
    body.len() + attributes.iter().map(|(name, it)| name.len() + it.size()).sum::<usize>()
}

fn tenant_id(text: &str) -> Option<String> {
    text.parse::<TenantId>().ok().map(|id| id.to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A message with this id and body.
    pub(in crate::ops::dlq) fn letter(id: &str, body: &str) -> Letter {
        Letter {
            id: id.to_owned(),
            handle: format!("handle of {id}"),
            body: body.to_owned(),
            system: BTreeMap::new(),
            attributes: BTreeMap::new(),
        }
    }

    #[test]
    fn the_tenant_is_found_wherever_it_stands() {
        let of = |body: &str| {
            let letter = letter("1", body);
            letter.tenant(&letter.json())
        };
        for body in [
            r#"{"tenant_id": "acme", "job_id": "1"}"#,
            r#"{"detail": {"tenant_id": "acme"}}"#,
            r#"{"requestPayload": {"tenant_id": "acme"}}"#,
        ] {
            assert_eq!(of(body).as_deref(), Some("acme"), "{body}");
        }
        assert_eq!(of("no json"), None);
        // What is none is not shown as one.
        assert_eq!(of(r#"{"tenant_id": "../x"}"#), None);
        let mut grouped = letter("1", "x");
        grouped.system.insert("MessageGroupId".into(), "globex".into());
        assert_eq!(grouped.tenant(&grouped.json()).as_deref(), Some("globex"));
    }

    #[test]
    fn whoever_gave_it_up_says_why() {
        let lambda = r#"{"requestContext": {"condition": "RetriesExhausted",
            "functionArn": "arn:aws:lambda:eu-west-2:111122223333:function:acme-dev-jobs:live"},
            "responsePayload": {"errorType": "Timeout", "errorMessage": "took too long"}}"#;
        let letter_of = letter("1", lambda);
        let body = letter_of.json();
        assert_eq!(letter_of.error(&body).as_deref(), Some("Timeout"));
        assert_eq!(letter_of.error_message(&body).as_deref(), Some("took too long"));
        assert_eq!(letter_of.function(&body).as_deref(), Some("acme-dev-jobs"));

        let mut event = letter("2", "{}");
        event.attributes.insert("ERROR_CODE".into(), Attribute::text("NO_PERMISSIONS"));
        let target = "arn:aws:lambda:eu-west-2:111122223333:function:acme-dev-provisioner";
        event.attributes.insert("TARGET_ARN".into(), Attribute::text(target));
        assert_eq!(event.error(&event.json()).as_deref(), Some("NO_PERMISSIONS"));
        assert_eq!(event.function(&event.json()).as_deref(), Some("acme-dev-provisioner"));

        let mut invoked = letter("3", "{}");
        invoked.attributes.insert("ErrorCode".into(), Attribute::number(200));
        invoked.attributes.insert("ErrorMessage".into(), Attribute::text("no"));
        assert_eq!(invoked.error(&invoked.json()).as_deref(), Some("Lambda status 200"));
        assert_eq!(invoked.error_message(&invoked.json()).as_deref(), Some("no"));

        let silent = letter("4", "{}");
        assert_eq!((silent.error(&silent.json()), silent.function(&silent.json())), (None, None));
    }

    #[test]
    fn marks_are_read_and_nonsense_is_no_mark() {
        let mut moved = letter("1", "x");
        moved.attributes.insert(REDRIVE_COUNT.into(), Attribute::number(2));
        moved.attributes.insert(REDRIVE_OF.into(), Attribute::text("2026-11-20-k3f9/abc"));
        assert_eq!(moved.redrive_count(), 2);
        let origin = moved.origin().expect("an origin");
        assert_eq!((origin.run.as_str(), origin.id.as_str()), ("2026-11-20-k3f9", "abc"));
        moved.attributes.insert(REDRIVE_COUNT.into(), Attribute::text("many"));
        moved.attributes.insert(REDRIVE_OF.into(), Attribute::text("nobody"));
        assert_eq!((moved.redrive_count(), moved.origin()), (0, None));
    }

    #[test]
    fn a_record_has_all_of_a_message() {
        let mut letter = letter("1", "body");
        letter.system.insert("SentTimestamp".into(), "1000".into());
        let bytes =
            Attribute { data_type: "Binary.png".into(), content: Content::Bytes(vec![0, 255]) };
        letter.attributes.insert("picture".into(), bytes);
        assert_eq!(
            letter.record(),
            json!({
                "v": 1, "id": "1", "body": "body", "system": { "SentTimestamp": "1000" },
                "attributes": { "picture": { "type": "Binary.png", "base64": "AP8=" } },
            })
        );
        assert_eq!(letter.age_seconds(62_500), Some(61));
        assert_eq!(letter.size(), 4 + 7 + 10 + 2);
    }
}
