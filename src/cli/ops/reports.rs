//! What operators read about tenants, quotas and attacks, through the platform's API.

use std::collections::BTreeMap;
use std::time::Duration;

use runtime_core::api::{Quota, Report as MonthlyReport, SecurityEvent};
use runtime_core::tenant::TenantId;
use serde::Serialize;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime};

use crate::cli::Ctx;
use crate::cli::admin::Admin;
use crate::error::{Context as _, Result};
use crate::ops::reports;
use crate::ui::{Align, Block, Report, Table, Tone, sparkline};

/// A quota that is fuller than this wants attention, in percent.
const BUSY: u64 = 70;

/// The most events that are read for one answer.
const MOST_EVENTS: usize = 10_000;

/// Show how much of the account's quotas the tenants use
///
/// Counted from the tenants' records, the fullest first.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl ops quota-report\n  platformctl ops quota-report -o json --query '[?percent > `70`]'"
)]
pub struct QuotaReportArgs {}

/// Show what looked like an attack: reaches for another tenant's data
///
/// From the audit trail, the newest first.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl ops security-events --since 24h\n  platformctl ops security-events --tenant acme -o jsonl"
)]
pub struct SecurityEventsArgs {
    /// Only those that are not older, such as 90m, 24h or 7days; default: all
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    since: Option<Duration>,
    /// Only those with credentials of this tenant
    #[arg(long, value_name = "TENANT")]
    tenant: Option<TenantId>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Show which tenants used most in a month
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl ops top-tenants\n  platformctl ops top-tenants --by invocations --period 2026-10 --limit 3"
)]
pub struct TopTenantsArgs {
    /// What counts
    #[arg(long, value_enum, default_value = "cost", value_name = "WHAT")]
    by: By,
    /// The month, such as 2026-11; default: this one
    #[arg(long, value_name = "MONTH", value_parser = month)]
    period: Option<Period>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Show how much tenants' agents worked, month by month
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl ops invocation-report\n  platformctl ops invocation-report --since 12 --tenant acme -o json"
)]
pub struct InvocationReportArgs {
    /// How many months, this one included
    #[arg(long, value_name = "MONTHS", default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=36))]
    since: u8,
    /// Only this tenant
    #[arg(long, value_name = "TENANT")]
    tenant: Option<TenantId>,
}

/// What tenants are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum By {
    /// US dollars.
    Cost,
    /// Invocations of agents.
    Invocations,
    /// Jobs.
    Jobs,
    /// Tokens that models read.
    InputTokens,
    /// Tokens that models wrote.
    OutputTokens,
    /// Time in which agents worked.
    Time,
}

impl By {
    /// The report, and its numbers' name.
    const fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Cost => ("cost", "cost"),
            Self::Invocations => ("usage", "invocations"),
            Self::Jobs => ("usage", "jobs"),
            Self::InputTokens => ("usage", "input tokens"),
            Self::OutputTokens => ("usage", "output tokens"),
            Self::Time => ("usage", "time at work"),
        }
    }
}

/// A month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Period {
    year: i32,
    month: Month,
}

impl Period {
    fn now() -> Self {
        let now = OffsetDateTime::now_utc();
        Self { year: now.year(), month: now.month() }
    }

    /// The one before.
    fn before(self) -> Self {
        let month = self.month.previous();
        let year = if month == Month::December { self.year - 1 } else { self.year };
        Self { year, month }
    }

    fn text(self) -> String {
        format!("{:04}-{:02}", self.year, u8::from(self.month))
    }
}

fn month(text: &str) -> Result<Period, String> {
    let parse = || {
        let (year, month) = text.split_once('-').filter(|_| text.len() == 7)?;
        let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
        let date = Date::from_calendar_date(year.parse().ok()?, month, 1).ok()?;
        Some(Period { year: date.year(), month: date.month() })
    };
    parse().ok_or_else(|| "write a month such as 2026-11".to_owned())
}

/// Quotas.
#[derive(Debug)]
pub struct QuotasReport(Vec<Quota>);

pub(super) async fn quotas(ctx: &Ctx, _: &QuotaReportArgs) -> Result<QuotasReport> {
    let admin = Admin::connect(ctx).await?;
    Ok(QuotasReport(reports::quotas(&admin.api).await?))
}

fn percent(quota: &Quota) -> u64 {
    (quota.used.saturating_mul(100)).checked_div(quota.limit).unwrap_or(100)
}

impl Report for QuotasReport {
    fn value(&self) -> Value {
        let row = |quota: &Quota| {
            json!({
                "service": quota.service, "name": quota.name, "used": quota.used,
                "limit": quota.limit, "percent": percent(quota),
            })
        };
        self.0.iter().map(row).collect()
    }

    fn blocks(&self) -> Vec<Block> {
        let mut table = Table::new(&[
            ("service", Align::Left),
            ("quota", Align::Left),
            ("used", Align::Right),
            ("limit", Align::Right),
            ("%", Align::Right),
        ]);
        for quota in &self.0 {
            let full = percent(quota);
            let tone = if full > BUSY { Tone::Busy } else { Tone::Plain };
            let plain = |text: String| (text, Tone::Plain);
            table.toned_row([
                plain(crate::http::printable(&quota.service, 40)),
                plain(crate::http::printable(&quota.name, 80)),
                plain(quota.used.to_string()),
                plain(quota.limit.to_string()),
                (full.to_string(), tone),
            ]);
        }
        vec![Block::Table(table)]
    }
}

/// Events.
#[derive(Debug)]
pub struct EventsReport(Vec<SecurityEvent>);

pub(super) async fn security_events(ctx: &Ctx, args: &SecurityEventsArgs) -> Result<EventsReport> {
    let admin = Admin::connect(ctx).await?;
    let from = match args.since {
        Some(since) => (OffsetDateTime::now_utc() - since)
            .format(&Rfc3339)
            .context("cannot format the time")?,
        None => String::new(),
    };
    let mut events = reports::security_events(&admin.api, MOST_EVENTS).await?;
    events.retain(|event| {
        // Both are in UTC, and written the same way up to the seconds.
        event.seen_at.get(..19) >= from.get(..19)
            && args.tenant.as_ref().is_none_or(|tenant| event.tenant_id.as_ref() == Some(tenant))
    });
    events.sort_by(|one, other| other.seen_at.cmp(&one.seen_at));
    events.truncate(args.limit as usize);
    Ok(EventsReport(events))
}

impl Report for EventsReport {
    fn value(&self) -> Value {
        json!(self.0)
    }

    fn blocks(&self) -> Vec<Block> {
        if self.0.is_empty() {
            return vec![Block::Text("nothing looked like an attack".to_owned())];
        }
        let mut table = Table::new(&[
            ("seen", Align::Left),
            ("tenant", Align::Left),
            ("what", Align::Left),
            ("id", Align::Left),
        ]);
        for event in &self.0 {
            let seen = event.seen_at.get(..19).unwrap_or(&event.seen_at).replace('T', " ");
            table.row([
                crate::http::printable(&seen, 20),
                event.tenant_id.as_ref().map_or_else(|| "unknown".to_owned(), TenantId::to_string),
                crate::http::printable(&event.kind, 60),
                crate::http::printable(&event.id, 60),
            ]);
        }
        vec![Block::Table(table)]
    }
}

/// A tenant's number, and its share of all.
#[derive(Debug, Serialize)]
struct Share {
    tenant: TenantId,
    value: f64,
    unit: String,
    percent: f64,
}

/// The tenants that used most.
#[derive(Debug)]
pub struct TopReport {
    period: String,
    what: &'static str,
    rows: Vec<Share>,
}

pub(super) async fn top_tenants(ctx: &Ctx, args: &TopTenantsArgs) -> Result<TopReport> {
    let admin = Admin::connect(ctx).await?;
    let (report, what) = args.by.place();
    let period = args.period.unwrap_or_else(Period::now).text();
    let MonthlyReport { rows, period, .. } = reports::monthly(&admin.api, report, &period).await?;
    let rows: Vec<_> = rows.into_iter().filter(|row| row.name == what).collect();
    let all: f64 = rows.iter().map(|row| row.value).sum();
    let mut rows: Vec<_> = rows
        .into_iter()
        .map(|row| Share {
            tenant: row.tenant_id,
            percent: if all > 0.0 { row.value / all * 100.0 } else { 0.0 },
            value: row.value,
            unit: row.unit,
        })
        .collect();
    rows.sort_by(|one, other| other.value.total_cmp(&one.value));
    rows.truncate(args.limit as usize);
    Ok(TopReport { period, what, rows })
}

impl Report for TopReport {
    fn value(&self) -> Value {
        json!({ "period": self.period, "by": self.what, "tenants": self.rows })
    }

    fn blocks(&self) -> Vec<Block> {
        let period = crate::http::printable(&self.period, 10);
        if self.rows.is_empty() {
            return vec![Block::Text(format!("no tenant used anything in {period}"))];
        }
        let mut table = Table::new(&[
            ("tenant", Align::Left),
            (self.what, Align::Right),
            ("", Align::Left),
            ("%", Align::Right),
        ]);
        for row in &self.rows {
            let digits = if row.unit == "USD" { 2 } else { 0 };
            table.row([
                row.tenant.to_string(),
                format!("{:.digits$}", row.value),
                crate::http::printable(&row.unit, 20),
                format!("{:.0}", row.percent),
            ]);
        }
        vec![Block::Heading(format!("{} by tenant, {period}", self.what)), Block::Table(table)]
    }
}

/// What each tenant's agents did, month by month.
#[derive(Debug)]
pub struct InvocationsReport {
    periods: Vec<String>,
    /// By tenant and name: a number for each month, the oldest first.
    tenants: BTreeMap<TenantId, BTreeMap<String, Vec<f64>>>,
}

pub(super) async fn invocations(
    ctx: &Ctx,
    args: &InvocationReportArgs,
) -> Result<InvocationsReport> {
    let admin = Admin::connect(ctx).await?;
    let mut months = vec![Period::now()];
    for _ in 1..args.since {
        months.extend(months.last().map(|month| month.before()));
    }
    months.reverse();
    let periods: Vec<_> = months.into_iter().map(Period::text).collect();
    let mut tenants: BTreeMap<TenantId, BTreeMap<String, Vec<f64>>> = BTreeMap::new();
    for (index, period) in periods.iter().enumerate() {
        for row in reports::monthly(&admin.api, "usage", period).await?.rows {
            if args.tenant.as_ref().is_none_or(|tenant| *tenant == row.tenant_id) {
                let numbers = tenants.entry(row.tenant_id).or_default().entry(row.name);
                let numbers = numbers.or_insert_with(|| vec![0.0; periods.len()]);
                numbers[index] += row.value;
            }
        }
    }
    Ok(InvocationsReport { periods, tenants })
}

impl Report for InvocationsReport {
    fn value(&self) -> Value {
        let tenants = self.tenants.iter().map(|(id, used)| json!({ "tenant": id, "used": used }));
        json!({ "periods": self.periods, "tenants": tenants.collect::<Vec<_>>() })
    }

    fn blocks(&self) -> Vec<Block> {
        let last = self.periods.last().map_or("", String::as_str);
        let first = self.periods.first().map_or("", String::as_str);
        if self.tenants.is_empty() {
            return vec![Block::Text(format!("no agent was invoked from {first} to {last}"))];
        }
        let mut table = Table::new(&[
            ("tenant", Align::Left),
            ("invocations", Align::Right),
            ("trend", Align::Left),
            ("jobs", Align::Right),
            ("input tokens", Align::Right),
            ("output tokens", Align::Right),
        ]);
        for (tenant, used) in &self.tenants {
            let none = vec![0.0; self.periods.len()];
            let of = |name: &str| used.get(name).unwrap_or(&none);
            let newest = |name: &str| format!("{:.0}", of(name).last().copied().unwrap_or(0.0));
            table.row([
                tenant.to_string(),
                newest("invocations"),
                sparkline(of("invocations")),
                newest("jobs"),
                newest("input tokens"),
                newest("output tokens"),
            ]);
        }
        let heading = format!("numbers of {last}, trend since {first}");
        vec![Block::Heading(heading), Block::Table(table)]
    }
}
