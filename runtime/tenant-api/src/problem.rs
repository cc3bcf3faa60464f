//! What went wrong, as callers are told: RFC 9457.

use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use runtime_core::access::{AccessError, BackendError};
use runtime_core::api::{self, ProblemField};
use runtime_core::model::{Invalid, ModelError};

use crate::services::ServiceError;

/// The media type of problems.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong. From 500 on, what callers are told says nothing of the inside: that
/// is for the log.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub status: StatusCode,
    pub detail: Option<String>,
    pub fields: Vec<ProblemField>,
    /// For the log alone.
    pub cause: Option<String>,
    /// Seconds after which to try again.
    pub retry_after: Option<u32>,
    /// The methods that there are, where another was used.
    pub allow: Option<HeaderValue>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let detail = Some(detail.into());
        Self { status, detail, fields: vec![], cause: None, retry_after: None, allow: None }
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("There is no such {what}."))
    }

    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "The caller may not do this.")
    }

    /// Another version is there by now.
    pub fn stale() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "It has changed since it was read. Read it again, and send the change with its new ETag.",
        )
    }

    /// What the inside did not do. Callers are told the request's id and no more.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let detail = "The request could not be carried out. Try again; when asking for help, name the instance.";
        let problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail);
        Self { cause: Some(cause.to_string()), ..problem }
    }

    pub fn busy(cause: impl fmt::Display) -> Self {
        let problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The platform has too much to do just now. Try again in some seconds.",
        );
        Self { cause: Some(cause.to_string()), retry_after: Some(2), ..problem }
    }

    /// One field is wrong.
    pub fn field(field: &str, message: impl fmt::Display) -> Self {
        let field = ProblemField { field: field.to_owned(), message: message.to_string() };
        Self::fields(vec![field])
    }

    pub fn fields(fields: Vec<ProblemField>) -> Self {
        let named: Vec<_> = fields.iter().map(|it| it.field.as_str()).collect();
        let detail = format!("Not valid: {}.", named.join(", "));
        Self { fields, ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    /// The answer, which names the request.
    pub fn answer(&self, request_id: Option<&str>) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Problem");
        let problem = api::Problem {
            kind: "about:blank".to_owned(),
            title: title.to_owned(),
            status: Some(self.status.as_u16()),
            detail: self.detail.clone(),
            instance: request_id.map(|id| format!("urn:request:{id}")),
            errors: self.fields.clone(),
        };
        // Texts and numbers are always JSON.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let media_type = HeaderValue::from_static(MEDIA_TYPE);
        let mut response =
            (self.status, [(header::CONTENT_TYPE, media_type)], body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(allow) = &self.allow {
            headers.insert(header::ALLOW, allow.clone());
        }
        response
    }
}

impl IntoResponse for Problem {
    /// The one who answers adds the request's id: it finds the problem beside the answer.
    fn into_response(self) -> Response {
        let mut response = self.answer(None);
        response.extensions_mut().insert(self);
        response
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Violation(_) | AccessError::ReadOnly { .. } => {
                Self { cause: Some(error.to_string()), ..Self::forbidden() }
            }
            AccessError::Condition => {
                Self::conflict("Somebody else changed it at the same time. Read it, and try again.")
            }
            AccessError::Absent => Self::not_found("thing"),
            AccessError::Cursor(invalid) => Self::field("cursor", invalid),
            AccessError::Request(what) => Self::new(StatusCode::BAD_REQUEST, what),
            // What is written is checked once more: fields that contradict each other.
            AccessError::Model(ModelError::Contradictory { invalid, .. }) => {
                Self::field(invalid.what, format!("expected {}", invalid.expected))
            }
            AccessError::Unprocessed { .. } | AccessError::Backend(BackendError::Busy(_)) => {
                Self::busy(error)
            }
            other => Self::internal(other),
        }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Busy(_) => Self::busy(error),
            other => Self::internal(other),
        }
    }
}

impl From<ModelError> for Problem {
    fn from(error: ModelError) -> Self {
        AccessError::Model(error).into()
    }
}

/// Gathers what is wrong with the fields of a body, so that callers hear of all at once.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<ProblemField>);

impl Fields {
    pub fn take<T>(&mut self, field: &str, value: Result<T, Invalid>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(invalid) => {
                let message = format!("expected {}", invalid.expected);
                self.0.push(ProblemField { field: field.to_owned(), message });
                None
            }
        }
    }

    pub fn add(&mut self, field: &str, message: &str) {
        self.0.push(ProblemField { field: field.to_owned(), message: message.to_owned() });
    }

    /// What was wrong.
    pub fn problem(self) -> Problem {
        Problem::fields(self.0)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
