//! Changing and deleting tenants.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use runtime_core::access::{AccessError, OperatorDynamoDb};
use runtime_core::api::{self, TenantChange};
use runtime_core::model::{
    Email, MonthlyUsd, ProgressState, Revision, Tenant, TenantStatus, Timestamp, Work,
};
use runtime_core::tenant::{Isolation, TenantId};
use serde_json::json;

use super::{found, steps};
use crate::app::App;
use crate::caller::{RequestId, Staff};
use crate::extract::{Body, IfMatch, Parameter, Reason, versioned};
use crate::problem::{Fields, Problem};
use crate::record::{Change, text};

/// A change whose fields are valid.
struct Wanted {
    change: TenantChange,
    email: Option<Email>,
    monthly_usd: Option<MonthlyUsd>,
}

impl Wanted {
    fn parse(change: TenantChange) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let email = change.email.as_ref().map(|it| it.parse::<Email>());
        let email = email.and_then(|it| fields.take("email", it));
        let usd = change.monthly_usd.map(MonthlyUsd::try_from);
        let monthly_usd = usd.and_then(|it| fields.take("monthly_usd", it));
        let nothing = TenantChange { tier: None, suspended: None, email: None, monthly_usd: None };
        if change == nothing {
            fields.add("body", "expected at least one of tier, suspended, email, monthly_usd");
        }
        if fields.is_empty() {
            Ok(Self { change, email, monthly_usd })
        } else {
            Err(fields.problem())
        }
    }

    fn status(&self, now: TenantStatus) -> TenantStatus {
        match self.change.suspended {
            Some(true) => TenantStatus::Suspended,
            Some(false) => TenantStatus::Active,
            None => now,
        }
    }

    /// The tenant as it is to be.
    fn apply(&self, tenant: &Tenant) -> Result<Tenant, Problem> {
        let mut changed = tenant.clone();
        changed.tier = self.change.tier.unwrap_or(tenant.tier);
        changed.status = self.status(tenant.status);
        changed.email = self.email.clone().unwrap_or_else(|| tenant.email.clone());
        changed.monthly_usd = self.monthly_usd.unwrap_or(tenant.monthly_usd);
        let tier = changed.tier != tenant.tier;
        // A stack knows the tier, and who hears of which budget.
        let stack = tenant.isolation == Isolation::Silo
            && (tier || changed.email != tenant.email || changed.monthly_usd != tenant.monthly_usd);
        if tier {
            let step = steps::first(Work::Change, tenant.isolation);
            changed.progress = Some(steps::begin(Work::Change, step)?);
        } else if stack {
            changed.progress = Some(steps::begin(Work::Change, steps::Step::Queue)?);
        }
        Ok(changed)
    }
}

pub(crate) async fn change(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    Parameter(id): Parameter<TenantId>,
    IfMatch(revision): IfMatch,
    Reason(reason): Reason,
    RequestId(request_id): RequestId,
    Body(change): Body<TenantChange>,
) -> Result<Response, Problem> {
    let wanted = Wanted::parse(change)?;
    let platform = app.platform(&operator).await?;
    let read = found(&platform, &id).await?;
    check_changeable(&read)?;
    // The steps of a change that was killed come first.
    let unfinished = steps::unfinished(&read);
    let read_revision = read.revision;
    let tenant = steps::drive(&app, &platform, read).await?;
    if revision != read_revision {
        // A request that comes again, after it was carried out, is not a conflict.
        let changed = wanted.apply(&tenant)?;
        if unfinished && changed == tenant {
            return Ok(accepted(&tenant));
        }
        return Err(Problem::stale());
    }
    let change = &wanted.change;
    let record = Change {
        operation: "changeTenant",
        tenant_id: Some(&id),
        subject: operator.subject(),
        request_id: &request_id,
        reason: text(reason.as_ref()),
        wanted: json!({
            "tier": change.tier,
            "suspended": change.suspended,
            "monthly_usd": change.monthly_usd,
            "email": change.email.as_ref().map(|_| "another"),
        }),
    };
    record.keep(&app).await?;
    let changed = wanted.apply(&tenant)?;
    let tenant = if changed == tenant { tenant } else { write(&platform, changed).await? };
    let tenant = steps::drive(&app, &platform, tenant).await?;
    Ok(accepted(&tenant))
}

/// Deletes a tenant: from now on it may use nothing, and its keys are no keys. What it
/// has goes 30 days later.
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    Parameter(id): Parameter<TenantId>,
    IfMatch(revision): IfMatch,
    Reason(reason): Reason,
    RequestId(request_id): RequestId,
) -> Result<Response, Problem> {
    let platform = app.platform(&operator).await?;
    let tenant = found(&platform, &id).await?;
    let tenant = if tenant.status == TenantStatus::Deleted {
        // The same request again: what is left of it is done, and what others made of
        // the tenant meanwhile is taken away.
        steps::clean(&app, &tenant).await?;
        tenant
    } else {
        if revision != tenant.revision {
            return Err(Problem::stale());
        }
        let record = Change {
            operation: "deleteTenant",
            tenant_id: Some(&id),
            subject: operator.subject(),
            request_id: &request_id,
            reason: text(reason.as_ref()),
            wanted: json!({ "status": "deleted" }),
        };
        record.keep(&app).await?;
        let step = steps::first(Work::Delete, tenant.isolation);
        let progress = Some(steps::begin(Work::Delete, step)?);
        let status = TenantStatus::Deleted;
        write(&platform, Tenant { status, progress, api_keys: Vec::new(), ..tenant }).await?
    };
    let tenant = steps::drive(&app, &platform, tenant).await?;
    Ok(accepted(&tenant))
}

fn check_changeable(tenant: &Tenant) -> Result<(), Problem> {
    let progress = tenant.progress.as_ref();
    let unmade =
        progress.is_some_and(|it| it.work == Work::Create && it.state != ProgressState::Done);
    if tenant.status == TenantStatus::Deleted {
        return Err(Problem::conflict("The tenant is deleted."));
    }
    if unmade {
        let detail =
            "The tenant is still being made: repeat the request that makes it, or delete it.";
        return Err(Problem::conflict(detail));
    }
    Ok(())
}

async fn write(platform: &OperatorDynamoDb, tenant: Tenant) -> Result<Tenant, Problem> {
    let updated_at = Timestamp::now().max(tenant.created_at);
    match platform.replace(Tenant { updated_at, ..tenant }).await {
        Err(AccessError::Condition) => Err(Problem::stale()),
        written => Ok(written?),
    }
}

fn accepted(tenant: &Tenant) -> Response {
    let revision: Revision = tenant.revision;
    versioned(StatusCode::ACCEPTED, revision, &api::Tenant::from(tenant))
}
