//! What operators read: what tenants use, what is left of quotas, what looked like an
//! attack.

use runtime_core::api::{Quota, QuotaUse, Report, SecurityEvent};

use super::{Api, Call};
use crate::error::Result;

/// What the quotas have left, the fullest first.
pub async fn quotas(api: &Api) -> Result<Vec<Quota>> {
    let answer: QuotaUse = api.call(&Call::of("getQuota")).await?.value;
    Ok(answer.quotas)
}

/// Up to `limit` events, by tenant.
pub async fn security_events(api: &Api, limit: usize) -> Result<Vec<SecurityEvent>> {
    api.list(&Call::of("listSecurityEvents"), limit).await
}

/// The report of that name about a month, such as `2026-11`.
pub async fn monthly(api: &Api, report: &str, period: &str) -> Result<Report> {
    let call = Call::of("getReport").parameter("report", report).query("period", period);
    Ok(api.call(&call).await?.value)
}
