//! A person signs in on another device, by a code (RFC 8628).

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;

use super::grant::{self, Outcome};
use super::{Application, Endpoints, Granted};
use crate::error::{Error, Result};
use crate::http::{Http, Secret, address, printable};
use crate::signal::Cancel;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Between two questions, where the issuer names no other pause (RFC 8628, 3.2).
const PAUSE: u64 = 5;
/// What `slow_down` adds to the pause (RFC 8628, 3.5).
const SLOWER: u64 = 5;
/// The longest pause, and the longest wait, whatever the issuer says, in seconds.
const LONGEST_PAUSE: u64 = 60;
const LONGEST_WAIT: u64 = 30 * 60;

/// How long a second takes: shorter in tests.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    second: Duration,
}

impl Default for Clock {
    fn default() -> Self {
        Self { second: Duration::from_secs(1) }
    }
}

impl Clock {
    /// A clock on which a second takes so long.
    pub fn with_second(second: Duration) -> Self {
        Self { second }
    }

    fn seconds(self, seconds: u64) -> Duration {
        self.second * u32::try_from(seconds).unwrap_or(u32::MAX)
    }
}

/// What the user is to do. It is fit for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The page to open.
    pub page: String,
    /// The code to type there.
    pub code: String,
    /// A page that knows the code already, if the issuer has one.
    pub page_with_code: Option<String>,
    /// How long the code is good, in seconds.
    pub seconds: u64,
}

#[derive(Deserialize)]
struct Begun {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

/// Begins to sign in, tells the user what to do, and waits until that is done.
pub async fn device(
    http: &Http,
    endpoints: &Endpoints,
    application: &Application,
    clock: Clock,
    cancel: &Cancel,
    tell: impl FnOnce(&Prompt),
) -> Result<Granted> {
    let (prompt, code, pause) = begin(http, endpoints, application).await?;
    tell(&prompt);
    let limit = clock.seconds(prompt.seconds);
    let polling = poll(http, endpoints, application, &code, pause, clock);
    tokio::select! {
        granted = tokio::time::timeout(limit, polling) => granted.unwrap_or_else(|_| {
            Err(grant::refusal(&application.issuer, "expired_token", None))
        }),
        () = cancel.cancelled() => Err(cancel.error()),
    }
}

async fn begin(
    http: &Http,
    endpoints: &Endpoints,
    application: &Application,
) -> Result<(Prompt, Secret, u64)> {
    let Application { issuer, client_id, scope, audience } = application;
    let url = endpoints.device.clone().ok_or_else(|| {
        Error::failed(format!("{issuer} signs nobody in by another device"))
            .hint("programs sign in with `platformctl login --client-credentials`")
            .hint("or set PLATFORMCTL_TOKEN to a token that you have")
    })?;
    let mut form = vec![("client_id", client_id.as_str())];
    if !scope.is_empty() {
        form.push(("scope", scope));
    }
    form.extend(audience.as_deref().map(|audience| ("audience", audience)));
    let answer = http.send(http.request(Method::POST, url)?.form(&form)).await?;
    if answer.status != 200 {
        return Err(match grant::read(&answer, issuer)? {
            Outcome::Refused { code, description } => {
                grant::refusal(issuer, &code, description.as_deref())
            }
            Outcome::Granted(_) => Error::failed(format!("{issuer} gave a token unasked")),
        });
    }
    let begun: Begun = serde_json::from_slice(&answer.body).map_err(|_| {
        // The parser's own message could quote the device's code.
        Error::failed(format!(
            "{issuer} answered with something that is no code ({})",
            answer.content_type()
        ))
    })?;
    let page = address(&begun.verification_uri, "the issuer's sign-in page")?;
    let complete = begun.verification_uri_complete;
    let complete = complete.map(|url| address(&url, "the issuer's sign-in page")).transpose()?;
    let prompt = Prompt {
        page: page.to_string(),
        code: printable(&begun.user_code, 40),
        page_with_code: complete.map(|url| url.to_string()),
        seconds: begun.expires_in.min(LONGEST_WAIT),
    };
    let pause = begun.interval.unwrap_or(PAUSE).clamp(1, LONGEST_PAUSE);
    Ok((prompt, Secret::new(begun.device_code), pause))
}

async fn poll(
    http: &Http,
    endpoints: &Endpoints,
    application: &Application,
    code: &Secret,
    mut pause: u64,
    clock: Clock,
) -> Result<Granted> {
    let Application { issuer, client_id, .. } = application;
    let form =
        [("grant_type", GRANT), ("device_code", code.expose()), ("client_id", client_id.as_str())];
    loop {
        tokio::time::sleep(clock.seconds(pause)).await;
        let request = http.request(Method::POST, endpoints.token.clone())?.form(&form);
        let answer = match http.send(request).await {
            Ok(answer) => answer,
            // RFC 8628, 3.5: a connection that fails is met by asking less often.
            Err(failure) if failure.passing => {
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
            Err(failure) => return Err(failure.into()),
        };
        if answer.status == 429 || answer.status >= 500 {
            pause = (pause * 2).min(LONGEST_PAUSE);
            continue;
        }
        match grant::read(&answer, issuer)? {
            Outcome::Granted(granted) => return Ok(granted),
            Outcome::Refused { code, .. } if code == "authorization_pending" => {}
            Outcome::Refused { code, .. } if code == "slow_down" => {
                pause = (pause + SLOWER).min(LONGEST_PAUSE);
            }
            Outcome::Refused { code, description } => {
                return Err(grant::refusal(issuer, &code, description.as_deref()));
            }
        }
    }
}
