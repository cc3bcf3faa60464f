//! Reading tenants.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use runtime_core::api::{self, Page};
use runtime_core::caller::Verified;
use runtime_core::model::{Listing, Tenant, TenantStatus};
use runtime_core::tenant::TenantId;

use super::found;
use crate::app::App;
use crate::caller::{Anyone, Staff};
use crate::extract::{IfNoneMatch, PageOf, Parameter};
use crate::problem::Problem;

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Parameter(id): Parameter<TenantId>,
    known: IfNoneMatch,
) -> Result<Response, Problem> {
    let tenant = match &caller {
        Verified::Tenant(caller) => {
            app.check_own(caller, &id, "getTenant").await?;
            let own = app.record(caller).await?.get().await?;
            own.ok_or_else(|| Problem::not_found("tenant"))?
        }
        Verified::Staff(operator) => found(&app.platform(operator).await?, &id).await?,
    };
    Ok(known.answer(tenant.revision, &api::Tenant::from(&tenant)))
}

/// Tenants by status, those who may use the platform first, and in order of time. What
/// is between `.` and the end of a cursor is the cursor within the status.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    page: PageOf,
) -> Result<Response, Problem> {
    let platform = app.platform(&operator).await?;
    let given = page.cursor.as_deref().unwrap_or("active.");
    let invalid = || Problem::field("cursor", "expected the `next` of an answer of this list");
    let (status, within) = given.split_once('.').ok_or_else(invalid)?;
    let begin = TenantStatus::ALL.iter().position(|it| it.name() == status).ok_or_else(invalid)?;
    let mut within = Some(within.to_owned()).filter(|it| !it.is_empty());
    let mut items = Vec::new();
    let mut next = None;
    for (i, status) in TenantStatus::ALL.iter().enumerate().skip(begin) {
        let left = page.limit.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
        if left == 0 {
            next = Some(format!("{}.", status.name()));
            break;
        }
        let listing = Listing::<Tenant>::with_status(*status);
        let found = platform.list(&listing, left, within.take().as_deref()).await?;
        items.extend(found.items.iter().map(api::Tenant::from));
        if let Some(cursor) = found.next {
            next = Some(format!("{}.{cursor}", TenantStatus::ALL[i].name()));
            break;
        }
    }
    Ok(axum::Json(Page { items, next }).into_response())
}
