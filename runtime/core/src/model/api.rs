//! How items look in the API.

use time::OffsetDateTime;

use super::{
    Agent, AgentName, Definition, Invalid, Invocation, Job, ProgressState, Session, Tenant,
    TenantStatus, Timestamp, Webhook, Work,
};
use crate::api;

impl From<&Tenant> for api::Tenant {
    fn from(tenant: &Tenant) -> Self {
        Self {
            id: tenant.tenant_id.clone(),
            tier: tenant.tier,
            status: status(tenant),
            monthly_usd: tenant.monthly_usd.dollars(),
            created_at: tenant.created_at.to_string(),
        }
    }
}

/// The API has one status for what an item says in two fields. What is being done shows
/// before what may be used; that a tenant is gone shows as its last work.
fn status(tenant: &Tenant) -> api::TenantStatus {
    let doing = tenant.progress.as_ref().map(|progress| (progress.work, progress.state));
    match (doing, tenant.status) {
        (Some((_, ProgressState::Failed)), _) => api::TenantStatus::Failed,
        (_, TenantStatus::Deleted) => api::TenantStatus::Deleting,
        (
            Some((Work::Create | Work::Change, ProgressState::Pending | ProgressState::Running)),
            _,
        ) => api::TenantStatus::Provisioning,
        (_, TenantStatus::Active) => api::TenantStatus::Active,
        (_, TenantStatus::Suspended) => api::TenantStatus::Suspended,
    }
}

impl From<&Definition> for api::AgentDefinition {
    fn from(definition: &Definition) -> Self {
        Self {
            instructions: definition.instructions.as_str().to_owned(),
            model: definition.model.as_ref().map(|model| model.as_str().to_owned()),
            tools: definition.tools.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TryFrom<api::AgentDefinition> for Definition {
    type Error = Invalid;

    fn try_from(definition: api::AgentDefinition) -> Result<Self, Invalid> {
        Ok(Self {
            instructions: definition.instructions.try_into()?,
            model: definition.model.map(TryInto::try_into).transpose()?,
            tools: definition.tools.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Agent> for api::Agent {
    fn from(agent: &Agent) -> Self {
        Self {
            name: AgentName::to_string(&agent.name),
            version: agent.version.number(),
            definition: (&agent.definition).into(),
            created_at: agent.created_at.to_string(),
        }
    }
}

impl From<&Job> for api::Job {
    /// Without the address of the result, which is signed for each answer.
    fn from(job: &Job) -> Self {
        Self {
            id: job.job_id.to_string(),
            status: job.status,
            created_at: job.created_at.to_string(),
            result_url: None,
        }
    }
}

impl From<&Session> for api::Session {
    fn from(session: &Session) -> Self {
        let end = OffsetDateTime::from_unix_timestamp(session.expires_at);
        Self {
            id: session.session_id.to_string(),
            agent: session.agent.to_string(),
            created_at: session.created_at.to_string(),
            // What lies beyond the years that can be written ends never.
            expires_at: end.map_or(session.created_at, Timestamp::from).to_string(),
        }
    }
}

impl From<&Webhook> for api::Webhook {
    fn from(webhook: &Webhook) -> Self {
        Self {
            id: webhook.webhook_id.to_string(),
            url: webhook.url.to_string(),
            events: webhook.events.clone(),
            created_at: webhook.created_at.to_string(),
        }
    }
}

impl From<&Invocation> for api::Invocation {
    /// An invocation that did not succeed, or whose answer was too long to be kept, has
    /// an empty output.
    fn from(invocation: &Invocation) -> Self {
        let output = invocation.output.as_ref().map_or("", |output| output.as_str());
        Self {
            id: invocation.invocation_id.to_string(),
            session_id: invocation.session_id.to_string(),
            output: output.to_owned(),
        }
    }
}
