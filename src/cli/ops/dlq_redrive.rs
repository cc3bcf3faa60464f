use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::dlq::{Opened, SelectionArgs, visibility};
use super::dlq_redriven::{How, RedriveReport};
use crate::cli::Ctx;
use crate::cli::session::{Purpose, Session, arguments};
use crate::error::{Error, Kind, Result};
use crate::event::Outcome;
use crate::journal::{self, Entry, RunSummary, StepOutcome};
use crate::ops::dlq::{
    self, FASTEST, FoundQueue, History, MoveTask, Orders, REDRIVE, Redriven, Redriver, Selection,
};

/// The verb, as it is journaled.
pub(in crate::cli) const VERB: &str = "ops dlq-redrive";

/// Messages that a dry run looks at.
const LOOKED_AT: u64 = 1000;

/// The step of the canary, in the journal.
const CANARY: &str = "canary";

/// Move dead letters back to the queue they come from
///
/// Without any choice, SQS moves all of them itself. Otherwise, or with --copy, each message
/// is copied and then deleted: with its body, attributes, group and trace, and two more
/// attributes, platformctl.redrive-count and platformctl.redrive-of (the run, a slash, and the
/// id of the dead letter), by which a consumer can tell a second copy. A message has ten
/// attributes at most; one without room for the two stays, unless --unmarked.
///
/// Nothing is lost wherever the run is cut off: `resume` goes on, and sends again what was
/// under way then, at most ten messages for each worker; the report says how many. Ordered
/// queues keep the order of each message group: behind a message that stays, all stay.
///
/// Events that a function was called with, and could not handle, were in no queue: the
/// function is called with each of them again, asynchronously. They have no marks.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
#[command(
    after_help = "Examples:\n  platformctl ops dlq-redrive jobs --dry-run\n  platformctl ops dlq-redrive jobs --tenant acme --canary 5 --rate 20/s --yes\n  platformctl ops dlq-redrive webhooks --filter \"error == 'Timeout' && age_seconds < `3600`\"\n  platformctl ops dlq-redrive provisioning --quarantine-after 3 --reason 'role repaired'\n  platformctl ops dlq-redrive events --to jobs --max 100\n  platformctl ops dlq-redrive git-store --max 10 --yes    calls the function again"
)]
pub struct RedriveArgs {
    /// The queue of dead letters: its name, URL or ARN; `dlq-list` lists the platform's
    #[arg(value_name = "QUEUE")]
    queue: String,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Where to move them; default: the queue they come from
    #[arg(long, value_name = "QUEUE")]
    to: Option<String>,
    /// How many to move at most
    #[arg(long, value_name = "COUNT")]
    max: Option<u64>,
    /// Move so many first, and the rest once those were handled and did not come back
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    canary: Option<u64>,
    /// How long the canary may take
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = humantime::parse_duration)]
    canary_wait: Duration,
    /// How many messages a second, such as 20/s, at most
    #[arg(long, value_name = "RATE", value_parser = rate)]
    rate: Option<f64>,
    /// How many batches of ten are under way at a time; one in an ordered queue
    #[arg(long, value_name = "COUNT", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    workers: u16,
    /// Put messages aside that were moved back so often already: into the bucket of the audit
    /// trail, one object each
    #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u64).range(1..))]
    quarantine_after: Option<u64>,
    /// Copy and delete even where SQS could move all by itself
    #[arg(long)]
    copy: bool,
    /// Move messages without room for the marks, unmarked
    #[arg(long)]
    unmarked: bool,
    /// How long a message in hand is hidden from others
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = visibility)]
    visibility: Duration,
    /// Show what would be moved and stop
    #[arg(long)]
    dry_run: bool,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Runs `ops dlq-redrive`.
pub async fn run(ctx: &Ctx, args: RedriveArgs) -> Result<RedriveReport> {
    execute(ctx, args, None).await
}

/// Runs `ops dlq-redrive`, or goes on with an earlier run of it.
pub(in crate::cli) async fn execute(
    ctx: &Ctx,
    args: RedriveArgs,
    resumed: Option<&RunSummary>,
) -> Result<RedriveReport> {
    let selection = args.selection.selection()?;
    let opened = Opened::connect(ctx, &args.queue).await?;
    ctx.show_place(&opened.settings, &opened.connection.identity.account);
    let (target, called) = target(&opened, &args).await?;
    if called {
        refuse_of_functions(&args)?;
    }
    let bucket = match args.quarantine_after {
        Some(_) => Some(opened.bucket().await?),
        None => None,
    };
    let (from, to) = (opened.name().to_owned(), target.name.clone());
    if let Some((next, count)) = &opened.queue.redrives_to {
        ctx.events.warn(format!("{from} has a redrive policy of its own: what stays and was received {count} times moves on to {next}"));
    }
    if args.dry_run {
        return preview(ctx, &args, &opened, selection, &target).await;
    }
    let waiting = opened.queue.depth.total();
    if waiting == 0 && resumed.is_none() {
        return Ok(RedriveReport::new(How::Nothing, &opened.queue.name, &to, Redriven::default()));
    }
    ctx.ui.plan(&[format!(" ~ {from} → {to}  {waiting} messages, about")]);
    let local = opened.settings.local;
    if resumed.is_none() && !args.yes && !local && !ctx.ui.confirm("Move them?")? {
        return Err(Error::usage("not confirmed; nothing was moved"));
    }
    let history = match resumed {
        Some(run) => {
            let records = journal::read(&run.path)?;
            History::read(records.iter().map(|record| &record.entry))
        }
        None => History::default(),
    };
    let session = Session::begin(
        ctx,
        Purpose {
            verb: VERB,
            args: arguments(&args),
            reason: args.reason.clone(),
            settings: &opened.settings,
            identity: Some(&opened.connection.identity),
            part: Some(opened.part()),
            resumed,
        },
    )?;
    let work =
        Work { ctx, args: &args, opened: &opened, target: &target, called, session: &session };
    let begun = Instant::now();
    ctx.events.started(REDRIVE, format!("redrive {from}"), Some(waiting));
    let result = work.carry_out(selection, history, bucket, resumed.is_some()).await;
    let outcome = if result.is_ok() { Outcome::Done } else { Outcome::Failed };
    let detail = match &result {
        Ok(report) => format!("{} moved", report.redriven.moved),
        Err(_) => "stopped".to_owned(),
    };
    ctx.events.finished(REDRIVE, outcome, detail);
    let report = session.end(ctx, &opened.settings, &opened.connection, result).await?;
    Ok(report.of_run(session.journal.run().short(), begun.elapsed()))
}

/// Refuses what a function that is called again cannot have.
fn refuse_of_functions(args: &RedriveArgs) -> Result<()> {
    if args.canary.is_some() {
        return Err(Error::usage("a function that is called again has no canary: Lambda tries each event up to three times over minutes before it gives up")
            .hint("move a few with `--max`, look at its errors, and move the rest later"));
    }
    if args.quarantine_after.is_some() {
        return Err(Error::usage("an event that a function is called with has no marks, so nobody can tell how often it was moved")
            .hint("leave `--quarantine-after` out; `dlq-purge` archives what cannot be handled"));
    }
    Ok(())
}

/// Where the messages go, and whether that is a function which is called with them.
async fn target(opened: &Opened, args: &RedriveArgs) -> Result<(FoundQueue, bool)> {
    let aws = opened.connection.aws.of(&opened.queue.region)?;
    let name = opened.name();
    let found = match &args.to {
        Some(to) => dlq::find_target(aws, &opened.prefix, to).await?,
        None => {
            let sources = dlq::sources(aws, &opened.prefix, &opened.queue).await?;
            let names: Vec<&str> = sources.iter().map(|queue| queue.name.as_str()).collect();
            match (sources.as_slice(), opened.function()) {
                ([one], _) => one.clone(),
                // It was not in a queue: the function was called with it.
                ([], Some(function)) => {
                    let name = format!("{}-{function}", opened.prefix);
                    let url = String::new();
                    let arn = format!("function:{name}");
                    let depth = dlq::Depth::default();
                    let found =
                        FoundQueue { name, url, arn, depth, known: None, ..opened.queue.clone() };
                    return Ok((found, true));
                }
                ([], None) => {
                    return Err(Error::usage(format!("no queue uses {name} for its dead letters"))
                        .hint("say where they go: `--to QUEUE`"));
                }
                _ => {
                    return Err(Error::usage(format!(
                        "several queues use {name} for their dead letters"
                    ))
                    .hint(format!("say where they go: `--to` {}", names.join(", "))));
                }
            }
        }
    };
    if found.arn == opened.queue.arn {
        return Err(Error::usage(format!("{name} is where the messages are")));
    }
    if found.ordered != opened.queue.ordered {
        let kind = |ordered: bool| if ordered { "ordered" } else { "not ordered" };
        return Err(Error::usage(format!(
            "{name} is {}, and {} is {}: SQS keeps the two apart, and so does this",
            kind(opened.queue.ordered),
            found.name,
            kind(found.ordered)
        )));
    }
    Ok((found, false))
}

fn orders(
    args: &RedriveArgs,
    opened: &Opened,
    target: &FoundQueue,
    run: &str,
    selection: Selection,
) -> Orders {
    let ordered = opened.queue.ordered;
    Orders {
        run: run.to_owned(),
        queue: opened.name().to_owned(),
        target: target.name.clone(),
        selection,
        ordered,
        ordered_target: target.ordered,
        max: args.max,
        workers: if ordered { 1 } else { usize::from(args.workers) },
        rate: args.rate,
        hide: args.visibility,
        quarantine_after: args.quarantine_after,
        archive: format!("quarantine/{}/{run}", opened.queue.name),
        unmarked: args.unmarked,
    }
}

/// Looks at what would be moved, and puts it back.
async fn preview(
    ctx: &Ctx,
    args: &RedriveArgs,
    opened: &Opened,
    selection: Selection,
    target: &FoundQueue,
) -> Result<RedriveReport> {
    let broker = opened.broker(None, None)?;
    let most = usize::try_from(args.max.unwrap_or(LOOKED_AT)).unwrap_or(usize::MAX);
    let hide = args.visibility.min(Duration::from_secs(30));
    let listeners = (&ctx.events, &ctx.cancel);
    let seen = dlq::inspect(&broker, most, hide, &selection, listeners).await?;
    let orders = orders(args, opened, target, "preview", selection);
    let preview = dlq::preview(&seen.letters, &orders);
    let now = dlq::Broker::now(&broker);
    let samples = seen.letters.iter().take(3).map(|letter| dlq::sample(letter, now)).collect();
    let redriven = Redriven { left: opened.queue.depth.total(), ..Redriven::default() };
    let report = RedriveReport::new(How::Dry, &opened.queue.name, &target.name, redriven);
    Ok(report.previewed(preview, samples, seen.more))
}

struct Work<'a> {
    ctx: &'a Ctx,
    args: &'a RedriveArgs,
    opened: &'a Opened,
    target: &'a FoundQueue,
    /// Whether that is a function, which is called with them.
    called: bool,
    session: &'a Session,
}

impl Work<'_> {
    async fn carry_out(
        &self,
        selection: Selection,
        history: History,
        bucket: Option<String>,
        goes_on: bool,
    ) -> Result<RedriveReport> {
        let (from, to) = (&self.opened.queue.name, &self.target.name);
        // What was copied by an earlier attempt has to be gone on with by copying.
        let copied = !history.fates.is_empty();
        if !copied && self.may_be_native(&selection) {
            let moved = self.native(goes_on).await?;
            if let Some(moved) = moved {
                let left = self.opened.broker(None, None)?;
                let left = dlq::Broker::depth(&left).await?.total();
                let redriven = Redriven { moved: moved.moved, left, ..Redriven::default() };
                return Ok(RedriveReport::new(How::Native, from, to, redriven));
            }
            self.ctx.events.info("SQS does not move messages by itself here: they are copied");
        }
        let archive = bucket.clone();
        let mut broker = self.opened.broker(Some(self.target), bucket)?;
        broker.function = self.called.then(|| self.target.name.clone());
        let broker = Arc::new(broker);
        let run = self.session.journal.run().as_str();
        let orders = orders(self.args, self.opened, self.target, run, selection);
        let prefix = orders.archive.clone();
        let listeners = (self.ctx.events.clone(), self.ctx.cancel.clone());
        let ledger = Arc::clone(&self.session.journal);
        let redriver = Arc::new(Redriver::new(broker, ledger, orders, history, listeners));
        self.canary(&redriver).await?;
        let done = redriver.run().await?;
        if done.hidden > 0 || done.in_doubt > 0 {
            return Err(Error::new(
                Kind::Partial,
                format!(
                    "{} messages were moved; {} were in somebody else's hands all the time",
                    done.moved,
                    done.hidden.max(done.in_doubt)
                ),
            )
            .hint("a consumer of the dead letters, or somebody who looks at them, has to put them back"));
        }
        let report = RedriveReport::new(How::Copy, from, to, done);
        Ok(match archive {
            Some(bucket) => report.archived_at(&format!("s3://{bucket}/{prefix}/")),
            None => report,
        })
    }

    /// Whether SQS may move all by itself: nothing is chosen, and nothing asked for that it
    /// does not do.
    fn may_be_native(&self, selection: &Selection) -> bool {
        let args = self.args;
        let chosen = !selection.is_all() || args.max.is_some() || args.to.is_some();
        let more = args.canary.is_some() || args.quarantine_after.is_some();
        let slow = args.rate.is_none_or(|rate| rate.fract() == 0.0 && rate <= f64::from(FASTEST));
        !chosen && !more && slow && !args.copy && !args.unmarked && !self.called
    }

    async fn native(&self, goes_on: bool) -> Result<Option<dlq::Moved>> {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number up to 500")]
        let rate = self.args.rate.map(|rate| rate as i32);
        let task = MoveTask {
            aws: self.opened.connection.aws.of(&self.opened.queue.region)?,
            arn: &self.opened.queue.arn,
            rate,
            every: Duration::from_secs(2),
            journal: &self.session.journal,
            events: (&self.ctx.events, REDRIVE),
            cancel: &self.ctx.cancel,
        };
        task.run(goes_on).await
    }

    /// The canary, unless an earlier attempt saw it through.
    async fn canary(&self, redriver: &Arc<Redriver<dlq::Sqs, journal::Journal>>) -> Result<()> {
        let Some(count) = self.args.canary else { return Ok(()) };
        if self.session.done.iter().any(|step| step == CANARY) {
            return Ok(());
        }
        let journal = &self.session.journal;
        journal.write(Entry::StepStarted { step: CANARY.to_owned() })?;
        let result = redriver.canary(count, self.args.canary_wait).await;
        let (outcome, detail) = match &result {
            Ok(moved) => (StepOutcome::Done, serde_json::json!({ "moved": moved })),
            Err(error) => {
                (StepOutcome::of(error), serde_json::json!({ "error": error.to_string() }))
            }
        };
        journal.write(Entry::StepFinished { step: CANARY.to_owned(), outcome, detail })?;
        result.map(drop)
    }
}

/// Messages a second: `20/s`, `600/m` or `20`.
fn rate(text: &str) -> Result<f64, String> {
    let bad = || format!("{text} is no rate: such as 20/s or 600/m");
    let (number, each) = match text.split_once('/') {
        None => (text, 1.0),
        Some((number, "s")) => (number, 1.0),
        Some((number, "m")) => (number, 60.0),
        Some(_) => return Err(bad()),
    };
    let rate: f64 = number.trim().parse().map_err(|_| bad())?;
    if rate.is_finite() && rate > 0.0 { Ok(rate / each) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_so_many_a_second_or_a_minute() {
        assert_eq!(rate("20/s"), Ok(20.0));
        assert_eq!(rate("600/m"), Ok(10.0));
        assert_eq!(rate("0.5"), Ok(0.5));
        for bad in ["", "0", "-1/s", "20/h", "fast", "inf"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
