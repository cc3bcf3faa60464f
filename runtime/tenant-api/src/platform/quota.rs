//! How much of the quotas the tenants use: counted from their records.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use runtime_core::api::{Quota, QuotaUse};
use runtime_core::model::{Listing, Tenant, TenantStatus};
use runtime_core::tenant::{Isolation, Tier};

use super::all;
use crate::app::App;
use crate::caller::Staff;
use crate::problem::Problem;

/// What tenants use of a quota of the account and region, and how much there is of it
/// unless AWS was asked for more.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>,
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const API_KEYS: u64 = 10_000;
const USAGE_PLANS: u64 = 300;
const STACKS: u64 = 2_000;
pub(super) const ROLES: u64 = 1_000;

/// Counts what the platform makes for tenants; what else is in the account is not in the
/// numbers, and the names say so. Deleted tenants keep what they had for a while, and
/// siloed ones count until it is gone.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
) -> Result<Response, Problem> {
    let platform = app.platform(&operator).await?;
    let (mut tenants, mut silos) = (0, 0);
    for status in TenantStatus::ALL {
        for tenant in all(&platform, &Listing::<Tenant>::with_status(status)).await? {
            let silo = tenant.isolation == Isolation::Silo;
            tenants += u64::from(silo || status != TenantStatus::Deleted);
            silos += u64::from(silo);
        }
    }
    let plans = u64::try_from(Tier::ALL.len()).unwrap_or(u64::MAX);
    let mut quotas = vec![
        quota("apigateway", "API keys of tenants, of the default quota", tenants, API_KEYS),
        quota("apigateway", "usage plans of tiers, of the default quota", plans, USAGE_PLANS),
    ];
    quotas.extend(of_silos(silos));
    // The fullest first: a/b > c/d where a*d > c*b.
    quotas.sort_by(|one, other| (other.used * one.limit).cmp(&(one.used * other.limit)));
    Ok(axum::Json(QuotaUse { quotas }).into_response())
}

/// What that many tenants with a stack of their own use of an account, the fullest first.
pub(super) fn of_silos(silos: u64) -> Vec<Quota> {
    vec![
        quota("iam", "roles of siloed tenants, of the default quota", silos, ROLES),
        quota("cloudformation", "stacks of siloed tenants, of the default quota", silos, STACKS),
    ]
}

fn quota(service: &str, name: &str, used: u64, limit: u64) -> Quota {
    Quota { service: service.to_owned(), name: name.to_owned(), used, limit }
}
