//! Webhooks: what is called when a job is over, and the secret that signs the calls.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rand::RngExt as _;
use rand::distr::Alphanumeric;
use runtime_core::access::{AccessError, Condition};
use runtime_core::api::{self, CreatedWebhook, NewWebhook, Page};
use runtime_core::model::{
    HttpsUrl, Item as _, Key, Listing, Repeat, Revision, Timestamp, Webhook, WebhookId,
};
use runtime_core::names::WEBHOOK_SECRETS;
use runtime_core::tenant::TenantId;

use crate::app::{App, Own};
use crate::caller::OfTenant;
use crate::extract::{Body, Once, PageOf, Parameter};
use crate::problem::{Fields, Problem};
use crate::record::digest;
use crate::services::{SecretValue, ServiceError};

/// Characters of a secret after its prefix: 43 of 62 make more than 2^256.
const SECRET_LENGTH: usize = 43;

fn missing() -> Problem {
    Problem::not_found("webhook")
}

fn secret_name(app: &App, tenant: &TenantId, id: WebhookId) -> String {
    format!("{}/{WEBHOOK_SECRETS}/{tenant}/{id}", app.settings.prefix)
}

fn new_secret() -> String {
    let random = rand::rng().sample_iter(Alphanumeric).take(SECRET_LENGTH).map(char::from);
    format!("whsec_{}", random.collect::<String>())
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    OfTenant(caller): OfTenant,
    page: PageOf,
) -> Result<Response, Problem> {
    let own = app.own(&caller).await?;
    let listing = Listing::<Webhook>::all();
    let found = own.items.list(&listing, page.limit, page.cursor.as_deref()).await?;
    let items: Vec<_> = found.items.iter().map(api::Webhook::from).collect();
    Ok(axum::Json(Page { items, next: found.next }).into_response())
}

pub(crate) async fn get(
    State(app): State<Arc<App>>,
    OfTenant(caller): OfTenant,
    Parameter(id): Parameter<WebhookId>,
) -> Result<Response, Problem> {
    let own = app.own(&caller).await?;
    let key = Key::<Webhook>::new(&own.tenant, id);
    let webhook = own.items.get(&key).await?.ok_or_else(missing)?;
    Ok(axum::Json(api::Webhook::from(&webhook)).into_response())
}

/// The secret of a webhook; made and stored, unless it is stored already. A version of a
/// secret never has another value: of two who do this at once, both get the first.
async fn secret(own: &Own, name: &str, id: WebhookId) -> Result<String, Problem> {
    let version = format!("webhook-{id}");
    if let Some(secret) = own.secrets.read(name, &version).await? {
        return Ok(secret);
    }
    let secret = new_secret();
    let new = SecretValue { name, value: &secret, version: &version, of: &own.tenant };
    match own.secrets.write(new).await {
        Err(ServiceError::Exists) => {
            let first = own.secrets.read(name, &version).await?;
            first.ok_or_else(|| Problem::busy("a secret that is stored cannot be read"))
        }
        written => written.map(|()| Ok(secret))?,
    }
}

/// Stores the secret, and then the webhook: none is ever called without a signature. The
/// same request again gives the same webhook with the same secret.
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    OfTenant(caller): OfTenant,
    Once(once): Once,
    Body(new): Body<NewWebhook>,
) -> Result<Response, Problem> {
    let digest = digest("createWebhook", &new)?;
    let mut fields = Fields::default();
    let url = fields.take("url", new.url.parse::<HttpsUrl>());
    let twice = new.events.iter().enumerate().any(|(i, it)| new.events[..i].contains(it));
    if new.events.is_empty() || twice {
        fields.add("events", "expected at least one event, each once");
    }
    let Some(url) = url.filter(|_| fields.is_empty()) else { return Err(fields.problem()) };
    let own = app.own(&caller).await?;
    let webhook_id: WebhookId = once.id(&own.tenant, "createWebhook");
    let webhook = Webhook {
        tenant_id: own.tenant.clone(),
        webhook_id,
        url,
        events: new.events,
        created_at: Timestamp::now(),
        request_digest: Some(digest),
        revision: Revision::FIRST,
    };
    let there = own.items.get(&webhook.key()).await?;
    let other = || Problem::conflict("Another request had this Idempotency-Key.");
    if there.as_ref().is_some_and(|it| digest.repeats(it.request_digest) == Repeat::Conflict) {
        return Err(other());
    }
    let name = secret_name(&app, &own.tenant, webhook_id);
    let secret = secret(&own, &name, webhook_id).await?;
    let webhook = match there {
        Some(there) => there,
        None => match own.items.create(&webhook).await {
            Err(AccessError::Condition) => {
                let there = own.items.get(&webhook.key()).await?;
                let same = |it: &Webhook| digest.repeats(it.request_digest) == Repeat::Same;
                there.filter(same).ok_or_else(other)?
            }
            made => made.map(|()| webhook)?,
        },
    };
    let place = [(header::LOCATION, format!("/v1/webhooks/{webhook_id}"))];
    let body = CreatedWebhook { webhook: api::Webhook::from(&webhook), secret };
    Ok((StatusCode::CREATED, place, axum::Json(body)).into_response())
}

/// Deletes the secret, and then the webhook: whoever is stopped in between can begin
/// again.
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    OfTenant(caller): OfTenant,
    Parameter(id): Parameter<WebhookId>,
) -> Result<StatusCode, Problem> {
    let own = app.own(&caller).await?;
    let key = Key::<Webhook>::new(&own.tenant, id);
    if own.items.get(&key).await?.is_none() {
        return Err(missing());
    }
    own.secrets.delete(&secret_name(&app, &own.tenant, id), true).await?;
    own.items.delete(&key, Condition::none()).await?;
    Ok(StatusCode::NO_CONTENT)
}
