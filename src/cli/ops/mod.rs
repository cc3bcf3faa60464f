mod dlq;
mod dlq_inspect;
mod dlq_list;
pub(super) mod dlq_purge;
pub(super) mod dlq_redrive;
mod dlq_redriven;
mod error_rate;
mod failover_lock;
mod failover_status;
mod notify_tenant;
mod overview;
mod policy;
mod reports;
pub(super) mod set_runtime_region;
mod tenant_sessions;

use runtime_core::tenant::TenantId;

use super::Ctx;
use super::tenant::{ChangeOptions, ExportArgs, execute, suspension};
use crate::error::Result;
use crate::ui::Report;

/// What operators do in a hurry
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "Examples:\n  platformctl ops                           on a terminal: all of it, live\n  platformctl ops suspend-tenant acme --reason 'keys leaked'\n  platformctl ops reinstate-tenant acme --reason 'keys replaced'\n  platformctl ops dlq-list\n  platformctl ops dlq-redrive jobs --canary 5"
)]
pub enum OpsVerb {
    /// Keep a tenant from using the platform; the same as `tenant suspend`
    #[command(
        after_help = "Example:\n  platformctl ops suspend-tenant acme --reason 'keys leaked' --no-wait"
    )]
    SuspendTenant {
        /// The tenant's id
        #[arg(value_name = "TENANT")]
        tenant: TenantId,
        #[command(flatten)]
        options: ChangeOptions,
    },
    /// Let a suspended tenant in again; the same as `tenant reinstate`
    #[command(
        after_help = "Example:\n  platformctl ops reinstate-tenant acme --reason 'keys replaced'"
    )]
    ReinstateTenant {
        /// The tenant's id
        #[arg(value_name = "TENANT")]
        tenant: TenantId,
        #[command(flatten)]
        options: ChangeOptions,
    },
    NotifyTenant(notify_tenant::NotifyArgs),
    TenantSessions(tenant_sessions::SessionsArgs),
    ErrorRate(error_rate::ErrorRateArgs),
    QuotaReport(reports::QuotaReportArgs),
    SecurityEvents(reports::SecurityEventsArgs),
    TopTenants(reports::TopTenantsArgs),
    InvocationReport(reports::InvocationReportArgs),
    /// Export the audit trail of a tenant; the same as `tenant audit-export`
    #[command(
        after_help = "Example:\n  platformctl ops audit-export acme --from 2026-10-01 --to 2026-10-31 --reason 'yearly audit'"
    )]
    AuditExport(ExportArgs),
    FailoverLockAcquire(failover_lock::AcquireArgs),
    FailoverLockRelease(failover_lock::ReleaseArgs),
    FailoverLockShow(failover_lock::ShowArgs),
    FailoverStatus(failover_status::StatusArgs),
    SetRuntimeRegion(set_runtime_region::SetArgs),
    DlqList(dlq_list::ListArgs),
    DlqInspect(dlq_inspect::InspectArgs),
    DlqRedrive(dlq_redrive::RedriveArgs),
    DlqPurge(dlq_purge::PurgeArgs),
    Policy(policy::PolicyArgs),
    Overview(overview::OverviewArgs),
}

/// Runs `ops`.
pub async fn run(ctx: &Ctx, verb: OpsVerb) -> Result<Box<dyn Report>> {
    let order = match verb {
        OpsVerb::QuotaReport(args) => return Ok(Box::new(reports::quotas(ctx, &args).await?)),
        OpsVerb::SecurityEvents(args) => {
            return Ok(Box::new(reports::security_events(ctx, &args).await?));
        }
        OpsVerb::TopTenants(args) => return Ok(Box::new(reports::top_tenants(ctx, &args).await?)),
        OpsVerb::InvocationReport(args) => {
            return Ok(Box::new(reports::invocations(ctx, &args).await?));
        }
        OpsVerb::TenantSessions(args) => {
            return Ok(Box::new(tenant_sessions::run(ctx, &args).await?));
        }
        OpsVerb::ErrorRate(args) => return Ok(Box::new(error_rate::run(ctx, &args).await?)),
        OpsVerb::NotifyTenant(args) => args.order()?,
        OpsVerb::AuditExport(args) => args.order()?,
        OpsVerb::Policy(args) => return Ok(Box::new(policy::run(ctx, &args)?)),
        OpsVerb::DlqList(args) => return Ok(Box::new(dlq_list::run(ctx, &args).await?)),
        OpsVerb::DlqInspect(args) => return Ok(Box::new(dlq_inspect::run(ctx, &args).await?)),
        OpsVerb::DlqRedrive(args) => return Ok(Box::new(dlq_redrive::run(ctx, args).await?)),
        OpsVerb::Overview(args) => return Ok(Box::new(overview::run(ctx, &args).await?)),
        OpsVerb::DlqPurge(args) => return Ok(Box::new(dlq_purge::run(ctx, args).await?)),
        OpsVerb::SuspendTenant { tenant, options } => suspension(tenant, &options, true),
        OpsVerb::ReinstateTenant { tenant, options } => suspension(tenant, &options, false),
        OpsVerb::FailoverLockAcquire(args) => return failover_lock::acquire(ctx, &args).await,
        OpsVerb::FailoverLockRelease(args) => return failover_lock::release(ctx, &args).await,
        OpsVerb::FailoverLockShow(args) => return failover_lock::shown(ctx, &args).await,
        OpsVerb::FailoverStatus(args) => {
            return Ok(Box::new(failover_status::run(ctx, &args).await?));
        }
        OpsVerb::SetRuntimeRegion(args) => {
            return Ok(Box::new(set_runtime_region::run(ctx, args).await?));
        }
    };
    Ok(Box::new(execute(ctx, order, None).await?))
}
