mod dlq;
mod dlq_inspect;
mod dlq_list;
pub(super) mod dlq_purge;
pub(super) mod dlq_redrive;
mod dlq_redriven;

use runtime_core::tenant::TenantId;

use super::Ctx;
use super::tenant::{ChangeOptions, execute, suspension};
use crate::error::Result;
use crate::ui::Report;

/// What operators do in a hurry
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "Examples:\n  platformctl ops suspend-tenant acme --reason 'keys leaked'\n  platformctl ops reinstate-tenant acme --reason 'keys replaced'\n  platformctl ops dlq-list\n  platformctl ops dlq-redrive jobs --canary 5"
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
    /// Let a suspended tenant use the platform again; the same as `tenant reinstate`
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
    DlqList(dlq_list::ListArgs),
    DlqInspect(dlq_inspect::InspectArgs),
    DlqRedrive(dlq_redrive::RedriveArgs),
    DlqPurge(dlq_purge::PurgeArgs),
}

/// Runs `ops`.
pub async fn run(ctx: &Ctx, verb: OpsVerb) -> Result<Box<dyn Report>> {
    let order = match verb {
        OpsVerb::DlqList(args) => return Ok(Box::new(dlq_list::run(ctx, &args).await?)),
        OpsVerb::DlqInspect(args) => return Ok(Box::new(dlq_inspect::run(ctx, &args).await?)),
        OpsVerb::DlqRedrive(args) => return Ok(Box::new(dlq_redrive::run(ctx, args).await?)),
        OpsVerb::DlqPurge(args) => return Ok(Box::new(dlq_purge::run(ctx, args).await?)),
        OpsVerb::SuspendTenant { tenant, options } => suspension(tenant, &options, true),
        OpsVerb::ReinstateTenant { tenant, options } => suspension(tenant, &options, false),
    };
    Ok(Box::new(execute(ctx, order, None).await?))
}
