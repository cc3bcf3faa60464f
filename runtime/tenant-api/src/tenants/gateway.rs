//! The gateway's own key of a pooled tenant: by it, the tenant's requests count against
//! the usage plan of its tier. It is no secret and opens nothing: the gateway takes it
//! from the authoriser alone. A siloed tenant's is in its stack.

use runtime_core::auth::usage_key;
use runtime_core::model::Tenant;
use runtime_core::tenant::TenantId;

use crate::app::App;
use crate::problem::Problem;
use crate::services::ServiceError;

/// The name of a tenant's key, as the stacks of siloed tenants name theirs.
fn name(app: &App, tenant: &TenantId) -> String {
    format!("{}-tenant-{tenant}", app.settings.prefix)
}

/// Makes the key where there is none, and puts it on the plan of the tenant's tier and
/// on no other. May be done twice.
pub(super) async fn ensure(app: &App, tenant: &Tenant) -> Result<(), Problem> {
    let gateway = &app.services.gateway;
    let name = name(app, &tenant.tenant_id);
    let key = match gateway.find_key(&name).await? {
        Some(key) => key,
        None => match gateway
            .create_key(&name, &usage_key(&app.settings.prefix, tenant.tenant_id.as_str()))
            .await
        {
            // Somebody else made it in between.
            Err(ServiceError::Exists) => gateway
                .find_key(&name)
                .await?
                .ok_or_else(|| Problem::internal("a key of another name has the value"))?,
            made => made?,
        },
    };
    let plan = gateway.plan(tenant.tier).await?;
    let plans = gateway.plans_of(&key).await?;
    // A key is on one plan of a stage: it leaves the former before it joins the next.
    for former in plans.iter().filter(|it| **it != plan) {
        gateway.leave_plan(former, &key).await?;
    }
    if plans.contains(&plan) {
        return Ok(());
    }
    match gateway.join_plan(&plan, &key).await {
        Err(ServiceError::Exists) if gateway.plans_of(&key).await?.contains(&plan) => Ok(()),
        joined => Ok(joined?),
    }
}

/// Deletes the key, if there is one; it leaves its plan by that.
pub(super) async fn remove(app: &App, tenant: &TenantId) -> Result<(), Problem> {
    let gateway = &app.services.gateway;
    if let Some(key) = gateway.find_key(&name(app, tenant)).await? {
        gateway.delete_key(&key).await?;
    }
    Ok(())
}
