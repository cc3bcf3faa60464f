//! What the provisioner works with, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use provisioner::{
    Clock, Data, Formation, FormationError, RecordError, Records, StackRequest, StackState, Started,
};
use runtime_core::model::{
    Progress, ProgressState, Revision, Tenant, TenantStatus, Timestamp, Work,
};
use runtime_core::tenant::{Isolation, TenantId, Tier};
use stacks::spec::StackSpec;
use stacks::tenant::Tenancy;

/// A stack, and the statuses that it goes through, one a look.
#[derive(Debug, Clone, Default)]
pub struct Stack {
    pub statuses: Vec<&'static str>,
    pub template: String,
    pub parameters: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
pub struct World {
    pub stacks: BTreeMap<String, Stack>,
    /// What happens to the next stack that is made or changed, instead of success.
    pub next: BTreeMap<String, Vec<&'static str>>,
    pub refuses: Option<FormationError>,
    pub calls: Vec<String>,
    pub tenants: BTreeMap<TenantId, Tenant>,
    pub conflicts: u32,
    /// Whether the next call takes away the last of what a tenant has.
    pub purged: bool,
    pub now: Option<Timestamp>,
    /// How often it may wait.
    pub patience: usize,
}

#[derive(Debug, Clone, Default)]
pub struct Fake(pub Arc<Mutex<World>>);

impl Fake {
    pub fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn tenant(&self, id: &str) -> Tenant {
        self.world().tenants[&id.parse::<TenantId>().unwrap()].clone()
    }

    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.world().calls)
    }
}

impl Formation for Fake {
    async fn state(&self, region: &str, name: &str) -> Result<Option<StackState>, FormationError> {
        let mut world = self.world();
        let Some(stack) = world.stacks.get_mut(name) else { return Ok(None) };
        let status = stack.statuses[0];
        if stack.statuses.len() > 1 {
            stack.statuses.remove(0);
        }
        assert!(region.starts_with("eu-west-"));
        if status == "GONE" {
            world.stacks.remove(name);
            return Ok(None);
        }
        Ok(Some(StackState { status: status.to_owned() }))
    }

    async fn change(
        &self,
        request: &StackRequest,
        create: bool,
    ) -> Result<Started, FormationError> {
        let mut world = self.world();
        if let Some(error) = world.refuses.clone() {
            return Err(error);
        }
        let verb = if create { "create" } else { "update" };
        world.calls.push(format!("{verb} {}", request.name));
        let usual: Vec<&str> = if create {
            vec!["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
        } else {
            vec!["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
        };
        let statuses = world.next.remove(&request.name).unwrap_or(usual);
        let stack = world.stacks.entry(request.name.clone()).or_default();
        if (&stack.template, &stack.parameters) == (&request.template, &request.parameters) {
            return Ok(Started::Unchanged);
        }
        *stack = Stack {
            statuses,
            template: request.template.clone(),
            parameters: request.parameters.clone(),
        };
        Ok(Started::Changing)
    }

    async fn delete(&self, _: &str, name: &str) -> Result<(), FormationError> {
        let mut world = self.world();
        world.calls.push(format!("delete {name}"));
        let statuses = world.next.remove(name).unwrap_or(vec!["DELETE_IN_PROGRESS", "GONE"]);
        world.stacks.get_mut(name).unwrap().statuses = statuses;
        Ok(())
    }

    async fn first_failure(&self, _: &str, name: &str) -> Result<Option<String>, FormationError> {
        Ok(Some(format!("Memory of {name}: no room")))
    }
}

impl Records for Fake {
    async fn get(&self, tenant: &TenantId) -> Result<Option<Tenant>, RecordError> {
        Ok(self.world().tenants.get(tenant).cloned())
    }

    async fn replace(&self, mut tenant: Tenant) -> Result<Tenant, RecordError> {
        let mut world = self.world();
        if world.conflicts > 0 {
            world.conflicts -= 1;
            return Err(RecordError::Conflict);
        }
        let there = world.tenants[&tenant.tenant_id].revision;
        if there != tenant.revision {
            return Err(RecordError::Conflict);
        }
        tenant.revision = tenant.revision.next();
        world.tenants.insert(tenant.tenant_id.clone(), tenant.clone());
        Ok(tenant)
    }

    async fn unfinished(&self) -> Result<Vec<TenantId>, RecordError> {
        let open = |tenant: &&Tenant| {
            tenant.progress.as_ref().is_some_and(|progress| {
                !matches!(progress.state, ProgressState::Done | ProgressState::Failed)
            })
        };
        Ok(self.world().tenants.values().filter(open).map(|it| it.tenant_id.clone()).collect())
    }
}

impl Data for Fake {
    async fn purge(&self, tenant: &TenantId, _: &impl Clock) -> Result<bool, RecordError> {
        let mut world = self.world();
        world.calls.push(format!("purge {tenant}"));
        Ok(std::mem::replace(&mut world.purged, true))
    }
}

impl Clock for Fake {
    fn now(&self) -> Timestamp {
        self.world().now.unwrap_or_else(Timestamp::now)
    }

    async fn wait(&self, _: Duration) -> bool {
        let mut world = self.world();
        let left = world.patience > 0;
        world.patience = world.patience.saturating_sub(1);
        left
    }
}

pub fn tenancy(two_regions: bool) -> Tenancy {
    let mut spec = StackSpec::new("acme", "dev", "eu-west-2");
    if two_regions {
        "eu-west-1".clone_into(&mut spec.runtime_region);
    }
    Tenancy::of(&spec)
}

/// A world with one tenant and this work for it.
pub fn with(tier: Tier, work: Work, step: &str) -> Fake {
    let fake = Fake::default();
    let now = Timestamp::now();
    let tenant = Tenant {
        tenant_id: "globex".parse().unwrap(),
        tier,
        isolation: if tier == Tier::Premium { Isolation::Silo } else { Isolation::Pooled },
        status: TenantStatus::Suspended,
        progress: Some(Progress {
            work,
            state: ProgressState::Pending,
            step: Some(step.parse().unwrap()),
            root_cause: None,
            since: now,
        }),
        monthly_usd: 300.try_into().unwrap(),
        email: "costs@globex.example".parse().unwrap(),
        api_keys: Vec::new(),
        created_at: now,
        updated_at: now,
        request_digest: None,
        revision: Revision::FIRST,
    };
    fake.world().tenants.insert(tenant.tenant_id.clone(), tenant);
    fake.world().patience = 20;
    fake
}
