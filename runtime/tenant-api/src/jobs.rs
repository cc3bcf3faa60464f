//! Jobs: a record first, then the message that sets it going.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use runtime_core::access::AccessError;
use runtime_core::api::{self, JobStatus, NewJob, Page};
use runtime_core::messages::RunJob;
use runtime_core::model::{
    AgentName, Item as _, Job, JobId, Key, Listing, Repeat, Revision, Timestamp,
};
use runtime_core::queues;

use crate::agents::newest;
use crate::app::{App, Own};
use crate::caller::OfTenant;
use crate::extract::{Body, Once, PageOf, Parameter};
use crate::problem::{Fields, Problem};
use crate::record::digest;
use crate::services::Message;

/// How long a job is kept, in seconds: 30 days.
pub(crate) const KEPT_SECONDS: u32 = 30 * 24 * 60 * 60;

/// How long the address of a result is good.
const SIGNED: Duration = Duration::from_mins(5);

/// How often a job that is written at the same time is read again.
const ATTEMPTS: u32 = 5;

fn missing() -> Problem {
    Problem::not_found("job")
}

/// A job as callers see it, with the address of its result.
pub(crate) async fn shown(own: &Own, job: &Job) -> Result<api::Job, Problem> {
    let mut shown = api::Job::from(job);
    if let Some(result) = &job.result {
        let key = result.as_str().parse().map_err(Problem::internal)?;
        shown.result_url = Some(own.results.presign_get(&key, SIGNED).await?);
    }
    Ok(shown)
}

/// The newest first, as far as ids tell; those of requests that may come again do not.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    OfTenant(caller): OfTenant,
    page: PageOf,
) -> Result<Response, Problem> {
    let own = app.own(&caller).await?;
    let listing = Listing::<Job>::all().newest_first();
    let found = own.items.list(&listing, page.limit, page.cursor.as_deref()).await?;
    let items: Vec<_> = found.items.iter().map(api::Job::from).collect();
    Ok(axum::Json(Page { items, next: found.next }).into_response())
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    OfTenant(caller): OfTenant,
    Parameter(id): Parameter<JobId>,
) -> Result<Response, Problem> {
    let own = app.own(&caller).await?;
    let job = own.items.get(&Key::<Job>::new(&own.tenant, id)).await?.ok_or_else(missing)?;
    Ok(axum::Json(shown(&own, &job).await?).into_response())
}

/// Keeps the job, and then sends the message. Who sends the request again finds the job,
/// and sends the message again as long as nobody has taken it.
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    OfTenant(caller): OfTenant,
    Once(once): Once,
    Body(new): Body<NewJob>,
) -> Result<Response, Problem> {
    let digest = digest("createJob", &new)?;
    let mut fields = Fields::default();
    let agent = fields.take("agent", new.agent.parse::<AgentName>());
    let input = fields.take("input", new.input.try_into());
    let (Some(agent), Some(input)) = (agent, input) else { return Err(fields.problem()) };
    let own = app.own(&caller).await?;
    let job_id: JobId = once.id(&own.tenant, "createJob");
    let key = Key::<Job>::new(&own.tenant, job_id);
    let there = own.items.get(&key).await?;
    let job = match there {
        Some(there) => there,
        None => {
            if newest(&own, &agent).await?.is_none() {
                return Err(Problem::conflict("There is no such agent: make it first."));
            }
            let now = Timestamp::now();
            let job = Job {
                tenant_id: own.tenant.clone(),
                job_id,
                agent,
                input,
                status: JobStatus::Queued,
                result: None,
                error: None,
                created_at: now,
                updated_at: now,
                expires_at: now.plus_seconds(KEPT_SECONDS).seconds(),
                request_digest: Some(digest),
                revision: Revision::FIRST,
            };
            match own.items.create(&job).await {
                Err(AccessError::Condition) => own.items.get(&key).await?.ok_or_else(missing)?,
                made => made.map(|()| job)?,
            }
        }
    };
    if digest.repeats(job.request_digest) == Repeat::Conflict {
        let detail = "Another request had this Idempotency-Key.";
        return Err(Problem::conflict(detail));
    }
    if job.status == JobStatus::Queued {
        send(&app, &job).await?;
    }
    let place = [(header::LOCATION, format!("/v1/jobs/{}", job.job_id))];
    let body = axum::Json(shown(&own, &job).await?);
    Ok((StatusCode::ACCEPTED, place, body).into_response())
}

async fn send(app: &App, job: &Job) -> Result<(), Problem> {
    let body = RunJob { tenant_id: job.tenant_id.clone(), job_id: job.job_id.to_string() };
    let body = serde_json::to_string(&body).map_err(Problem::internal)?;
    Ok(app.services.outbox.send(&Message { queue: queues::JOBS, body, order: None }).await?)
}

/// Stops a job: whoever takes it sees that it is not wanted, and whoever works at it
/// finds that it cannot be finished.
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    OfTenant(caller): OfTenant,
    Parameter(id): Parameter<JobId>,
) -> Result<StatusCode, Problem> {
    let own = app.own(&caller).await?;
    let key = Key::<Job>::new(&own.tenant, id);
    for _ in 0..ATTEMPTS {
        let job = own.items.get(&key).await?.ok_or_else(missing)?;
        debug_assert_eq!(job.key(), key);
        match job.status {
            JobStatus::Cancelled => return Ok(StatusCode::NO_CONTENT),
            JobStatus::Succeeded | JobStatus::Failed => {
                return Err(Problem::conflict("The job is over already."));
            }
            JobStatus::Queued | JobStatus::Running => {}
        }
        let updated_at = Timestamp::now().max(job.created_at);
        let cancelled = Job { status: JobStatus::Cancelled, updated_at, ..job };
        match own.items.replace(cancelled).await {
            Err(AccessError::Condition) => {}
            written => return written.map(|_| Ok(StatusCode::NO_CONTENT))?,
        }
    }
    Err(Problem::busy("others write the job all the time"))
}
