mod change;
mod export;
mod order;
mod read;

use std::time::Duration;

use clap::Args;
use runtime_core::api::{Tenant, TenantStatus};
use runtime_core::tenant::{TenantId, Tier};

use super::Ctx;
use crate::error::Result;
use crate::ops::tenants::status_name;
use crate::ui::{Align, Report, Table, Tone};

pub(super) use export::ExportArgs;
pub(super) use order::{NOTIFY, execute};
pub(super) use order::{Order, Work};

/// Make, change and look at tenants
///
/// Through the platform's own API, with its checks and its audit trail: `platformctl
/// login` first. Where it is, the deployed stack says, or PLATFORMCTL_API_URL. What harms
/// is journaled, and can be resumed.
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "Examples:\n  platformctl tenant create acme --tier basic --email ops@acme.example\n  platformctl tenant list\n  platformctl tenant suspend acme --reason 'unpaid since May'"
)]
pub enum TenantVerb {
    Create(change::CreateArgs),
    List(read::ListArgs),
    Show(read::ShowArgs),
    Update(change::UpdateArgs),
    Suspend(change::SuspendArgs),
    Reinstate(change::ReinstateArgs),
    Delete(change::DeleteArgs),
    AuditExport(export::ExportArgs),
}

/// Runs `tenant`.
pub async fn run(ctx: &Ctx, verb: TenantVerb) -> Result<Box<dyn Report>> {
    let order = match verb {
        TenantVerb::List(args) => return Ok(Box::new(read::list(ctx, &args).await?)),
        TenantVerb::Show(args) => return Ok(Box::new(read::show(ctx, &args).await?)),
        TenantVerb::Create(args) => args.order(),
        TenantVerb::Update(args) => args.order()?,
        TenantVerb::Suspend(args) => suspension(args.tenant, &args.options, true),
        TenantVerb::Reinstate(args) => suspension(args.tenant, &args.options, false),
        TenantVerb::Delete(args) => args.order(),
        TenantVerb::AuditExport(args) => args.order()?,
    };
    Ok(Box::new(execute(ctx, order, None).await?))
}

/// The order to suspend or reinstate a tenant.
pub(super) fn suspension(tenant: TenantId, options: &ChangeOptions, suspend: bool) -> Order {
    let work = if suspend { Work::Suspend } else { Work::Reinstate };
    options.order(tenant, work)
}

/// What every change of a tenant can be told.
#[derive(Debug, Args)]
pub struct ChangeOptions {
    /// Why; kept in the journal and in the platform's audit trail
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Show what would be changed and stop
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    wait: WaitOptions,
}

/// How a change is waited for.
#[derive(Debug, Args)]
pub struct WaitOptions {
    /// Do not wait until the platform has carried it out
    #[arg(long)]
    no_wait: bool,
    /// How long to wait, such as 90s or 15m
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

impl ChangeOptions {
    fn order(&self, tenant: TenantId, work: Work) -> Order {
        Order {
            tenant,
            work,
            reason: self.reason.clone(),
            dry_run: self.dry_run,
            yes: false,
            wait: self.wait.patience(),
        }
    }
}

impl WaitOptions {
    /// How long to wait, in seconds; none: not at all.
    fn patience(&self) -> Option<u64> {
        (!self.no_wait).then_some(self.timeout.as_secs())
    }
}

/// The tier that a name stands for.
fn tier(name: &str) -> Result<Tier, String> {
    let known = Tier::ALL.into_iter().find(|tier| tier.name() == name);
    known.ok_or_else(|| format!("tiers: {}", Tier::ALL.map(Tier::name).join(", ")))
}

/// Tenants as people read them.
fn table<'a>(tenants: impl IntoIterator<Item = &'a Tenant>) -> Table {
    let mut table = Table::new(&[
        ("tenant", Align::Left),
        ("tier", Align::Left),
        ("status", Align::Left),
        ("USD a month", Align::Right),
        ("made", Align::Left),
    ]);
    for tenant in tenants {
        let made = tenant.created_at.get(..16).unwrap_or(&tenant.created_at).replace('T', " ");
        let plain = |text: String| (text, Tone::Plain);
        table.toned_row([
            plain(tenant.id.to_string()),
            plain(tenant.tier.name().to_owned()),
            (status_name(tenant.status).to_owned(), tone(tenant.status)),
            plain(tenant.monthly_usd.to_string()),
            plain(crate::http::printable(&made, 20)),
        ]);
    }
    table
}

const fn tone(status: TenantStatus) -> Tone {
    match status {
        TenantStatus::Active => Tone::Good,
        TenantStatus::Provisioning | TenantStatus::Deleting | TenantStatus::Suspended => Tone::Busy,
        TenantStatus::Failed => Tone::Bad,
    }
}
