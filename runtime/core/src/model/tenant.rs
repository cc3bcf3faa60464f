//! Tenants: tier, status, budget, and the keys of their programs.

use serde::{Deserialize, Serialize};
use serde_dynamo::AttributeValue;

use super::{
    ApiKey, ApiKeyToken, Attributes, Email, Invalid, Item, Key, ModelError, MonthlyUsd,
    PlatformItem, REVISION, RequestDigest, Revision, Text, Timestamp,
};
use crate::tables::{TENANTS, Table};
use crate::tenant::{Isolation, TenantId, Tier};

/// The most API keys of a tenant: the one in use, and former ones that are still good.
pub const MOST_API_KEYS: usize = 5;

/// Whether a tenant may use the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TenantStatus {
    /// It may.
    Active,
    /// It may not, for now. A tenant that is being made is suspended until it is there.
    Suspended,
    /// It may not any more: it is being deleted, or is gone.
    Deleted,
}

impl TenantStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Deleted];

    /// As it stands in items and keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }
}

/// What the provisioner is to do, or did last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// It makes the tenant.
    Create,
    /// It changes what the tenant has.
    Change,
    /// It deletes what the tenant has.
    Delete,
}

/// How far work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgressState {
    /// It waits in the queue.
    Pending,
    /// It is being done.
    Running,
    /// It is done.
    Done,
    /// It could not be done.
    Failed,
}

/// How far the provisioner is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What it does.
    pub work: Work,
    /// How far it is.
    pub state: ProgressState,
    /// The step that it is at, or failed at, such as `stack`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Text<1, 100>>,
    /// Why it failed, for operators: the first failure, not what followed from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_cause: Option<Text<1, 2_000>>,
    /// Since when it is so.
    pub since: Timestamp,
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub tenant_id: TenantId,
    /// Its tier.
    pub tier: Tier,
    /// Whether it shares what it uses. Follows from the tier when it is made.
    pub isolation: Isolation,
    /// Whether it may use the platform.
    pub status: TenantStatus,
    /// How far the provisioner is; absent: there was nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Its budget.
    pub monthly_usd: MonthlyUsd,
    /// Who hears of its budget.
    pub email: Email,
    /// Its API keys.
    #[serde(default)]
    pub api_keys: Vec<ApiKey>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was written last.
    pub updated_at: Timestamp,
    /// What made it, if the request may come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<RequestDigest>,
    /// How often it was written.
    pub revision: Revision,
}

impl Tenant {
    /// Whether it may use the platform.
    pub fn may_use_platform(&self) -> bool {
        self.status == TenantStatus::Active
    }

    /// The key that a token is, if it is one of this tenant's and still good. Whether the
    /// tenant may use the platform is another question.
    pub fn key_of(&self, token: &ApiKeyToken, now: Timestamp) -> Option<&ApiKey> {
        let own = token.tenant() == &self.tenant_id;
        // All are compared: the time does not tell which one it was.
        let found = self
            .api_keys
            .iter()
            .fold(None, |found, key| if key.matches(token, now) { Some(key) } else { found });
        found.filter(|_| own)
    }

    /// Adds a key. Those before it end at `former_until`, unless they end sooner, and
    /// those that have ended already are dropped. Where there are still too many, those
    /// that end first go.
    pub fn add_key(&mut self, key: ApiKey, former_until: Timestamp) {
        let now = key.created_at;
        self.api_keys.retain(|former| former.former_until.is_none_or(|until| now < until));
        for former in &mut self.api_keys {
            let until = former.former_until.map_or(former_until, |until| until.min(former_until));
            former.former_until = Some(until);
        }
        self.api_keys.sort_by_key(|former| std::cmp::Reverse(former.former_until));
        self.api_keys.truncate(MOST_API_KEYS - 1);
        self.api_keys.insert(0, key);
    }
}

impl Item for Tenant {
    const TABLE: Table = TENANTS;

    fn key(&self) -> Key<Self> {
        Key::<Self>::new(&self.tenant_id)
    }

    fn revision(&self) -> Option<Revision> {
        Some(self.revision)
    }

    fn with_revision(self, revision: Revision) -> Self {
        Self { revision, ..self }
    }

    fn check(&self) -> Result<(), Invalid> {
        let invalid = |what, expected| Err(Invalid { what, expected });
        let mut ids: Vec<_> = self.api_keys.iter().map(|key| &key.id).collect();
        ids.sort_unstable();
        if ids.len() > MOST_API_KEYS || ids.windows(2).any(|pair| pair[0] == pair[1]) {
            return invalid("api_keys", "at most 5 keys with different ids");
        }
        if self.updated_at < self.created_at {
            return invalid("updated_at", "a moment that is not before created_at");
        }
        let Some(progress) = &self.progress else { return Ok(()) };
        let failed = progress.state == ProgressState::Failed;
        if failed != progress.root_cause.is_some() {
            return invalid("progress.root_cause", "a cause exactly when the state is failed");
        }
        let deleting = progress.work == Work::Delete;
        if deleting != (self.status == TenantStatus::Deleted) {
            return invalid("progress.work", "delete exactly when the status is deleted");
        }
        let making = progress.work == Work::Create && progress.state != ProgressState::Done;
        if making && self.status == TenantStatus::Active {
            return invalid("status", "suspended until the tenant has been made");
        }
        Ok(())
    }

    /// Version 0 had no budget, no isolation, no moment of the last change and no
    /// revision: they become the tier's, and 0. A change of revision 0 is one of an item
    /// that has none.
    fn upgrade(from: u64, attributes: &mut Attributes) -> Result<(), ModelError> {
        if from != 0 {
            return Err(ModelError::TooOld { table: Self::TABLE.name, found: from });
        }
        let text = |name: &str| match attributes.get(name) {
            Some(AttributeValue::S(text)) => Some(text.clone()),
            _ => None,
        };
        let tier = text("tier");
        let tier = Tier::ALL.into_iter().find(|it| Some(it.name()) == tier.as_deref());
        let mut added = vec![(REVISION, AttributeValue::N("0".to_owned()))];
        if let Some(tier) = tier {
            let isolation = if tier == Tier::Premium { "silo" } else { "pooled" };
            let usd = tier.usual_monthly_usd().to_string();
            added.push(("isolation", AttributeValue::S(isolation.to_owned())));
            added.push(("monthly_usd", AttributeValue::N(usd)));
        }
        if let Some(created_at) = text("created_at") {
            added.push(("updated_at", AttributeValue::S(created_at)));
        }
        for (name, value) in added {
            attributes.entry(name.to_owned()).or_insert(value);
        }
        Ok(())
    }
}

impl PlatformItem for Tenant {}
