use std::sync::Arc;
use std::time::Duration;

use runtime_core::model::LockName;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::synth::free_id;
use super::{common, render};
use crate::bench::executor::{Call, Executor, Runner};
use crate::bench::plan::{Phase, Plan};
use crate::bench::result::Run;
use crate::bench::sample::{Failure, Inside, rounded};
use crate::bench::suite::{carry_out, finished};
use crate::cli::{Ctx, leases};
use crate::error::{Error, Result};
use crate::lock::protocol::{self, Failure as Refusal, Order};
use crate::lock::{Backend, Identity, System, run_id};
use crate::ui::{Block, Report};

/// The lock that is taken: nothing is guarded by it.
const LOCK: &str = "bench";

/// Measure how long it takes to take and give back a lock
///
/// On the backend that `lock` in platform.yaml names, with a lock of its own that guards
/// nothing: alone, and against others that want it at the same time.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
#[command(
    after_help = "Examples:\n  platformctl bench lock --local\n  platformctl bench lock --contenders 16 --count 100 --yes\n  platformctl bench lock --dry-run"
)]
pub struct LockArgs {
    /// How often it is taken and given back
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    count: usize,
    /// How many want it at a time, in the second phase
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    contenders: usize,
    /// How long one may wait for it
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// Show what would be done and stop
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before there is load on AWS
    #[arg(short, long)]
    yes: bool,
}

/// What was measured, or would be.
#[derive(Debug)]
pub struct LockReport {
    run: Run,
    file: String,
    plan: Plan,
    dry_run: bool,
    backend: String,
}

/// Takes the lock and gives it back.
struct Cycles {
    backend: Backend,
    name: LockName,
    run: String,
    wait: Duration,
    lease_seconds: u32,
}

pub(super) async fn run(ctx: &Ctx, args: LockArgs) -> Result<LockReport> {
    let settings = ctx.settings()?;
    let connection = ctx.connect(&settings).await?;
    let backend = leases::backend(&settings, &connection)?;
    if !leases::are_kept(&backend, &settings, &connection).await? {
        return Err(Error::failed("there is no table of locks yet")
            .hint("deploy the platform first: `platformctl bootstrap`"));
    }
    let (count, contenders) = (args.count, args.contenders.max(1));
    let alone = Phase::sequential("alone", "taken and given back", "cycle", count).warmed(2);
    let title = format!("taken and given back, wanted by {contenders}");
    let contended = Phase::sequential("contended", &title, "cycle", count).at_once(contenders);
    let plan = Plan { phases: vec![alone, contended] };
    ctx.show_place(&settings, &connection.identity.account);
    ctx.ui.plan(&[format!(" ~ lock {LOCK} in {}  {} cycles", backend.place(), plan.calls())]);
    let place = backend.place();
    let report = |run, file, dry_run| LockReport {
        run,
        file,
        plan: plan.clone(),
        dry_run,
        backend: place.clone(),
    };
    let folder = common::folder(ctx);
    let id = free_id(&folder);
    let mut run = common::begin("lock", &id, &settings, 0)?;
    if args.dry_run {
        return Ok(report(run, String::new(), true));
    }
    if !settings.local && !args.yes && !ctx.ui.confirm("Take and give back the lock?")? {
        return Err(Error::usage("not confirmed; nothing was taken"));
    }
    ctx.paths.make_state()?;
    run.parameters.insert("backend".to_owned(), place.clone().into());
    run.parameters.insert("contenders".to_owned(), contenders.into());
    let lease_seconds = settings.lock()?.lease_seconds;
    let executor = Arc::new(Cycles {
        backend,
        name: leases::name(LOCK)?,
        run: id,
        wait: args.wait,
        lease_seconds,
    });
    let (events, cancel) = (ctx.events.clone(), ctx.cancel.clone());
    carry_out(&Runner { executor, events, cancel }, &plan, &mut run, &folder).await?;
    finished(&mut run, &folder)?;
    let file = folder.file(&run.id).display().to_string();
    Ok(report(run, file, false))
}

impl Executor for Cycles {
    async fn begin(&self, _: &Phase) -> Result<()> {
        Ok(())
    }

    async fn chill(&self, _: &Call) -> Result<()> {
        Err(Error::failed("nothing here starts cold"))
    }

    async fn execute(&self, _: &Call) -> Result<Inside, Failure> {
        let run = run_id(&self.run).map_err(|error| Failure::new("failed", error.to_string()))?;
        let order = Order {
            name: self.name.clone(),
            holder: Identity::from_env().holder("bench lock", "-", run),
            lease_seconds: self.lease_seconds,
            wait: self.wait,
            known_dead: Box::new(|_| false),
        };
        let begun = tokio::time::Instant::now();
        let held = protocol::acquire(&self.backend, &System, &order).await.map_err(refused)?;
        let taken = begun.elapsed();
        held.release(&self.backend, &System).await.map_err(refused)?;
        let given = begun.elapsed().saturating_sub(taken);
        let steps = [("take", taken), ("give_back", given)];
        let steps =
            steps.map(|(step, time)| (step.to_owned(), rounded(time.as_secs_f64() * 1000.0)));
        Ok(Inside { steps_ms: steps.into_iter().collect(), ..Inside::default() })
    }
}

fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Busy(_) => Failure::new("busy", "somebody else held it all the time"),
        Refusal::Lost(_) => Failure::new("lost", "somebody else took it over"),
        Refusal::Missing(error) => Failure::new("missing", error.to_string()),
        Refusal::Refused(error) => Failure::new("refused", error.to_string()),
        Refusal::Doubt(error) => Failure::new("no answer", error.to_string()),
    }
}

impl Report for LockReport {
    fn value(&self) -> Value {
        if self.dry_run {
            return json!({ "dry_run": true, "backend": self.backend, "phases": self.plan.phases });
        }
        render::value(&self.run, &self.file)
    }

    fn blocks(&self) -> Vec<Block> {
        if self.dry_run {
            let text = "dry run: nothing was taken".to_owned();
            return vec![render::planned(&self.plan), Block::Text(text)];
        }
        let mut blocks = render::blocks(&self.run);
        blocks.push(Block::Text(self.file.clone()));
        blocks
    }
}
