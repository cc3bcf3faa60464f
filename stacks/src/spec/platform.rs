//! Inputs of the platform stack.

use std::collections::BTreeMap;

use runtime_core::functions::Function;

use super::FunctionSpec;

/// Tables, buckets, queues, functions and the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformSpec {
    /// The functions that are deployed, beside git-store, with their sizes. Default
    /// none; [`Function::BUILT`] are those that can be. A route of the API is there when
    /// the function that serves it is.
    pub functions: BTreeMap<Function, FunctionSpec>,
    /// Whether tables refuse to be deleted until somebody says otherwise. Default true.
    pub deletion_protection: bool,
    /// Days that results of jobs are kept. Default 30.
    pub result_days: u32,
    /// How the audit trail is kept.
    pub audit: AuditSpec,
    /// The API.
    pub api: ApiSpec,
    /// What is let through to the API.
    pub firewall: FirewallSpec,
    /// The web address. Default: the one that CloudFront gives.
    pub domain: Option<DomainSpec>,
}

impl Default for PlatformSpec {
    fn default() -> Self {
        Self {
            functions: BTreeMap::new(),
            deletion_protection: true,
            result_days: 30,
            audit: AuditSpec::default(),
            api: ApiSpec::default(),
            firewall: FirewallSpec::default(),
            domain: None,
        }
    }
}

/// Who can shorten the life of a record of the audit trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditMode {
    /// Those with a permission of its own.
    #[default]
    Governance,
    /// Nobody, the account's owner and AWS included. It cannot be taken back.
    Compliance,
}

/// How the audit trail is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSpec {
    /// Who can delete records before their time. Default governance.
    pub mode: AuditMode,
    /// Days that a record cannot be changed or deleted; a day later it goes. 1 to
    /// 36,500, default 365.
    pub retention_days: u32,
}

impl Default for AuditSpec {
    fn default() -> Self {
        Self { mode: AuditMode::default(), retention_days: 365 }
    }
}

/// Requests that are let through, of all tenants together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleSpec {
    /// Requests a second, on average.
    pub requests_per_second: u32,
    /// Requests at once.
    pub burst: u32,
}

/// The API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSpec {
    /// For each route that reads. Default 200 a second, 400 at once.
    pub read: ThrottleSpec,
    /// For each route that changes something. Default 50 a second, 100 at once.
    pub write: ThrottleSpec,
    /// For each route that makes an agent work. Default 100 a second, 200 at once.
    pub invoke: ThrottleSpec,
    /// For each route of the operators. Default 5 a second, 10 at once.
    pub operate: ThrottleSpec,
    /// Seconds for which a decision about a caller, on one method of one path, holds:
    /// 0 to 300. A caller who is shut out may go on for as long, and API keys have to come
    /// in `Authorization`. Default 0: every request is decided on.
    pub decision_seconds: u32,
    /// Days that access logs are kept; one of the values CloudWatch Logs accepts.
    /// Default 90.
    pub log_retention_days: u32,
    /// Whether this environment gives API Gateway its role for writing logs. There is
    /// one role for all APIs of an account and region: let one environment have it.
    /// Default true.
    pub account_role: bool,
}

impl Default for ApiSpec {
    fn default() -> Self {
        let throttle = |requests_per_second, burst| ThrottleSpec { requests_per_second, burst };
        Self {
            read: throttle(200, 400),
            write: throttle(50, 100),
            invoke: throttle(100, 200),
            operate: throttle(5, 10),
            decision_seconds: 0,
            log_retention_days: 90,
            account_role: true,
        }
    }
}

/// What is let through to the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallSpec {
    /// Requests that an address may make in five minutes, 10 or more. Default 2,000.
    pub requests_per_five_minutes: u32,
    /// The countries that requests may come from, as two capital letters (ISO 3166).
    /// Default none: from everywhere.
    pub countries: Vec<String>,
}

impl Default for FirewallSpec {
    fn default() -> Self {
        Self { requests_per_five_minutes: 2_000, countries: Vec::new() }
    }
}

/// A web address of one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainSpec {
    /// The name, such as `app.acme.example`. Whoever owns it points it to the distribution.
    pub name: String,
    /// The ARN of its certificate. CloudFront takes only those in us-east-1.
    pub certificate_arn: String,
}
