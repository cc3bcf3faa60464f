//! Tenants: made, changed, looked at and waited for.

use std::time::{Duration, Instant};

use runtime_core::api::{
    AuditExport, ErrorRate, Job, NewNotice, NewTenant, Notice, Session, Tenant, TenantChange,
    TenantStatus,
};
use runtime_core::tenant::TenantId;
use serde::Serialize;
use serde_json::Value;

use super::{Answered, Api, Call};
use crate::error::{Context as _, Error, Kind, Result};
use crate::event::Outcome;

/// What a change comes to in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// It may use the platform.
    Active,
    /// It may not use the platform.
    Suspended,
    /// What was asked for is carried out, whether it may use the platform or not.
    Settled,
    /// It may use the platform no more. What it had is kept for 30 days.
    Gone,
}

/// How a tenant's state is called.
pub const fn status_name(status: TenantStatus) -> &'static str {
    match status {
        TenantStatus::Provisioning => "provisioning",
        TenantStatus::Active => "active",
        TenantStatus::Suspended => "suspended",
        TenantStatus::Deleting => "deleting",
        TenantStatus::Failed => "failed",
    }
}

impl Goal {
    /// Whether a tenant in this state is there.
    pub fn is_reached(self, status: TenantStatus) -> bool {
        match self {
            Self::Active => status == TenantStatus::Active,
            Self::Suspended => status == TenantStatus::Suspended,
            Self::Settled => matches!(status, TenantStatus::Active | TenantStatus::Suspended),
            Self::Gone => status == TenantStatus::Deleting,
        }
    }

    /// What is waited for, for people.
    const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Settled => "active or suspended",
            Self::Gone => "deleted",
        }
    }
}

/// Up to `limit` tenants.
pub async fn list(api: &Api, limit: usize) -> Result<Vec<Tenant>> {
    api.list(&Call::of("listTenants"), limit).await
}

/// A tenant, and its version.
pub async fn show(api: &Api, id: &TenantId) -> Result<Answered<Tenant>> {
    api.call(&of("getTenant", id)).await
}

/// A tenant that may not be there.
pub async fn find(api: &Api, id: &TenantId) -> Result<Option<Answered<Tenant>>> {
    api.find(&of("getTenant", id)).await
}

/// Asks for a new tenant. A second time with the same key has no second effect.
pub async fn create(
    api: &Api,
    tenant: &NewTenant,
    key: &str,
    reason: Option<&str>,
) -> Result<Tenant> {
    let call = Call::of("createTenant").body(body(tenant)?).key(key).reason(reason);
    Ok(api.call(&call).await?.value)
}

/// Asks for a change, if the tenant still is the version that is meant.
pub async fn change(
    api: &Api,
    id: &TenantId,
    change: &TenantChange,
    version: Option<&str>,
    reason: Option<&str>,
) -> Result<Tenant> {
    let call = of("changeTenant", id).body(body(change)?).version(version).reason(reason);
    Ok(api.call(&call).await?.value)
}

/// Asks for the end of a tenant, if it still is the version that is meant.
pub async fn delete(
    api: &Api,
    id: &TenantId,
    version: Option<&str>,
    reason: Option<&str>,
) -> Result<Tenant> {
    Ok(api.call(&of("deleteTenant", id).version(version).reason(reason)).await?.value)
}

/// Asks for the audit trail of some days. A second time with the same key has no second
/// effect.
pub async fn export_audit(
    api: &Api,
    id: &TenantId,
    days: &AuditExport,
    key: &str,
    reason: Option<&str>,
) -> Result<Job> {
    let call = of("exportAudit", id).body(body(days)?).key(key).reason(reason);
    Ok(api.call(&call).await?.value)
}

/// Tells a tenant something. A second time with the same key has no second effect.
pub async fn notify(
    api: &Api,
    id: &TenantId,
    notice: &NewNotice,
    key: &str,
    reason: Option<&str>,
) -> Result<Notice> {
    let call = of("notifyTenant", id).body(body(notice)?).key(key).reason(reason);
    Ok(api.call(&call).await?.value)
}

/// Up to `limit` sessions of a tenant that have not ended.
pub async fn sessions(api: &Api, id: &TenantId, limit: usize) -> Result<Vec<Session>> {
    api.list(&of("listTenantSessions", id), limit).await
}

/// How many invocations of a tenant's agents failed in the last `seconds`.
pub async fn error_rate(api: &Api, id: &TenantId, seconds: u64) -> Result<ErrorRate> {
    let call = of("getErrorRate", id).query("since", &seconds.to_string());
    Ok(api.call(&call).await?.value)
}

/// Waits until a change is carried out, for at most `patience`. Returns the tenant as it
/// then is; none when it is gone.
pub async fn settle(
    api: &Api,
    id: &TenantId,
    goal: Goal,
    patience: Duration,
) -> Result<Option<Tenant>> {
    let (events, ..) = api.surroundings();
    let task = format!("tenant.{id}");
    events.started(&task, format!("tenant {id}"), None);
    let result = watch(api, id, goal, patience, &task).await;
    match &result {
        Ok(Some(tenant)) => events.finished(&task, Outcome::Done, status_name(tenant.status)),
        Ok(None) => events.finished(&task, Outcome::Done, "deleted"),
        Err(error) => events.finished(&task, Outcome::Failed, error.message()),
    }
    result
}

async fn watch(
    api: &Api,
    id: &TenantId,
    goal: Goal,
    patience: Duration,
    task: &str,
) -> Result<Option<Tenant>> {
    let (events, cancel, pace) = api.surroundings();
    let begun = Instant::now();
    let mut pause = pace.look;
    loop {
        let found = find(api, id).await?;
        let Some(Answered { value: tenant, .. }) = found else {
            return match goal {
                Goal::Gone => Ok(None),
                _ => Err(Error::failed(format!("tenant {id} is not there any more"))),
            };
        };
        let status = status_name(tenant.status);
        if goal.is_reached(tenant.status) {
            return Ok(Some(tenant));
        }
        if tenant.status == TenantStatus::Failed {
            return Err(Error::failed(format!(
                "tenant {id} failed: what was asked for did not work"
            ))
            .hint("the events of its stack and the provisioner's log say why"));
        }
        events.progress(task, 0, status);
        if begun.elapsed() + pause > patience {
            let patience = humantime::format_duration(patience);
            let wanted = goal.name();
            return Err(Error::new(
                Kind::Partial,
                format!("tenant {id} is {status} after {patience}, and was to be {wanted}"),
            )
            .hint("the platform goes on with it; wait longer with `--timeout`"));
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = cancel.cancelled() => return Err(cancel.error()),
        }
        pause = (pause + pause / 2).min(pace.slowest);
    }
}

fn of(operation: &'static str, id: &TenantId) -> Call {
    Call::of(operation).parameter("id", id.as_str())
}

fn body(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).context("cannot serialize a request")
}
