//! Telling a tenant something: a record that stays, and an event for whoever passes it on.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use runtime_core::api::{self, NewNotice};
use runtime_core::messages::{TENANT_NOTIFIED, TenantNotified};
use runtime_core::model::{Notice, Revision, Text, Timestamp};
use runtime_core::tenant::TenantId;
use serde_json::json;

use super::found;
use crate::app::App;
use crate::caller::{RequestId, Staff};
use crate::extract::{Body, Once, Parameter, Reason};
use crate::problem::{Fields, Problem};
use crate::record::{Change, create_once, digest, text};
use crate::services::Event;

/// How long a notice is kept: a year, in seconds.
const KEPT_SECONDS: u32 = 365 * 24 * 60 * 60;

pub(crate) async fn notify(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    Parameter(id): Parameter<TenantId>,
    Once(once): Once,
    Reason(reason): Reason,
    RequestId(request_id): RequestId,
    Body(wanted): Body<NewNotice>,
) -> Result<Response, Problem> {
    let digest = digest("notifyTenant", &wanted)?;
    let mut fields = Fields::default();
    let subject = fields.take("subject", wanted.subject.parse());
    let message = fields.take("message", wanted.message.parse());
    let (Some(subject), Some(message)) = (subject, message) else { return Err(fields.problem()) };
    let platform = app.platform(&operator).await?;
    found(&platform, &id).await?;
    let now = Timestamp::now();
    let notice = Notice {
        tenant_id: id.clone(),
        notice_id: once.id(&id, "notifyTenant"),
        subject,
        message,
        sent_by: Text::cut(operator.subject()),
        created_at: now,
        expires_at: now.plus_seconds(KEPT_SECONDS).seconds(),
        request_digest: Some(digest),
        revision: Revision::FIRST,
    };
    let change = Change {
        operation: "notifyTenant",
        tenant_id: Some(&id),
        subject: operator.subject(),
        request_id: &request_id,
        reason: text(reason.as_ref()),
        wanted: json!({ "notice": notice.notice_id, "subject": wanted.subject }),
    };
    change.keep(&app).await?;
    let notice = create_once(&platform, notice, digest, |it| it.request_digest).await?;
    // Also of one that was made before: whoever made it may not have come so far.
    announce(&app, &notice).await?;
    let body = api::Notice {
        id: notice.notice_id.to_string(),
        tenant_id: notice.tenant_id,
        subject: notice.subject.into(),
        message: notice.message.into(),
        sent_at: notice.created_at.to_string(),
    };
    Ok((StatusCode::ACCEPTED, axum::Json(body)).into_response())
}

async fn announce(app: &App, notice: &Notice) -> Result<(), Problem> {
    let detail = TenantNotified {
        id: notice.notice_id.to_string(),
        tenant_id: notice.tenant_id.clone(),
        subject: notice.subject.as_str().to_owned(),
        message: notice.message.as_str().to_owned(),
        at: notice.created_at.to_string(),
    };
    let event = Event {
        kind: TENANT_NOTIFIED,
        at: notice.created_at.seconds(),
        detail: serde_json::to_string(&detail).map_err(Problem::internal)?,
    };
    Ok(app.services.outbox.publish(&event).await?)
}
