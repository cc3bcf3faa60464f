use std::sync::Arc;
use std::time::Duration;

use runtime_core::names::GIT_STORE;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{common, render};
use crate::bench::criteria::{Checked, of_efs};
use crate::bench::efs::{Sizes, Store, plan, wiki};
use crate::bench::executor::Runner;
use crate::bench::lambda::{Changes, Function};
use crate::bench::plan::Plan;
use crate::bench::price;
use crate::bench::result::{Run, Subject};
use crate::bench::simulate::{self, PROFILES, Simulated};
use crate::bench::suite::{carry_out, finished, stopped};
use crate::cli::Ctx;
use crate::cli::session::{Purpose, Session, arguments};
use crate::config::Settings;
use crate::error::{Error, Result, exit};
use crate::journal::RunSummary;
use crate::ui::{Block, Report};

/// The verb, as it is journaled.
pub(in crate::cli) const VERB: &str = "bench efs";

/// What one call is taken to be billed for in an estimate, in milliseconds.
const ASSUMED_MS: f64 = 300.0;

/// Measure the page store: git on the shared file system, through its deployed function
///
/// Warm reads and writes, reads and writes at once, and forced cold starts, on wikis of given
/// sizes (bench-1, bench-1000 …). The store deletes no wikis: they stay, and are used again.
/// For each cold start the function's environment gets a variable, which is taken away at the
/// end, however the run ends; after a kill, `resume` takes it away.
///
/// Exit code 9 when a limit of `bench.efs.criteria` in platform.yaml is missed. The result is
/// stored after every phase.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
#[command(
    after_help = "Examples:\n  platformctl bench efs --local\n  platformctl bench efs --local --simulate-latency efs-regional\n  platformctl bench efs --dry-run\n  platformctl bench efs --pages 1,1000,50000 --seed-within 2h --yes\n  platformctl bench efs --reads 200 --rate 20 --cold 10 -o json"
)]
pub struct EfsArgs {
    /// Pages of each wiki
    #[arg(long, value_name = "COUNTS", value_delimiter = ',', default_values_t = [1, 1_000], value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pages: Vec<u64>,
    /// Warm reads of each wiki
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    reads: usize,
    /// Warm writes to each wiki
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    writes: usize,
    /// Forced cold starts, on the largest wiki
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    cold: usize,
    /// Reads under way at a time
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    readers: usize,
    /// Writes under way at a time
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    writers: usize,
    /// Calls of each phase with several at a time
    #[arg(long, value_name = "COUNT", default_value_t = 40)]
    concurrent: usize,
    /// Calls before each phase, measured apart
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    warm_up: usize,
    /// Also read at fixed times, so many a second, however long answers take
    #[arg(long, value_name = "PER_SECOND", value_parser = rate)]
    rate: Option<f64>,
    /// Give the local platform's file system the latency of EFS, as AWS publishes it: the
    /// folder is mounted over itself through FUSE for as long as the run goes on
    #[arg(long, value_name = "PROFILE", value_parser = PROFILES)]
    #[serde(default)]
    simulate_latency: Option<String>,
    /// What everything random comes from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// How long writing the pages of one wiki may take, the first time
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = humantime::parse_duration)]
    seed_within: Duration,
    /// Show what would be called, and what it would cost, and stop
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before there is load on AWS
    #[arg(short, long)]
    yes: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok();
    rate.filter(|rate| (0.001..=10_000.0).contains(rate))
        .ok_or_else(|| "expected a number of calls a second, such as 20".to_owned())
}

/// What was measured, or would be.
#[derive(Debug)]
pub struct EfsReport {
    run: Run,
    file: String,
    plan: Plan,
    dry_run: bool,
    cost_usd: f64,
}

/// Runs `bench efs`.
pub async fn run(ctx: &Ctx, args: EfsArgs) -> Result<EfsReport> {
    execute(ctx, args, None).await
}

/// Runs `bench efs`, or goes on with an earlier run of it.
pub(in crate::cli) async fn execute(
    ctx: &Ctx,
    args: EfsArgs,
    resumed: Option<&RunSummary>,
) -> Result<EfsReport> {
    let settings = ctx.settings()?;
    if args.simulate_latency.is_some() && !settings.local {
        return Err(Error::usage("--simulate-latency is for the local platform: EFS has its own")
            .hint("add --local, or leave it out"));
    }
    let mounts = ctx.local_platform().mounts();
    if settings.local && simulate::clear(&mounts)? {
        ctx.events.warn("a run that simulated EFS's latency was killed; its mount was removed");
    }
    let mut pages = args.pages.clone();
    pages.sort_unstable();
    pages.dedup();
    let plan = plan(&args.sizes(&pages));
    let connection = ctx.connect(&settings).await?;
    let name = settings.physical_name(GIT_STORE);
    let aws = connection.aws.home();
    let (function, subject) = Function::find(aws, &name)
        .await
        .map_err(|error| error.hint("deploy the platform first: `platformctl bootstrap`"))?;
    let cost_usd = estimate(&settings, &subject, &plan, &pages);
    ctx.show_place(&settings, &connection.identity.account);
    ctx.ui.plan(&[format!(
        " ~ {}  {} calls, and those that write missing pages",
        common::described(&subject),
        plan.calls()
    )]);
    let folder = common::folder(ctx);
    if args.dry_run {
        let run =
            Run { function: Some(subject), ..common::begin("efs", "none", &settings, args.seed)? };
        return Ok(EfsReport { run, file: String::new(), plan, dry_run: true, cost_usd });
    }
    if !settings.local && !args.yes && resumed.is_none() {
        let question = format!("Call it (about {cost_usd:.4} US dollars)?");
        if !ctx.ui.confirm(&question)? {
            return Err(Error::usage("not confirmed; nothing was called"));
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
            part: Some(format!("bench-{GIT_STORE}")),
            resumed,
        },
    )?;
    let id = session.journal.run().as_str();
    let changes = Changes::new(function.clone(), Arc::clone(&session.journal));
    let result = async {
        let suite = ("efs", id);
        let mut run = common::begin_or_go_on(ctx, suite, &settings, args.seed, resumed.is_some())?;
        run.function = Some(subject.clone());
        let told = arguments(&args);
        run.parameters = common::parameters(&told, &PARAMETERS);
        run.left_behind = pages.iter().map(|pages| format!("wiki {}", wiki(*pages))).collect();
        folder.save(&run)?;
        let store = Arc::new(Store::new(function.clone(), changes.clone(), id, args.seed));
        let profile = args.simulate_latency.as_ref();
        let simulated = profile.map(|it| Simulated::over(&mounts, it)).transpose()?;
        let measured = async {
            if simulated.is_some() {
                // Environments that are there have the folder open as it was.
                changes.chill("simulated").await?;
            }
            measure(ctx, &args, &pages, &plan, &mut run, store).await
        }
        .await;
        let restored = changes.restore(None).await;
        if let Some(simulated) = simulated {
            let asked = simulated.round_trips();
            ctx.events.info(format!("the file system was asked {asked} times"));
            simulated.end()?;
        }
        if let Err(error) = measured.and(restored) {
            return stopped(&mut run, &folder, error).map(|()| run);
        }
        run.criteria = of_efs(&settings.config.bench.efs.criteria, &run);
        finished(&mut run, &folder)?;
        Ok(run)
    }
    .await;
    let file = folder.file(id).display().to_string();
    let result = result.map_err(|error| error.hint(format!("what was measured is in {file}")));
    let code = |run: &Run| if missed(run) { exit::CRITERION } else { exit::OK };
    let run = session.end_as(ctx, &settings, &connection, result, code).await?;
    Ok(EfsReport { run, file, plan, dry_run: false, cost_usd })
}

/// What of the arguments is part of the result.
const PARAMETERS: [&str; 10] = [
    "simulate_latency",
    "pages",
    "reads",
    "writes",
    "cold",
    "readers",
    "writers",
    "concurrent",
    "warm_up",
    "rate",
];

async fn measure(
    ctx: &Ctx,
    args: &EfsArgs,
    pages: &[u64],
    plan: &Plan,
    run: &mut Run,
    store: Arc<Store>,
) -> Result<()> {
    let folder = common::folder(ctx);
    for pages in pages {
        let told = (&ctx.events, &ctx.cancel);
        let prepared = store.seed(*pages, args.seed_within, told).await?;
        run.prepared.push(prepared);
        folder.save(run)?;
    }
    let (events, cancel) = (ctx.events.clone(), ctx.cancel.clone());
    carry_out(&Runner { executor: store, events, cancel }, plan, run, &folder).await
}

fn missed(run: &Run) -> bool {
    run.criteria.iter().any(|it| !it.passed)
}

/// What all calls cost if each is billed for [`ASSUMED_MS`], with those that write pages.
fn estimate(settings: &Settings, subject: &Subject, plan: &Plan, pages: &[u64]) -> f64 {
    let calls = plan.calls() as u64 + pages.iter().sum::<u64>();
    let arch = subject.architecture.as_deref().unwrap_or("x86_64");
    let memory = f64::from(subject.memory_mb.unwrap_or(512));
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let calls = calls as f64;
    price::per_call(&settings.config.bench.prices, arch, memory, ASSUMED_MS) * calls
}

impl EfsArgs {
    fn sizes(&self, pages: &[u64]) -> Sizes {
        Sizes {
            pages: pages.to_vec(),
            reads: self.reads,
            writes: self.writes,
            cold: self.cold,
            readers: self.readers,
            writers: self.writers,
            concurrent: self.concurrent,
            warm_up: self.warm_up,
            rate: self.rate,
        }
    }
}

impl Report for EfsReport {
    fn exit_code(&self) -> u8 {
        if missed(&self.run) { exit::CRITERION } else { exit::OK }
    }

    fn value(&self) -> Value {
        if self.dry_run {
            return json!({
                "dry_run": true,
                "function": self.run.function,
                "phases": self.plan.phases,
                "calls": self.plan.calls(),
                "estimated_usd": self.cost_usd,
            });
        }
        render::value(&self.run, &self.file)
    }

    fn blocks(&self) -> Vec<Block> {
        if self.dry_run {
            return vec![
                render::planned(&self.plan),
                Block::Text(format!(
                    "{} calls; about {:.4} US dollars, were each billed for {ASSUMED_MS} ms and every page missing\n\ndry run: nothing was called",
                    self.plan.calls(),
                    self.cost_usd
                )),
            ];
        }
        // First, where it is seen: a runbook shows the first lines of what failed.
        let missed: Vec<String> =
            self.run.criteria.iter().filter(|it| !it.passed).map(Checked::line).collect();
        let mut blocks = Vec::new();
        if !missed.is_empty() {
            blocks.push(Block::Text(format!("criteria missed:\n  {}", missed.join("\n  "))));
        }
        blocks.extend(render::blocks(&self.run));
        let id = self.run.id.rsplit('-').next().unwrap_or_default();
        blocks.push(Block::Text(format!("run {id} · {}", self.file)));
        blocks
    }
}
