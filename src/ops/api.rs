//! The API's client: requests by the contract's routes, tried again where that is safe.

use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder, Url};
use runtime_core::api::{self, Page, ROUTES, Route};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::problem;
use crate::error::{Context as _, Error, Result};
use crate::event::Events;
use crate::http::{Answer, Http, Secret, address};
use crate::journal::Mask;
use crate::signal::Cancel;

/// The header that says why something is done, percent-encoded as in an address: the
/// contract has no field for it in most bodies.
pub use runtime_core::names::REASON_HEADER;

/// What of a reason is encoded: whatever a header cannot carry, and the sign itself.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// Tries of a request that can be repeated.
const TRIES: u32 = 5;
/// The longest pause before another try that the API may ask for.
const PATIENCE: Duration = Duration::from_mins(1);
/// Items that a page of a list is asked for.
const PAGE: usize = 100;
/// The most pages that a list may have: more than that is a server that goes in circles.
const PAGES: usize = 1_000;

/// How long pauses are: shorter in tests.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The first pause before another try; each further one is twice as long.
    pub retry: Duration,
    /// The first pause before looking at a change again; each further one is half as
    /// long again, up to `slowest`.
    pub look: Duration,
    /// The longest pause between two looks.
    pub slowest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            retry: Duration::from_millis(300),
            look: Duration::from_millis(250),
            slowest: Duration::from_secs(5),
        }
    }
}

/// The platform's API, called by somebody.
#[derive(Debug)]
pub struct Api {
    http: Http,
    base: Url,
    token: Secret,
    mask: Mask,
    pace: Pace,
    events: Events,
    cancel: Cancel,
}

/// One request.
#[derive(Debug, Clone, Default)]
pub struct Call {
    operation: &'static str,
    parameters: Vec<(&'static str, String)>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    key: Option<String>,
    version: Option<String>,
    reason: Option<String>,
}

/// What a successful request was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered<T> {
    /// The answer.
    pub value: T,
    /// The version of what it is about (`ETag`), where that has versions.
    pub version: Option<String>,
}

/// A final answer that is no success; its status is 0 when nobody answered who knows.
struct Refusal {
    status: u16,
    error: Error,
}

impl Call {
    /// A call of the operation of that name.
    pub fn of(operation: &'static str) -> Self {
        Self { operation, ..Self::default() }
    }

    /// With the value of a parameter in the path.
    pub fn parameter(mut self, name: &'static str, value: &str) -> Self {
        self.parameters.push((name, value.to_owned()));
        self
    }

    /// With a body.
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// A second request with this key has no second effect.
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Only if what it is about still is this version.
    pub fn version(mut self, version: Option<&str>) -> Self {
        self.version = version.map(str::to_owned);
        self
    }

    /// Why it is done.
    pub fn reason(mut self, reason: Option<&str>) -> Self {
        self.reason = reason.map(str::to_owned);
        self
    }

    /// With a parameter of the query.
    pub fn query(mut self, name: &'static str, value: &str) -> Self {
        self.query.push((name, value.to_owned()));
        self
    }

    /// The first parameter: what the call is about, for people.
    fn subject(&self) -> &str {
        self.parameters.first().map_or("", |(_, value)| value)
    }
}

/// The key of a request that belongs to a run: the same each time that the run asks, and
/// no other run's.
pub fn idempotency_key(run: &str, operation: &str, body: &Value) -> String {
    let digest = format!("{:x}", Sha256::digest(format!("{run}\n{operation}\n{body}")));
    digest.get(..32).unwrap_or(&digest).to_owned()
}

impl Api {
    /// The API at `base`, without the `/v1`, called with `token`.
    pub fn new(base: &str, token: Secret, events: Events, cancel: Cancel) -> Result<Self> {
        let base = address(base, "the API's address")?;
        if base.query().is_some() || base.fragment().is_some() {
            return Err(Error::usage(format!("the API's address {base} has more than a path")));
        }
        let mask = Mask::from_environment().with_literal(token.expose());
        let (http, pace) = (Http::default(), Pace::default());
        Ok(Self { http, base, token, mask, pace, events, cancel })
    }

    /// With other pauses.
    pub fn paced(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Where it is.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Whom it tells, what it listens to, and how long it pauses.
    pub(super) fn surroundings(&self) -> (&Events, &Cancel, Pace) {
        (&self.events, &self.cancel, self.pace)
    }

    /// Sends a request and reads what it is answered with.
    pub async fn call<T: DeserializeOwned>(&self, call: &Call) -> Result<Answered<T>> {
        read(&self.attempt(call).await?.map_err(|refusal| refusal.error)?)
    }

    /// As [`Api::call`], with none where there is nothing (404).
    pub async fn find<T: DeserializeOwned>(&self, call: &Call) -> Result<Option<Answered<T>>> {
        match self.attempt(call).await? {
            Ok(answer) => read(&answer).map(Some),
            Err(refusal) if refusal.status == 404 => Ok(None),
            Err(refusal) => Err(refusal.error),
        }
    }

    /// Reads a list to its end, or to `limit` items.
    pub async fn list<T: DeserializeOwned>(&self, call: &Call, limit: usize) -> Result<Vec<T>> {
        let mut items = Vec::new();
        let mut cursors: Vec<String> = Vec::new();
        for _ in 0..PAGES {
            let mut call = call.clone();
            call.query.push(("limit", (limit - items.len()).min(PAGE).to_string()));
            call.query.extend(cursors.last().map(|cursor| ("cursor", cursor.clone())));
            let page: Page<T> = self.call(&call).await?.value;
            items.extend(page.items);
            match page.next {
                Some(next) if items.len() < limit && !cursors.contains(&next) => cursors.push(next),
                Some(_) if items.len() < limit => {
                    return Err(Error::failed("the API's list goes in circles"));
                }
                _ => {
                    items.truncate(limit);
                    return Ok(items);
                }
            }
        }
        Err(Error::failed(format!("the API's list has more than {PAGES} pages"))
            .hint("ask for fewer with `--limit`"))
    }

    /// The answer of success, or the one that is final.
    async fn attempt(&self, call: &Call) -> Result<Result<Answer, Refusal>> {
        let route = route(call.operation)?;
        // What a repeated request would do once more is sent once.
        let repeatable = route.method == api::Method::Get || call.key.is_some();
        let mut pause = self.pace.retry;
        for tries in 1.. {
            self.cancel.check()?;
            let request = self.request(route, call)?;
            let answered = tokio::select! {
                answered = self.http.send(request) => answered,
                () = self.cancel.cancelled() => return Err(self.cancel.error()),
            };
            let (status, error, again, wanted) = match answered {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(Ok(answer)),
                Ok(answer) => {
                    // Who is throttled has done nothing yet.
                    let again = answer.status == 429 || repeatable && answer.status >= 500;
                    let error = problem::error(&answer, route, call.subject(), &self.mask);
                    let status = if problem::is_no_route(&answer) { 0 } else { answer.status };
                    (status, error, again, answer.retry_after())
                }
                Err(failure) => {
                    let error = failure.error.hint(format!("the API is {}", self.base));
                    let unknown = "whether it was done is not known: look before you try again";
                    let error = if repeatable { error } else { error.hint(unknown) };
                    (0, error, failure.passing && repeatable, None)
                }
            };
            if !again || tries == TRIES || wanted.is_some_and(|wanted| wanted > PATIENCE) {
                return Ok(Err(Refusal { status, error }));
            }
            let own = pause.mul_f64(rand::random_range(0.5..1.0));
            let wait = wanted.unwrap_or(own).max(own);
            if wait > Duration::from_secs(2) {
                self.events.info(format!("{error}; trying again in {wait:.0?}"));
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.cancel.cancelled() => return Err(self.cancel.error()),
            }
            pause *= 2;
        }
        Err(self.cancel.error())
    }

    fn request(&self, route: &Route, call: &Call) -> Result<RequestBuilder> {
        let method = Method::from_bytes(route.method.as_str().as_bytes())
            .context("a route of the contract has no method")?;
        let mut request = self.http.request(method, self.place(route, call)?)?;
        // The header's own error could quote the token.
        let mut token = HeaderValue::try_from(format!("Bearer {}", self.token.expose()))
            .map_err(|_| Error::usage("the token has characters that no token has"))?;
        token.set_sensitive(true);
        request = request.header(AUTHORIZATION, token);
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        if let Some(key) = &call.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(version) = &call.version {
            request = request.header("if-match", version);
        }
        if let Some(reason) = &call.reason {
            let text = utf8_percent_encode(reason, ENCODED).to_string();
            request = request.header(REASON_HEADER, text);
        }
        Ok(request)
    }

    /// The address of a route, with its parameters filled in.
    fn place(&self, route: &Route, call: &Call) -> Result<Url> {
        let filled = route.path.split('/').filter(|part| !part.is_empty()).map(|part| {
            let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            let Some(name) = name else { return Ok(part) };
            let value = call.parameters.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| value.as_str()).ok_or_else(|| {
                Error::failed(format!("{} was called without {name}", route.operation))
            })
        });
        let filled = filled.collect::<Result<Vec<_>>>()?;
        let mut url = self.base.clone();
        // An address with a host always has segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(filled);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        Ok(url)
    }
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Result<Answered<T>> {
    let version = answer.header("etag").map(str::to_owned);
    Ok(Answered { value: answer.json("the API")?, version })
}

fn route(operation: &str) -> Result<&'static Route> {
    ROUTES
        .iter()
        .find(|route| route.operation == operation)
        .ok_or_else(|| Error::failed(format!("the API has no operation {operation}")))
}
