//! For whom data is reached.

use std::sync::Arc;

use crate::caller::{VerifiedCaller, VerifiedOperator};
use crate::tenant::TenantId;

/// For one tenant.
///
/// It is made from a caller that the authoriser let through, and carries the tenant from
/// then on: no request says for whom it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    tenant: TenantId,
    /// Who does it, for the audit trail.
    subject: Arc<str>,
    may_change: bool,
}

impl Scope {
    /// For the caller's tenant.
    pub fn tenant(caller: &VerifiedCaller) -> Self {
        Self::on_behalf(caller.tenant().clone(), caller.subject())
    }

    /// For a tenant, in the name of somebody who runs the platform.
    pub(super) fn on_behalf(tenant: TenantId, subject: &str) -> Self {
        Self { tenant, subject: subject.into(), may_change: true }
    }

    /// For a tenant, in the name of somebody who runs the platform, and only to look.
    pub(super) fn looked_at(tenant: TenantId, subject: &str) -> Self {
        Self { may_change: false, ..Self::on_behalf(tenant, subject) }
    }

    /// Whether it may change what the tenant has.
    pub fn may_change(&self) -> bool {
        self.may_change
    }

    /// The tenant.
    pub fn tenant_id(&self) -> &TenantId {
        &self.tenant
    }

    /// Who does it.
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

/// For those who run the platform. Every use is in the audit trail.
///
/// It is made from a verified operator alone:
///
/// ```
/// use runtime_core::access::OperatorScope;
/// use runtime_core::caller::VerifiedOperator;
///
/// fn platform(caller: &VerifiedOperator) -> OperatorScope {
///     OperatorScope::new(caller)
/// }
/// ```
///
/// A tenant's caller is none, and does not become one:
///
/// ```compile_fail
/// use runtime_core::access::OperatorScope;
/// use runtime_core::caller::VerifiedCaller;
///
/// fn platform(caller: &VerifiedCaller) -> OperatorScope {
///     OperatorScope::new(caller)
/// }
/// ```
///
/// ```compile_fail
/// use runtime_core::caller::{VerifiedCaller, VerifiedOperator};
///
/// fn promote(caller: VerifiedCaller) -> VerifiedOperator {
///     caller.into()
/// }
/// ```
///
/// ```compile_fail
/// use runtime_core::access::{OperatorScope, Scope};
///
/// fn platform(scope: Scope) -> OperatorScope {
///     scope.into()
/// }
/// ```
///
/// And nobody makes one up:
///
/// ```compile_fail
/// let scope = runtime_core::access::OperatorScope { subject: "me".into(), may_change: true };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorScope {
    subject: Arc<str>,
    may_change: bool,
}

impl OperatorScope {
    /// For this operator.
    pub fn new(caller: &VerifiedOperator) -> Self {
        Self { subject: caller.subject().into(), may_change: caller.may_change() }
    }

    /// Who does it.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Whether it may change the platform.
    pub fn may_change(&self) -> bool {
        self.may_change
    }
}
