//! What a tenant leaves, taken away in portions, and nothing of anybody else's.

use std::sync::{Arc, Mutex};

use provisioner::Own;
use runtime_core::access::{
    LogAudit, MemoryBucket, MemoryTables, Scope, TenantScopedDynamoDb, TenantScopedS3, Watchers,
};
use runtime_core::caller::{Origin, VerifiedCaller};
use runtime_core::model::{Item, Listing, TenantItem, Webhook, samples};
use runtime_core::telemetry::Metrics;
use runtime_core::tenant::TenantId;

use crate::fakes::Fake;

#[derive(Default)]
struct Stores {
    tables: MemoryTables,
    bucket: MemoryBucket,
}

impl Stores {
    fn own(&self, tenant: &str) -> Own {
        let metrics = Metrics::from_variables(|_| Some("acme-dev".to_owned())).unwrap();
        let watchers = Watchers { audit: Arc::new(LogAudit), metrics };
        let tenant: TenantId = tenant.parse().unwrap();
        let queue = "arn:aws:sqs:eu-west-2:111122223333:acme-dev-jobs";
        let origin = Origin::parse(queue, "acme-dev").unwrap();
        let caller = VerifiedCaller::from_origin(&origin, tenant).unwrap();
        let scope = Scope::tenant(&caller);
        Own {
            items: TenantScopedDynamoDb::new(
                scope.clone(),
                Arc::new(self.tables.clone()),
                watchers.clone(),
            ),
            results: TenantScopedS3::new(scope, Arc::new(self.bucket.clone()), watchers),
        }
    }

    fn plant<T: Item>(&self, item: &T) {
        self.tables.plant(&T::TABLE, item.to_attributes().unwrap());
    }

    /// One of everything, and many agents and deliveries.
    fn fill(&self, tenant: &str) {
        let id: TenantId = tenant.parse().unwrap();
        for i in 0..230 {
            self.plant(&samples::agent(&id, &format!("agent-{i}")));
            self.bucket.plant(&format!("tenants/{tenant}/jobs/{i}.json"), b"{}");
        }
        let webhook = samples::webhook(&id);
        self.plant(&samples::delivery(&id, webhook.webhook_id));
        self.plant(&webhook);
        self.plant(&samples::job(&id));
        self.plant(&samples::session(&id));
        self.plant(&samples::tool(&id));
        self.plant(&samples::invocation(&id));
    }

    async fn count<T: TenantItem>(&self, tenant: &str, listing: Listing<T>) -> usize {
        let (mut found, mut cursor) = (0, None::<String>);
        loop {
            let page = self.own(tenant).items.list(&listing, 100, cursor.as_deref()).await.unwrap();
            found += page.items.len();
            cursor = page.next;
            if cursor.is_none() {
                return found;
            }
        }
    }

    /// Items of each kind, and objects.
    async fn left(&self, tenant: &str) -> [usize; 8] {
        let objects = self.bucket.keys();
        let webhooks = Listing::<Webhook>::all();
        let webhooks = self.own(tenant).items.list(&webhooks, 1, None).await.unwrap().items;
        let deliveries = match webhooks.first() {
            Some(webhook) => self.count(tenant, Listing::of_webhook(webhook.webhook_id)).await,
            None => 0,
        };
        let prefix = format!("tenants/{tenant}/");
        [
            self.count(tenant, Listing::<runtime_core::model::Agent>::all()).await,
            self.count(tenant, Listing::<Webhook>::all()).await,
            deliveries,
            self.count(tenant, Listing::<runtime_core::model::Job>::all()).await,
            self.count(tenant, Listing::<runtime_core::model::Session>::all()).await,
            self.count(tenant, Listing::<runtime_core::model::Tool>::all()).await,
            self.count(tenant, Listing::<runtime_core::model::Invocation>::all()).await,
            objects.iter().filter(|it| it.starts_with(&prefix)).count(),
        ]
    }
}

#[tokio::test]
async fn what_a_deleted_tenant_had_goes_in_portions_and_what_others_have_stays() {
    let stores = Stores::default();
    stores.fill("globex");
    stores.fill("globex-2");
    let all = [230, 1, 1, 1, 1, 1, 1, 230];
    assert_eq!(stores.left("globex").await, all);
    let secrets = Mutex::new(Vec::new());
    let delete_secret = |webhook: Webhook| {
        secrets.lock().unwrap().push(webhook.tenant_id.to_string());
        async { Ok(()) }
    };
    // No call has the time for all of it.
    let clock = Fake::default();
    let mut calls = 1;
    clock.world().patience = 2;
    while !stores.own("globex").purge(&clock, delete_secret).await.unwrap() {
        clock.world().patience = 2;
        calls += 1;
        assert!(calls < 20);
    }
    assert!(calls > 3, "{calls}");
    assert_eq!(stores.left("globex").await, [0; 8]);
    assert_eq!(stores.left("globex-2").await, all);
    assert_eq!(*secrets.lock().unwrap(), ["globex"]);
}
