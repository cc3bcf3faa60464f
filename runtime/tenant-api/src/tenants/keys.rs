//! API keys: the token in Secrets Manager, its hash in the tenant's record.
//!
//! The id of a key follows from the request for it, and the version of the secret from the
//! id: a version never has another value. So whoever does half of it again, or at the same
//! time, finds the token that is there, and makes no second one.

use runtime_core::model::{ApiKey, ApiKeyId, ApiKeyToken, Tenant, Timestamp};
use runtime_core::names::API_KEY_SECRETS;
use runtime_core::tenant::TenantId;

use crate::app::App;
use crate::problem::Problem;
use crate::services::{SecretValue, ServiceError};

/// How long a former key is good once there is a newer one, in seconds: a day.
pub(super) const FORMER_SECONDS: u32 = 24 * 60 * 60;

/// The name of the secret with a tenant's token.
pub(super) fn secret_name(app: &App, tenant: &TenantId) -> String {
    format!("{}/{API_KEY_SECRETS}/{tenant}", app.settings.prefix)
}

/// The version of the secret that is the token of a key.
fn version(id: &ApiKeyId) -> String {
    format!("api-key-of-the-tenant-with-id-{id}")
}

/// The token of a key, if it is stored.
pub(super) async fn stored(
    app: &App,
    tenant: &TenantId,
    id: &ApiKeyId,
) -> Result<Option<ApiKeyToken>, Problem> {
    let value = app.services.secrets.read(&secret_name(app, tenant), &version(id)).await?;
    let token = value.and_then(|it| it.parse::<ApiKeyToken>().ok());
    Ok(token.filter(|it| it.tenant() == tenant && it.id() == id))
}

/// The token of a key; made and stored, unless it is stored already. Of two who do this
/// at once, both get the token of the first.
pub(super) async fn ensure(
    app: &App,
    tenant: &TenantId,
    id: &ApiKeyId,
) -> Result<ApiKeyToken, Problem> {
    if let Some(token) = stored(app, tenant, id).await? {
        return Ok(token);
    }
    let token = ApiKeyToken::with_id(tenant.clone(), id.clone());
    let (name, value, version) = (secret_name(app, tenant), token.expose(), version(id));
    let new = SecretValue { name: &name, value: &value, version: &version, of: tenant };
    match app.services.secrets.write(new).await {
        Err(ServiceError::Exists) => {
            let first = stored(app, tenant, id).await?;
            first.ok_or_else(|| Problem::busy("a token that is stored cannot be read"))
        }
        written => written.map(|()| Ok(token))?,
    }
}

/// Adds a key to a record, where it is not yet; those before it are good for a while.
pub(super) fn add(tenant: &mut Tenant, token: &ApiKeyToken) {
    if tenant.api_keys.iter().any(|key| key.id == *token.id()) {
        return;
    }
    let now = Timestamp::now();
    tenant.add_key(ApiKey::of(token, now), now.plus_seconds(FORMER_SECONDS));
}
