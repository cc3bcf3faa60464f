//! Webhooks of tenants, and their deliveries.

use serde::{Deserialize, Serialize};

use super::invocation::expires_later;
use super::{
    DeliveryId, HttpsUrl, Invalid, Item, JobId, Key, RequestDigest, Revision, TenantItem, Text,
    Timestamp, WebhookId,
};
use crate::api::WebhookEvent;
use crate::queues;
use crate::tables::{Table, WEBHOOKS};
use crate::tenant::TenantId;

/// How often a delivery is tried.
pub const MOST_ATTEMPTS: u8 = queues::WEBHOOKS.attempts;

/// A webhook. The secret that signs its deliveries is not here, but in Secrets Manager.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Webhook {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its id.
    pub webhook_id: WebhookId,
    /// Where it is called.
    pub url: HttpsUrl,
    /// What it hears of.
    pub events: Vec<WebhookEvent>,
    /// When it was made.
    pub created_at: Timestamp,
    /// What made it, if the request may come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<RequestDigest>,
    /// How often it was written.
    pub revision: Revision,
}

impl Webhook {
    /// Whether it hears of an event.
    pub fn hears_of(&self, event: WebhookEvent) -> bool {
        self.events.contains(&event)
    }
}

impl Item for Webhook {
    const TABLE: Table = WEBHOOKS;

    fn key(&self) -> Key<Self> {
        Key::<Self>::new(&self.tenant_id, self.webhook_id)
    }

    fn revision(&self) -> Option<Revision> {
        Some(self.revision)
    }

    fn with_revision(self, revision: Revision) -> Self {
        Self { revision, ..self }
    }

    fn check(&self) -> Result<(), Invalid> {
        let twice = self.events.iter().enumerate().any(|(i, it)| self.events[..i].contains(it));
        if self.events.is_empty() || twice {
            return Err(Invalid { what: "events", expected: "at least one event, each once" });
        }
        Ok(())
    }
}

impl TenantItem for Webhook {
    fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// How a delivery went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It is still to be made, for the first time or again.
    Pending,
    /// It was taken.
    Delivered,
    /// It was given up after the last attempt.
    Exhausted,
}

/// A delivery of an event to a webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Its id.
    pub delivery_id: DeliveryId,
    /// What happened.
    pub event: WebhookEvent,
    /// To which job.
    pub job_id: JobId,
    /// How it went.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u8,
    /// The status of the last answer; absent: there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<Text<1, 500>>,
    /// When the event happened.
    pub created_at: Timestamp,
    /// When it may go, in seconds since 1970.
    pub expires_at: i64,
    /// How often it was written.
    pub revision: Revision,
}

impl Item for Delivery {
    const TABLE: Table = WEBHOOKS;

    fn key(&self) -> Key<Self> {
        Key::<Self>::new(&self.tenant_id, self.webhook_id, self.delivery_id)
    }

    fn revision(&self) -> Option<Revision> {
        Some(self.revision)
    }

    fn with_revision(self, revision: Revision) -> Self {
        Self { revision, ..self }
    }

    fn check(&self) -> Result<(), Invalid> {
        let invalid = |what, expected| Err(Invalid { what, expected });
        if self.attempts > MOST_ATTEMPTS {
            return invalid("attempts", "at most as many as the queue makes");
        }
        if self.state != DeliveryState::Pending && self.attempts == 0 {
            return invalid("attempts", "at least one before a delivery is over");
        }
        if self.last_status.is_some_and(|status| !(100..600).contains(&status)) {
            return invalid("last_status", "a status of HTTP");
        }
        expires_later(self.created_at, self.expires_at)
    }
}

impl TenantItem for Delivery {
    fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }
}
