//! `ops set-runtime-region`: agents are moved to another region.

use std::time::Duration;

use clap::Args;
use runtime_core::model::{FailoverRequest, Fulfilled, OpsLock, Text, Timestamp};
use runtime_core::runtime_region::{LOCK, is_region};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stacks::StackTemplate;

use super::dlq;
use super::failover_lock::{WHAT, begin, name, take};
use crate::aws::Regional;
use crate::cli::Ctx;
use crate::cli::context::{Connection, choose, whoami};
use crate::cli::leases::{self, Wanted};
use crate::cli::lock::read;
use crate::cli::session::{Purpose, Session, arguments};
use crate::config::Settings;
use crate::error::{Error, Kind, Result};
use crate::failover::{Check, Mirror, Preflight, Probe, Requests, Switch, Switched, probes};
use crate::journal::RunSummary;
use crate::lock::Lease;
use crate::ui::{Align, Block, Report, Table, Tone};

/// The stack where agents run.
const AGENTCORE: &str = "agentcore";

/// The verb, as journals have it.
pub const VERB: &str = "ops set-runtime-region";

/// Move agents to another region, prove it, or move them back
///
/// Looks first whether that can work: the region answers, the stacks are deployed there,
/// quotas and data are in order. Then changes the runtime region under the failover lock
/// with its fencing token, calls functions in the new region, and switches back if they do
/// not answer. All of it is journaled, and can be resumed. A request for that region, made
/// through the API, is marked as fulfilled.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(
    after_help = "Examples:\n  platformctl ops set-runtime-region eu-west-2 --dry-run\n  platformctl ops set-runtime-region eu-west-2 --reason 'eu-west-1 is down'\n  platformctl ops set-runtime-region eu-central-1 --reason drill --verify 'acme-prod-probe={}'"
)]
pub struct SetArgs {
    // Not called `region`: clap would take it for the flag of that name, the home region.
    /// The region in which agents are to run
    #[arg(value_name = "REGION", value_parser = region)]
    to: String,
    /// Why; kept in the journal, and shown to whoever wants the lock
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
    /// How long to wait while somebody else has the lock, in seconds; default: not at all
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    #[serde(default)]
    wait: u64,
    /// A function to call in the new region, by its whole name, and a payload that changes
    /// nothing; may be repeated
    #[arg(long, value_name = "FUNCTION=JSON", value_parser = probe)]
    #[serde(default)]
    verify: Vec<(String, Value)>,
    /// Look, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

fn region(text: &str) -> Result<String, String> {
    let wrong = || "expected a region such as eu-west-2".to_owned();
    is_region(text).then(|| text.to_owned()).ok_or_else(wrong)
}

fn probe(text: &str) -> Result<(String, Value), String> {
    let (function, payload) = text.split_once('=').unwrap_or((text, "{}"));
    let payload = serde_json::from_str(payload).map_err(|error| format!("no JSON: {error}"))?;
    Ok((function.to_owned(), payload))
}

/// What came of it.
#[derive(Debug)]
pub struct Moved {
    region: String,
    previous: String,
    outcome: &'static str,
    checks: Vec<Check>,
    switched: Option<Switched>,
    /// The request that was fulfilled.
    request: Option<String>,
    run: Option<String>,
}

/// Runs `ops set-runtime-region`.
pub async fn run(ctx: &Ctx, args: SetArgs) -> Result<Moved> {
    execute(ctx, args, None).await
}

/// Where agents run, by the record of the lock; by platform.yaml if they were never moved.
pub(super) fn current(settings: &Settings, record: Option<&OpsLock>) -> String {
    let guarded = record.and_then(|record| record.guarded.as_ref());
    let deployed = || settings.config.spec().runtime_region;
    guarded.map_or_else(deployed, |guarded| guarded.value.as_str().to_owned())
}

/// Moves agents, or goes on with an earlier run that did.
pub(in crate::cli) async fn execute(
    ctx: &Ctx,
    args: SetArgs,
    resumed: Option<&RunSummary>,
) -> Result<Moved> {
    let settings = ctx.settings()?;
    let templates = stacks_there(ctx, &args.to)?;
    let connection = ctx.connect(&settings).await?;
    let backend = leases::backend(&settings, &connection)?;
    let record = read(&backend, &name()?).await?;
    let now = current(&settings, record.as_ref());
    // An earlier attempt of this run may have written it, and not have proved it.
    let written = resumed.is_some() && now == args.to;
    let before = record.as_ref().and_then(|record| record.guarded.as_ref()?.previous.clone());
    let previous = match before.filter(|_| written) {
        Some(previous) => previous.as_str().to_owned(),
        None if written => settings.config.spec().runtime_region,
        None => now.clone(),
    };
    let home = connection.aws.home();
    let mirror = Mirror::new(home, &settings.config.project, &settings.config.environment);
    let authoritative = record.as_ref().and_then(super::failover_status::value_of);
    let region = args.to.clone();
    let told = |outcome| Moved {
        region: region.clone(),
        previous: previous.clone(),
        outcome,
        checks: Vec::new(),
        switched: None,
        request: None,
        run: None,
    };
    if now == args.to && !written && mirror.agrees(authoritative.as_ref()).await? {
        return Ok(told("unchanged"));
    }
    away_from_the_lock(&settings, &previous, &args.to)?;

    ctx.show_place(&settings, &connection.identity.account);
    let target = connection.anywhere.in_region(&args.to);
    let prefix = format!("{}-{}", settings.config.project, settings.config.environment);
    let probes = all_probes(&args, &templates, &prefix);
    let preflight =
        Preflight { home, target: &target, templates: &templates, prefix, probes: &probes };
    let checks = Box::pin(preflight.run()).await;
    let failed: Vec<_> = checks.iter().filter(|check| !check.passed).collect();
    if args.dry_run {
        return Ok(Moved { checks, ..told("dry run") });
    }
    ctx.ui.status(&crate::ui::text(&[Block::Table(table(&checks))]));
    if !failed.is_empty() {
        let lines = failed.iter().map(|check| format!("{}: {}", check.name, check.detail));
        return Err(Error::failed(format!(
            "agents cannot run in {}; nothing was changed",
            args.to
        ))
        .caused_by(lines.collect::<Vec<_>>().join("\n"))
        .hint(format!("deploy there first: `runtime_region: {}` in platform.yaml", args.to)));
    }
    confirm(ctx, &args, &previous, resumed.is_some())?;

    let mut session = session(ctx, &settings, &connection, &args, resumed)?;
    let wanted = Wanted {
        name: name()?,
        verb: VERB,
        reason: args.reason.as_deref(),
        lease_seconds: settings.lock()?.lease_seconds,
        wait: Duration::from_secs(args.wait),
    };
    let taken = take(ctx, &session, &settings, &connection, &backend, wanted).await;
    let result = match taken {
        Ok((held, was_ours)) => {
            session.keep(ctx, backend, held, WHAT);
            switch(ctx, &session, &mirror, &target, &previous, &probes, was_ours).await
        }
        Err(error) => Err(error),
    };
    let request = match &result {
        Ok(_) => {
            let requests = Requests::new(home, &dlq::prefix(&settings));
            fulfilled(ctx, &session, &requests, &args.to).await
        }
        Err(_) => None,
    };
    let switched = session.end(ctx, &settings, &connection, result).await?;
    let run = Some(session.journal.run().short().to_owned());
    Ok(Moved { checks, switched: Some(switched), request, run, ..told("switched") })
}

/// Marks the request that waits for agents to be in `region`. Agents are there now: that it
/// could not be marked is said, and is no failure.
async fn fulfilled(
    ctx: &Ctx,
    session: &Session,
    requests: &Requests<'_>,
    region: &str,
) -> Option<String> {
    let marked = async {
        let open = requests.open().await?;
        let Some(open) = open.filter(|it| it.region.as_str() == region) else { return Ok(None) };
        mark(session, requests, open).await
    };
    match marked.await {
        Ok(request) => request,
        Err(error) => {
            ctx.events.warn(format!("the request was not marked as fulfilled: {error}"));
            None
        }
    }
}

async fn mark(
    session: &Session,
    requests: &Requests<'_>,
    open: FailoverRequest,
) -> Result<Option<String>> {
    let run_id = session.journal.run().as_str().parse();
    let fulfilled = Fulfilled {
        run_id: run_id.map_err(|error| Error::failed("the run's name").caused_by(error))?,
        by: Text::cut(&whoami()),
        token: session.lease().map_or(0, Lease::token),
        at: Timestamp::now(),
    };
    let id = open.request_id.to_string();
    let detail = json!({ "request": id, "region": open.region });
    let work = requests.fulfil(&open, fulfilled);
    let ours = session.journal.mutate("dynamodb:PutItem", requests.table(), detail, work).await?;
    Ok(ours.then_some(id))
}

async fn switch(
    ctx: &Ctx,
    session: &Session,
    mirror: &Mirror,
    target: &Regional,
    previous: &str,
    probes: &[Probe],
    was_ours: bool,
) -> Result<Switched> {
    let guarded = session.guarded(ctx);
    let Some(lease) = session.lease() else {
        return Err(Error::failed("the lock is not held"));
    };
    let switch = Switch {
        lease,
        mirror,
        target,
        previous: previous.to_owned(),
        probes,
        journal: &session.journal,
        events: &ctx.events,
        cancel: &guarded.cancel,
    };
    let switched = Box::pin(switch.run()).await;
    if was_ours {
        // It was taken to be kept: whoever took it gives it back.
        lease.leave().await?;
    }
    switched
}

fn session(
    ctx: &Ctx,
    settings: &Settings,
    connection: &Connection,
    args: &SetArgs,
    resumed: Option<&RunSummary>,
) -> Result<Session> {
    match resumed {
        None => begin(ctx, settings, connection, VERB, arguments(args), args.reason.clone()),
        Some(_) => Session::begin(
            ctx,
            Purpose {
                verb: VERB,
                args: arguments(args),
                reason: args.reason.clone(),
                settings,
                identity: Some(&connection.identity),
                part: Some(LOCK.to_owned()),
                resumed,
            },
        ),
    }
}

/// The stacks that agents need, with `region` as the runtime region.
fn stacks_there(ctx: &Ctx, region: &str) -> Result<Vec<StackTemplate>> {
    let mut there = ctx.settings()?;
    there.config.runtime_region = Some(region.to_owned());
    let all = there.synthesize()?;
    if !all.iter().any(|stack| stack.name == AGENTCORE) {
        return Err(Error::usage("no agents run on this platform, so none can be moved")
            .hint("`agentcore` in platform.yaml describes where they run"));
    }
    choose(all, &[AGENTCORE.to_owned(), "efs".to_owned()])
}

/// A lock in the region that fails fails with it.
fn away_from_the_lock(settings: &Settings, from: &str, to: &str) -> Result<()> {
    let lock = settings.lock()?;
    if from != lock.region || from == to {
        return Ok(());
    }
    Err(Error::usage(format!("the lock is in {from}, the region that agents are moved away from"))
        .at(settings.place("lock.region"))
        .hint("a lock that fails with its region protects nothing: use a bucket in another region, `lock: {backend: s3, bucket: NAME, region: REGION}`"))
}

fn all_probes(args: &SetArgs, templates: &[StackTemplate], prefix: &str) -> Vec<Probe> {
    let named = args.verify.iter().cloned();
    let named = named.map(|(function, payload)| Probe { function, payload });
    probes(templates, &args.to, prefix).into_iter().chain(named).collect()
}

fn confirm(ctx: &Ctx, args: &SetArgs, previous: &str, resumed: bool) -> Result<()> {
    if args.yes || resumed {
        return Ok(());
    }
    let question = format!("Agents will be moved from {previous} to {}.", args.to);
    if ctx.ui.type_name(&question, &args.to)? {
        Ok(())
    } else {
        Err(Error::new(Kind::Usage, "not confirmed; nothing was changed"))
    }
}

fn table(checks: &[Check]) -> Table {
    let mut table =
        Table::new(&[("check", Align::Left), ("", Align::Left), ("found", Align::Left)]);
    for check in checks {
        let (word, tone) = if check.passed { ("ok", Tone::Good) } else { ("failed", Tone::Bad) };
        let plain = |text: &str| (text.to_owned(), Tone::Plain);
        table.toned_row([plain(check.name), (word.to_owned(), tone), plain(&check.detail)]);
    }
    table
}

impl Report for Moved {
    fn exit_code(&self) -> u8 {
        // A dry run that sees that it will not work says so to scripts too.
        let fails = self.checks.iter().any(|check| !check.passed);
        if fails { crate::error::exit::FAILED } else { crate::error::exit::OK }
    }

    fn value(&self) -> Value {
        json!({
            "outcome": self.outcome,
            "region": self.region,
            "previous": self.previous,
            "value": self.switched.as_ref().map(|it| &it.value),
            "checks": self.checks,
            "calls": self.switched.as_ref().map_or(&[][..], |it| &it.calls),
            "request": self.request,
            "run": self.run,
        })
    }

    fn blocks(&self) -> Vec<Block> {
        let Self { region, previous, .. } = self;
        let asked = self.request.as_ref();
        let asked = asked.map(|id| format!("; request {id} is fulfilled")).unwrap_or_default();
        let text = match &self.switched {
            Some(it) => {
                format!("agents run in {region} now ({}), before in {previous}{asked}", it.value)
            }
            None if self.outcome == "unchanged" => format!("agents run in {region} already"),
            None => format!("dry run: agents stay in {previous}"),
        };
        let checks = (!self.checks.is_empty() && self.switched.is_none())
            .then(|| Block::Table(table(&self.checks)));
        checks.into_iter().chain([Block::Text(text)]).collect()
    }
}
