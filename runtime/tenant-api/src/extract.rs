//! What comes in: bodies, headers and parameters, each checked before a handler sees it.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode;
use runtime_core::model::{IdempotencyKey, Revision, Text};
use runtime_core::names::REASON_HEADER;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// The largest body, in bytes.
pub(crate) const LARGEST_BODY: usize = 256 * 1024;

/// The header with the request's own name.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// How long the name of a request is, in characters.
const KEY_LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// Longest condition that is read, in bytes.
const LONGEST_CONDITION: usize = 128;

/// Longest cursor, in bytes: that of the contract.
const LONGEST_CURSOR: usize = 2_048;

/// Items of a page, unless the request says.
const USUAL_PAGE: u32 = 50;

/// A body of JSON.
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "The body has to be JSON: send it with Content-Type: application/json.";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let bytes =
            Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
                BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                    let detail = format!("The body has more than {LARGEST_BODY} bytes.");
                    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
                }
                _ => Problem::new(StatusCode::BAD_REQUEST, "The body could not be read."),
            })?;
        parse(&bytes).map(Self)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // "." is the body itself: a member is missing, and the message says which.
        Problem::field(if path == "." { "body" } else { &path }, error.inner())
    })?;
    json.end().map_err(|error| Problem::field("body", error))?;
    Ok(value)
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let essence = media_type.and_then(|it| it.split(';').next()).unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The parameter of the path.
pub(crate) struct Parameter<T>(pub T);

impl<T, S> FromRequestParts<S> for Parameter<T>
where
    T: std::str::FromStr + Send,
    T::Err: std::fmt::Display,
    S: Send + Sync,
{
    type Rejection = Problem;

    /// What cannot be an id is the id of nothing.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::not_found("thing"))?;
        text.parse().map(Self).map_err(|_| Problem::not_found("thing"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    limit: Option<String>,
    cursor: Option<String>,
}

/// Which part of a list.
#[derive(Debug, Clone)]
pub(crate) struct PageOf {
    pub limit: u32,
    pub cursor: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for PageOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let PageQuery { limit, cursor } = query(parts, state).await?;
        let limit = limit.map_or(Ok(USUAL_PAGE), |text| {
            text.parse().ok().filter(|it| (1..=200).contains(it)).ok_or(())
        });
        let limit = limit.map_err(|()| Problem::field("limit", "expected 1 to 200"))?;
        if cursor.as_ref().is_some_and(|it| it.len() > LONGEST_CURSOR) {
            return Err(Problem::field("cursor", "expected the `next` of an answer of this list"));
        }
        Ok(Self { limit, cursor })
    }
}

/// The parameters of a query, with none that is not known.
pub(crate) async fn query<T: DeserializeOwned, S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
) -> Result<T, Problem> {
    let query = Query::<T>::from_request_parts(parts, state).await;
    query.map(|Query(it)| it).map_err(|error| Problem::field("query", error.body_text()))
}

/// The request's own name, which has to be there.
pub(crate) struct Once(pub IdempotencyKey);

impl<S: Sync> FromRequestParts<S> for Once {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        const EXPECTED: &str =
            "expected 8 to 128 visible ASCII characters, another for every request that is meant";
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let value = values.next().filter(|_| values.next().is_none());
        value
            .and_then(|it| it.to_str().ok())
            .filter(|it| KEY_LENGTH.contains(&it.len()))
            .and_then(|it| it.parse().ok())
            .map(Self)
            .ok_or_else(|| Problem::field("Idempotency-Key", EXPECTED))
    }
}

/// The revision that a change was made from.
pub(crate) struct IfMatch(pub Revision);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            let detail = "Read it first, and send its ETag as If-Match: nobody's change gets lost.";
            return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, detail));
        };
        let revision = value.to_str().ok().and_then(|it| Revision::from_if_match(it).ok());
        revision.map(Self).ok_or_else(|| {
            Problem::field("If-Match", "expected the ETag of an answer, such as \"3\"")
        })
    }
}

/// Why, for the audit trail.
#[derive(Debug, Clone)]
pub(crate) struct Reason(pub Option<Text<1, 500>>);

impl<S: Sync> FromRequestParts<S> for Reason {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(REASON_HEADER) else { return Ok(Self(None)) };
        // Encoded as in an address, for what a header cannot carry.
        let text = percent_decode(value.as_bytes()).decode_utf8().ok();
        let text = text.and_then(|it| it.parse().ok());
        text.map(|it| Self(Some(it)))
            .ok_or_else(|| Problem::field(REASON_HEADER, "expected 1 to 500 characters"))
    }
}

/// What the caller knows already.
pub(crate) struct IfNoneMatch(Option<HeaderValue>);

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let known = parts.headers.get(header::IF_NONE_MATCH);
        if known.is_some_and(|it| it.len() > LONGEST_CONDITION) {
            return Err(Problem::field("If-None-Match", "expected at most 128 characters"));
        }
        Ok(Self(known.cloned()))
    }
}

impl IfNoneMatch {
    /// Answers with something of a revision, or that it is the same still.
    pub fn answer(&self, revision: Revision, body: &impl Serialize) -> Response {
        let etag = revision.etag();
        let known = self.0.as_ref().and_then(|it| it.to_str().ok()).unwrap_or_default();
        let known = known.split(',').map(|it| it.trim().trim_start_matches("W/"));
        let mut known = known.filter(|it| *it == "*" || *it == etag);
        if known.next().is_some() {
            return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
        }
        versioned(StatusCode::OK, revision, body)
    }
}

/// An answer about something of a revision.
pub(crate) fn versioned(status: StatusCode, revision: Revision, body: &impl Serialize) -> Response {
    (status, [(header::ETAG, revision.etag())], axum::Json(body)).into_response()
}
