//! Where an issuer's endpoints are: OIDC discovery
//! (<https://openid.net/specs/openid-connect-discovery-1_0.html>).

use reqwest::{Method, Url};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::http::{Http, address, printable};

/// The endpoints of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Where tokens are given.
    pub token: Url,
    /// Where signing in by another device begins, if the issuer offers that.
    pub device: Option<Url>,
    /// Whether a client's secret goes into the body instead of a header.
    pub secret_in_body: bool,
}

#[derive(Debug, Deserialize)]
struct Configuration {
    issuer: String,
    token_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// Asks `issuer` for its endpoints. Each of them has to be https, or on this machine.
pub async fn discover(http: &Http, issuer: &str) -> Result<Endpoints> {
    let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let url = address(&place, "the issuer's address")?;
    let answer = http.send(http.request(Method::GET, url)?).await?;
    if answer.status != 200 {
        return Err(Error::failed(format!("{place} answered with status {}", answer.status))
            .hint("the issuer's address comes from identity.issuers in platform.yaml"));
    }
    let found: Configuration = answer.json(&place)?;
    // Whoever could answer for another issuer would be given its users' secrets.
    if found.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
        return Err(Error::failed(format!(
            "{place} speaks for another issuer, {}",
            printable(&found.issuer, 200)
        ))
        .hint("write the issuer in platform.yaml as it is in its tokens' `iss`"));
    }
    let token = found.token_endpoint.ok_or_else(|| {
        Error::failed(format!("{issuer} gives no tokens: it names no token_endpoint"))
    })?;
    let methods = found.token_endpoint_auth_methods_supported.unwrap_or_default();
    let knows = |method: &str| methods.iter().any(|known| known == method);
    let device = found.device_authorization_endpoint;
    Ok(Endpoints {
        token: address(&token, "the issuer's token_endpoint")?,
        device: device
            .map(|url| address(&url, "the issuer's device_authorization_endpoint"))
            .transpose()?,
        secret_in_body: knows("client_secret_post") && !knows("client_secret_basic"),
    })
}
