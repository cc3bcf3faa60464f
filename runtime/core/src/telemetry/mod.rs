//! What functions tell about themselves: log lines, metrics and traces.
//!
//! The first two are lines of JSON, one an event, that Lambda carries to CloudWatch; spans
//! go to X-Ray where a trace is asked for ([`XRay`]). Every line
//! of a request has its id, its trace and its tenant ([`request`]). What looks like a
//! token or names a person does not get in: by the name of its field, and by its form
//! ([`redact`](self::redact())).

mod lines;
mod metrics;
mod redact;
mod xray;

pub use lines::{Lines, init};
pub use metrics::Metrics;
#[cfg(any(test, feature = "testing"))]
pub use metrics::Written;
pub use redact::{REDACTED, redact, redact_value};
use tracing::Span;
pub use xray::{DAEMON, Daemon, Documents, Sampled, XRay};

use crate::tenant::TenantId;

/// The span of a request: its fields are in every line that is logged within.
///
/// `trace_id` is that of X-Ray (`_X_AMZN_TRACE_ID`).
pub fn request(request_id: &str, trace_id: Option<&str>, tenant: Option<&TenantId>) -> Span {
    tracing::info_span!("request", request_id, trace_id, tenant = tenant.map(TenantId::as_str),)
}
