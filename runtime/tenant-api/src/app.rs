//! What handlers share, and whose data they reach with it.

use std::fmt;
use std::sync::Arc;

use axum::http::StatusCode;
use runtime_core::access::{
    AccessError, AuditKind, AuditRecord, OperatorDynamoDb, OperatorScope, OwnTenant, Scope,
    TenantScopedDynamoDb, TenantScopedS3, Watchers,
};
use runtime_core::caller::{Verified, VerifiedCaller, VerifiedOperator};
use runtime_core::metrics::TENANT_ACCESS_VIOLATIONS;
use runtime_core::model::Timestamp;
use runtime_core::tenant::TenantId;

use crate::problem::Problem;
use crate::services::{Secrets, Services};
use crate::settings::Settings;

/// What handlers share.
#[derive(Debug, Clone)]
pub struct App {
    /// What the function is told.
    pub settings: Settings,
    /// What it needs of others.
    pub services: Services,
}

/// What a tenant has.
pub(crate) struct Own {
    pub tenant: TenantId,
    pub items: TenantScopedDynamoDb,
    pub results: TenantScopedS3,
    pub secrets: Arc<dyn Secrets>,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Own({})", self.tenant)
    }
}

impl App {
    pub(crate) async fn watchers(&self) -> Result<Watchers, Problem> {
        Ok(self.services.data.watchers().await?)
    }

    /// What is the platform's, for somebody who runs it.
    pub(crate) async fn platform(
        &self,
        operator: &VerifiedOperator,
    ) -> Result<OperatorDynamoDb, Problem> {
        let scope = OperatorScope::new(operator);
        let backend = self.services.data.platform().await?;
        Ok(OperatorDynamoDb::new(scope, backend, self.watchers().await?))
    }

    /// What is the caller's tenant's.
    pub(crate) async fn own(&self, caller: &VerifiedCaller) -> Result<Own, Problem> {
        self.own_of(Scope::tenant(caller)).await
    }

    /// What is a tenant's, for an admin who acts for it.
    pub(crate) async fn own_of(&self, scope: Scope) -> Result<Own, Problem> {
        let watchers = self.watchers().await?;
        let reached = self.services.data.tenant(&scope).await?;
        Ok(Own {
            tenant: scope.tenant_id().clone(),
            items: TenantScopedDynamoDb::new(scope.clone(), reached.tables, watchers.clone()),
            results: TenantScopedS3::new(scope, reached.results, watchers),
            secrets: reached.secrets,
        })
    }

    /// The record of the caller's own tenant. It is the platform's, and so read by the
    /// function's own role.
    pub(crate) async fn record(&self, caller: &VerifiedCaller) -> Result<OwnTenant, Problem> {
        let backend = self.services.data.platform().await?;
        Ok(OwnTenant::new(Scope::tenant(caller), backend, self.watchers().await?))
    }

    /// Checks that a tenant's caller asks for its own tenant. Who asks for another is
    /// refused, counted and recorded.
    pub(crate) async fn check_own(
        &self,
        caller: &VerifiedCaller,
        asked: &TenantId,
        operation: &'static str,
    ) -> Result<(), Problem> {
        if caller.tenant() == asked {
            return Ok(());
        }
        let watchers = self.watchers().await?;
        let about = [
            ("tenant", caller.tenant().as_str().into()),
            ("attempted", asked.as_str().into()),
            ("operation", operation.into()),
        ];
        watchers.metrics.count(TENANT_ACCESS_VIOLATIONS, 1, &about);
        let record = AuditRecord {
            at: Timestamp::now(),
            kind: AuditKind::CrossTenantAccess,
            subject: caller.subject().to_owned(),
            tenant_id: Some(caller.tenant().clone()),
            operation,
            tables: Vec::new(),
            attempted: Some(asked.to_string()),
        };
        if let Err(cause) = watchers.audit.record(&record).await {
            tracing::error!(cause, "a violation could not be recorded");
        }
        Err(Problem::forbidden())
    }

    /// The data of the tenant that the path names: the caller's own, or any for an admin.
    pub(crate) async fn named(
        &self,
        caller: &Verified,
        tenant: &TenantId,
        operation: &'static str,
    ) -> Result<Own, Problem> {
        match caller {
            Verified::Tenant(caller) => {
                self.check_own(caller, tenant, operation).await?;
                self.own(caller).await
            }
            Verified::Staff(operator) => {
                let platform = self.platform(operator).await?;
                let scope = match platform.act_for(tenant).await {
                    Err(AccessError::ReadOnly { .. }) => {
                        let detail = "It writes among the tenant's data: it takes an admin.";
                        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
                    }
                    scope => scope?,
                };
                self.own_of(scope).await
            }
        }
    }
}
