//! Who answers: their name and their roles.

use super::super::admin::{TOKEN, issuers, logins, variable};
use super::super::context::whoami;
use super::super::local::token::Role;
use crate::cli::Ctx;
use crate::config::{IssuerConfig, Settings};
use crate::error::Result;
use crate::http::Secret;
use crate::login::{claim_of, said_of};

/// Who sits here, and the roles they have.
///
/// On the local platform that is its administrator. Elsewhere it is who is logged in, by
/// what their token says: it is read here and not verified, as the journal is this user's
/// own; what needs a role on the platform is decided by its API.
pub(super) async fn somebody(ctx: &Ctx, settings: &Settings) -> Result<(String, Vec<String>)> {
    if settings.local {
        let roles = [Role::Admin, Role::Operator].map(|role| role.name().to_owned());
        return Ok((whoami(), roles.to_vec()));
    }
    let staff: Vec<_> = settings
        .config
        .identity
        .issuers
        .iter()
        .filter(|issuer| issuer.staff)
        .map(IssuerConfig::resolve)
        .collect();
    if let Some(token) = variable(TOKEN) {
        let token = Secret::new(token.trim());
        let claims = staff.iter().map(|issuer| issuer.role_claim.as_str());
        return Ok(by(&token, claims.chain(["roles"])));
    }
    let store = logins(ctx, settings);
    for issuer in issuers(ctx, settings).await? {
        let Some(login) = store.find(&issuer)?.filter(crate::login::Login::is_good) else {
            continue;
        };
        let claims = staff.iter().filter(|it| it.issuer == issuer);
        let claims: Vec<&str> = claims.map(|issuer| issuer.role_claim.as_str()).collect();
        return Ok(by(&login.granted.token, claims));
    }
    Ok((whoami(), Vec::new()))
}

fn by<'a>(token: &Secret, claims: impl IntoIterator<Item = &'a str>) -> (String, Vec<String>) {
    let mut roles: Vec<String> =
        claims.into_iter().flat_map(|claim| claim_of(token, claim)).collect();
    roles.sort();
    roles.dedup();
    let who = said_of(token).map_or_else(whoami, |who| format!("{who}, {}", whoami()));
    (who, roles)
}
