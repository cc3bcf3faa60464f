//! What requests and answers carry. A field that is not given is left out, never null.

use serde::{Deserialize, Serialize};

use crate::tenant::{TenantId, Tier};

/// Names of agents and tools.
#[cfg(feature = "openapi")]
const NAME: &str = "^[a-z][a-z0-9-]{0,47}$";

/// Where webhooks may be called: a name with a dot, which some networks alone know.
#[cfg(feature = "openapi")]
const PUBLIC_URL: &str = "^https://([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z]{2,63}\
    (:(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}))?\
    ([/?][!-\"$-\\[\\]-~]*)?$";

/// Declares a type of the API: what comes in refuses fields that it does not know.
macro_rules! schema {
    ($($(#[$meta:meta])* $visibility:vis $kind:ident $name:ident $body:tt)*) => { $(
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        $(#[$meta])*
        $visibility $kind $name $body
    )* };
}

pub(super) use schema;

/// What went wrong, as RFC 9457 has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Problem {
    /// What kind of problem it is: a URI, or `about:blank` when the title says it all.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in a few words.
    pub title: String,
    /// The status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What is wrong with this request, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The request, to be named when asking for help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// What of the request is not valid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
}

/// A part of a request that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ProblemField {
    /// Which: a path in the body, a header or a parameter.
    pub field: String,
    /// What was expected.
    pub message: String,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "{T}Page"))]
pub struct Page<T> {
    /// The items, in the list's own order.
    pub items: Vec<T>,
    /// The `cursor` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

schema! {
    /// Whether the API answers.
    pub struct Health {
        /// Always `ok`.
        pub status: String,
    }

    /// A tenant to be.
    #[serde(deny_unknown_fields)]
    pub struct NewTenant {
        /// Its id.
        pub id: TenantId,
        /// Its tier.
        pub tier: Tier,
        /// Who hears of its budget.
        #[cfg_attr(feature = "openapi", schemars(length(min = 3, max = 254), regex(pattern = "^[!-?A-~]+@[!-?A-~]+$")))]
        pub email: String,
        /// Its monthly budget in US dollars. Left out: that of the tier.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schemars(range(min = 1, max = 1_000_000)))]
        pub monthly_usd: Option<u32>,
    }

    /// What is to be another in a tenant; the rest stays.
    #[serde(deny_unknown_fields)]
    #[cfg_attr(feature = "openapi", schemars(extend("minProperties" = 1)))]
    pub struct TenantChange {
        /// Its tier.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub tier: Option<Tier>,
        /// Whether it may use the platform.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub suspended: Option<bool>,
        /// Who hears of its budget.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schemars(length(min = 3, max = 254), regex(pattern = "^[!-?A-~]+@[!-?A-~]+$")))]
        pub email: Option<String>,
        /// Its monthly budget in US dollars.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schemars(range(min = 1, max = 1_000_000)))]
        pub monthly_usd: Option<u32>,
    }

    /// A tenant.
    pub struct Tenant {
        /// Its id.
        pub id: TenantId,
        /// Its tier.
        pub tier: Tier,
        /// How far it is.
        pub status: TenantStatus,
        /// Its monthly budget in US dollars.
        pub monthly_usd: u32,
        /// When it was made (RFC 3339).
        pub created_at: String,
    }

    /// How far a tenant is.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "kebab-case")]
    pub enum TenantStatus {
        /// It is being made or changed.
        Provisioning,
        /// It may use the platform.
        Active,
        /// It may not, for now.
        Suspended,
        /// It is being deleted.
        Deleting,
        /// What was asked for it did not work; the operators see why.
        Failed,
    }

    /// Which part of the audit trail to export.
    #[serde(deny_unknown_fields)]
    pub struct AuditExport {
        /// The first day (RFC 3339 full date, UTC).
        #[cfg_attr(feature = "openapi", schemars(extend("format" = "date"), regex(pattern = r"^\d{4}-\d{2}-\d{2}$")))]
        pub from: String,
        /// The last day.
        #[cfg_attr(feature = "openapi", schemars(extend("format" = "date"), regex(pattern = r"^\d{4}-\d{2}-\d{2}$")))]
        pub to: String,
    }

    /// A new API key. It is shown this once.
    pub struct ApiKey {
        /// Its id.
        pub id: String,
        /// The key itself.
        pub value: String,
        /// Until when the former key is good (RFC 3339).
        #[serde(skip_serializing_if = "Option::is_none")]
        pub former_until: Option<String>,
    }

    /// What an agent is.
    #[serde(deny_unknown_fields)]
    pub struct AgentDefinition {
        /// What it is told before anything else.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 20_000)))]
        pub instructions: String,
        /// The id of its model. Left out: the platform's choice.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 200)))]
        pub model: Option<String>,
        /// The names of the tools that it may call.
        #[serde(default)]
        #[cfg_attr(feature = "openapi", schemars(length(max = 50), extend("uniqueItems" = true), inner(regex(pattern = NAME))))]
        pub tools: Vec<String>,
    }

    /// An agent to be.
    #[serde(deny_unknown_fields)]
    pub struct NewAgent {
        /// Its name: 1 to 48 of a-z, 0-9 and hyphens, beginning with a letter.
        #[cfg_attr(feature = "openapi", schemars(regex(pattern = NAME)))]
        pub name: String,
        /// What it is.
        pub definition: AgentDefinition,
    }

    /// An agent.
    pub struct Agent {
        /// Its name.
        pub name: String,
        /// Its version, from 1.
        pub version: u32,
        /// What it is.
        pub definition: AgentDefinition,
        /// When this version was made (RFC 3339).
        pub created_at: String,
    }

    /// What an agent is asked.
    #[serde(deny_unknown_fields)]
    pub struct NewInvocation {
        /// The question or task.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 100_000)))]
        pub input: String,
        /// The session that it belongs to. Left out: a session of its own.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 64)))]
        pub session_id: Option<String>,
    }

    /// An agent's answer.
    pub struct Invocation {
        /// Its id.
        pub id: String,
        /// The session that it belongs to.
        pub session_id: String,
        /// The answer.
        pub output: String,
    }

    /// Work to be done in the background.
    #[serde(deny_unknown_fields)]
    pub struct NewJob {
        /// The name of the agent that does it.
        #[cfg_attr(feature = "openapi", schemars(regex(pattern = NAME)))]
        pub agent: String,
        /// The task.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 100_000)))]
        pub input: String,
    }

    /// Work in the background.
    pub struct Job {
        /// Its id.
        pub id: String,
        /// How far it is.
        pub status: JobStatus,
        /// When it was asked for (RFC 3339).
        pub created_at: String,
        /// Where its result can be read, for some minutes.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub result_url: Option<String>,
    }

    /// How far a job is.
    #[derive(Copy, Eq)]
    #[serde(rename_all = "kebab-case")]
    pub enum JobStatus {
        /// It waits.
        Queued,
        /// It is being done.
        Running,
        /// It is done.
        Succeeded,
        /// It could not be done.
        Failed,
        /// It was stopped.
        Cancelled,
    }

    /// What a webhook hears of.
    #[derive(Copy, Eq)]
    pub enum WebhookEvent {
        /// A job is done.
        #[serde(rename = "job.succeeded")]
        JobSucceeded,
        /// A job could not be done.
        #[serde(rename = "job.failed")]
        JobFailed,
    }

    /// A webhook to be.
    #[serde(deny_unknown_fields)]
    pub struct NewWebhook {
        /// Where it is called: HTTPS alone.
        #[cfg_attr(feature = "openapi", schemars(length(max = 2_000), regex(pattern = PUBLIC_URL)))]
        pub url: String,
        /// What it hears of.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 10), extend("uniqueItems" = true)))]
        pub events: Vec<WebhookEvent>,
    }

    /// A webhook.
    pub struct Webhook {
        /// Its id.
        pub id: String,
        /// Where it is called.
        pub url: String,
        /// What it hears of.
        pub events: Vec<WebhookEvent>,
        /// When it was made (RFC 3339).
        pub created_at: String,
    }

    /// A webhook that was made, with the secret that signs its deliveries. It is shown
    /// this once.
    pub struct CreatedWebhook {
        /// The webhook.
        pub webhook: Webhook,
        /// The secret.
        pub secret: String,
    }

    /// A session to be.
    #[serde(deny_unknown_fields)]
    pub struct NewSession {
        /// The name of the agent.
        #[cfg_attr(feature = "openapi", schemars(regex(pattern = NAME)))]
        pub agent: String,
    }

    /// A session of a user with an agent.
    pub struct Session {
        /// Its id.
        pub id: String,
        /// The name of the agent.
        pub agent: String,
        /// When it began (RFC 3339).
        pub created_at: String,
        /// When it ends by itself (RFC 3339).
        pub expires_at: String,
    }

    /// How much of the quotas is used.
    pub struct QuotaUse {
        /// The quotas, the fullest first.
        pub quotas: Vec<Quota>,
    }

    /// A quota.
    pub struct Quota {
        /// The service, such as `apigateway`.
        pub service: String,
        /// What is counted, such as `usage plans`.
        pub name: String,
        /// How many there are.
        pub used: u64,
        /// How many there may be.
        pub limit: u64,
    }

    /// What looked like an attack.
    pub struct SecurityEvent {
        /// Its id.
        pub id: String,
        /// When it was seen (RFC 3339).
        pub seen_at: String,
        /// What it was, such as `cross-tenant-access`.
        pub kind: String,
        /// Whose credentials were used, if known.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub tenant_id: Option<TenantId>,
    }

    /// A report.
    pub struct Report {
        /// Its name.
        pub report: String,
        /// The month, such as `2026-11`.
        pub period: String,
        /// Its rows.
        pub rows: Vec<ReportRow>,
    }

    /// A number of a report.
    pub struct ReportRow {
        /// Whose it is.
        pub tenant_id: TenantId,
        /// What is counted, such as `invocations`.
        pub name: String,
        /// How much.
        pub value: f64,
        /// Of what, such as `USD`.
        pub unit: String,
    }
}
