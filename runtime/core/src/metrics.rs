//! Metrics that functions write in embedded metric format and alarms watch.
//!
//! All are in one namespace, `<project>-<environment>-platform`, without dimensions:
//! an alarm watches the whole platform (refusals are counted by [`REASON`] besides). What
//! happened to whom is in the log line that carries the metric.

/// Base name of the namespace.
pub const NAMESPACE: &str = "platform";

/// Environment variable of every Lambda: the namespace.
pub const NAMESPACE_VARIABLE: &str = "METRICS_NAMESPACE";

/// Calls of the agents' runtime that found nobody: it timed out, refused or answered
/// with a 5xx. A count, from the bridge.
pub const RUNTIME_UNAVAILABLE: &str = "RuntimeUnavailable";

/// Sessions with agents that are open, over all tenants. A level, from the bridge.
pub const CONCURRENT_SESSIONS: &str = "ConcurrentSessions";

/// Attempts to reach another tenant's data. A count, from every function.
pub const TENANT_ACCESS_VIOLATIONS: &str = "TenantAccessViolations";

/// Requests that the authoriser refused: the token was bad, or did not allow it. A count,
/// also by [`REASON`].
pub const REQUESTS_REFUSED: &str = "RequestsRefused";

/// Requests that the authoriser could not decide on, and so refused: keys or tenants were
/// out of reach. A count, also by [`REASON`].
pub const DECISIONS_UNAVAILABLE: &str = "DecisionsUnavailable";

/// The one dimension there is: why the authoriser refused, one of some forty codes.
pub const REASON: &str = "Reason";

/// Webhook deliveries that were given up after the last attempt. A count, from the
/// webhooks function.
pub const WEBHOOK_DELIVERIES_EXHAUSTED: &str = "WebhookDeliveriesExhausted";

/// Lines of level `ERROR` in the functions' logs. A count, from a metric filter.
pub const ERRORS_LOGGED: &str = "ErrorsLogged";

/// Requests that the API answered with a 5xx. A count, from tenant-api.
pub const REQUESTS_FAILED: &str = "RequestsFailed";
