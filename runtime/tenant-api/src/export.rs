//! Exports of a tenant's audit trail: lines of JSON in the bucket of results.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use runtime_core::access::{ACCESS_PREFIX, AccessError, ObjectKey};
use runtime_core::api::{AuditExport, JobStatus};
use runtime_core::model::{
    Item as _, Job, JobId, Repeat, RequestDigest, Revision, Text, Timestamp,
};
use runtime_core::names::CHANGES_PREFIX;
use runtime_core::tenant::TenantId;
use time::Date;
use time::macros::format_description;
use tokio::task::JoinSet;

use crate::app::{App, Own};
use crate::caller::Anyone;
use crate::extract::{Body, Once, Parameter};
use crate::jobs::{KEPT_SECONDS, shown};
use crate::problem::{Fields, Problem};
use crate::record::digest;

/// The most days of an export.
const MOST_DAYS: i64 = 31;

/// The most records of an export: they are read while the caller waits.
const MOST_RECORDS: usize = 1_000;

/// Records that are read at a time.
const AT_A_TIME: usize = 16;

/// In the place of an agent, in the job of an export. No route takes it as an agent of
/// the tenant unless the tenant has one of that name.
const EXPORTER: &str = "audit-export";

/// Writes what the trail has of a tenant in a range of days, and answers with a job that
/// is done.
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Parameter(id): Parameter<TenantId>,
    Once(once): Once,
    Body(wanted): Body<AuditExport>,
) -> Result<Response, Problem> {
    let digest = digest("exportAudit", &wanted)?;
    let days = days(&wanted)?;
    let own = app.named(&caller, &id, "exportAudit").await?;
    let job_id: JobId = once.id(&id, "exportAudit");
    let key = runtime_core::model::Key::<Job>::new(&id, job_id);
    let job = match own.items.get(&key).await? {
        Some(there) => there,
        None => export(&app, &own, job_id, &days, &wanted, digest).await?,
    };
    if digest.repeats(job.request_digest) == Repeat::Conflict {
        return Err(Problem::conflict("Another request had this Idempotency-Key."));
    }
    let place = [(header::LOCATION, format!("/v1/jobs/{job_id}"))];
    Ok((StatusCode::ACCEPTED, place, axum::Json(shown(&own, &job).await?)).into_response())
}

fn days(wanted: &AuditExport) -> Result<Vec<String>, Problem> {
    const FULL_DATE: &[time::format_description::BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day]");
    let mut fields = Fields::default();
    let mut parse = |name: &str, text: &str| {
        let date = Date::parse(text, FULL_DATE).ok();
        if date.is_none() {
            fields.add(name, "expected a day such as 2026-11-21");
        }
        date
    };
    let (from, to) = (parse("from", &wanted.from), parse("to", &wanted.to));
    let (Some(from), Some(to)) = (from, to) else { return Err(fields.problem()) };
    let days = (to - from).whole_days() + 1;
    if !(1..=MOST_DAYS).contains(&days) {
        let expected = format!("expected a day from `from` on, and at most {MOST_DAYS} days");
        return Err(Problem::field("to", expected));
    }
    let mut day = Some(from);
    let all = std::iter::from_fn(|| {
        let this = day.filter(|it| *it <= to)?;
        day = this.next_day();
        Some(format!("{:04}/{:02}/{:02}", this.year(), u8::from(this.month()), this.day()))
    });
    Ok(all.collect())
}

async fn export(
    app: &App,
    own: &Own,
    job_id: JobId,
    days: &[String],
    wanted: &AuditExport,
    digest: RequestDigest,
) -> Result<Job, Problem> {
    let keys = keys(app, &own.tenant, days).await?;
    let lines = lines(app, keys).await?;
    let result = format!("audit/{job_id}.ndjson");
    let key: ObjectKey = result.parse().map_err(Problem::internal)?;
    own.results.put(&key, lines, "application/x-ndjson").await?;
    let now = Timestamp::now();
    let input = format!("{} {}", wanted.from, wanted.to);
    let job = Job {
        tenant_id: own.tenant.clone(),
        job_id,
        agent: EXPORTER.parse().map_err(Problem::internal)?,
        input: input.parse::<Text<1, 100_000>>().map_err(Problem::internal)?,
        status: JobStatus::Succeeded,
        result: Some(result.parse().map_err(Problem::internal)?),
        error: None,
        created_at: now,
        updated_at: now,
        expires_at: now.plus_seconds(KEPT_SECONDS).seconds(),
        request_digest: Some(digest),
        revision: Revision::FIRST,
    };
    match own.items.create(&job).await {
        Err(AccessError::Condition) => {
            let there = own.items.get(&job.key()).await?;
            there.ok_or_else(|| Problem::conflict("The job was deleted at the same time."))
        }
        made => made.map(|()| Ok(job))?,
    }
}

/// The keys of every record of these days.
async fn keys(app: &App, tenant: &TenantId, days: &[String]) -> Result<Vec<String>, Problem> {
    let mut keys = Vec::new();
    for day in days {
        for kind in [ACCESS_PREFIX, CHANGES_PREFIX] {
            let prefix = format!("{kind}tenants/{tenant}/{day}/");
            let mut more = true;
            let mut after: Option<String> = None;
            while more {
                let (found, truncated) =
                    app.services.trail.list(&prefix, after.as_deref(), 1_000).await?;
                after = found.last().cloned();
                more = truncated && after.is_some();
                keys.extend(found);
                if keys.len() > MOST_RECORDS {
                    let message = format!(
                        "there are more than {MOST_RECORDS} records until {day}: ask for fewer days"
                    );
                    return Err(Problem::field("to", message));
                }
            }
        }
    }
    Ok(keys)
}

/// The records, a line each, in the order of their keys.
async fn lines(app: &App, keys: Vec<String>) -> Result<Vec<u8>, Problem> {
    let mut lines = Vec::new();
    for some in keys.chunks(AT_A_TIME) {
        let mut reads = JoinSet::new();
        for (i, key) in some.iter().cloned().enumerate() {
            let trail = Arc::clone(&app.services.trail);
            reads.spawn(async move { (i, trail.read(&key).await) });
        }
        let mut records = vec![Vec::new(); some.len()];
        while let Some(read) = reads.join_next().await {
            let (i, record) = read.map_err(Problem::internal)?;
            // Whatever spaces a record has, it is one line.
            let record: serde_json::Value =
                serde_json::from_slice(&record?).map_err(Problem::internal)?;
            records[i] = serde_json::to_vec(&record).map_err(Problem::internal)?;
        }
        for record in records {
            lines.extend(record);
            lines.push(b'\n');
        }
    }
    Ok(lines)
}
