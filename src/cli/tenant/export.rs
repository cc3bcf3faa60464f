use runtime_core::tenant::TenantId;
use time::Date;
use time::macros::format_description;

use super::{Order, Work};
use crate::error::{Error, Result};

/// Export the audit trail of a tenant
///
/// The platform writes it to its bucket in the background; what is printed is the job
/// that does so.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl tenant audit-export acme --from 2026-10-01 --to 2026-10-31 --reason 'yearly audit'\n  platformctl tenant audit-export acme --from 2026-11-20 --to 2026-11-20 --reason 'incident 7' -o json"
)]
pub struct ExportArgs {
    /// The tenant's id
    #[arg(value_name = "TENANT")]
    tenant: TenantId,
    /// The first day, such as 2026-10-01, in UTC
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Date,
    /// The last day
    #[arg(long, value_name = "DATE", value_parser = date)]
    to: Date,
    /// Why; kept in the journal and in the platform's audit trail
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Show what would be exported and stop
    #[arg(long)]
    dry_run: bool,
}

impl ExportArgs {
    pub(in crate::cli) fn order(self) -> Result<Order> {
        let Self { tenant, from, to, reason, dry_run } = self;
        if from > to {
            return Err(Error::usage(format!("the first day, {from}, is after the last, {to}")));
        }
        let work = Work::AuditExport { from: from.to_string(), to: to.to_string() };
        Ok(Order { tenant, work, reason, dry_run, yes: false, wait: None })
    }
}

fn date(text: &str) -> Result<Date, String> {
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map_err(|_| "write a day such as 2026-10-01".to_owned())
}
