//! The platform stack.

use std::collections::BTreeMap;

use runtime_core::functions::Function;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stacks::spec;

use super::FunctionConfig;

/// Tables, buckets, queues, functions and the API.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlatformConfig {
    /// The functions that are deployed, beside git-store, with their sizes. Only those
    /// whose crates are there can be. A route of the API is there when the function that
    /// serves it is.
    #[schemars(with = "BTreeMap<String, FunctionConfig>")]
    pub functions: BTreeMap<Function, FunctionConfig>,
    /// Whether tables refuse to be deleted until this says otherwise.
    pub deletion_protection: bool,
    /// Days that results of jobs are kept.
    #[schemars(range(min = 1, max = 3650))]
    pub result_days: u32,
    /// How the audit trail is kept.
    pub audit: AuditConfig,
    /// The API.
    pub api: ApiConfig,
    /// What is let through to the API.
    pub firewall: FirewallConfig,
    /// The web address. Left out: the one that CloudFront gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<DomainConfig>,
}

/// Who can shorten the life of a record of the audit trail.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditMode {
    /// Those with a permission of its own.
    #[default]
    Governance,
    /// Nobody, the account's owner and AWS included. It cannot be taken back.
    Compliance,
}

/// How the audit trail is kept.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditConfig {
    /// Who can delete records before their time.
    pub mode: AuditMode,
    /// Days that a record cannot be changed or deleted; a day later it goes.
    #[schemars(range(min = 1, max = 36500))]
    pub retention_days: u32,
}

/// Requests that are let through, of all tenants together. What is left out is the
/// default of its class.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThrottleConfig {
    /// Requests a second, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub requests_per_second: Option<u32>,
    /// Requests at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 5000))]
    pub burst: Option<u32>,
}

/// The API.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// For each route that reads.
    pub read: ThrottleConfig,
    /// For each route that changes something.
    pub write: ThrottleConfig,
    /// For each route that makes an agent work.
    pub invoke: ThrottleConfig,
    /// For each route of the operators.
    pub operate: ThrottleConfig,
    /// Seconds for which a decision about a caller, on one method of one path, holds. A
    /// caller who is shut out may go on for as long, and API keys have to come in
    /// `Authorization`. 0: every request is decided on.
    #[schemars(range(max = 300))]
    pub decision_seconds: u32,
    /// Days that access logs are kept; a value that CloudWatch Logs accepts.
    pub log_retention_days: u32,
    /// Whether this environment gives API Gateway its role for writing logs. There is one
    /// role for all APIs of an account and region: let one environment have it.
    pub account_role: bool,
}

/// What is let through to the API.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FirewallConfig {
    /// Requests that an address may make in five minutes.
    #[schemars(range(min = 10, max = 2_000_000_000))]
    pub requests_per_five_minutes: u32,
    /// The countries that requests may come from, as two capital letters (ISO 3166). None:
    /// from everywhere.
    pub countries: Vec<String>,
}

/// A web address of one's own.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DomainConfig {
    /// The name, such as app.acme.example. Point it to the distribution.
    pub name: String,
    /// The ARN of its certificate, in us-east-1: CloudFront takes no other.
    pub certificate_arn: String,
}

impl Default for PlatformConfig {
    fn default() -> Self {
        let spec = spec::PlatformSpec::default();
        Self {
            functions: BTreeMap::new(),
            deletion_protection: spec.deletion_protection,
            result_days: spec.result_days,
            audit: AuditConfig::default(),
            api: ApiConfig::default(),
            firewall: FirewallConfig::default(),
            domain: None,
        }
    }
}

impl Default for AuditConfig {
    fn default() -> Self {
        let spec = spec::AuditSpec::default();
        Self { mode: AuditMode::Governance, retention_days: spec.retention_days }
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        let spec = spec::ApiSpec::default();
        let [read, write, invoke, operate] = [ThrottleConfig::default(); 4];
        Self {
            read,
            write,
            invoke,
            operate,
            decision_seconds: spec.decision_seconds,
            log_retention_days: spec.log_retention_days,
            account_role: spec.account_role,
        }
    }
}

impl Default for FirewallConfig {
    fn default() -> Self {
        let spec = spec::FirewallSpec::default();
        Self {
            requests_per_five_minutes: spec.requests_per_five_minutes,
            countries: spec.countries,
        }
    }
}

impl PlatformConfig {
    /// The inputs of synthesis.
    pub fn spec(&self) -> spec::PlatformSpec {
        let functions = self.functions.iter().map(|(function, it)| (*function, it.spec()));
        let domain = |domain: &DomainConfig| spec::DomainSpec {
            name: domain.name.clone(),
            certificate_arn: domain.certificate_arn.clone(),
        };
        spec::PlatformSpec {
            functions: functions.collect(),
            deletion_protection: self.deletion_protection,
            result_days: self.result_days,
            audit: spec::AuditSpec {
                mode: match self.audit.mode {
                    AuditMode::Governance => spec::AuditMode::Governance,
                    AuditMode::Compliance => spec::AuditMode::Compliance,
                },
                retention_days: self.audit.retention_days,
            },
            api: self.api.spec(),
            firewall: spec::FirewallSpec {
                requests_per_five_minutes: self.firewall.requests_per_five_minutes,
                countries: self.firewall.countries.clone(),
            },
            domain: self.domain.as_ref().map(domain),
        }
    }

    /// Functions that are asked for and whose crates are not there.
    pub fn not_built(&self) -> impl Iterator<Item = Function> {
        self.functions.keys().copied().filter(|function| !Function::BUILT.contains(function))
    }
}

impl ApiConfig {
    fn spec(&self) -> spec::ApiSpec {
        let default = spec::ApiSpec::default();
        let throttle = |given: ThrottleConfig, default: spec::ThrottleSpec| spec::ThrottleSpec {
            requests_per_second: given.requests_per_second.unwrap_or(default.requests_per_second),
            burst: given.burst.unwrap_or(default.burst),
        };
        spec::ApiSpec {
            read: throttle(self.read, default.read),
            write: throttle(self.write, default.write),
            invoke: throttle(self.invoke, default.invoke),
            operate: throttle(self.operate, default.operate),
            decision_seconds: self.decision_seconds,
            log_retention_days: self.log_retention_days,
            account_role: self.account_role,
        }
    }
}
