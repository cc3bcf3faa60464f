//! Access, on tables in memory and on requests of the SDK that go nowhere.

mod conditions;
mod connect;
mod isolation;
mod objects;
mod operators;
mod refusals;
mod requests;
mod shapes;
mod tables;
mod unfaithful;

use std::future::Future;
use std::sync::Arc;

use super::*;
use crate::caller::{CallerContext, Verified, VerifiedCaller, VerifiedOperator};
use crate::telemetry::{Metrics, Written};

/// Runs something to its end.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

pub fn verified(context: &CallerContext) -> Verified {
    let fields = context.fields();
    let field = |name: &str| {
        fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str())
    };
    Verified::from_context(field).unwrap()
}

pub fn caller(tenant: &str) -> VerifiedCaller {
    match verified(&CallerContext::user(tenant.parse().unwrap(), "ada")) {
        Verified::Tenant(caller) => caller,
        Verified::Staff(_) => panic!("a user is no staff"),
    }
}

pub fn staff(context: &CallerContext) -> VerifiedOperator {
    match verified(context) {
        Verified::Staff(operator) => operator,
        Verified::Tenant(_) => panic!("staff is no tenant's"),
    }
}

pub fn admin() -> OperatorScope {
    OperatorScope::new(&staff(&CallerContext::admin("adam")))
}

pub fn operator() -> OperatorScope {
    OperatorScope::new(&staff(&CallerContext::operator("olga")))
}

/// Everything in memory, to be looked at.
#[derive(Clone, Default)]
pub struct World {
    pub tables: MemoryTables,
    pub bucket: MemoryBucket,
    pub audit: MemoryAudit,
    pub written: Written,
}

impl World {
    pub fn watchers(&self) -> Watchers {
        let metrics = Metrics::new("p-dev-platform", self.written.clone());
        Watchers { audit: Arc::new(self.audit.clone()), metrics }
    }

    pub fn tenant(&self, tenant: &str) -> TenantScopedDynamoDb {
        let scope = Scope::tenant(&caller(tenant));
        TenantScopedDynamoDb::new(scope, Arc::new(self.tables.clone()), self.watchers())
    }

    pub fn objects(&self, tenant: &str) -> TenantScopedS3 {
        let scope = Scope::tenant(&caller(tenant));
        TenantScopedS3::new(scope, Arc::new(self.bucket.clone()), self.watchers())
    }

    pub fn platform(&self, scope: OperatorScope) -> OperatorDynamoDb {
        OperatorDynamoDb::new(scope, Arc::new(self.tables.clone()), self.watchers())
    }

    /// How many violations were counted; each is in the audit trail.
    pub fn violations(&self) -> usize {
        let lines = self.written.lines();
        let counted = lines.iter().filter(|line| line["TenantAccessViolations"] == 1).count();
        let records = self.audit.records();
        let recorded = records.iter().filter(|it| it.kind == AuditKind::CrossTenantAccess).count();
        assert_eq!(counted, recorded);
        counted
    }
}

/// The violation that something ended in.
pub fn violation<T: std::fmt::Debug>(result: Result<T, AccessError>) -> TenantAccessViolation {
    match result {
        Err(AccessError::Violation(violation)) => violation,
        other => panic!("no violation: {other:?}"),
    }
}
