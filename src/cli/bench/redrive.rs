use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{common, render};
use crate::aws::{Regional, explain};
use crate::bench::executor::{Call, Executor, Runner};
use crate::bench::plan::{Phase, Plan};
use crate::bench::result::Run;
use crate::bench::sample::{Failure, Inside};
use crate::bench::stats::{quantile, sorted};
use crate::bench::suite::{carry_out, finished, stopped};
use crate::cli::Ctx;
use crate::cli::session::{Purpose, Session, arguments};
use crate::error::{Context as _, Error, Result};
use crate::event::Events;
use crate::journal::{Journal, RunSummary};
use crate::ops::dlq::{History, Orders, Redriver, Selection, Sqs};
use crate::signal::Cancel;
use crate::ui::{Block, Report};

/// The verb, as it is journaled.
pub(in crate::cli) const VERB: &str = "bench redrive";

/// How many batches are filled in at a time, and how long a message in hand is hidden.
const FILLERS: usize = 8;
const HIDE: Duration = Duration::from_mins(1);

/// What 1,000 requests to SQS cost in US dollars, standard queues, first tier
/// (<https://aws.amazon.com/sqs/pricing/>).
const USD_PER_THOUSAND: f64 = 0.000_4;

/// Measure how fast dead letters are moved back, with queues of its own
///
/// Each round has two queues of its own: one is filled, all of it is moved to the other as
/// `ops dlq-redrive --copy` does, journal included. The queues are deleted at the end, however
/// the run ends; after a kill, `resume` deletes what is left and goes on.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
#[command(
    after_help = "Examples:\n  platformctl bench redrive --local\n  platformctl bench redrive --messages 10000 --workers 16 --dry-run\n  platformctl bench redrive --rounds 10 --yes"
)]
pub struct RedriveArgs {
    /// Messages of each round
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    messages: u32,
    /// Rounds
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Batches of ten under way at a time
    #[arg(long, value_name = "COUNT", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    workers: u16,
    /// Show what would be done, and what it would cost, and stop
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// What was measured, or would be.
#[derive(Debug)]
pub struct RedriveReport {
    run: Run,
    file: String,
    plan: Plan,
    messages: u32,
    dry_run: bool,
    cost_usd: f64,
}

/// Moves what is in one queue of a round to the other.
struct Rounds {
    aws: Regional,
    journal: Arc<Journal>,
    /// `<project>-<environment>-bench-<run>`.
    prefix: String,
    args: RedriveArgs,
    cancel: Cancel,
}

/// Runs `bench redrive`.
pub async fn run(ctx: &Ctx, args: RedriveArgs) -> Result<RedriveReport> {
    execute(ctx, args, None).await
}

/// Runs `bench redrive`, or goes on with an earlier run of it.
pub(in crate::cli) async fn execute(
    ctx: &Ctx,
    args: RedriveArgs,
    resumed: Option<&RunSummary>,
) -> Result<RedriveReport> {
    let settings = ctx.settings()?;
    let (rounds, messages) = (usize::from(args.rounds), args.messages);
    let title = format!("{messages} dead letters moved");
    let plan = Plan { phases: vec![Phase::sequential("redrive", &title, "redrive", rounds)] };
    let connection = ctx.connect(&settings).await?;
    // For ten messages: sent, received, sent again, deleted.
    let requests = f64::from(messages) / 10.0 * 4.0 * f64::from(args.rounds);
    let cost_usd = requests / 1000.0 * USD_PER_THOUSAND;
    ctx.show_place(&settings, &connection.identity.account);
    ctx.ui.plan(&[format!(" + {} queues for as long as it lasts", 2 * rounds)]);
    let folder = common::folder(ctx);
    if args.dry_run {
        let run = common::begin("redrive", "none", &settings, 0)?;
        let file = String::new();
        return Ok(RedriveReport { run, file, plan, messages, dry_run: true, cost_usd });
    }
    if !settings.local && !args.yes && resumed.is_none() {
        let question = format!("Make them and move messages (about {cost_usd:.4} US dollars)?");
        if !ctx.ui.confirm(&question)? {
            return Err(Error::usage("not confirmed; nothing was made"));
        }
    }
    let session = Session::begin(
        ctx,
        Purpose {
            verb: VERB,
            args: arguments(&args),
            reason: None,
            settings: &settings,
            identity: Some(&connection.identity),
            part: Some("bench-redrive".to_owned()),
            resumed,
        },
    )?;
    let id = session.journal.run().as_str();
    let short = session.journal.run().short();
    let executor = Arc::new(Rounds {
        aws: connection.aws.home().clone(),
        journal: Arc::clone(&session.journal),
        prefix: settings.physical_name(&format!("bench-{short}")),
        args: args.clone(),
        cancel: ctx.cancel.clone(),
    });
    let result = async {
        let suite = ("redrive", id);
        let mut run = common::begin_or_go_on(ctx, suite, &settings, 0, resumed.is_some())?;
        let told = arguments(&args);
        run.parameters = common::parameters(&told, &["messages", "rounds", "workers"]);
        folder.save(&run)?;
        let (events, cancel) = (ctx.events.clone(), ctx.cancel.clone());
        let runner = Runner { executor: Arc::clone(&executor), events, cancel };
        let measured = carry_out(&runner, &plan, &mut run, &folder).await;
        let deleted = executor.delete().await;
        if let Err(error) = measured.and(deleted) {
            return stopped(&mut run, &folder, error).map(|()| run);
        }
        finished(&mut run, &folder)?;
        Ok(run)
    }
    .await;
    let file = folder.file(id).display().to_string();
    let run = session.end(ctx, &settings, &connection, result).await?;
    Ok(RedriveReport { run, file, plan, messages, dry_run: false, cost_usd })
}

impl Rounds {
    fn names(&self, round: usize) -> [String; 2] {
        let name = format!("{}-{round}", self.prefix);
        [format!("{name}-dead-letters"), name]
    }

    async fn url(&self, name: &str) -> Result<Option<String>> {
        let answer = self.aws.sqs.get_queue_url().queue_name(name).send().await;
        match answer {
            Ok(found) => Ok(found.queue_url().map(str::to_owned)),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetQueueUrlError::is_queue_does_not_exist) =>
            {
                Ok(None)
            }
            Err(error) => Err(explain(format!("cannot find queue {name}"), error)),
        }
    }

    async fn made(&self, name: &str) -> Result<String> {
        let work = async {
            let answer = self.aws.sqs.create_queue().queue_name(name).send().await;
            let made =
                answer.map_err(|error| explain(format!("cannot make queue {name}"), error))?;
            let url = made.queue_url().map(str::to_owned);
            url.ok_or_else(|| Error::failed(format!("SQS made queue {name} without an address")))
        };
        self.journal.mutate("sqs:CreateQueue", name, Value::Null, work).await
    }

    /// Fills the first queue of a round; both are empty, or new, before.
    async fn fill(&self, round: usize) -> Result<()> {
        let [from, to] = self.names(round);
        let url = self.made(&from).await?;
        self.made(&to).await?;
        let mut batches = (0..self.args.messages).step_by(10);
        let mut fillers = JoinSet::new();
        loop {
            while fillers.len() < FILLERS
                && !self.cancel.is_cancelled()
                && let Some(first) = batches.next()
            {
                let last = (first + 10).min(self.args.messages);
                fillers.spawn(send(self.aws.clone(), url.clone(), first, last));
            }
            let Some(sent) = fillers.join_next().await else { break };
            sent.context("filling broke off")??;
        }
        self.cancel.check()
    }

    /// Deletes every queue of every round.
    async fn delete(&self) -> Result<()> {
        for round in 0..usize::from(self.args.rounds) {
            for name in self.names(round) {
                let Some(url) = self.url(&name).await? else { continue };
                let work = async {
                    let answer = self.aws.sqs.delete_queue().queue_url(url).send().await;
                    answer
                        .map(drop)
                        .map_err(|error| explain(format!("cannot delete queue {name}"), error))
                };
                self.journal.mutate("sqs:DeleteQueue", &name, Value::Null, work).await?;
            }
        }
        Ok(())
    }

    async fn moved(&self, round: usize) -> Result<u64> {
        let [from, to] = self.names(round);
        let gone = || Error::failed(format!("queue {from} is gone"));
        let url = self.url(&from).await?.ok_or_else(gone)?;
        let target = self.url(&to).await?.ok_or_else(gone)?;
        let broker =
            Sqs { aws: self.aws.clone(), url, target: Some(target), function: None, archive: None };
        let orders = Orders {
            run: self.journal.run().as_str().to_owned(),
            queue: from,
            target: to,
            selection: Selection::default(),
            ordered: false,
            ordered_target: false,
            max: None,
            workers: usize::from(self.args.workers),
            rate: None,
            hide: HIDE,
            quarantine_after: None,
            archive: String::new(),
            unmarked: false,
        };
        let told = (Events::none(), self.cancel.clone());
        let ledger = Arc::clone(&self.journal);
        let redriver = Redriver::new(Arc::new(broker), ledger, orders, History::default(), told);
        Ok(Arc::new(redriver).run().await?.moved)
    }
}

async fn send(aws: Regional, url: String, first: u32, last: u32) -> Result<()> {
    let entries = (first..last).map(|number| {
        SendMessageBatchRequestEntry::builder()
            .id(format!("m{number}"))
            .message_body(json!({ "tenant": "bench", "number": number }).to_string())
            .build()
            .context("cannot make a message")
    });
    let entries = entries.collect::<Result<Vec<_>>>()?;
    let answer = aws.sqs.send_message_batch().queue_url(url).set_entries(Some(entries));
    let answer = answer.send().await.map_err(|error| explain("cannot fill the queue", error))?;
    match answer.failed().first() {
        None => Ok(()),
        Some(failed) => Err(Error::failed("SQS refused a message")
            .caused_by(failed.message().unwrap_or("no reason given").to_owned())),
    }
}

impl Executor for Rounds {
    async fn begin(&self, _: &Phase) -> Result<()> {
        // What an earlier attempt left would be counted too.
        self.delete().await?;
        for round in 0..usize::from(self.args.rounds) {
            self.fill(round).await?;
        }
        Ok(())
    }

    async fn chill(&self, _: &Call) -> Result<()> {
        Err(Error::failed("nothing here starts cold"))
    }

    async fn execute(&self, call: &Call) -> Result<Inside, Failure> {
        let moved = self.moved(call.index).await;
        let moved = moved.map_err(|error| Failure::new("failed", error.to_string()))?;
        if moved == u64::from(self.args.messages) {
            return Ok(Inside::default());
        }
        let wanted = self.args.messages;
        Err(Failure::new("not all moved", format!("{moved} of {wanted} messages were moved")))
    }
}

impl RedriveReport {
    /// Messages a second, at the median.
    fn per_second(&self) -> Option<f64> {
        let measured = self.run.phases.first()?;
        let walls: Vec<f64> = measured.answered().map(|it| it.wall_ms).collect();
        let median = quantile(&sorted(&walls), 0.5);
        (median > 0.0).then(|| f64::from(self.messages) * 1000.0 / median)
    }
}

impl Report for RedriveReport {
    fn value(&self) -> Value {
        if self.dry_run {
            return json!({
                "dry_run": true,
                "phases": self.plan.phases,
                "messages": self.messages,
                "estimated_usd": self.cost_usd,
            });
        }
        let mut value = render::value(&self.run, &self.file);
        value["messages_per_second"] = json!(self.per_second());
        value
    }

    fn blocks(&self) -> Vec<Block> {
        if self.dry_run {
            let cost = format!(
                "about {:.4} US dollars\n\ndry run: nothing was made or moved",
                self.cost_usd
            );
            return vec![render::planned(&self.plan), Block::Text(cost)];
        }
        let mut blocks = render::blocks(&self.run);
        if let Some(rate) = self.per_second() {
            blocks.push(Block::Text(format!("{rate:.0} messages a second, at the median")));
        }
        let id = self.run.id.rsplit('-').next().unwrap_or_default();
        blocks.push(Block::Text(format!("queues deleted\n\nrun {id} · {}", self.file)));
        blocks
    }
}
