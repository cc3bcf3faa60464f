//! Tables and buckets.

use std::fmt;
use std::sync::Arc;

use runtime_core::access::{
    AccessError, Backend, DynamoDb, NarrowedCredentials, S3Audit, S3Bucket, Scope, Watchers,
};
use tokio::sync::OnceCell;

use super::{AwsSecrets, Lazy, Places};
use crate::services::{Answer, Data, Reached};

/// `DynamoDB` and S3, by the function's own role or in sessions for tenants.
pub struct AwsData {
    lazy: Arc<Lazy>,
    places: Arc<Places>,
    narrowed: OnceCell<NarrowedCredentials>,
    watchers: OnceCell<Watchers>,
}

impl fmt::Debug for AwsData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsData").field("places", &self.places).finish_non_exhaustive()
    }
}

impl AwsData {
    pub(super) fn new(lazy: Arc<Lazy>, places: Arc<Places>) -> Self {
        Self { lazy, places, narrowed: OnceCell::new(), watchers: OnceCell::new() }
    }

    async fn narrowed(&self) -> &NarrowedCredentials {
        let make = || async {
            let Places { acting, prefix, results, .. } = &*self.places;
            let sts = self.lazy.get().await.sts();
            NarrowedCredentials::new(sts, acting.clone(), prefix, Some(results.clone()))
        };
        self.narrowed.get_or_init(make).await
    }
}

impl Data for AwsData {
    fn watchers(&self) -> Answer<'_, Watchers, AccessError> {
        Box::pin(async {
            let make = || async {
                let audit = S3Audit::new(self.lazy.get().await.s3(), &self.places.audit);
                Watchers { audit: Arc::new(audit), metrics: self.places.metrics.clone() }
            };
            Ok(self.watchers.get_or_init(make).await.clone())
        })
    }

    fn platform(&self) -> Answer<'_, Arc<dyn Backend>, AccessError> {
        Box::pin(async {
            let client = self.lazy.get().await.dynamodb();
            Ok(Arc::new(DynamoDb::new(client, &self.places.prefix)) as Arc<dyn Backend>)
        })
    }

    fn tenant<'a>(&'a self, scope: &'a Scope) -> Answer<'a, Reached, AccessError> {
        Box::pin(async move {
            let credentials = self.narrowed().await.of(scope).await?;
            let connections = self.lazy.get().await.with(credentials);
            let key = self.places.secrets_key.clone();
            Ok(Reached {
                tables: Arc::new(DynamoDb::new(connections.dynamodb(), &self.places.prefix)),
                results: Arc::new(S3Bucket::new(connections.s3(), &self.places.results)),
                secrets: Arc::new(AwsSecrets::connected(connections, key)),
            })
        })
    }
}
