//! An item of each type, for tests.
#![expect(missing_docs, reason = "each is what its name says")]
#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg_attr(not(test), expect(clippy::wildcard_imports, reason = "it has one of everything"))]

use super::*;
use crate::api::{JobStatus, WebhookEvent};
use crate::tenant::{Isolation, TenantId, Tier};

pub fn acme() -> TenantId {
    "acme".parse().unwrap()
}

pub fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

/// Not while these tests are run: what has expired is not read.
pub fn later() -> i64 {
    "2100-01-01T00:00:00Z".parse::<Timestamp>().unwrap().seconds()
}

pub fn tenant() -> Tenant {
    Tenant {
        tenant_id: acme(),
        tier: Tier::Standard,
        isolation: Isolation::Pooled,
        status: TenantStatus::Active,
        progress: None,
        monthly_usd: 250.try_into().unwrap(),
        email: "ops@acme.example".parse().unwrap(),
        api_keys: vec![],
        created_at: now(),
        updated_at: now(),
        request_digest: None,
        revision: Revision::FIRST,
    }
}

pub fn agent(tenant: &TenantId, name: &str) -> Agent {
    Agent {
        tenant_id: tenant.clone(),
        name: name.parse().unwrap(),
        version: AgentVersion::FIRST,
        definition: Definition {
            instructions: "Help.".parse().unwrap(),
            model: Some("a-model".parse().unwrap()),
            tools: vec!["search".parse().unwrap()],
        },
        created_at: now(),
        request_digest: None,
        revision: Revision::FIRST,
    }
}

pub fn invocation(tenant: &TenantId) -> Invocation {
    Invocation {
        tenant_id: tenant.clone(),
        invocation_id: InvocationId::generate(),
        agent: "helper".parse().unwrap(),
        agent_version: AgentVersion::FIRST,
        session_id: SessionId::generate(),
        status: InvocationStatus::Succeeded,
        output: Some("Yes.".parse().unwrap()),
        input_tokens: 12,
        output_tokens: u64::MAX,
        milliseconds: 250,
        created_at: now(),
        expires_at: later(),
        request_digest: None,
        revision: Revision::FIRST,
    }
}

pub fn job(tenant: &TenantId) -> Job {
    Job {
        tenant_id: tenant.clone(),
        job_id: JobId::generate(),
        agent: "helper".parse().unwrap(),
        input: "Do it.".parse().unwrap(),
        status: JobStatus::Queued,
        result: None,
        error: None,
        created_at: now(),
        updated_at: now(),
        expires_at: later(),
        request_digest: Some(RequestDigest::of("createJob", &"Do it.").unwrap()),
        revision: Revision::FIRST,
    }
}

pub fn session(tenant: &TenantId) -> Session {
    Session {
        tenant_id: tenant.clone(),
        session_id: SessionId::generate(),
        agent: "helper".parse().unwrap(),
        created_at: now(),
        expires_at: later(),
        request_digest: None,
        revision: Revision::FIRST,
    }
}

pub fn tool(tenant: &TenantId) -> Tool {
    Tool {
        tenant_id: tenant.clone(),
        name: "search".parse().unwrap(),
        version: "1.2.3-rc.1".parse().unwrap(),
        description: "Finds.".parse().unwrap(),
        input_schema: r#"{"type": "object"}"#.parse().unwrap(),
        endpoint: Some("https://tools.example.com/search".parse().unwrap()),
        enabled: true,
        created_at: now(),
        revision: Revision::FIRST,
    }
}

pub fn webhook(tenant: &TenantId) -> Webhook {
    Webhook {
        tenant_id: tenant.clone(),
        webhook_id: WebhookId::generate(),
        url: "https://hooks.example.com/".parse().unwrap(),
        events: vec![WebhookEvent::JobSucceeded],
        created_at: now(),
        request_digest: None,
        revision: Revision::FIRST,
    }
}

pub fn delivery(tenant: &TenantId, webhook: WebhookId) -> Delivery {
    Delivery {
        tenant_id: tenant.clone(),
        webhook_id: webhook,
        delivery_id: DeliveryId::generate(),
        event: WebhookEvent::JobSucceeded,
        job_id: JobId::generate(),
        state: DeliveryState::Delivered,
        attempts: 1,
        last_status: Some(204),
        last_error: None,
        created_at: now(),
        expires_at: later(),
        revision: Revision::FIRST,
    }
}

pub fn holder() -> Holder {
    Holder {
        who: "ada".parse().unwrap(),
        host: "desk".parse().unwrap(),
        job: "deploy".parse().unwrap(),
        reason: "a release".parse().unwrap(),
        run_id: "20261121T080000-1".parse().unwrap(),
    }
}

pub fn lock_write() -> LockWrite {
    LockWrite { id: WriteId::generate(), at: now() }
}

pub fn ops_lock() -> OpsLock {
    let lock = OpsLock::first("deploy".parse().unwrap(), holder(), 60, lock_write());
    lock.with_value("eu-west-1".parse().unwrap(), lock_write())
}

pub fn bill(tenant: &TenantId) -> BillingSummary {
    BillingSummary {
        tenant_id: tenant.clone(),
        period: "2026-11".parse().unwrap(),
        usage: Usage { invocations: 3, ..Usage::default() },
        cost_micro_usd: 1_250_000,
        counted_until: now(),
        closed: false,
        revision: Revision::FIRST,
    }
}

pub fn notice() -> Notice {
    Notice {
        tenant_id: acme(),
        notice_id: OperationId::generate(),
        subject: "Maintenance".parse().unwrap(),
        message: "On Sunday.".parse().unwrap(),
        sent_by: "adam".parse().unwrap(),
        created_at: now(),
        expires_at: later(),
        request_digest: None,
        revision: Revision::FIRST,
    }
}

pub fn failover_request() -> FailoverRequest {
    FailoverRequest {
        request_id: OperationId::generate(),
        region: "eu-west-1".parse().unwrap(),
        reason: "a drill".parse().unwrap(),
        requested_by: "adam".parse().unwrap(),
        created_at: now(),
        fulfilled: None,
        expires_at: later(),
        request_digest: None,
        revision: Revision::FIRST,
    }
}

pub fn fulfilled() -> Fulfilled {
    let run_id = "2026-11-21-k3f9".parse().unwrap();
    Fulfilled { run_id, by: "olga".parse().unwrap(), token: 12, at: now() }
}

pub fn account_plan() -> AccountPlan {
    let placed = Placed { account: "123456789012".parse().unwrap(), tenants: vec![acme()] };
    AccountPlan {
        plan_id: OperationId::generate(),
        reason: "growth".parse().unwrap(),
        requested_by: "adam".parse().unwrap(),
        created_at: now(),
        tenants_an_account: 700,
        accounts: vec![placed],
        unplaced: vec![],
        expires_at: later(),
        request_digest: None,
        revision: Revision::FIRST,
    }
}

pub fn approval() -> Approval {
    Approval {
        run_id: "2026-11-21-k3f9".parse().unwrap(),
        step: "leave".parse().unwrap(),
        number: 7,
        runbook: "006".parse().unwrap(),
        text: "Suspend acme?".parse().unwrap(),
        from: vec!["Platform.Operator".parse().unwrap()],
        evidence: None,
        four_eyes: false,
        requested_by: "olga".parse().unwrap(),
        created_at: now(),
        until: None,
        reply: None,
        expires_at: later(),
        revision: Revision::FIRST,
    }
}
