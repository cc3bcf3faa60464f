//! What the function needs of other services, one call each.
//!
//! Whatever may be done twice says so: an answer can be lost on its way, and who asks
//! again must not make a second thing.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use runtime_core::access::{AccessError, Backend, ObjectBackend, Scope, Watchers};
use runtime_core::queues::Queue;
use runtime_core::tenant::{TenantId, Tier};

/// What comes back, some time.
pub type Answer<'a, T, E = ServiceError> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// Why a service did not do what it was asked. The texts are for logs: codes of errors,
/// never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// There is one already.
    #[error("there is one already")]
    Exists,
    /// It has too much to do; again later.
    #[error("it is busy: {0}")]
    Busy(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// Every service.
#[derive(Clone)]
pub struct Services {
    /// Tables and buckets.
    pub data: Arc<dyn Data>,
    /// Secrets of the platform's own: API keys.
    pub secrets: Arc<dyn Secrets>,
    /// API keys and usage plans of the gateway.
    pub gateway: Arc<dyn Gateway>,
    /// Queues and the event bus.
    pub outbox: Arc<dyn Outbox>,
    /// The bucket of the audit trail.
    pub trail: Arc<dyn Trail>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

/// Tables and buckets.
pub trait Data: Send + Sync {
    /// Who hears of access.
    fn watchers(&self) -> Answer<'_, Watchers, AccessError>;

    /// The tables, by the function's own role.
    fn platform(&self) -> Answer<'_, Arc<dyn Backend>, AccessError>;

    /// What is a tenant's, in a session for that tenant.
    fn tenant<'a>(&'a self, scope: &'a Scope) -> Answer<'a, Reached, AccessError>;
}

/// What a session for a tenant reaches.
#[derive(Clone)]
pub struct Reached {
    /// The tables.
    pub tables: Arc<dyn Backend>,
    /// The bucket of results.
    pub results: Arc<dyn ObjectBackend>,
    /// The secrets of the tenant's webhooks.
    pub secrets: Arc<dyn Secrets>,
}

impl fmt::Debug for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reached").finish_non_exhaustive()
    }
}

/// A value of a secret, to be stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretValue<'a> {
    /// The secret's name.
    pub name: &'a str,
    /// The value.
    pub value: &'a str,
    /// What makes it known again: 32 to 64 letters, digits and hyphens.
    pub version: &'a str,
    /// Whose it is.
    pub of: &'a TenantId,
}

impl fmt::Debug for SecretValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretValue({}, {})", self.name, self.version)
    }
}

/// Secrets Manager.
pub trait Secrets: Send + Sync {
    /// The value of a version; nothing: there is none, or it is being deleted.
    fn read<'a>(&'a self, name: &'a str, version: &'a str) -> Answer<'a, Option<String>>;

    /// Makes a secret or gives it a new value. A version never has another value: the
    /// second who wants to store one hears [`ServiceError::Exists`].
    fn write<'a>(&'a self, value: SecretValue<'a>) -> Answer<'a, ()>;

    /// Deletes a secret: at once, or so that it can be brought back for 30 days. May be
    /// done twice.
    fn delete<'a>(&'a self, name: &'a str, at_once: bool) -> Answer<'a, ()>;
}

/// API keys and usage plans of API Gateway.
pub trait Gateway: Send + Sync {
    /// The id of the key with this name, which is not unique to the gateway.
    fn find_key<'a>(&'a self, name: &'a str) -> Answer<'a, Option<String>>;

    /// Makes a key and gives its id; [`ServiceError::Exists`] when there is one with that
    /// value, which is unique.
    fn create_key<'a>(&'a self, name: &'a str, value: &'a str) -> Answer<'a, String>;

    /// Deletes a key. May be done twice.
    fn delete_key<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;

    /// The id of the usage plan of a tier.
    fn plan(&self, tier: Tier) -> Answer<'_, String>;

    /// The ids of the usage plans that a key is on.
    fn plans_of<'a>(&'a self, key: &'a str) -> Answer<'a, Vec<String>>;

    /// Puts a key on a plan; [`ServiceError::Exists`] when it is on one.
    fn join_plan<'a>(&'a self, plan: &'a str, key: &'a str) -> Answer<'a, ()>;

    /// Takes a key off a plan. May be done twice.
    fn leave_plan<'a>(&'a self, plan: &'a str, key: &'a str) -> Answer<'a, ()>;
}

/// A message for a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which.
    pub queue: Queue,
    /// JSON.
    pub body: String,
    /// In queues that keep an order: whose order, and by what a message is known again.
    pub order: Option<(String, String)>,
}

/// An event for the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened, such as `platform.tenant.created`.
    pub kind: &'static str,
    /// When, in seconds since 1970.
    pub at: i64,
    /// JSON with the event's own id in it.
    pub detail: String,
}

/// Queues and the event bus: what is sent arrives at least once.
pub trait Outbox: Send + Sync {
    /// Sends a message.
    fn send<'a>(&'a self, message: &'a Message) -> Answer<'a, ()>;

    /// Publishes an event.
    fn publish<'a>(&'a self, event: &'a Event) -> Answer<'a, ()>;
}

/// The bucket of the audit trail, whose lock nobody opens.
pub trait Trail: Send + Sync {
    /// Keeps a record under a key of its own.
    fn keep<'a>(&'a self, key: &'a str, record: &'a [u8]) -> Answer<'a, ()>;

    /// Keys that begin with `prefix`, in their order, after `after`; and whether there
    /// are more.
    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: u32,
    ) -> Answer<'a, (Vec<String>, bool)>;

    /// A record.
    fn read<'a>(&'a self, key: &'a str) -> Answer<'a, Vec<u8>>;
}
