//! The list of routes.

use super::Caller::{Admin, Machine, Operator, Public, Tenant};
use super::Method::{Delete, Get, Patch, Post, Put};
use super::Throttle::{Invoke, Operate, Read, Write};
use super::{Caller, Method, Route, Throttle, Traits};
use crate::functions::Function::{Bridge, TenantApi};

const NOTHING: Traits = Traits { paged: false, versioned: false, idempotent: false };
const PAGED: Traits = Traits { paged: true, ..NOTHING };
const VERSIONED: Traits = Traits { versioned: true, ..NOTHING };
const IDEMPOTENT: Traits = Traits { idempotent: true, ..NOTHING };

const ANYBODY: &[Caller] = &[Public];
const TENANTS: &[Caller] = &[Tenant, Machine];
const TENANTS_USERS: &[Caller] = &[Tenant];
const TENANT_OR_STAFF: &[Caller] = &[Tenant, Operator, Admin];
const TENANT_OR_ADMIN: &[Caller] = &[Tenant, Admin];
const STAFF: &[Caller] = &[Operator, Admin];
const ADMINS: &[Caller] = &[Admin];

impl Route {
    /// A route of `tenant-api` that answers 200 with a schema.
    const fn new(
        method: Method,
        path: &'static str,
        operation: &'static str,
        summary: &'static str,
        callers: &'static [Caller],
        throttle: Throttle,
    ) -> Self {
        Self {
            method,
            path,
            operation,
            summary,
            function: Some(TenantApi),
            callers,
            throttle,
            request: None,
            status: 200,
            response: None,
            traits: NOTHING,
        }
    }

    const fn by_bridge(self) -> Self {
        Self { function: Some(Bridge), ..self }
    }

    const fn takes(self, request: &'static str) -> Self {
        Self { request: Some(request), ..self }
    }

    const fn gives(self, status: u16, response: &'static str) -> Self {
        Self { status, response: Some(response), ..self }
    }

    const fn gives_nothing(self) -> Self {
        Self { status: 204, ..self }
    }

    const fn is(self, traits: Traits) -> Self {
        Self { traits, ..self }
    }
}

/// Every route.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route { function: None, ..Route::new(Get, "/v1/health", "getHealth", "Whether the API answers", ANYBODY, Read) }
        .gives(200, "Health"),

    Route::new(Get, "/v1/tenants", "listTenants", "List tenants", STAFF, Operate)
        .gives(200, "TenantPage").is(PAGED),
    Route::new(Post, "/v1/tenants", "createTenant", "Make a tenant", ADMINS, Operate)
        .takes("NewTenant").gives(202, "Tenant").is(IDEMPOTENT),
    Route::new(Get, "/v1/tenants/{id}", "getTenant", "Read a tenant", TENANT_OR_STAFF, Read)
        .gives(200, "Tenant").is(VERSIONED),
    Route::new(Patch, "/v1/tenants/{id}", "changeTenant", "Change a tenant", ADMINS, Operate)
        .takes("TenantChange").gives(202, "Tenant").is(VERSIONED),
    Route::new(Delete, "/v1/tenants/{id}", "deleteTenant", "Delete a tenant and all that is its own", ADMINS, Operate)
        .gives(202, "Tenant").is(VERSIONED),
    Route::new(Post, "/v1/tenants/{id}/audit-export", "exportAudit", "Export the audit trail of a tenant", TENANT_OR_STAFF, Operate)
        .takes("AuditExport").gives(202, "Job").is(IDEMPOTENT),
    Route::new(Post, "/v1/tenants/{id}/api-keys", "rotateApiKey", "Give a tenant a new API key", TENANT_OR_ADMIN, Operate)
        .gives(201, "ApiKey").is(IDEMPOTENT),

    Route::new(Get, "/v1/tenants/{id}/sessions", "listTenantSessions", "List the sessions of a tenant", STAFF, Operate)
        .gives(200, "SessionPage").is(PAGED),
    Route::new(Get, "/v1/tenants/{id}/error-rate", "getErrorRate", "How many invocations of a tenant's agents failed", STAFF, Operate)
        .gives(200, "ErrorRate"),
    Route::new(Post, "/v1/tenants/{id}/notices", "notifyTenant", "Tell a tenant something", ADMINS, Operate)
        .takes("NewNotice").gives(202, "Notice").is(IDEMPOTENT),

    Route::new(Get, "/v1/agents", "listAgents", "List agents", TENANTS, Read)
        .gives(200, "AgentPage").is(PAGED),
    Route::new(Post, "/v1/agents", "createAgent", "Make an agent", TENANTS_USERS, Write)
        .takes("NewAgent").gives(201, "Agent").is(IDEMPOTENT),
    Route::new(Get, "/v1/agents/{name}", "getAgent", "Read an agent", TENANTS, Read)
        .gives(200, "Agent").is(VERSIONED),
    Route::new(Put, "/v1/agents/{name}", "replaceAgent", "Replace an agent", TENANTS_USERS, Write)
        .takes("AgentDefinition").gives(200, "Agent").is(VERSIONED),
    Route::new(Delete, "/v1/agents/{name}", "deleteAgent", "Delete an agent", TENANTS_USERS, Write)
        .gives_nothing().is(VERSIONED),
    Route::new(Post, "/v1/agents/{name}/invocations", "invokeAgent", "Let an agent answer", TENANTS, Invoke)
        .by_bridge().takes("NewInvocation").gives(200, "Invocation").is(IDEMPOTENT),

    Route::new(Get, "/v1/jobs", "listJobs", "List jobs", TENANTS, Read)
        .gives(200, "JobPage").is(PAGED),
    Route::new(Post, "/v1/jobs", "createJob", "Let an agent work in the background", TENANTS, Invoke)
        .takes("NewJob").gives(202, "Job").is(IDEMPOTENT),
    Route::new(Get, "/v1/jobs/{id}", "getJob", "Read a job", TENANTS, Read)
        .gives(200, "Job"),
    Route::new(Delete, "/v1/jobs/{id}", "cancelJob", "Stop a job", TENANTS, Write)
        .gives_nothing(),

    Route::new(Get, "/v1/webhooks", "listWebhooks", "List webhooks", TENANTS, Read)
        .gives(200, "WebhookPage").is(PAGED),
    Route::new(Post, "/v1/webhooks", "createWebhook", "Make a webhook", TENANTS_USERS, Write)
        .takes("NewWebhook").gives(201, "CreatedWebhook").is(IDEMPOTENT),
    Route::new(Get, "/v1/webhooks/{id}", "getWebhook", "Read a webhook", TENANTS, Read)
        .gives(200, "Webhook"),
    Route::new(Delete, "/v1/webhooks/{id}", "deleteWebhook", "Delete a webhook", TENANTS_USERS, Write)
        .gives_nothing(),

    Route::new(Get, "/v1/sessions", "listSessions", "List sessions", TENANTS, Read)
        .by_bridge().gives(200, "SessionPage").is(PAGED),
    Route::new(Post, "/v1/sessions", "createSession", "Begin a session with an agent", TENANTS, Write)
        .by_bridge().takes("NewSession").gives(201, "Session").is(IDEMPOTENT),
    Route::new(Get, "/v1/sessions/{id}", "getSession", "Read a session", TENANTS, Read)
        .by_bridge().gives(200, "Session"),
    Route::new(Delete, "/v1/sessions/{id}", "endSession", "End a session", TENANTS, Write)
        .by_bridge().gives_nothing(),

    Route::new(Get, "/v1/platform/failover", "getFailover", "Where agents run, and who decided it", STAFF, Operate)
        .gives(200, "Failover"),
    Route::new(Post, "/v1/platform/failover", "failOver", "Ask for the agents' runtime to be moved to another region", ADMINS, Operate)
        .takes("NewFailover").gives(202, "FailoverRequest").is(IDEMPOTENT),
    Route::new(Get, "/v1/platform/quota", "getQuota", "How much of the quotas is used", STAFF, Operate)
        .gives(200, "QuotaUse"),
    Route::new(Get, "/v1/platform/quota/split-accounts", "getAccountPlan", "Read the newest plan of accounts", STAFF, Operate)
        .gives(200, "AccountPlan"),
    Route::new(Post, "/v1/platform/quota/split-accounts", "splitAccounts", "Plan how tenants are spread over more accounts; none is made", ADMINS, Operate)
        .takes("AccountSplit").gives(202, "AccountPlan").is(IDEMPOTENT),
    Route::new(Get, "/v1/platform/approvals", "listApprovals", "List what runs of runbooks ask for", STAFF, Operate)
        .gives(200, "ApprovalPage").is(PAGED),
    Route::new(Post, "/v1/platform/approvals", "requestApproval", "Ask for what a step of a run needs", STAFF, Operate)
        .takes("NewApproval").gives(202, "Approval").is(IDEMPOTENT),
    Route::new(Get, "/v1/platform/approvals/{run}/{step}", "getApproval", "Read what a step of a run asks for", STAFF, Operate)
        .gives(200, "Approval"),
    Route::new(Post, "/v1/platform/approvals/{run}/{step}", "answerApproval", "Grant or refuse what a step of a run asks for", STAFF, Operate)
        .takes("NewApprovalAnswer").gives(200, "Approval").is(IDEMPOTENT),
    Route::new(Get, "/v1/platform/security-events", "listSecurityEvents", "List what looked like an attack", STAFF, Operate)
        .gives(200, "SecurityEventPage").is(PAGED),
    Route::new(Get, "/v1/platform/reports/{report}", "getReport", "Read a report", STAFF, Operate)
        .gives(200, "Report"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_route_and_no_operation_is_there_twice() {
        let routes: BTreeSet<_> = ROUTES.iter().map(|it| (it.path, it.method)).collect();
        let operations: BTreeSet<_> = ROUTES.iter().map(|it| it.operation).collect();
        assert_eq!((routes.len(), operations.len()), (ROUTES.len(), ROUTES.len()));
    }

    #[test]
    fn what_a_function_serves_is_for_known_callers_alone() {
        for route in ROUTES {
            assert_eq!(route.authorised(), route.function.is_some(), "{}", route.operation);
            assert!(!route.callers.is_empty());
        }
    }

    #[test]
    fn only_what_reads_has_no_body_and_only_what_makes_is_repeatable() {
        for route in ROUTES {
            let name = route.operation;
            assert_eq!(route.traits.idempotent, route.method == Post, "{name}");
            assert!(!(route.traits.paged && route.method != Get), "{name}");
            if matches!(route.method, Get | Delete) {
                assert_eq!(route.request, None, "{name}");
            }
            assert_eq!(route.response.is_none(), route.status == 204, "{name}");
        }
    }
}
