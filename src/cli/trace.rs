use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Ctx;
use crate::aws::{Regional, TraceSummary};
use crate::error::{Error, Result};
use crate::signal::Cancel;
use crate::trace::{Trace, timeline};
use crate::ui::{Align, Block, Report, Table};

/// How long X-Ray may take until a trace can be read, and how often it is asked.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_secs(1);

/// Draw a trace's timeline, or list recent traces
///
/// X-Ray takes some seconds until a trace can be read. `platformctl invoke --trace` asks
/// for one and says its id; log lines carry it as `trace_id`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl trace --since 30m\n  platformctl trace 1-5759e988-bd862e3fe1be46a994272793 --wait\n  platformctl trace 1-5759e988-bd862e3fe1be46a994272793 -o json"
)]
pub struct TraceArgs {
    /// The trace's id, or a whole trace header; without one, traces are listed
    #[arg(value_name = "ID", value_parser = trace_id)]
    id: Option<String>,
    /// List the traces that began in this time
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = humantime::parse_duration, conflicts_with = "id")]
    since: Duration,
    /// Wait for a trace that is not there yet, for at most a minute
    #[arg(long, requires = "id")]
    wait: bool,
    /// Ask this region, instead of the home region
    #[arg(long = "in", value_name = "REGION")]
    region_of_it: Option<String>,
}

/// An id as X-Ray has it, also out of a header.
fn trace_id(text: &str) -> Result<String, String> {
    let id = text.split(';').find_map(|part| part.trim().strip_prefix("Root=")).unwrap_or(text);
    let hex = |part: &str, digits| {
        part.len() == digits && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match id.split('-').collect::<Vec<_>>()[..] {
        ["1", time, random] if hex(time, 8) && hex(random, 24) => Ok(id.to_owned()),
        _ => Err("not a trace's id; one looks like 1-5759e988-bd862e3fe1be46a994272793".to_owned()),
    }
}

/// Runs `trace`.
pub async fn run(ctx: &Ctx, args: &TraceArgs) -> Result<Box<dyn Report>> {
    let settings = ctx.settings()?;
    let connection = ctx.connect(&settings).await?;
    let region = args.region_of_it.as_deref().unwrap_or(&settings.config.region);
    let aws = connection.aws.of(region)?;
    match &args.id {
        Some(id) => Ok(Box::new(TraceReport(read(aws, id, args.wait, &ctx.cancel).await?))),
        None => Ok(Box::new(TracesReport(aws.traces(args.since).await?))),
    }
}

async fn read(aws: &Regional, id: &str, wait: bool, cancel: &Cancel) -> Result<Trace> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(trace) = Trace::of(id, &aws.trace_documents(id).await?) {
            return Ok(trace);
        }
        if !wait || tokio::time::Instant::now() >= deadline {
            let error = Error::failed(format!("{} has no trace {id}", aws.region))
                .hint("it takes some seconds until a trace can be read: add --wait");
            return Err(error.hint("another region is asked with --in"));
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = cancel.cancelled() => return Err(cancel.error()),
        }
    }
}

/// A trace.
#[derive(Debug)]
pub struct TraceReport(Trace);

impl Report for TraceReport {
    fn value(&self) -> Value {
        json!(self.0)
    }

    fn blocks(&self) -> Vec<Block> {
        let Trace { id, started, duration_ms, cold, .. } = &self.0;
        let kind = if *cold { "cold start" } else { "warm" };
        let heading = format!("{id} · {} · {duration_ms:.1} ms · {kind}", when(*started));
        let mut blocks = vec![Block::Heading(heading), Block::Text(timeline(&self.0))];
        let mut table = Table::new(&[("part", Align::Left), ("says", Align::Left)]);
        let mut said = false;
        for part in self.0.parts.iter().filter(|part| !part.annotations.is_empty()) {
            let texts = part.annotations.iter().map(|(name, value)| {
                format!(
                    "{name}={}",
                    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
                )
            });
            table.row([part.name.clone(), texts.collect::<Vec<_>>().join(" ")]);
            said = true;
        }
        if said {
            blocks.push(Block::Table(table));
        }
        blocks
    }
}

/// Traces of some time.
#[derive(Debug)]
pub struct TracesReport(Vec<TraceSummary>);

impl Report for TracesReport {
    fn value(&self) -> Value {
        json!(self.0)
    }

    fn blocks(&self) -> Vec<Block> {
        if self.0.is_empty() {
            return vec![Block::Text("no trace in this time".to_owned())];
        }
        let mut table = Table::new(&[
            ("trace", Align::Left),
            ("started", Align::Left),
            ("entry", Align::Left),
            ("ms", Align::Right),
            ("failed", Align::Left),
        ]);
        for trace in &self.0 {
            table.row([
                trace.id.clone(),
                when(trace.started),
                trace.entry.clone(),
                format!("{:.1}", trace.duration_ms),
                trace.failed.unwrap_or_default().to_owned(),
            ]);
        }
        vec![Block::Table(table)]
    }
}

/// A Unix time as people read it, in UTC and to the second.
#[expect(clippy::cast_possible_truncation, reason = "seconds of the next 10,000 years")]
fn when(seconds: f64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds as i64)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_out_of_a_header() {
        let id = "1-5759e988-bd862e3fe1be46a994272793";
        let header = format!("Root={id};Parent=53995c3f42cd8ad8;Sampled=1");
        assert_eq!(trace_id(id).as_deref(), Ok(id));
        assert_eq!(trace_id(&header).as_deref(), Ok(id));
        for bad in ["", "1-", "1-5759e988-xyz", "2-5759e988-bd862e3fe1be46a994272793", "Root=1"] {
            assert!(trace_id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_in_utc() {
        assert_eq!(when(1_465_510_280.25), "2016-06-09T22:11:20Z");
    }
}
