//! Making tenants.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use runtime_core::access::AccessError;
use runtime_core::api::{self, NewTenant};
use runtime_core::model::{
    Email, MonthlyUsd, ProgressState, Repeat, RequestDigest, Revision, Tenant, TenantStatus,
    Timestamp, Work,
};
use serde_json::json;

use super::{found, steps};
use crate::app::App;
use crate::caller::{RequestId, Staff};
use crate::extract::{Body, Once, Reason, versioned};
use crate::problem::{Fields, Problem};
use crate::record::{Change, digest, text};

/// Makes a tenant, or goes on where a request for the same one stopped.
///
/// A tenant is known by its id, and so a request by the tenant that it asks for: the
/// same again goes on or is answered as before, whatever it is called; another one for
/// the same id is a conflict.
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    _: Once,
    Reason(reason): Reason,
    RequestId(request_id): RequestId,
    Body(new): Body<NewTenant>,
) -> Result<Response, Problem> {
    let digest = digest("createTenant", &new)?;
    let tenant = tenant(&app, &new, digest)?;
    let platform = app.platform(&operator).await?;
    let change = Change {
        operation: "createTenant",
        tenant_id: Some(&new.id),
        subject: operator.subject(),
        request_id: &request_id,
        reason: text(reason.as_ref()),
        wanted: json!({ "tier": new.tier, "monthly_usd": new.monthly_usd }),
    };
    change.keep(&app).await?;
    let tenant = match platform.create(&tenant).await {
        Ok(()) => tenant,
        Err(AccessError::Condition) => {
            let there = found(&platform, &new.id).await?;
            let same = digest.repeats(there.request_digest) == Repeat::Same;
            let deleted = there.status == TenantStatus::Deleted;
            if same && deleted {
                // The request may have been at work when somebody deleted the tenant.
                steps::clean(&app, &there).await?;
            }
            if !same || deleted {
                let detail = "There is a tenant of this id already, or there was one: ids are not used again.";
                return Err(Problem::conflict(detail));
            }
            again(&platform, there).await?
        }
        Err(error) => return Err(error.into()),
    };
    let tenant = steps::drive(&app, &platform, tenant).await?;
    let body = api::Tenant::from(&tenant);
    let place = [(header::LOCATION, format!("/v1/tenants/{}", tenant.tenant_id))];
    Ok((place, versioned(StatusCode::ACCEPTED, tenant.revision, &body)).into_response())
}

/// What the provisioner could not make, it is asked for once more.
async fn again(
    platform: &runtime_core::access::OperatorDynamoDb,
    mut there: Tenant,
) -> Result<Tenant, Problem> {
    let failed = there
        .progress
        .as_ref()
        .is_some_and(|it| it.work == Work::Create && it.state == ProgressState::Failed);
    if !failed {
        return Ok(there);
    }
    there.progress = Some(steps::begin(Work::Create, steps::Step::Queue)?);
    there.updated_at = Timestamp::now().max(there.created_at);
    Ok(platform.replace(there).await?)
}

fn tenant(app: &App, new: &NewTenant, digest: RequestDigest) -> Result<Tenant, Problem> {
    let mut fields = Fields::default();
    let email = fields.take("email", new.email.parse::<Email>());
    let usd = new.monthly_usd.unwrap_or(new.tier.usual_monthly_usd());
    let monthly_usd = fields.take("monthly_usd", MonthlyUsd::try_from(usd));
    let (Some(email), Some(monthly_usd)) = (email, monthly_usd) else {
        return Err(fields.problem());
    };
    let isolation = app.settings.isolation(new.tier);
    let now = Timestamp::now();
    Ok(Tenant {
        tenant_id: new.id.clone(),
        tier: new.tier,
        isolation,
        // It may use the platform when all is there.
        status: TenantStatus::Suspended,
        progress: Some(steps::begin(Work::Create, steps::first(Work::Create, isolation))?),
        monthly_usd,
        email,
        api_keys: Vec::new(),
        created_at: now,
        updated_at: now,
        request_digest: Some(digest),
        revision: Revision::FIRST,
    })
}
