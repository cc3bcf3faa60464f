//! Every service in memory. Each call can be made to fail, before it has an effect or
//! after: the two ways in which a caller hears of nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use runtime_core::access::{
    AccessError, Backend, BackendError, MemoryAudit, MemoryBucket, MemoryTables, Operation,
    Pending, Reply, Scope, Watchers,
};
use runtime_core::telemetry::{Metrics, Written};
use runtime_core::tenant::Tier;
use tenant_api::services::{
    Answer, Data, Event, Gateway, Message, Outbox, Reached, SecretValue, Secrets, ServiceError,
    Services, Trail,
};

#[derive(Default)]
pub struct Cloud {
    /// The newest values.
    pub secrets: BTreeMap<String, String>,
    /// Every value, by name and version.
    versions: BTreeMap<(String, String), String>,
    /// Deleted, with whether at once.
    pub deleted: Vec<(String, bool)>,
    /// By id: name and value.
    pub keys: BTreeMap<String, (String, String)>,
    /// Plan and key.
    pub on_plan: BTreeSet<(String, String)>,
    pub messages: Vec<Message>,
    pub events: Vec<Event>,
    pub trail: BTreeMap<String, Vec<u8>>,
    next_key: usize,
    calls: usize,
    fault: Option<Fault>,
    /// What somebody else does before which call.
    meanwhile: Option<(usize, Meanwhile)>,
}

/// Something that somebody else does at the same time.
pub type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fault {
    /// Which call, counted from when the fault was set.
    pub call: usize,
    /// Whether the call has its effect.
    pub after: bool,
}

#[derive(Clone, Default)]
pub struct Memory {
    pub tables: MemoryTables,
    pub bucket: MemoryBucket,
    pub audit: MemoryAudit,
    pub written: Written,
    cloud: Arc<Mutex<Cloud>>,
}

impl Memory {
    pub fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.cloud.lock().unwrap()
    }

    pub fn services(&self) -> Services {
        let this = Arc::new(self.clone());
        Services {
            data: this.clone(),
            secrets: this.clone(),
            gateway: this.clone(),
            outbox: this.clone(),
            trail: this,
        }
    }

    /// From now on, this call fails, once.
    pub fn fail(&self, fault: Fault) {
        let mut cloud = self.cloud();
        (cloud.calls, cloud.fault) = (0, Some(fault));
    }

    /// Before this call, somebody else does something.
    pub fn meanwhile(&self, call: usize, what: Meanwhile) {
        let mut cloud = self.cloud();
        (cloud.calls, cloud.meanwhile) = (0, Some((call, what)));
    }

    /// Whether nobody did; nobody will any more.
    pub fn take_meanwhile(&self) -> bool {
        self.cloud().meanwhile.take().is_some()
    }

    async fn others(&self) {
        let due = {
            let mut cloud = self.cloud();
            let calls = cloud.calls;
            cloud.meanwhile.take_if(|(call, _)| *call == calls)
        };
        if let Some((_, what)) = due {
            what.await;
        }
    }

    /// Whether the fault has not been met; there is none any more.
    pub fn take_fault(&self) -> bool {
        self.cloud().fault.take().is_some()
    }

    async fn call<T>(
        &self,
        effect: impl FnOnce(&mut Cloud) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        self.others().await;
        let (before, after) = self.count();
        if before {
            return Err(ServiceError::Failed("injected before".to_owned()));
        }
        let done = effect(&mut self.cloud());
        if after { Err(ServiceError::Failed("injected after".to_owned())) } else { done }
    }

    fn count(&self) -> (bool, bool) {
        let mut cloud = self.cloud();
        let call = cloud.calls;
        cloud.calls += 1;
        let met = cloud.fault.filter(|it| it.call == call);
        if met.is_some() {
            cloud.fault = None;
        }
        (met.is_some_and(|it| !it.after), met.is_some_and(|it| it.after))
    }
}

/// Tables whose calls fail as those of others do.
struct Faulty(Memory);

impl Backend for Faulty {
    fn run<'a>(&'a self, operation: &'a Operation) -> Pending<'a, Reply> {
        Box::pin(async move {
            self.0.others().await;
            let (before, after) = self.0.count();
            if before {
                return Err(BackendError::Failed("injected before".to_owned()));
            }
            let reply = self.0.tables.run(operation).await;
            if after { Err(BackendError::Failed("injected after".to_owned())) } else { reply }
        })
    }
}

impl Data for Memory {
    fn watchers(&self) -> Answer<'_, Watchers, AccessError> {
        let metrics = Metrics::new("acme-dev-platform", self.written.clone());
        let watchers = Watchers { audit: Arc::new(self.audit.clone()), metrics };
        Box::pin(async { Ok(watchers) })
    }

    fn platform(&self) -> Answer<'_, Arc<dyn Backend>, AccessError> {
        Box::pin(async { Ok(Arc::new(Faulty(self.clone())) as Arc<dyn Backend>) })
    }

    fn tenant<'a>(&'a self, _: &'a Scope) -> Answer<'a, Reached, AccessError> {
        Box::pin(async move {
            Ok(Reached {
                tables: Arc::new(Faulty(self.clone())),
                results: Arc::new(self.bucket.clone()),
                secrets: Arc::new(self.clone()),
            })
        })
    }
}

impl Secrets for Memory {
    fn read<'a>(&'a self, name: &'a str, version: &'a str) -> Answer<'a, Option<String>> {
        let key = (name.to_owned(), version.to_owned());
        Box::pin(async move { self.call(|cloud| Ok(cloud.versions.get(&key).cloned())).await })
    }

    fn write<'a>(&'a self, new: SecretValue<'a>) -> Answer<'a, ()> {
        assert!((32..=64).contains(&new.version.len()), "AWS refuses {}", new.version);
        let key = (new.name.to_owned(), new.version.to_owned());
        Box::pin(async move {
            self.call(|cloud| {
                match cloud.versions.get(&key) {
                    Some(there) if there != new.value => return Err(ServiceError::Exists),
                    Some(_) => return Ok(()),
                    None => {}
                }
                cloud.versions.insert(key, new.value.to_owned());
                cloud.secrets.insert(new.name.to_owned(), new.value.to_owned());
                Ok(())
            })
            .await
        })
    }

    fn delete<'a>(&'a self, name: &'a str, at_once: bool) -> Answer<'a, ()> {
        Box::pin(async move {
            self.call(|cloud| {
                cloud.versions.retain(|(it, _), _| it != name);
                if cloud.secrets.remove(name).is_some() {
                    cloud.deleted.push((name.to_owned(), at_once));
                }
                Ok(())
            })
            .await
        })
    }
}

impl Gateway for Memory {
    fn find_key<'a>(&'a self, name: &'a str) -> Answer<'a, Option<String>> {
        Box::pin(async move {
            self.call(|cloud| {
                let mut keys = cloud.keys.iter();
                Ok(keys.find(|(_, (named, _))| named == name).map(|(id, _)| id.clone()))
            })
            .await
        })
    }

    fn create_key<'a>(&'a self, name: &'a str, value: &'a str) -> Answer<'a, String> {
        Box::pin(async move {
            self.call(|cloud| {
                assert!((20..=128).contains(&value.len()), "the gateway refuses {value}");
                if cloud.keys.values().any(|(_, there)| there == value) {
                    return Err(ServiceError::Exists);
                }
                cloud.next_key += 1;
                let id = format!("key{}", cloud.next_key);
                cloud.keys.insert(id.clone(), (name.to_owned(), value.to_owned()));
                Ok(id)
            })
            .await
        })
    }

    fn delete_key<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            self.call(|cloud| {
                cloud.keys.remove(id);
                cloud.on_plan.retain(|(_, key)| key != id);
                Ok(())
            })
            .await
        })
    }

    fn plan(&self, tier: Tier) -> Answer<'_, String> {
        Box::pin(async move { self.call(|_| Ok(format!("plan-{}", tier.name()))).await })
    }

    fn plans_of<'a>(&'a self, key: &'a str) -> Answer<'a, Vec<String>> {
        Box::pin(async move {
            self.call(|cloud| {
                let plans = cloud.on_plan.iter().filter(|(_, it)| it == key);
                Ok(plans.map(|(plan, _)| plan.clone()).collect())
            })
            .await
        })
    }

    fn join_plan<'a>(&'a self, plan: &'a str, key: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            self.call(|cloud| {
                if !cloud.keys.contains_key(key) {
                    return Err(ServiceError::Failed("NotFoundException".to_owned()));
                }
                if cloud.on_plan.iter().any(|(_, it)| it == key) {
                    return Err(ServiceError::Exists);
                }
                cloud.on_plan.insert((plan.to_owned(), key.to_owned()));
                Ok(())
            })
            .await
        })
    }

    fn leave_plan<'a>(&'a self, plan: &'a str, key: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            self.call(|cloud| {
                cloud.on_plan.remove(&(plan.to_owned(), key.to_owned()));
                Ok(())
            })
            .await
        })
    }
}

impl Outbox for Memory {
    fn send<'a>(&'a self, message: &'a Message) -> Answer<'a, ()> {
        Box::pin(async move {
            self.call(|cloud| {
                cloud.messages.push(message.clone());
                Ok(())
            })
            .await
        })
    }

    fn publish<'a>(&'a self, event: &'a Event) -> Answer<'a, ()> {
        Box::pin(async move {
            self.call(|cloud| {
                cloud.events.push(event.clone());
                Ok(())
            })
            .await
        })
    }
}

impl Trail for Memory {
    fn keep<'a>(&'a self, key: &'a str, record: &'a [u8]) -> Answer<'a, ()> {
        Box::pin(async move {
            self.call(|cloud| {
                cloud.trail.insert(key.to_owned(), record.to_vec());
                Ok(())
            })
            .await
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: u32,
    ) -> Answer<'a, (Vec<String>, bool)> {
        Box::pin(async move {
            self.call(|cloud| {
                let keys = cloud.trail.keys().filter(|key| key.starts_with(prefix));
                let mut keys: Vec<_> =
                    keys.filter(|key| after.is_none_or(|it| key.as_str() > it)).cloned().collect();
                let more = keys.len() > limit as usize;
                keys.truncate(limit as usize);
                Ok((keys, more))
            })
            .await
        })
    }

    fn read<'a>(&'a self, key: &'a str) -> Answer<'a, Vec<u8>> {
        Box::pin(async move {
            self.call(|cloud| {
                let found = cloud.trail.get(key).cloned();
                found.ok_or_else(|| ServiceError::Failed("no such record".to_owned()))
            })
            .await
        })
    }
}
