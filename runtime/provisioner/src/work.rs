//! The work for one tenant.

use std::future::Future;
use std::time::{Duration, Instant};

use runtime_core::messages::KEPT_SECONDS;
use runtime_core::model::{Progress, ProgressState, Tenant, TenantStatus, Text, Timestamp, Work};
use runtime_core::tenant::{Isolation, TenantId};
use stacks::StackTemplate;
use stacks::spec::TenantSpec;
use stacks::tenant::Tenancy;

use crate::data::Data;
use crate::formation::{Formation, FormationError, StackRequest, Started};
use crate::outcome::{Outcome, Settled};
use crate::records::{RecordError, Records};
use crate::stack::{Kind, kind};

/// Steps before these are the API's.
const OWN_STEPS: [&str; 3] = ["queue", "stack", "purge"];

/// How often a stack that changes is looked at.
const PAUSE: Duration = Duration::from_secs(3);

/// Time, so that tests need not wait.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Waits before the next look; `false` when there is no time left.
    fn wait(&self, pause: Duration) -> impl Future<Output = bool> + Send;
}

/// The system's clock, until a deadline.
#[derive(Debug, Clone, Copy)]
pub struct System {
    /// When the function has to answer.
    pub deadline: Instant,
}

impl Clock for System {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn wait(&self, pause: Duration) -> bool {
        if Instant::now() + pause >= self.deadline {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

/// What cannot be said of a tenant, because something else failed. The message comes
/// again.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// CloudFormation, in passing.
    #[error(transparent)]
    Formation(FormationError),
}

/// Does the work for tenants.
#[derive(Debug)]
pub struct Provisioner<'a, R, F, D, C> {
    /// Whose environment it is.
    pub tenancy: &'a Tenancy,
    /// The tenants.
    pub records: &'a R,
    /// Their stacks.
    pub formation: &'a F,
    /// What they have besides.
    pub data: &'a D,
    /// The time.
    pub clock: C,
}

/// Two settings of a tenant at once are as rare as two operators.
const ATTEMPTS: u32 = 3;

impl<R: Records, F: Formation, D: Data, C: Clock> Provisioner<'_, R, F, D, C> {
    /// Does what stands in the tenant's record, as far as time allows.
    ///
    /// # Errors
    ///
    /// When it should be tried again, by the queue.
    pub async fn work(&self, id: &TenantId) -> Result<Outcome, WorkError> {
        let Some((tenant, progress)) = self.begin(id).await? else { return Ok(Outcome::Nothing) };
        if progress.work == Work::Delete && self.clock.now() < purge_at(&progress) {
            return Ok(Outcome::Nothing);
        }
        let settled = match self.settle(&tenant, &progress).await {
            Err(WorkError::Formation(FormationError::Refused(reason))) => Settled::Failed(reason),
            other => other?,
        };
        let state = match &settled {
            Settled::UnderWay => return Ok(Outcome::UnderWay),
            Settled::Done => ProgressState::Done,
            Settled::Failed(_) => ProgressState::Failed,
        };
        let cause = match &settled {
            Settled::Failed(reason) => Some(reason.clone()),
            _ => None,
        };
        self.record(id, &progress, state, cause.as_deref()).await?;
        Ok(cause.map_or(Outcome::Done, Outcome::Failed))
    }

    /// The tenant, if there is work of ours to do for it.
    async fn begin(&self, id: &TenantId) -> Result<Option<(Tenant, Progress)>, WorkError> {
        let Some(tenant) = self.records.get(id).await? else { return Ok(None) };
        let Some(progress) = tenant.progress.clone() else { return Ok(None) };
        let open = matches!(progress.state, ProgressState::Pending | ProgressState::Running);
        let step = progress.step.as_ref().map_or("", Text::as_str);
        let ours = OWN_STEPS.iter().any(|own| step.split(' ').next() == Some(own));
        Ok((open && ours).then_some((tenant, progress)))
    }

    /// Brings the tenant's stacks to where they should be.
    async fn settle(&self, tenant: &Tenant, progress: &Progress) -> Result<Settled, WorkError> {
        let wanted = self.wanted(tenant, progress.work)?;
        for stack in &wanted {
            let settled = self.make(tenant, progress, stack).await?;
            if settled != Settled::Done {
                return Ok(settled);
            }
        }
        // What it has and should not have: of a tenant that shares everything now, or goes.
        for (name, region) in self.tenancy.possible_stacks(&tenant.tenant_id).into_iter().rev() {
            if wanted.iter().any(|stack| stack.stack_name == name) {
                continue;
            }
            let settled = self.delete(&region, &name).await?;
            if settled != Settled::Done {
                return Ok(settled);
            }
        }
        if progress.work == Work::Delete && !self.data.purge(&tenant.tenant_id, &self.clock).await?
        {
            return Ok(Settled::UnderWay);
        }
        Ok(Settled::Done)
    }

    fn wanted(&self, tenant: &Tenant, work: Work) -> Result<Vec<StackTemplate>, WorkError> {
        if work == Work::Delete || tenant.isolation == Isolation::Pooled {
            return Ok(Vec::new());
        }
        let spec = TenantSpec {
            id: tenant.tenant_id.clone(),
            tier: tenant.tier,
            monthly_usd: Some(tenant.monthly_usd.dollars()),
            email: String::from(tenant.email.clone()),
        };
        self.tenancy
            .stacks(&spec)
            .map_err(|errors| WorkError::Formation(FormationError::Refused(errors.to_string())))
    }

    async fn make(
        &self,
        tenant: &Tenant,
        progress: &Progress,
        stack: &StackTemplate,
    ) -> Result<Settled, WorkError> {
        let request = StackRequest {
            name: stack.stack_name.clone(),
            region: stack.region.clone(),
            template: stack.template.to_json(),
            parameters: stack
                .literals()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        };
        let (name, region) = (request.name.as_str(), request.region.as_str());
        let own_step = format!("stack {name}");
        // An earlier call of this work began to change it.
        let mut begun = progress.step.as_ref().is_some_and(|step| step.as_str() == own_step);
        let mut up_to_date = false;
        loop {
            let state = self.formation.state(region, name).await.map_err(WorkError::Formation)?;
            let create = match state.as_ref().map_or(Kind::Empty, |it| kind(&it.status)) {
                Kind::Moving => {
                    if self.clock.wait(PAUSE).await {
                        continue;
                    }
                    return Ok(Settled::UnderWay);
                }
                Kind::Good if up_to_date => return Ok(Settled::Done),
                Kind::Stillborn | Kind::Undone if begun => {
                    return Ok(Settled::Failed(self.cause(region, name).await));
                }
                Kind::Stuck => {
                    let status = state.map_or_else(String::new, |it| it.status);
                    let cause = self.cause(region, name).await;
                    return Ok(Settled::Failed(format!("{name} is {status}: {cause}")));
                }
                Kind::Stillborn => {
                    self.formation.delete(region, name).await.map_err(WorkError::Formation)?;
                    if !self.clock.wait(PAUSE).await {
                        return Ok(Settled::UnderWay);
                    }
                    continue;
                }
                Kind::Empty => true,
                Kind::Good | Kind::Undone => false,
            };
            if !begun {
                self.started(&tenant.tenant_id, &own_step).await?;
                begun = true;
            }
            let started = self.formation.change(&request, create).await;
            match started.map_err(WorkError::Formation)? {
                Started::Unchanged => return Ok(Settled::Done),
                Started::Changing => up_to_date = true,
            }
        }
    }

    async fn delete(&self, region: &str, name: &str) -> Result<Settled, WorkError> {
        let mut asked = false;
        loop {
            let state = self.formation.state(region, name).await.map_err(WorkError::Formation)?;
            let Some(state) = state else { return Ok(Settled::Done) };
            match kind(&state.status) {
                Kind::Moving => {}
                Kind::Stuck if asked => {
                    let cause = self.cause(region, name).await;
                    return Ok(Settled::Failed(format!("{name} is {}: {cause}", state.status)));
                }
                _ => {
                    self.formation.delete(region, name).await.map_err(WorkError::Formation)?;
                    asked = true;
                }
            }
            if !self.clock.wait(PAUSE).await {
                return Ok(Settled::UnderWay);
            }
        }
    }

    async fn cause(&self, region: &str, name: &str) -> String {
        match self.formation.first_failure(region, name).await {
            Ok(Some(cause)) => cause,
            Ok(None) => format!("no event of {name} says why"),
            Err(error) => format!("the events of {name} cannot be read: {error}"),
        }
    }

    /// Records that a stack begins to change, before it does.
    async fn started(&self, id: &TenantId, step: &str) -> Result<(), WorkError> {
        self.write(id, |progress| {
            progress.state = ProgressState::Running;
            progress.step = Some(Text::cut(step));
            progress.root_cause = None;
            true
        })
        .await
        .map(|_| ())
    }

    /// Records how the work ended, unless it is another one by now.
    async fn record(
        &self,
        id: &TenantId,
        work: &Progress,
        state: ProgressState,
        cause: Option<&str>,
    ) -> Result<(), WorkError> {
        self.write(id, |progress| {
            if (progress.work, progress.since) != (work.work, work.since) {
                return false;
            }
            progress.state = state;
            progress.root_cause = cause.map(Text::cut);
            if state == ProgressState::Done {
                progress.step = None;
            }
            true
        })
        .await
        .map(|_| ())
    }

    /// Changes the progress of a record; `false`: there was nothing to change.
    async fn write(
        &self,
        id: &TenantId,
        change: impl Fn(&mut Progress) -> bool,
    ) -> Result<bool, WorkError> {
        for _ in 0..ATTEMPTS {
            let Some(mut tenant) = self.records.get(id).await? else { return Ok(false) };
            let Some(progress) = tenant.progress.as_mut() else { return Ok(false) };
            if !change(progress) {
                return Ok(false);
            }
            let (work, state) = (progress.work, progress.state);
            // A tenant that is being made is suspended until it is there.
            let made = work == Work::Create && state == ProgressState::Done;
            if made && tenant.status == TenantStatus::Suspended {
                tenant.status = TenantStatus::Active;
            }
            match self.records.replace(tenant).await {
                Err(RecordError::Conflict) => {}
                written => return Ok(written.map(|_| true)?),
            }
        }
        Err(RecordError::Conflict.into())
    }
}

/// When what a deleted tenant had goes.
fn purge_at(progress: &Progress) -> Timestamp {
    progress.since.plus_seconds(KEPT_SECONDS)
}
