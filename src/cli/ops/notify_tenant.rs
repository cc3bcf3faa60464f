use runtime_core::tenant::TenantId;

use crate::cli::tenant::{Order, Work};
use crate::error::{Error, Result};

/// The longest subject and message, in characters: those of the API's contract.
const LONGEST_SUBJECT: usize = 200;
const LONGEST_MESSAGE: usize = 10_000;

/// Tell a tenant something
///
/// The notice is kept for a year, is in the tenant's audit trail, and is published on the
/// platform's event bus as `platform.tenant.notified`: whatever passes such events on to
/// people (a rule of yours to a mail or chat system) delivers it. Sent twice by one run, it
/// is one notice.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl ops notify-tenant acme --subject 'Maintenance' --message 'On Sunday from 02:00 to 03:00 UTC.' --reason 'planned work'\n  platformctl ops notify-tenant acme --subject 'Suspended' --message 'Your budget is used up.' --dry-run"
)]
pub struct NotifyArgs {
    /// The tenant's id
    #[arg(value_name = "TENANT")]
    tenant: TenantId,
    /// What it is about
    #[arg(long, value_name = "TEXT")]
    subject: String,
    /// What it says
    #[arg(long, value_name = "TEXT")]
    message: String,
    /// Why; kept in the journal and in the platform's audit trail
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Show what would be sent and stop
    #[arg(long)]
    dry_run: bool,
}

impl NotifyArgs {
    pub(super) fn order(self) -> Result<Order> {
        let Self { tenant, subject, message, reason, dry_run } = self;
        for (what, text, longest) in
            [("subject", &subject, LONGEST_SUBJECT), ("message", &message, LONGEST_MESSAGE)]
        {
            let length = text.chars().count();
            if text.trim().is_empty() || length > longest {
                return Err(Error::usage(format!(
                    "the {what} has {length} characters, expected 1 to {longest}"
                )));
            }
        }
        let work = Work::Notify { subject, message };
        Ok(Order { tenant, work, reason, dry_run, yes: false, wait: None })
    }
}
