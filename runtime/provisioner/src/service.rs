//! What sets the provisioner going: messages of its queue, and the schedule.

use runtime_core::tenant::TenantId;
use serde::Deserialize;
use serde_json::{Value, json};
use stacks::tenant::Tenancy;

use crate::data::Data;
use crate::formation::Formation;
use crate::outcome::Outcome;
use crate::records::Records;
use crate::work::{Clock, Provisioner};

/// The function.
#[derive(Debug)]
pub struct Service<R, F, D> {
    /// Whose environment it is.
    pub tenancy: Tenancy,
    /// The tenants.
    pub records: R,
    /// Their stacks.
    pub formation: F,
    /// What they have besides.
    pub data: D,
}

/// What of a message counts: what is to be done stands in the tenant's record.
#[derive(Debug, Deserialize)]
struct Message {
    tenant_id: TenantId,
}

/// An event that is none of those that it knows.
#[derive(Debug, thiserror::Error)]
#[error("neither messages of a queue nor the schedule's `reconcile`")]
pub struct UnknownEvent;

impl<R: Records, F: Formation, D: Data> Service<R, F, D> {
    /// Does what an event asks for. The answer to messages names those that failed, which
    /// come again; the answer to the schedule says how many tenants were looked after.
    ///
    /// # Errors
    ///
    /// When it is an unknown event, or the schedule's list cannot be read.
    pub async fn answer(
        &self,
        event: &Value,
        clock: impl Clock + Clone,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        if let Some(records) = event["Records"].as_array() {
            return Ok(self.messages(records, clock).await);
        }
        if event["operation"] == "reconcile" {
            return Ok(self.reconcile(clock).await?);
        }
        Err(UnknownEvent.into())
    }

    async fn messages(&self, records: &[Value], clock: impl Clock + Clone) -> Value {
        let mut failed: Vec<Value> = Vec::new();
        for record in records {
            let id = record["messageId"].as_str().unwrap_or_default();
            let body = record["body"].as_str().unwrap_or_default();
            // Of an ordered queue, nothing after a failed message may be done before it.
            let done = failed.is_empty() && self.message(id, body, clock.clone()).await;
            if !done {
                failed.push(json!({ "itemIdentifier": id }));
            }
        }
        json!({ "batchItemFailures": failed })
    }

    async fn message(&self, id: &str, body: &str, clock: impl Clock) -> bool {
        match serde_json::from_str::<Message>(body) {
            Ok(message) => self.tenant(&message.tenant_id, clock).await.is_some(),
            Err(error) => {
                tracing::error!(message_id = id, %error, "not a message of this queue");
                false
            }
        }
    }

    async fn reconcile(
        &self,
        clock: impl Clock + Clone,
    ) -> Result<Value, crate::records::RecordError> {
        let (mut done, mut failed) = (0, 0);
        for tenant in self.records.unfinished().await? {
            match self.tenant(&tenant, clock.clone()).await {
                Some(Outcome::Failed(_)) | None => failed += 1,
                Some(_) => done += 1,
            }
        }
        Ok(json!({ "tenants": done + failed, "failed": failed }))
    }

    /// Does the work for a tenant; `None` when it should be tried again.
    async fn tenant(&self, id: &TenantId, clock: impl Clock) -> Option<Outcome> {
        let provisioner = Provisioner {
            tenancy: &self.tenancy,
            records: &self.records,
            formation: &self.formation,
            data: &self.data,
            clock,
        };
        match provisioner.work(id).await {
            Ok(outcome) => {
                match &outcome {
                    Outcome::Failed(cause) => {
                        tracing::error!(tenant = %id, cause, "the tenant's stacks cannot be so");
                    }
                    other => tracing::info!(tenant = %id, outcome = ?other, "looked after"),
                }
                Some(outcome)
            }
            Err(error) => {
                tracing::warn!(tenant = %id, %error, "to be tried again");
                None
            }
        }
    }
}
