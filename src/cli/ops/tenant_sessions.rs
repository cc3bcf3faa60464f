use std::time::Duration;

use runtime_core::api::Session;
use runtime_core::tenant::TenantId;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::Ctx;
use crate::cli::admin::Admin;
use crate::error::{Context as _, Result};
use crate::ops::tenants;
use crate::ui::{Align, Block, Report, Table};

/// The most sessions that are read for one answer.
const MOST: usize = 10_000;

/// Show the sessions of a tenant that have not ended, the newest first
///
/// Each look is in the tenant's audit trail.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl ops tenant-sessions acme\n  platformctl ops tenant-sessions acme --since 1h --agent helper -o json --query '[].id'"
)]
pub struct SessionsArgs {
    /// The tenant's id
    #[arg(value_name = "TENANT")]
    tenant: TenantId,
    /// Only those that began since, such as 90m or 24h; default: all
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    since: Option<Duration>,
    /// Only those with this agent
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Sessions.
#[derive(Debug)]
pub struct SessionsReport {
    tenant: TenantId,
    sessions: Vec<Session>,
    /// Those that were chosen, and not shown.
    more: usize,
}

pub(super) async fn run(ctx: &Ctx, args: &SessionsArgs) -> Result<SessionsReport> {
    let admin = Admin::connect(ctx).await?;
    let from = match args.since {
        Some(since) => (OffsetDateTime::now_utc() - since)
            .format(&Rfc3339)
            .context("cannot format the time")?,
        None => String::new(),
    };
    let mut sessions = tenants::sessions(&admin.api, &args.tenant, MOST).await?;
    sessions.retain(|session| {
        // Both are in UTC, and written the same way up to the seconds.
        session.created_at.get(..19) >= from.get(..19)
            && args.agent.as_ref().is_none_or(|agent| *agent == session.agent)
    });
    sessions.sort_by(|one, other| other.created_at.cmp(&one.created_at));
    let more = sessions.len().saturating_sub(args.limit as usize);
    sessions.truncate(args.limit as usize);
    Ok(SessionsReport { tenant: args.tenant.clone(), sessions, more })
}

impl Report for SessionsReport {
    fn value(&self) -> Value {
        json!(self.sessions)
    }

    fn blocks(&self) -> Vec<Block> {
        if self.sessions.is_empty() {
            return vec![Block::Text(format!("tenant {} has no such session", self.tenant))];
        }
        let mut table = Table::new(&[
            ("session", Align::Left),
            ("agent", Align::Left),
            ("began", Align::Left),
            ("ends", Align::Left),
        ]);
        for session in &self.sessions {
            let moment = |text: &str| {
                let text = text.get(..19).unwrap_or(text).replace('T', " ");
                crate::http::printable(&text, 20)
            };
            table.row([
                crate::http::printable(&session.id, 64),
                crate::http::printable(&session.agent, 48),
                moment(&session.created_at),
                moment(&session.expires_at),
            ]);
        }
        let mut blocks = vec![Block::Table(table)];
        if self.more > 0 {
            blocks.push(Block::Text(format!("{} more; ask with a larger `--limit`", self.more)));
        }
        blocks
    }
}
