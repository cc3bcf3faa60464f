use std::time::Duration;

use runtime_core::api::{ErrorRate, TenantStatus};
use runtime_core::tenant::TenantId;
use serde_json::{Value, json};

use crate::cli::Ctx;
use crate::cli::admin::Admin;
use crate::error::{Error, Result};
use crate::ops::{Api, tenants};
use crate::ui::{Align, Block, Report, Table, Tone, sparkline};

/// A share of failures that wants attention, from 0 to 1.
pub(super) const BUSY: f64 = 0.05;

/// Tenants that are asked about at a time.
const AT_A_TIME: usize = 8;

/// Show how many invocations of tenants' agents failed, the worst first
///
/// Counted from the invocations themselves; what is still at work is not in the numbers.
/// Each look is in the tenant's audit trail.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl ops error-rate\n  platformctl ops error-rate --since 1h --tenant acme\n  platformctl ops error-rate --since 7days -o json --query 'tenants[?rate > `0.05`].tenant_id'"
)]
pub struct ErrorRateArgs {
    /// How far back, from 1m to 30days
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = since)]
    since: Duration,
    /// Only this tenant; default: all that are not being deleted
    #[arg(long, value_name = "TENANT")]
    tenant: Option<TenantId>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// The time that the API takes.
pub(super) fn since(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let known = (60..=2_592_000).contains(&time.as_secs());
    known.then_some(time).ok_or_else(|| "write 1m to 30days".to_owned())
}

/// How often agents failed.
#[derive(Debug)]
pub struct ErrorsReport {
    since: Duration,
    /// Of all that were asked about, also those that are not shown.
    invocations: u64,
    failed: u64,
    tenants: Vec<ErrorRate>,
}

pub(super) async fn run(ctx: &Ctx, args: &ErrorRateArgs) -> Result<ErrorsReport> {
    let admin = Admin::connect(ctx).await?;
    let ids = match &args.tenant {
        Some(tenant) => vec![tenant.clone()],
        None => all(&admin.api).await?,
    };
    let mut rates = read(admin.api, ids, args.since.as_secs()).await?;
    let (invocations, failed) = total(&rates);
    rates.sort_by(|one, other| {
        other.rate.total_cmp(&one.rate).then_with(|| one.tenant_id.cmp(&other.tenant_id))
    });
    rates.truncate(args.limit as usize);
    Ok(ErrorsReport { since: args.since, invocations, failed, tenants: rates })
}

/// Everybody whose agents may be called.
pub(super) async fn all(api: &Api) -> Result<Vec<TenantId>> {
    let all = tenants::list(api, usize::MAX).await?.into_iter();
    Ok(all.filter(|it| it.status != TenantStatus::Deleting).map(|it| it.id).collect())
}

/// The rates of tenants, in no order.
pub(super) async fn read(api: Api, ids: Vec<TenantId>, seconds: u64) -> Result<Vec<ErrorRate>> {
    let api = std::sync::Arc::new(api);
    let mut asked = tokio::task::JoinSet::new();
    let mut ids = ids.into_iter();
    let mut rates = Vec::new();
    loop {
        while asked.len() < AT_A_TIME
            && let Some(id) = ids.next()
        {
            let api = std::sync::Arc::clone(&api);
            asked.spawn(async move { tenants::error_rate(&api, &id, seconds).await });
        }
        let Some(answered) = asked.join_next().await else { return Ok(rates) };
        let rate =
            answered.map_err(|error| Error::failed("a request panicked").caused_by(error))?;
        rates.push(rate?);
    }
}

/// Invocations and failures of all.
pub(super) fn total(rates: &[ErrorRate]) -> (u64, u64) {
    let sum = |of: fn(&ErrorRate) -> u64| rates.iter().map(of).sum();
    (sum(|it| it.invocations), sum(|it| it.failed))
}

/// The failures of each part of the time, as a trend.
#[expect(clippy::cast_precision_loss, reason = "bars have eight heights")]
pub(super) fn trend(rate: &ErrorRate) -> String {
    sparkline(&rate.steps.iter().map(|step| step.failed as f64).collect::<Vec<_>>())
}

impl Report for ErrorsReport {
    fn value(&self) -> Value {
        json!({
            "since_seconds": self.since.as_secs(), "invocations": self.invocations,
            "failed": self.failed, "tenants": self.tenants,
        })
    }

    fn blocks(&self) -> Vec<Block> {
        let since = humantime::format_duration(self.since);
        let mut table = Table::new(&[
            ("tenant", Align::Left),
            ("invocations", Align::Right),
            ("failed", Align::Right),
            ("%", Align::Right),
            ("failures", Align::Left),
            ("worst agent", Align::Left),
        ]);
        let called = || self.tenants.iter().filter(|it| it.invocations > 0);
        if called().next().is_none() {
            return vec![Block::Text(format!("no agent was invoked in the last {since}"))];
        }
        for rate in called() {
            let plain = |text: String| (text, Tone::Plain);
            let tone = if rate.rate > BUSY { Tone::Bad } else { Tone::Plain };
            let agent = rate.agents.first().filter(|it| it.failed > 0);
            let agent = agent.map(|it| crate::http::printable(&it.agent, 48));
            let more = if rate.complete { "" } else { "+" };
            table.toned_row([
                plain(rate.tenant_id.to_string()),
                plain(format!("{}{more}", rate.invocations)),
                plain(format!("{}{more}", rate.failed)),
                (format!("{:.1}", rate.rate * 100.0), tone),
                plain(trend(rate)),
                plain(agent.unwrap_or_else(|| "-".to_owned())),
            ]);
        }
        let heading =
            format!("{} of {} invocations failed, last {since}", self.failed, self.invocations);
        vec![Block::Heading(heading), Block::Table(table)]
    }
}
