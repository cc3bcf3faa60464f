//! What a deleted tenant leaves: items, results, secrets. It goes 30 days later.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_secretsmanager::Client as Secrets;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use runtime_core::access::{
    Connections, DynamoDb, NarrowedCredentials, S3Bucket, Scope, TenantScopedDynamoDb,
    TenantScopedS3, Watchers,
};
use runtime_core::model::{
    Agent, Delivery, Invocation, Item as _, Job, Listing, Session, TenantItem, Tool, Webhook,
};
use runtime_core::names::WEBHOOK_SECRETS;
use runtime_core::tenant::TenantId;

use crate::records::{RecordError, Table, explain};
use crate::work::Clock;

/// Items or objects that are taken away between two looks at the clock.
const PORTION: u32 = 100;

/// Everything that tenants have in tables, the bucket and Secrets Manager.
pub trait Data: Send + Sync {
    /// Takes away what a tenant has, as long as there is time; whether all of it is gone.
    fn purge(
        &self,
        tenant: &TenantId,
        clock: &impl Clock,
    ) -> impl Future<Output = Result<bool, RecordError>> + Send;
}

/// One tenant's, and nobody else's.
#[derive(Clone)]
pub struct Own {
    /// Its items.
    pub items: TenantScopedDynamoDb,
    /// Its results.
    pub results: TenantScopedS3,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").finish_non_exhaustive()
    }
}

impl Own {
    /// Takes away items and results; `delete_secret` is called for each webhook before
    /// the webhook goes.
    ///
    /// # Errors
    ///
    /// What stopped it. What is left is taken away by the next call.
    pub async fn purge<F: Future<Output = Result<(), RecordError>> + Send>(
        &self,
        clock: &impl Clock,
        delete_secret: impl Fn(Webhook) -> F + Send + Sync,
    ) -> Result<bool, RecordError> {
        loop {
            let (keys, _) = self.results.list(None, None, PORTION).await.map_err(explain)?;
            if keys.is_empty() {
                break;
            }
            for key in &keys {
                self.results.delete(key).await.map_err(explain)?;
            }
            if !clock.wait(Duration::ZERO).await {
                return Ok(false);
            }
        }
        // Webhooks after their secrets and deliveries: they tell what there is of those.
        loop {
            let webhooks = self.portion(&Listing::<Webhook>::all()).await?;
            let Some(webhook) = webhooks.into_iter().next() else { break };
            if !self.drain(&Listing::<Delivery>::of_webhook(webhook.webhook_id), clock).await? {
                return Ok(false);
            }
            let key = webhook.key();
            delete_secret(webhook).await?;
            self.items.batch_write::<Webhook>(&[], &[key]).await.map_err(explain)?;
            if !clock.wait(Duration::ZERO).await {
                return Ok(false);
            }
        }
        Ok(self.drain(&Listing::<Invocation>::all(), clock).await?
            && self.drain(&Listing::<Session>::all(), clock).await?
            && self.drain(&Listing::<Job>::all(), clock).await?
            && self.drain(&Listing::<Agent>::all(), clock).await?
            && self.drain(&Listing::<Tool>::all(), clock).await?)
    }

    async fn drain<T: TenantItem>(
        &self,
        listing: &Listing<T>,
        clock: &impl Clock,
    ) -> Result<bool, RecordError> {
        loop {
            let items = self.portion(listing).await?;
            if items.is_empty() {
                return Ok(true);
            }
            let keys: Vec<_> = items.iter().map(T::key).collect();
            self.items.batch_write::<T>(&[], &keys).await.map_err(explain)?;
            if !clock.wait(Duration::ZERO).await {
                return Ok(false);
            }
        }
    }

    /// The first items; none: there are none. Those that have expired are not listed, and
    /// go by themselves.
    async fn portion<T: TenantItem>(&self, listing: &Listing<T>) -> Result<Vec<T>, RecordError> {
        let mut cursor: Option<String> = None;
        loop {
            let page =
                self.items.list(listing, PORTION, cursor.as_deref()).await.map_err(explain)?;
            cursor = page.next;
            if !page.items.is_empty() || cursor.is_none() {
                return Ok(page.items);
            }
        }
    }
}

/// The tables and the bucket of an environment, in sessions for one tenant at a time.
pub struct Stores {
    /// Where it is recorded that the platform acts for a tenant.
    pub records: Table,
    /// The function's own connections.
    pub connections: Connections,
    /// The sessions.
    pub narrowed: NarrowedCredentials,
    /// `<project>-<environment>`.
    pub prefix: String,
    /// The bucket of results.
    pub results: String,
    /// Who hears of violations.
    pub watchers: Watchers,
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Stores {
    async fn own(&self, scope: &Scope) -> Result<(Own, Connections), RecordError> {
        let credentials = self.narrowed.of(scope).await.map_err(explain)?;
        let connections = self.connections.with(credentials);
        let tables = Arc::new(DynamoDb::new(connections.dynamodb(), &self.prefix));
        let bucket = Arc::new(S3Bucket::new(connections.s3(), &self.results));
        let own = Own {
            items: TenantScopedDynamoDb::new(scope.clone(), tables, self.watchers.clone()),
            results: TenantScopedS3::new(scope.clone(), bucket, self.watchers.clone()),
        };
        Ok((own, connections))
    }
}

impl Data for Stores {
    async fn purge(&self, tenant: &TenantId, clock: &impl Clock) -> Result<bool, RecordError> {
        let scope = self.records.act_for(tenant).await?;
        let (own, connections) = self.own(&scope).await?;
        let secrets = Secrets::new(connections.config());
        let delete_secret = |webhook: Webhook| {
            let name = format!("{}/{WEBHOOK_SECRETS}/{tenant}/{}", self.prefix, webhook.webhook_id);
            // The tenant had its 30 days.
            let delete =
                secrets.delete_secret().secret_id(name).force_delete_without_recovery(true);
            async move {
                match delete.send().await {
                    Err(error) if error.code() != Some("ResourceNotFoundException") => {
                        let code = error.code().unwrap_or("no answer");
                        Err(RecordError::Failed(format!("DeleteSecret: {code}")))
                    }
                    _ => Ok(()),
                }
            }
        };
        own.purge(clock, delete_secret).await
    }
}
