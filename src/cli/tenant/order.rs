//! A change of a tenant: shown, journaled, asked for, waited for. What `resume` gets is
//! the same [`Order`] again.

use std::time::Duration;

use runtime_core::api::{
    AuditExport, Job, NewNotice, NewTenant, Notice, Tenant, TenantChange, TenantStatus,
};
use runtime_core::tenant::{TenantId, Tier};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::table;
use crate::cli::Ctx;
use crate::cli::admin::Admin;
use crate::cli::session::{Purpose, Session, arguments};
use crate::error::{Error, Kind, Result};
use crate::failpoint;
use crate::journal::{Entry, RunSummary, StepOutcome};
use crate::ops::tenants::{self, Goal, status_name};
use crate::ops::{Answered, idempotency_key};
use crate::ui::{Align, Block, Report, Table};

const ASK: &str = "ask";
const WAIT: &str = "wait";

/// What is to be done to which tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::cli) struct Order {
    pub tenant: TenantId,
    pub work: Work,
    pub reason: Option<String>,
    pub dry_run: bool,
    pub yes: bool,
    /// How long to wait until it is carried out, in seconds; none: not at all.
    pub wait: Option<u64>,
}

/// What is to be done to a tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum Work {
    Create { tier: Tier, email: String, monthly_usd: Option<u32> },
    Update { tier: Option<Tier>, email: Option<String>, monthly_usd: Option<u32> },
    Suspend,
    Reinstate,
    Delete,
    AuditExport { from: String, to: String },
    Notify { subject: String, message: String },
}

/// The verb that tells a tenant something, as it is journaled.
pub(in crate::cli) const NOTIFY: &str = "ops notify-tenant";

/// What came of it.
#[derive(Debug)]
pub struct Changed {
    tenant: TenantId,
    outcome: Outcome,
    run: Option<String>,
    /// Whether it was waited for.
    waited: bool,
    /// What it then is, for people.
    done: &'static str,
}

#[derive(Debug)]
enum Outcome {
    /// Nothing was changed, because that was asked for.
    Dry,
    /// The tenant is as it was to be.
    Unchanged(Option<Tenant>),
    /// It was changed, and is this now; none: it is gone.
    Changed(Option<Tenant>),
    /// It is being exported.
    Exporting(Job),
    /// The tenant was told.
    Notified(Notice),
}

impl Work {
    /// The verb, as it is journaled.
    const fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "tenant create",
            Self::Update { .. } => "tenant update",
            Self::Suspend => "tenant suspend",
            Self::Reinstate => "tenant reinstate",
            Self::Delete => "tenant delete",
            Self::AuditExport { .. } => "tenant audit-export",
            Self::Notify { .. } => NOTIFY,
        }
    }

    /// The API's operation that does it.
    const fn operation(&self) -> &'static str {
        match self {
            Self::Create { .. } => "createTenant",
            Self::Update { .. } | Self::Suspend | Self::Reinstate => "changeTenant",
            Self::Delete => "deleteTenant",
            Self::AuditExport { .. } => "exportAudit",
            Self::Notify { .. } => "notifyTenant",
        }
    }

    /// What a tenant is to which it was done.
    const fn done(&self) -> &'static str {
        match self {
            Self::Create { .. } => "made",
            Self::Update { .. } => "changed",
            Self::Suspend => "suspended",
            Self::Reinstate => "reinstated",
            Self::Delete => "deleted; what it had is kept for 30 days",
            Self::AuditExport { .. } => "exported",
            Self::Notify { .. } => "told",
        }
    }

    const fn goal(&self) -> Goal {
        match self {
            Self::Create { .. } | Self::Reinstate => Goal::Active,
            Self::Suspend => Goal::Suspended,
            Self::Update { .. } | Self::AuditExport { .. } | Self::Notify { .. } => Goal::Settled,
            Self::Delete => Goal::Gone,
        }
    }

    /// Whether the tenant is as it was to be already.
    fn is_done(&self, now: Option<&Tenant>) -> bool {
        match (self, now) {
            (Self::Delete, None) => true,
            (Self::Suspend, Some(now)) => now.status == TenantStatus::Suspended,
            (Self::Reinstate, Some(now)) => now.status == TenantStatus::Active,
            // The address is nothing that the API tells.
            (Self::Update { tier, email: None, monthly_usd }, Some(now)) => {
                tier.is_none_or(|tier| tier == now.tier)
                    && monthly_usd.is_none_or(|usd| usd == now.monthly_usd)
            }
            _ => false,
        }
    }

    /// What will change, as a plan shows it.
    fn plan(&self, tenant: &TenantId, now: Option<&Tenant>) -> Vec<String> {
        let from = |text: Option<String>| text.map(|text| format!("{text} → ")).unwrap_or_default();
        match self {
            Self::Create { tier, email, monthly_usd } => {
                let budget = monthly_usd.map(|usd| format!(", {usd} USD a month"));
                let tier = tier.name();
                vec![format!(" + tenant {tenant}  {tier}{}, {email}", budget.unwrap_or_default())]
            }
            Self::Update { tier, email, monthly_usd } => {
                let mut lines = vec![format!(" ~ tenant {tenant}")];
                lines.extend(tier.map(|tier| {
                    let was = from(now.map(|now| now.tier.name().to_owned()));
                    format!("     tier  {was}{}", tier.name())
                }));
                lines.extend(monthly_usd.map(|usd| {
                    let was = from(now.map(|now| now.monthly_usd.to_string()));
                    format!("     USD a month  {was}{usd}")
                }));
                lines.extend(email.as_ref().map(|email| format!("     email  {email}")));
                lines
            }
            Self::Suspend | Self::Reinstate => {
                let was = from(now.map(|now| status_name(now.status).to_owned()));
                let suspend = matches!(self, Self::Suspend);
                let (sign, to) = if suspend { ('-', "suspended") } else { ('~', "active") };
                vec![format!(" {sign} tenant {tenant}  {was}{to}")]
            }
            Self::Delete => {
                vec![format!(" - tenant {tenant}, and everything that is its own")]
            }
            Self::AuditExport { from, to } => {
                vec![format!("   the audit trail of tenant {tenant}, {from} to {to}")]
            }
            Self::Notify { subject, message } => {
                let lines = message.lines().map(|line| format!("     {line}"));
                let told = format!("   tenant {tenant} is told: {subject}");
                std::iter::once(told).chain(lines).collect()
            }
        }
    }
}

/// Carries an order out, or goes on with an earlier run of it.
pub(in crate::cli) async fn execute(
    ctx: &Ctx,
    order: Order,
    resumed: Option<&RunSummary>,
) -> Result<Changed> {
    let admin = Admin::connect(ctx).await?;
    admin.show_place(ctx);
    let id = &order.tenant;
    let now = tenants::find(&admin.api, id).await?;
    let is = now.as_ref().map(|now| &now.value);
    let done = order.work.done();
    let changed = |outcome, run, waited| Changed { tenant: id.clone(), outcome, run, waited, done };
    if resumed.is_none() {
        refuse(&order, is)?;
        if order.work.is_done(is) {
            return Ok(changed(Outcome::Unchanged(is.cloned()), None, false));
        }
        ctx.ui.plan(&order.work.plan(id, is));
        if order.dry_run {
            return Ok(changed(Outcome::Dry, None, false));
        }
        confirm(ctx, &order)?;
    }
    let Admin { settings, connection, .. } = &admin;
    let session = Session::begin(
        ctx,
        Purpose {
            verb: order.work.verb(),
            args: arguments(&order),
            reason: order.reason.clone(),
            settings,
            identity: connection.as_ref().map(|connection| &connection.identity),
            // Whoever deploys meanwhile does not keep a tenant from being suspended.
            part: Some(format!("tenant-{id}")),
            resumed,
        },
    )?;
    let result = carry_out(ctx, &admin, &order, &session, now.as_ref()).await;
    let outcome = session.end(ctx, settings, connection.as_ref(), result).await?;
    let run = session.journal.run().short().to_owned();
    Ok(changed(outcome, Some(run), order.wait.is_some()))
}

/// Refuses what cannot be meant.
fn refuse(order: &Order, now: Option<&Tenant>) -> Result<()> {
    let id = &order.tenant;
    match (&order.work, now) {
        (Work::Create { .. }, Some(_)) => {
            Err(Error::usage(format!("there is a tenant {id} already")).hint(format!(
                "`platformctl tenant show {id}`; change it with `platformctl tenant update {id}`"
            )))
        }
        (Work::Create { .. }, None) | (_, Some(_)) => Ok(()),
        (_, None) => Err(Error::usage(format!("there is no tenant {id}"))
            .hint("`platformctl tenant list` lists all tenants")),
    }
}

fn confirm(ctx: &Ctx, order: &Order) -> Result<()> {
    let id = order.tenant.as_str();
    if !matches!(order.work, Work::Delete) || order.yes {
        return Ok(());
    }
    let question = format!("Tenant {id} and everything that is its own will be deleted.");
    if ctx.ui.type_name(&question, id)? {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, "not confirmed; nothing was deleted"))
}

/// Asks the API for it, and waits; what an earlier attempt was granted is not asked again.
async fn carry_out(
    ctx: &Ctx,
    admin: &Admin,
    order: &Order,
    session: &Session,
    now: Option<&Answered<Tenant>>,
) -> Result<Outcome> {
    let journal = &session.journal;
    let asked = session.done.iter().any(|step| step == ASK);
    let is = now.map(|now| &now.value);
    let mut outcome = Outcome::Unchanged(is.cloned());
    if !asked && !order.work.is_done(is) {
        journal.write(Entry::StepStarted { step: ASK.to_owned() })?;
        failpoint::hit(&format!("tenant.{ASK}"), &ctx.cancel).await;
        let version = now.and_then(|now| now.version.as_deref());
        let detail = json!({ "work": order.work, "reason": order.reason, "version": version });
        let action = format!("platform-api:{}", order.work.operation());
        let work = ask(admin, order, session, version);
        let result = journal.mutate(&action, order.tenant.as_str(), detail, work).await;
        outcome = ended(session, ASK, result)?;
    }
    let over = matches!(outcome, Outcome::Exporting(_) | Outcome::Notified(_));
    let (false, Some(seconds)) = (over, order.wait) else {
        return Ok(outcome);
    };
    let patience = Duration::from_secs(seconds);
    journal.write(Entry::StepStarted { step: WAIT.to_owned() })?;
    let settled = tenants::settle(&admin.api, &order.tenant, order.work.goal(), patience).await;
    ended(session, WAIT, settled.map(Outcome::Changed))
}

/// Records how a step ended.
fn ended(session: &Session, step: &str, result: Result<Outcome>) -> Result<Outcome> {
    let (outcome, detail) = match &result {
        Ok(Outcome::Changed(tenant) | Outcome::Unchanged(tenant)) => {
            (StepOutcome::Done, json!({ "tenant": tenant }))
        }
        Ok(Outcome::Exporting(job)) => {
            (StepOutcome::Done, json!({ "job": job.id, "status": job.status }))
        }
        Ok(Outcome::Notified(notice)) => (StepOutcome::Done, json!({ "notice": notice.id })),
        Ok(Outcome::Dry) => (StepOutcome::Unchanged, Value::Null),
        Err(error) => {
            let detail = json!({ "error": error.to_string(), "causes": error.causes() });
            (StepOutcome::of(error), detail)
        }
    };
    session.journal.write(Entry::StepFinished { step: step.to_owned(), outcome, detail })?;
    result
}

async fn ask(
    admin: &Admin,
    order: &Order,
    session: &Session,
    version: Option<&str>,
) -> Result<Outcome> {
    let (api, id) = (&admin.api, &order.tenant);
    let reason = order.reason.as_deref();
    let run = session.journal.run().as_str();
    let key = |body: Value| idempotency_key(run, order.work.operation(), &body);
    let nothing = TenantChange { tier: None, suspended: None, email: None, monthly_usd: None };
    let change = match &order.work {
        Work::Create { tier, email, monthly_usd } => {
            let (tier, email, monthly_usd) = (*tier, email.clone(), *monthly_usd);
            let tenant = NewTenant { id: id.clone(), tier, email, monthly_usd };
            let made = tenants::create(api, &tenant, &key(json!(tenant)), reason).await?;
            return Ok(Outcome::Changed(Some(made)));
        }
        Work::AuditExport { from, to } => {
            let days = AuditExport { from: from.clone(), to: to.clone() };
            let key = key(json!([id, days]));
            let job = tenants::export_audit(api, id, &days, &key, reason).await?;
            return Ok(Outcome::Exporting(job));
        }
        Work::Notify { subject, message } => {
            let notice = NewNotice { subject: subject.clone(), message: message.clone() };
            let key = key(json!([id, notice]));
            let notice = tenants::notify(api, id, &notice, &key, reason).await?;
            return Ok(Outcome::Notified(notice));
        }
        Work::Delete => {
            let last = tenants::delete(api, id, version, reason).await?;
            return Ok(Outcome::Changed(Some(last)));
        }
        Work::Update { tier, email, monthly_usd } => {
            TenantChange { tier: *tier, email: email.clone(), monthly_usd: *monthly_usd, ..nothing }
        }
        Work::Suspend => TenantChange { suspended: Some(true), ..nothing },
        Work::Reinstate => TenantChange { suspended: Some(false), ..nothing },
    };
    let changed = tenants::change(api, id, &change, version, reason).await?;
    Ok(Outcome::Changed(Some(changed)))
}

impl Changed {
    /// What was done, in one line.
    fn said(&self) -> String {
        let id = &self.tenant;
        match &self.outcome {
            Outcome::Dry => "dry run: nothing was changed".to_owned(),
            Outcome::Unchanged(_) => format!("nothing to change: tenant {id} is so already"),
            Outcome::Changed(None) => format!("tenant {id} is deleted"),
            Outcome::Changed(Some(_)) if self.waited => format!("tenant {id} is {}", self.done),
            Outcome::Changed(Some(_)) => {
                format!("the platform goes on with it: `platformctl tenant show {id}`")
            }
            Outcome::Exporting(_) => {
                format!("the audit trail of tenant {id} is being exported")
            }
            Outcome::Notified(notice) => {
                let notice = crate::http::printable(&notice.id, 40);
                format!("tenant {id} is told; notice {notice} is on the event bus")
            }
        }
    }
}

impl Report for Changed {
    fn value(&self) -> Value {
        let (what, tenant, job) = match &self.outcome {
            Outcome::Dry => ("dry-run", None, None),
            Outcome::Unchanged(tenant) => ("unchanged", tenant.as_ref(), None),
            Outcome::Changed(tenant) => ("changed", tenant.as_ref(), None),
            Outcome::Exporting(job) => ("exporting", None, Some(job)),
            Outcome::Notified(notice) => {
                return json!({
                    "id": self.tenant, "outcome": "notified", "notice": notice, "run": self.run,
                });
            }
        };
        json!({ "id": self.tenant, "outcome": what, "tenant": tenant, "job": job, "run": self.run })
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        match &self.outcome {
            Outcome::Unchanged(Some(tenant)) | Outcome::Changed(Some(tenant)) => {
                blocks.push(Block::Table(table([tenant])));
            }
            Outcome::Exporting(job) => {
                let mut table = Table::new(&[("job", Align::Left), ("status", Align::Left)]);
                let status = serde_json::to_value(job.status).unwrap_or_default();
                let status = status.as_str().unwrap_or_default().to_owned();
                table.row([crate::http::printable(&job.id, 80), status]);
                blocks.push(Block::Table(table));
            }
            _ => {}
        }
        let run = self.run.as_deref().map(|run| format!("\nrun {run} · platformctl events {run}"));
        blocks.push(Block::Text(format!("{}{}", self.said(), run.unwrap_or_default())));
        blocks
    }
}
