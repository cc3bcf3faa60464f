//! Where agents run, and requests to move them.
//!
//! Nothing here moves them. A switch holds a lock for minutes, calls functions in the other
//! region, and goes back when they do not answer: an operator's `platformctl ops
//! set-runtime-region` does that, and marks the request.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use runtime_core::access::OperatorDynamoDb;
use runtime_core::api::{self, Failover, LockHolder, NewFailover, RequestState};
use runtime_core::messages::{FAILOVER_REQUESTED, FailoverRequested};
use runtime_core::model::{
    FailoverRequest, Item as _, Key, Listing, LockName, OpsLock, Revision, Text, Timestamp,
};
use runtime_core::runtime_region::{LOCK, is_region};

use super::all;
use crate::app::App;
use crate::caller::{RequestId, Staff};
use crate::extract::{Body, Once};
use crate::problem::{Fields, Problem};
use crate::record::{Change, create_once, digest};
use crate::services::Event;

/// How long a request is kept: 90 days, in seconds.
const KEPT_SECONDS: u32 = 90 * 24 * 60 * 60;

/// The longest name of a region.
const LONGEST_REGION: usize = 40;

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
) -> Result<Response, Problem> {
    let platform = app.platform(&operator).await?;
    let record = lock(&platform).await?;
    let requests = all(&platform, &Listing::<FailoverRequest>::all()).await?;
    let newest = requests.into_iter().max_by_key(|it| (it.created_at, it.request_id));
    let guarded = record.as_ref().and_then(|it| it.guarded.as_ref());
    let lock = record.as_ref().and_then(|it| {
        let holder = it.holder.as_ref()?;
        Some(LockHolder {
            who: holder.who.as_str().to_owned(),
            host: holder.host.as_str().to_owned(),
            job: holder.job.as_str().to_owned(),
            reason: holder.reason.as_str().to_owned(),
            run: holder.run_id.to_string(),
            fence: it.token,
            since: it.acquired_at.to_string(),
        })
    });
    let previous = guarded.and_then(|it| it.previous.as_ref());
    let answer = Failover {
        region: guarded.map(|it| it.value.as_str().to_owned()),
        fence: guarded.map(|it| it.token),
        previous: previous.map(|it| it.as_str().to_owned()),
        decided_at: guarded.map(|it| it.set_at.to_string()),
        lock,
        request: newest.map(|it| shown(&it, true)),
    };
    Ok(axum::Json(answer).into_response())
}

/// The record of the lock, which has the region.
async fn lock(platform: &OperatorDynamoDb) -> Result<Option<OpsLock>, Problem> {
    let name: LockName = LOCK.parse().map_err(Problem::internal)?;
    Ok(platform.get(&Key::<OpsLock>::new(&name)).await?)
}

pub(crate) async fn request(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    Once(once): Once,
    RequestId(request_id): RequestId,
    Body(wanted): Body<NewFailover>,
) -> Result<Response, Problem> {
    let digest = digest("failOver", &wanted)?;
    let mut fields = Fields::default();
    if wanted.region.len() > LONGEST_REGION || !is_region(&wanted.region) {
        fields.add("region", "expected a region such as eu-west-2");
    }
    let region = wanted.region.parse().ok();
    let reason = fields.take("reason", wanted.reason.parse());
    let (Some(region), Some(reason), true) = (region, reason, fields.is_empty()) else {
        return Err(fields.problem());
    };
    let platform = app.platform(&operator).await?;
    let now = Timestamp::now();
    let wanted_request = FailoverRequest {
        request_id: once.platform_id("failOver"),
        region,
        reason,
        requested_by: Text::cut(operator.subject()),
        created_at: now,
        fulfilled: None,
        expires_at: now.plus_seconds(KEPT_SECONDS).seconds(),
        request_digest: Some(digest),
        revision: Revision::FIRST,
    };
    if platform.get(&wanted_request.key()).await?.is_none() {
        let record = lock(&platform).await?;
        let there =
            record.and_then(|it| it.guarded).is_some_and(|it| it.value.as_str() == wanted.region);
        if there {
            return Err(Problem::conflict("Agents run there already."));
        }
    }
    let change = Change {
        operation: "failOver",
        tenant_id: None,
        subject: operator.subject(),
        request_id: &request_id,
        reason: Some(&wanted.reason),
        wanted: serde_json::json!({ "request": wanted_request.request_id, "region": wanted.region }),
    };
    change.keep(&app).await?;
    let request = create_once(&platform, wanted_request, digest, |it| it.request_digest).await?;
    let requests = all(&platform, &Listing::<FailoverRequest>::all()).await?;
    let newest = requests.into_iter().max_by_key(|it| (it.created_at, it.request_id));
    let counts = newest.is_none_or(|it| it.request_id == request.request_id);
    if counts && request.fulfilled.is_none() {
        announce(&app, &request).await?;
    }
    Ok((StatusCode::ACCEPTED, axum::Json(shown(&request, counts))).into_response())
}

async fn announce(app: &App, request: &FailoverRequest) -> Result<(), Problem> {
    let detail = FailoverRequested {
        id: request.request_id.to_string(),
        region: request.region.as_str().to_owned(),
        reason: request.reason.as_str().to_owned(),
        requested_by: request.requested_by.as_str().to_owned(),
        at: request.created_at.to_string(),
    };
    let event = Event {
        kind: FAILOVER_REQUESTED,
        at: request.created_at.seconds(),
        detail: serde_json::to_string(&detail).map_err(Problem::internal)?,
    };
    Ok(app.services.outbox.publish(&event).await?)
}

/// What callers see; `counts`: there is no newer one.
fn shown(request: &FailoverRequest, counts: bool) -> api::FailoverRequest {
    let state = match &request.fulfilled {
        Some(_) => RequestState::Fulfilled,
        None if counts => RequestState::Requested,
        None => RequestState::Superseded,
    };
    let fulfilled = request.fulfilled.as_ref();
    api::FailoverRequest {
        id: request.request_id.to_string(),
        region: request.region.as_str().to_owned(),
        reason: request.reason.as_str().to_owned(),
        requested_by: request.requested_by.as_str().to_owned(),
        requested_at: request.created_at.to_string(),
        state,
        run: fulfilled.map(|it| it.run_id.to_string()),
        fulfilled_at: fulfilled.map(|it| it.at.to_string()),
    }
}
