use runtime_core::tenant::{TenantId, Tier};

use super::{ChangeOptions, Order, WaitOptions, Work, tier};
use crate::error::{Error, Result};

/// Make a tenant
///
/// Pooled tenants are there within seconds; those with a stack of their own take minutes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl tenant create acme --tier basic --email ops@acme.example\n  platformctl tenant create globex --tier premium --email ops@globex.example --monthly-usd 2000"
)]
pub struct CreateArgs {
    /// The tenant's id: 3 to 22 of a-z, 0-9 and single hyphens
    #[arg(value_name = "TENANT")]
    tenant: TenantId,
    /// Its tier: basic, standard or premium
    #[arg(long, value_name = "TIER", value_parser = tier)]
    tier: Tier,
    /// Who hears of its budget
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// Its monthly budget in US dollars; default: that of the tier
    #[arg(long, value_name = "USD", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    monthly_usd: Option<u32>,
    /// Why; kept in the journal and in the platform's audit trail
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Show what would be made and stop
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    wait: WaitOptions,
}

/// Change a tenant's tier, address or budget
///
/// What is not given stays. It is refused when somebody else changes the tenant meanwhile.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl tenant update acme --tier standard --reason 'contract of May'\n  platformctl tenant update acme --monthly-usd 500 --reason 'asked for by mail' --dry-run"
)]
pub struct UpdateArgs {
    /// The tenant's id
    #[arg(value_name = "TENANT")]
    tenant: TenantId,
    /// Another tier: basic, standard or premium
    #[arg(long, value_name = "TIER", value_parser = tier)]
    tier: Option<Tier>,
    /// Who hears of its budget
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Another monthly budget in US dollars
    #[arg(long, value_name = "USD", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    monthly_usd: Option<u32>,
    #[command(flatten)]
    options: ChangeOptions,
}

/// Keep a tenant from using the platform; nothing of it is deleted
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl tenant suspend acme --reason 'unpaid since May'\n  platformctl tenant suspend acme --reason 'keys leaked' --no-wait"
)]
pub struct SuspendArgs {
    /// The tenant's id
    #[arg(value_name = "TENANT")]
    pub(super) tenant: TenantId,
    #[command(flatten)]
    pub(super) options: ChangeOptions,
}

/// Let a suspended tenant use the platform again
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  platformctl tenant reinstate acme --reason 'paid'")]
pub struct ReinstateArgs {
    /// The tenant's id
    #[arg(value_name = "TENANT")]
    pub(super) tenant: TenantId,
    #[command(flatten)]
    pub(super) options: ChangeOptions,
}

/// Delete a tenant and all that is its own
///
/// The tenant's id has to be typed, or --yes given.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl tenant delete acme --reason 'contract ended' --dry-run\n  platformctl tenant delete acme --reason 'contract ended'\n  platformctl tenant delete acme --reason 'contract ended' --yes    for CI"
)]
pub struct DeleteArgs {
    /// The tenant's id
    #[arg(value_name = "TENANT")]
    tenant: TenantId,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    options: ChangeOptions,
}

impl CreateArgs {
    pub(super) fn order(self) -> Order {
        let Self { tenant, tier, email, monthly_usd, reason, dry_run, wait } = self;
        let work = Work::Create { tier, email, monthly_usd };
        Order { tenant, work, reason, dry_run, yes: false, wait: wait.patience() }
    }
}

impl UpdateArgs {
    pub(super) fn order(self) -> Result<Order> {
        let Self { tenant, tier, email, monthly_usd, options } = self;
        if tier.is_none() && email.is_none() && monthly_usd.is_none() {
            return Err(Error::usage("nothing is to be changed")
                .hint("give another `--tier`, `--email` or `--monthly-usd`"));
        }
        Ok(options.order(tenant, Work::Update { tier, email, monthly_usd }))
    }
}

impl DeleteArgs {
    pub(super) fn order(self) -> Order {
        Order { yes: self.yes, ..self.options.order(self.tenant, Work::Delete) }
    }
}
