//! A program signs in with its secret (RFC 6749, 4.4).

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::grant::{self, Outcome};
use super::{Application, Endpoints, Granted};
use crate::error::{Context as _, Result};
use crate::http::{Http, Secret};

/// Asks for a token of the application's own.
pub async fn client_credentials(
    http: &Http,
    endpoints: &Endpoints,
    application: &Application,
    secret: &Secret,
) -> Result<Granted> {
    let Application { issuer, client_id, scope, audience } = application;
    let mut form = vec![("grant_type", "client_credentials")];
    if !scope.is_empty() {
        form.push(("scope", scope));
    }
    form.extend(audience.as_deref().map(|audience| ("audience", audience)));
    let mut request = http.request(Method::POST, endpoints.token.clone())?;
    if endpoints.secret_in_body {
        form.extend([("client_id", client_id.as_str()), ("client_secret", secret.expose())]);
    } else {
        // Both are encoded as in a form before they are joined: RFC 6749, 2.3.1.
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let pair = format!("{}:{}", encoded(client_id), encoded(secret.expose()));
        let basic = format!("Basic {}", STANDARD.encode(pair));
        let mut value = HeaderValue::try_from(basic).context("the client's secret is unusable")?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let answer = http.send(request.form(&form)).await?;
    match grant::read(&answer, issuer)? {
        Outcome::Granted(granted) => Ok(granted),
        Outcome::Refused { code, description } => {
            Err(grant::refusal(issuer, &code, description.as_deref()))
        }
    }
}
