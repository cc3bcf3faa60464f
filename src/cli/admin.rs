//! The way to the platform's API: where it is, and who calls.

use time::OffsetDateTime;

use super::Ctx;
use super::context::Connection;
use super::local::token::Role;
use crate::config::{IssuerConfig, Settings};
use crate::deploy::observe;
use crate::error::{Error, Result};
use crate::http::{self, Secret};
use crate::local::issuer::{self, Algorithm, Claims};
use crate::login::{Granted, Login, Store, said_of};
use crate::ops::Api;

/// Where the API is, over what the stacks say.
pub(super) const API_URL: &str = "PLATFORMCTL_API_URL";
/// A token of the user's own, over every login.
pub(super) const TOKEN: &str = "PLATFORMCTL_TOKEN";

/// How long a token is good that nobody sees: longer than a tenant takes.
const UNSEEN: std::time::Duration = std::time::Duration::from_hours(1);

/// The API, and what was needed to find it.
pub(super) struct Admin {
    pub api: Api,
    pub settings: Settings,
    /// None: the user said where the API is, and no account is asked.
    pub connection: Option<Connection>,
    /// Who calls, for people.
    pub who: String,
}

impl Admin {
    /// Finds the API and a token for it.
    pub(super) async fn connect(ctx: &Ctx) -> Result<Self> {
        let settings = ctx.settings()?;
        // With --local, nothing that points elsewhere is listened to.
        let given = variable(API_URL).filter(|_| !settings.local);
        let (base, connection) = match given {
            Some(base) => (base, None),
            None => {
                let connection = ctx.connect(&settings).await?;
                (deployed(ctx, &settings, &connection).await?, Some(connection))
            }
        };
        let (token, who) = token(ctx, &settings).await?;
        let api = Api::new(&base, token, ctx.events.clone(), ctx.cancel.clone())?;
        Ok(Self { api, settings, connection, who })
    }

    /// Shows where something is about to be changed, and by whom.
    pub(super) fn show_place(&self, ctx: &Ctx) {
        if let Some(connection) = &self.connection {
            ctx.show_place(&self.settings, &connection.identity.account);
        } else {
            ctx.ui.status(&format!("environment {}", self.settings.config.environment));
        }
        let base = self.api.base().as_str().trim_end_matches('/');
        ctx.ui.status(&format!("API {base} · as {}", self.who));
    }
}

/// A variable of the environment that says something.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The logins of this environment.
pub(super) fn logins(ctx: &Ctx, settings: &Settings) -> Store {
    let config = &settings.config;
    Store::new(&ctx.paths.state, &format!("{}-{}", config.project, config.environment))
}

/// The address of the deployed API, from the outputs of its stack.
async fn deployed(ctx: &Ctx, settings: &Settings, connection: &Connection) -> Result<String> {
    let name = settings.physical_name("platform");
    let stack = observe(connection.aws.home(), &name).await?;
    let outputs = stack.map(|stack| stack.outputs).unwrap_or_default();
    let emulator = if settings.local {
        ctx.local_platform().status().await?.map(|running| running.endpoint)
    } else {
        settings.endpoint.clone()
    };
    api_address(&outputs, emulator.as_deref()).ok_or_else(|| {
        Error::failed(format!("there is no API yet: stack {name} has no address of one"))
            .hint("deploy it: `platformctl deploy platform`")
            .hint(format!("or say where it is: {API_URL}"))
    })
}

/// The API's address among the outputs of the platform's stack. An emulator at `endpoint`
/// has it below its own address.
pub(super) fn api_address(
    outputs: &std::collections::BTreeMap<String, String>,
    endpoint: Option<&str>,
) -> Option<String> {
    match endpoint {
        Some(endpoint) => {
            let (id, stage) = (outputs.get("ApiId")?, outputs.get("ApiStage")?);
            Some(format!("{endpoint}/restapis/{id}/{stage}/_user_request_"))
        }
        None => outputs.get("Url").cloned(),
    }
}

/// A token, and whose it is: the user's own, that of a login, or, on the local platform,
/// one that is made for this call.
async fn token(ctx: &Ctx, settings: &Settings) -> Result<(Secret, String)> {
    if let Some(token) = variable(TOKEN) {
        let token = Secret::new(token.trim());
        let who = said_of(&token).unwrap_or_else(|| format!("the owner of {TOKEN}"));
        return Ok((token, who));
    }
    let store = logins(ctx, settings);
    let mut stale = None;
    for issuer in issuers(ctx, settings).await? {
        match store.find(&issuer)? {
            Some(login) if login.is_good() => return Ok((login.granted.token, login.who)),
            Some(login) => stale = Some(login),
            None => {}
        }
    }
    if settings.local {
        let login = local_login(ctx, Role::Admin, UNSEEN).await?;
        return Ok((login.granted.token, login.who));
    }
    let error = match stale {
        Some(login) => Error::usage(format!("the login of {} has expired", login.who)),
        None => Error::usage("nobody is logged in to this environment"),
    };
    Err(error
        .hint("log in: `platformctl login`; programs: `platformctl login --client-credentials`")
        .hint(format!("or set {TOKEN}")))
}

/// The addresses of those who sign in for these settings.
pub(super) async fn issuers(ctx: &Ctx, settings: &Settings) -> Result<Vec<String>> {
    if settings.local {
        let running = ctx.local_platform().status().await?;
        return Ok(running.map(|it| issuer::address(&it.endpoint)).into_iter().collect());
    }
    let configured = settings.config.identity.issuers.iter().map(IssuerConfig::resolve);
    Ok(configured.map(|issuer| issuer.issuer).collect())
}

/// Somebody of the local platform, with a token of its own issuer.
pub(super) async fn local_login(
    ctx: &Ctx,
    role: Role,
    lifetime: std::time::Duration,
) -> Result<Login> {
    let platform = ctx.local_platform();
    let running = tokio::select! {
        running = platform.up(None) => running?,
        () = ctx.cancel.cancelled() => return Err(ctx.cancel.error()),
    };
    let since = OffsetDateTime::now_utc();
    let claims = Claims {
        subject: "local-user".to_owned(),
        roles: vec![role.name().to_owned()],
        tenant: None,
        issued: since,
        lifetime,
    };
    let token = platform.issuer().sign(&running.endpoint, Algorithm::default(), &claims)?;
    let granted = Granted { token: Secret::new(token), expires: claims.expires() };
    let who = format!("local-user ({})", role.name());
    Ok(Login { issuer: issuer::address(&running.endpoint), who, since, granted })
}

/// Says whether an address is one that a login may be asked of; errors name the field.
pub(super) fn check_issuer(settings: &Settings, index: usize, address: &str) -> Result<()> {
    let field = format!("identity.issuers[{index}].issuer");
    http::address(address, "the issuer's address")
        .map(drop)
        .map_err(|error| error.at(settings.place(&field)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emulator_has_the_api_below_its_own_address() {
        let outputs = [("ApiId", "abc"), ("ApiStage", "live"), ("Url", "https://app.acme.example")];
        let outputs = outputs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        assert_eq!(api_address(&outputs, None).as_deref(), Some("https://app.acme.example"));
        let emulator = api_address(&outputs, Some("http://127.0.0.1:4566"));
        let expected = "http://127.0.0.1:4566/restapis/abc/live/_user_request_";
        assert_eq!(emulator.as_deref(), Some(expected));
        assert_eq!(api_address(&std::collections::BTreeMap::new(), None), None);
    }
}
