//! New API keys.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use runtime_core::access::{AccessError, OperatorDynamoDb, OwnTenant};
use runtime_core::api;
use runtime_core::caller::Verified;
use runtime_core::model::{ApiKeyId, ApiKeyToken, Tenant, TenantStatus, Timestamp};
use runtime_core::tenant::TenantId;
use serde_json::json;

use super::{found, keys};
use crate::app::App;
use crate::caller::{Anyone, RequestId};
use crate::extract::{Once, Parameter, Reason};
use crate::problem::Problem;
use crate::record::{Change, text};

/// The record, as the caller reaches it: a tenant its own, of which it changes the keys
/// alone.
enum Record {
    Own(OwnTenant),
    Any(OperatorDynamoDb, TenantId),
}

impl Record {
    async fn get(&self) -> Result<Tenant, Problem> {
        match self {
            Self::Own(own) => own.get().await?.ok_or_else(|| Problem::not_found("tenant")),
            Self::Any(platform, id) => found(platform, id).await,
        }
    }

    async fn write(&self, mut tenant: Tenant) -> Result<Tenant, AccessError> {
        match self {
            Self::Own(own) => own.write_keys(&tenant).await,
            Self::Any(platform, _) => {
                tenant.updated_at = Timestamp::now().max(tenant.created_at);
                platform.replace(tenant).await
            }
        }
    }
}

/// Gives a tenant a new API key; the one before is good for another day. The same
/// request again gives the same key, as long as there is no newer one.
pub(crate) async fn rotate(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Parameter(id): Parameter<TenantId>,
    Once(once): Once,
    Reason(reason): Reason,
    RequestId(request_id): RequestId,
) -> Result<Response, Problem> {
    let (record, subject) = match &caller {
        Verified::Tenant(caller) => {
            app.check_own(caller, &id, "rotateApiKey").await?;
            (Record::Own(app.record(caller).await?), caller.subject())
        }
        Verified::Staff(operator) => {
            (Record::Any(app.platform(operator).await?, id.clone()), operator.subject())
        }
    };
    let key: ApiKeyId = once.id(&id, "rotateApiKey");
    let tenant = record.get().await?;
    check_keyed(&tenant)?;
    if let Some(there) = tenant.api_keys.iter().find(|it| it.id == key) {
        let newest = there.former_until.is_none();
        let token = if newest { keys::stored(&app, &id, &key).await? } else { None };
        let token = token.ok_or_else(|| {
            Problem::conflict("This key was given out, and there is a newer one by now. Ask for another with a new Idempotency-Key.")
        })?;
        return Ok(answer(&tenant, &token));
    }
    let change = Change {
        operation: "rotateApiKey",
        tenant_id: Some(&id),
        subject,
        request_id: &request_id,
        reason: text(reason.as_ref()),
        wanted: json!({ "key_id": key.as_str() }),
    };
    change.keep(&app).await?;
    let token = keys::ensure(&app, &id, &key).await?;
    let mut changed = tenant;
    keys::add(&mut changed, &token);
    let tenant = match record.write(changed).await {
        Err(AccessError::Condition) => {
            let detail =
                "The tenant's record was changed at the same time. Send the same request again.";
            return Err(Problem::conflict(detail));
        }
        written => written?,
    };
    Ok(answer(&tenant, &token))
}

fn check_keyed(tenant: &Tenant) -> Result<(), Problem> {
    let unmade = tenant.api_keys.is_empty() && tenant.status != TenantStatus::Active;
    if tenant.status == TenantStatus::Deleted || unmade {
        return Err(Problem::conflict("The tenant is being made, or is deleted."));
    }
    Ok(())
}

/// When the key before it ends, the newest of those that end.
fn answer(tenant: &Tenant, token: &ApiKeyToken) -> Response {
    let former = tenant.api_keys.iter().filter_map(|key| key.former_until).max();
    let body = api::ApiKey {
        id: token.id().to_string(),
        value: token.expose(),
        former_until: former.map(|it| it.to_string()),
    };
    (StatusCode::CREATED, axum::Json(body)).into_response()
}
