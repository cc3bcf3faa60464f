//! Reports by month, from the bills.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use runtime_core::api::{Report, ReportRow};
use runtime_core::model::{BillingSummary, Listing, Period, Timestamp};
use serde::Deserialize;

use super::all;
use crate::app::App;
use crate::caller::Staff;
use crate::extract::query;
use crate::problem::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportQuery {
    period: Option<String>,
}

/// The month: that of the query, or the one that it is.
pub(crate) struct Month(Period);

impl<S: Send + Sync> FromRequestParts<S> for Month {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let ReportQuery { period } = query(parts, state).await?;
        let now = Timestamp::now().to_string();
        let text = period.as_deref().unwrap_or(now.get(..7).unwrap_or_default());
        let invalid = |_| Problem::field("period", "expected a month such as 2026-11");
        text.parse().map(Self).map_err(invalid)
    }
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    Path(report): Path<String>,
    Month(period): Month,
) -> Result<Response, Problem> {
    let rows: fn(&BillingSummary) -> Vec<ReportRow> = match report.as_str() {
        "usage" => usage,
        "cost" => cost,
        _ => return Err(Problem::not_found("report")),
    };
    let platform = app.platform(&operator).await?;
    let bills = all(&platform, &Listing::of_period(&period)).await?;
    let rows = bills.iter().flat_map(rows).collect();
    Ok(axum::Json(Report { report, period: period.to_string(), rows }).into_response())
}

// Above 2^53 a count loses its last digits, and nobody counts them.
#[allow(clippy::cast_precision_loss)]
fn row(bill: &BillingSummary, name: &str, value: u64, unit: &str) -> ReportRow {
    let (name, unit) = (name.to_owned(), unit.to_owned());
    ReportRow { tenant_id: bill.tenant_id.clone(), name, value: value as f64, unit }
}

fn usage(bill: &BillingSummary) -> Vec<ReportRow> {
    let used = &bill.usage;
    vec![
        row(bill, "invocations", used.invocations, "count"),
        row(bill, "jobs", used.jobs, "count"),
        row(bill, "input tokens", used.input_tokens, "count"),
        row(bill, "output tokens", used.output_tokens, "count"),
        row(bill, "time at work", used.milliseconds, "milliseconds"),
    ]
}

fn cost(bill: &BillingSummary) -> Vec<ReportRow> {
    let mut row = row(bill, "cost", bill.cost_micro_usd, "USD");
    row.value /= 1_000_000.0;
    vec![row]
}
