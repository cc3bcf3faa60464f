//! What is done for a tenant in several steps, so that nothing is left over when one
//! fails.
//!
//! The record says which step is next. A step is done and then recorded; whoever comes
//! after one that was killed in between does it again, and each step may be done twice:
//! names and ids follow from the tenant, and what is there is looked for before it is
//! made. Two who do it at once meet at the record, which only one of them writes.

use runtime_core::access::{AccessError, OperatorDynamoDb};
use runtime_core::messages::{
    KEPT_SECONDS, ProvisionTenant, SOURCE, TENANT_CREATED, TENANT_DELETED, TENANT_TIER_CHANGED,
    TenantEvent,
};
use runtime_core::model::{
    ApiKeyId, IdempotencyKey, Progress, ProgressState, Tenant, TenantStatus, Timestamp, Work,
};
use runtime_core::queues;
use runtime_core::tenant::{Isolation, TenantId};
use sha2::{Digest as _, Sha256};

use super::{found, gateway, keys};
use crate::app::App;
use crate::problem::Problem;
use crate::services::{Event, Message};

/// How often a record that others write at the same time is read again.
const ATTEMPTS: u32 = 20;

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The API key: its token in Secrets Manager, its hash in the record.
    Key,
    /// The gateway's key, on the plan of the tier.
    UsagePlan,
    /// The event that tells everybody.
    Announce,
    /// The message to the provisioner. The last: from then on the record is the
    /// provisioner's.
    Queue,
}

impl Step {
    /// As it stands in the record.
    fn name(self) -> &'static str {
        match self {
            Self::Key => "api-key",
            Self::UsagePlan => "usage-plan",
            Self::Announce => "announce",
            Self::Queue => "queue",
        }
    }
}

/// The steps of a work, in order.
fn steps(work: Work, isolation: Isolation) -> &'static [Step] {
    use Step::{Announce, Key, Queue, UsagePlan};
    match (work, isolation) {
        (Work::Create, Isolation::Pooled) => &[Key, UsagePlan, Announce],
        (Work::Change, Isolation::Pooled) => &[UsagePlan, Announce],
        (Work::Change, Isolation::Silo) => &[Announce, Queue],
        // Its data goes later, also of a pooled one: the provisioner sees to that.
        (Work::Delete, Isolation::Pooled) => &[UsagePlan, Key, Announce, Queue],
        (Work::Create | Work::Delete, Isolation::Silo) => &[Key, Announce, Queue],
    }
}

/// What waits to be done from a step on.
pub(super) fn begin(work: Work, step: Step) -> Result<Progress, Problem> {
    let step = step.name().parse().map_err(Problem::internal)?;
    let (state, since) = (ProgressState::Pending, Timestamp::now());
    Ok(Progress { work, state, step: Some(step), root_cause: None, since })
}

/// The first step of a work.
pub(super) fn first(work: Work, isolation: Isolation) -> Step {
    steps(work, isolation).first().copied().unwrap_or(Step::Announce)
}

/// The step that is next, with its work; nothing: the rest is the provisioner's, or done.
fn next(tenant: &Tenant) -> Option<(&Progress, Step)> {
    let progress = tenant.progress.as_ref()?;
    let name = progress.step.as_ref().filter(|_| progress.state == ProgressState::Pending)?;
    let mut all = steps(progress.work, tenant.isolation).iter();
    let step = all.find(|step| step.name() == name.as_str())?;
    Some((progress, *step))
}

/// Whether steps of ours are still to be done.
pub(super) fn unfinished(tenant: &Tenant) -> bool {
    next(tenant).is_some()
}

/// From when on what a tenant has may go, which is being deleted.
fn purge_at(progress: &Progress) -> Option<String> {
    let deleting = progress.work == Work::Delete;
    deleting.then(|| progress.since.plus_seconds(KEPT_SECONDS).to_string())
}

/// Does every step that is left, and gives the record as it is then.
pub(super) async fn drive(
    app: &App,
    platform: &OperatorDynamoDb,
    mut tenant: Tenant,
) -> Result<Tenant, Problem> {
    for _ in 0..ATTEMPTS {
        let Some((progress, step)) = next(&tenant) else { return Ok(tenant) };
        let work = progress.work;
        let mut changed = tenant.clone();
        let performed = perform(app, progress, step, &mut changed).await;
        let written = match performed {
            Ok(()) => {
                advance(&mut changed, step)?;
                platform.replace(changed).await
            }
            // It may be so because somebody else is at work.
            Err(problem) => {
                let there = found(platform, &tenant.tenant_id).await?;
                if there.revision == tenant.revision {
                    return Err(problem);
                }
                Ok(there)
            }
        };
        tenant = match written {
            Err(AccessError::Condition) => found(platform, &tenant.tenant_id).await?,
            written => written?,
        };
        if work != Work::Delete && tenant.status == TenantStatus::Deleted {
            // Perhaps before what this step made was there.
            clean(app, &tenant).await?;
            return Err(Problem::conflict("The tenant was deleted at the same time."));
        }
    }
    Err(Problem::busy("others write the tenant's record all the time"))
}

async fn perform(
    app: &App,
    progress: &Progress,
    step: Step,
    tenant: &mut Tenant,
) -> Result<(), Problem> {
    match (step, progress.work) {
        (Step::Key, Work::Delete) => remove_token(app, &tenant.tenant_id).await,
        (Step::Key, _) => {
            let token = keys::ensure(app, &tenant.tenant_id, &first_key(tenant)?).await?;
            keys::add(tenant, &token);
            Ok(())
        }
        (Step::UsagePlan, Work::Delete) => gateway::remove(app, &tenant.tenant_id).await,
        (Step::UsagePlan, _) => gateway::ensure(app, tenant).await,
        (Step::Announce, _) => announce(app, progress, tenant).await,
        (Step::Queue, _) => enqueue(app, progress, tenant).await,
    }
}

/// The id of the key that a tenant is made with, whoever asks for the tenant.
fn first_key(tenant: &Tenant) -> Result<ApiKeyId, Problem> {
    let key: IdempotencyKey = "first".parse().map_err(Problem::internal)?;
    Ok(key.id(&tenant.tenant_id, "createTenant"))
}

/// Takes away what somebody may have made for a tenant that was deleted at the same time.
pub(super) async fn clean(app: &App, tenant: &Tenant) -> Result<(), Problem> {
    // That of a siloed one goes with its stack.
    if tenant.isolation == Isolation::Pooled {
        gateway::remove(app, &tenant.tenant_id).await?;
    }
    remove_token(app, &tenant.tenant_id).await
}

async fn remove_token(app: &App, tenant: &TenantId) -> Result<(), Problem> {
    let name = keys::secret_name(app, tenant);
    Ok(app.services.secrets.delete(&name, false).await?)
}

/// Records that a step is done: the next one is there, or the work.
fn advance(tenant: &mut Tenant, step: Step) -> Result<(), Problem> {
    let now = Timestamp::now().max(tenant.created_at);
    tenant.updated_at = now;
    let isolation = tenant.isolation;
    let Some(progress) = &mut tenant.progress else { return Ok(()) };
    let mut rest = steps(progress.work, isolation).iter().skip_while(|it| **it != step).skip(1);
    if let Some(next) = rest.next() {
        progress.step = Some(next.name().parse().map_err(Problem::internal)?);
        return Ok(());
    }
    match (progress.work, isolation) {
        // What is left is the provisioner's.
        (Work::Create | Work::Change, Isolation::Silo) => {
            progress.step = Some("stack".parse().map_err(Problem::internal)?);
        }
        (Work::Delete, _) => {
            progress.step = Some("purge".parse().map_err(Problem::internal)?);
        }
        (Work::Create, Isolation::Pooled) => {
            *progress =
                Progress { state: ProgressState::Done, step: None, since: now, ..progress.clone() };
            tenant.status = TenantStatus::Active;
        }
        (Work::Change, Isolation::Pooled) => {
            *progress =
                Progress { state: ProgressState::Done, step: None, since: now, ..progress.clone() };
        }
    }
    Ok(())
}

/// The same for the same work of the same tenant: by it, what arrives twice is known
/// again.
fn known_by(progress: &Progress, tenant: &Tenant) -> String {
    let kind = kind(progress.work);
    let text = format!("{}\n{kind}\n{}", tenant.tenant_id, progress.since.milliseconds());
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn kind(work: Work) -> &'static str {
    match work {
        Work::Create => TENANT_CREATED,
        Work::Change => TENANT_TIER_CHANGED,
        Work::Delete => TENANT_DELETED,
    }
}

async fn announce(app: &App, progress: &Progress, tenant: &Tenant) -> Result<(), Problem> {
    debug_assert!(kind(progress.work).starts_with(SOURCE));
    let detail = TenantEvent {
        id: known_by(progress, tenant),
        tenant_id: tenant.tenant_id.clone(),
        tier: tenant.tier,
        at: progress.since.to_string(),
        purge_at: purge_at(progress),
    };
    let event = Event {
        kind: kind(progress.work),
        at: progress.since.seconds(),
        detail: serde_json::to_string(&detail).map_err(Problem::internal)?,
    };
    Ok(app.services.outbox.publish(&event).await?)
}

async fn enqueue(app: &App, progress: &Progress, tenant: &Tenant) -> Result<(), Problem> {
    let work = match progress.work {
        Work::Create => "create",
        Work::Change => "change",
        Work::Delete => "delete",
    };
    let tenant_id = tenant.tenant_id.clone();
    let body = ProvisionTenant { tenant_id, work: work.to_owned(), purge_at: purge_at(progress) };
    let message = Message {
        queue: queues::PROVISIONING,
        body: serde_json::to_string(&body).map_err(Problem::internal)?,
        order: Some((tenant.tenant_id.to_string(), known_by(progress, tenant))),
    };
    Ok(app.services.outbox.send(&message).await?)
}
