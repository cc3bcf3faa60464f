//! API keys: the token in Secrets Manager, its hash in the tenant's record.
//!
//! The id of a key follows from the request for it, and the token says its own id. So
//! whoever does half of it again sees that the token is there, and makes no second one.

use runtime_core::model::{ApiKey, ApiKeyId, ApiKeyToken, Tenant, Timestamp};
use runtime_core::names::API_KEY_SECRETS;
use runtime_core::tenant::TenantId;

use crate::app::App;
use crate::problem::Problem;

/// How long a former key is good once there is a newer one, in seconds: a day.
pub(super) const FORMER_SECONDS: u32 = 24 * 60 * 60;

/// The name of the secret with a tenant's token.
pub(super) fn secret_name(app: &App, tenant: &TenantId) -> String {
    format!("{}/{API_KEY_SECRETS}/{tenant}", app.settings.prefix)
}

/// The token of a key, from Secrets Manager, if it is the newest one there.
pub(super) async fn stored(
    app: &App,
    tenant: &TenantId,
    id: &ApiKeyId,
) -> Result<Option<ApiKeyToken>, Problem> {
    let value = app.services.secrets.read(&secret_name(app, tenant)).await?;
    let token = value.and_then(|it| it.parse::<ApiKeyToken>().ok());
    Ok(token.filter(|it| it.tenant() == tenant && it.id() == id))
}

/// The token of a key; made and stored, unless it is stored already.
pub(super) async fn ensure(
    app: &App,
    tenant: &TenantId,
    id: &ApiKeyId,
) -> Result<ApiKeyToken, Problem> {
    if let Some(token) = stored(app, tenant, id).await? {
        return Ok(token);
    }
    let token = ApiKeyToken::with_id(tenant.clone(), id.clone());
    store(app, &token).await?;
    Ok(token)
}

/// Stores a token over what was there.
pub(super) async fn store(app: &App, token: &ApiKeyToken) -> Result<(), Problem> {
    let name = secret_name(app, token.tenant());
    Ok(app.services.secrets.write(&name, &token.expose(), token.tenant()).await?)
}

/// Adds a key to a record, where it is not yet; those before it are good for a while.
pub(super) fn add(tenant: &mut Tenant, token: &ApiKeyToken) {
    if tenant.api_keys.iter().any(|key| key.id == *token.id()) {
        return;
    }
    let now = Timestamp::now();
    tenant.add_key(ApiKey::of(token, now), now.plus_seconds(FORMER_SECONDS));
}
