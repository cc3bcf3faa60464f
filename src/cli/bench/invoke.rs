use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{common, render};
use crate::bench::executor::Runner;
use crate::bench::lambda::{Changes, Function};
use crate::bench::plan::Plan;
use crate::bench::price;
use crate::bench::result::{Run, Subject};
use crate::bench::suite::{carry_out, finished, stopped};
use crate::bench::sweep::{Invoker, Point, plan, points};
use crate::cli::Ctx;
use crate::cli::invoke::region_of;
use crate::cli::session::{Purpose, Session, arguments};
use crate::config::LambdaPrices;
use crate::error::{Error, Result};
use crate::journal::RunSummary;
use crate::ui::{Align, Block, Report, Table};

/// The verb, as it is journaled.
pub(in crate::cli) const VERB: &str = "bench invoke";

/// What one call is taken to be billed for in an estimate, in milliseconds.
const ASSUMED_MS: f64 = 300.0;

/// Measure a function with several memory sizes, and say what each costs
///
/// The function's memory is changed for each size and put back at the end, however the run
/// ends; after a kill, `resume` goes on and puts it back. Whoever calls the function meanwhile
/// meets the size of the moment. Costs come from billed time and `bench.prices` in
/// platform.yaml (AWS's list prices by default). The local platform gives every size the same
/// processor.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
#[command(
    after_help = "Examples:\n  platformctl bench invoke git-store --local --payload '{\"operation\": \"ping\"}'\n  platformctl bench invoke git-store --memory 256,512,1024 --count 50 --dry-run\n  platformctl bench invoke tenant-api --memory 128,512,1769 --in-flight 5 --yes"
)]
pub struct InvokeArgs {
    /// The function's short name
    #[arg(value_name = "FUNCTION")]
    function: String,
    /// Memory sizes in MB; default: 128, 256, 512 and 1024
    #[arg(long, value_name = "MB", value_delimiter = ',', default_values_t = [128, 256, 512, 1_024], value_parser = clap::value_parser!(u32).range(128..=10_240))]
    memory: Vec<u32>,
    /// What it is called with, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = payload)]
    payload: Value,
    /// Calls of each size
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    count: usize,
    /// Calls before those, measured apart
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    warm_up: usize,
    /// Calls under way at a time
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    in_flight: usize,
    /// Show what would be called, and what it would cost, and stop
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

fn payload(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))
}

/// What was measured, or would be.
#[derive(Debug)]
pub struct InvokeReport {
    run: Run,
    file: String,
    plan: Plan,
    prices: LambdaPrices,
    dry_run: bool,
    cost_usd: f64,
}

/// Runs `bench invoke`.
pub async fn run(ctx: &Ctx, args: InvokeArgs) -> Result<InvokeReport> {
    execute(ctx, args, None).await
}

/// Runs `bench invoke`, or goes on with an earlier run of it.
pub(in crate::cli) async fn execute(
    ctx: &Ctx,
    args: InvokeArgs,
    resumed: Option<&RunSummary>,
) -> Result<InvokeReport> {
    let settings = ctx.settings()?;
    let prices = settings.config.bench.prices;
    let mut memory = args.memory.clone();
    memory.sort_unstable();
    memory.dedup();
    let plan = plan(&memory, args.count, args.warm_up, args.in_flight);
    let name = settings.physical_name(&args.function);
    let region = region_of(&settings, &name)?;
    let connection = ctx.connect(&settings).await?;
    let (function, subject) = Function::find(connection.aws.of(&region)?, &name).await?;
    let cost_usd = estimate(&prices, &subject, &plan);
    ctx.show_place(&settings, &connection.identity.account);
    let sizes: Vec<String> = memory.iter().map(ToString::to_string).collect();
    ctx.ui.plan(&[format!(
        " ~ {}  memory {} MB in turn, {} calls",
        common::described(&subject),
        sizes.join(", "),
        plan.calls()
    )]);
    let folder = common::folder(ctx);
    if args.dry_run {
        let run = Run { function: Some(subject), ..common::begin("invoke", "none", &settings, 0)? };
        let file = String::new();
        return Ok(InvokeReport { run, file, plan, prices, dry_run: true, cost_usd });
    }
    if !settings.local && !args.yes && resumed.is_none() {
        let question = format!("Change its memory and call it (about {cost_usd:.4} US dollars)?");
        if !ctx.ui.confirm(&question)? {
            return Err(Error::usage("not confirmed; nothing was changed"));
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
            part: Some(format!("bench-{}", args.function)),
            resumed,
        },
    )?;
    let id = session.journal.run().as_str();
    let changes = Changes::new(function.clone(), Arc::clone(&session.journal));
    let result = async {
        let suite = ("invoke", id);
        let mut run = common::begin_or_go_on(ctx, suite, &settings, 0, resumed.is_some())?;
        // An earlier attempt knew the memory before it was changed.
        run.function.get_or_insert_with(|| subject.clone());
        let told = arguments(&args);
        run.parameters =
            common::parameters(&told, &["memory", "payload", "count", "warm_up", "in_flight"]);
        folder.save(&run)?;
        let before = run.function.as_ref().and_then(|it| it.memory_mb);
        let executor = Invoker::new(function.clone(), changes.clone(), args.payload.clone());
        let (events, cancel) = (ctx.events.clone(), ctx.cancel.clone());
        let runner = Runner { executor, events, cancel };
        let measured = carry_out(&runner, &plan, &mut run, &folder).await;
        let restored = changes.restore(before).await;
        if let Err(error) = measured.and(restored) {
            return stopped(&mut run, &folder, error).map(|()| run);
        }
        finished(&mut run, &folder)?;
        Ok(run)
    }
    .await;
    let file = folder.file(id).display().to_string();
    let result = result.map_err(|error| error.hint(format!("what was measured is in {file}")));
    let run = session.end(ctx, &settings, &connection, result).await?;
    Ok(InvokeReport { run, file, plan, prices, dry_run: false, cost_usd })
}

/// What all calls cost if each is billed for [`ASSUMED_MS`].
fn estimate(prices: &LambdaPrices, subject: &Subject, plan: &Plan) -> f64 {
    let architecture = subject.architecture.as_deref().unwrap_or("x86_64");
    let phases = plan.phases.iter().map(|phase| {
        let memory = f64::from(phase.memory_mb.unwrap_or_default());
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let calls = phase.calls() as f64;
        calls * price::per_call(prices, architecture, memory, ASSUMED_MS)
    });
    phases.sum()
}

/// The point with the least of something.
fn least(points: &[Point], number: fn(&Point) -> f64) -> Option<u32> {
    let least = points.iter().min_by(|left, right| number(left).total_cmp(&number(right)));
    least.map(|point| point.memory_mb)
}

impl Report for InvokeReport {
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
        let points = points(&self.run, &self.prices);
        let mut value = render::value(&self.run, &self.file);
        value["cheapest_mb"] = json!(least(&points, |it| it.usd_per_million));
        value["fastest_mb"] = json!(least(&points, |it| it.duration_ms));
        value["memory"] = json!(points);
        value["prices"] = json!(self.prices);
        value
    }

    fn blocks(&self) -> Vec<Block> {
        if self.dry_run {
            return vec![
                render::planned(&self.plan),
                Block::Text(format!(
                    "{} calls; about {:.4} US dollars, were each billed for {ASSUMED_MS} ms\n\ndry run: nothing was changed or called",
                    self.plan.calls(),
                    self.cost_usd
                )),
            ];
        }
        let mut blocks = render::blocks(&self.run);
        let points = points(&self.run, &self.prices);
        let mut table = Table::new(&[
            ("memory", Align::Right),
            ("duration, median", Align::Right),
            ("billed, mean", Align::Right),
            ("US dollars a million", Align::Right),
            ("cost", Align::Left),
        ]);
        let dearest = points.iter().map(|it| it.usd_per_million).fold(0.0, f64::max);
        let (cheapest, fastest) =
            (least(&points, |it| it.usd_per_million), least(&points, |it| it.duration_ms));
        for point in &points {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "to 20")]
            let bar = (point.usd_per_million / dearest * 20.0).round() as usize;
            let mut marks = vec!["█".repeat(bar.max(1))];
            marks.extend((cheapest == Some(point.memory_mb)).then(|| "cheapest".to_owned()));
            marks.extend((fastest == Some(point.memory_mb)).then(|| "fastest".to_owned()));
            table.row([
                format!("{} MB", point.memory_mb),
                format!("{:.2} ms", point.duration_ms),
                format!("{:.1} ms", point.billed_ms),
                format!("{:.3}", point.usd_per_million),
                marks.join(" "),
            ]);
        }
        if !table.is_empty() {
            blocks.push(Block::Table(table));
        }
        let id = self.run.id.rsplit('-').next().unwrap_or_default();
        let restored = self.run.function.as_ref().and_then(|it| it.memory_mb);
        let restored =
            restored.map(|mb| format!("memory is {mb} MB again\n\n")).unwrap_or_default();
        blocks.push(Block::Text(format!("{restored}run {id} · {}", self.file)));
        blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::Phase;
    use crate::bench::result::Measured;
    use crate::bench::sample::Sample;

    #[test]
    fn each_memory_size_has_its_time_and_its_cost() {
        let text = include_str!("../../bench/export/tests.json");
        let mut run: Run = serde_json::from_str(text).expect("a result");
        run.suite = "invoke".to_owned();
        run.criteria.clear();
        for (memory_mb, duration) in [(256, 200.0), (512, 90.0), (1_024, 80.0)] {
            let phase = Phase::sequential("x", &format!("{memory_mb} MB"), "invoke", 3);
            let name = format!("memory-{memory_mb}");
            let phase = Phase { memory_mb: Some(memory_mb), name, ..phase };
            let mut measured = Measured::of(phase, String::new());
            let sample = Sample {
                operation: "invoke".into(),
                wall_ms: duration + 8.0,
                duration_ms: Some(duration),
                billed_ms: Some(duration + 0.5),
                ..Sample::default()
            };
            measured.samples = vec![sample; 3];
            measured.complete = true;
            run.take(measured);
        }
        let prices = LambdaPrices::default();
        let plan = plan(&[256, 512, 1_024], 3, 1, 1);
        let report =
            InvokeReport { run, file: "FILE".into(), plan, prices, dry_run: false, cost_usd: 0.01 };
        let mut value = report.value();
        assert_eq!((&value["cheapest_mb"], &value["fastest_mb"]), (&json!(512), &json!(1_024)));
        // That of every suite is in tests/cli/bench.rs.
        value.as_object_mut().expect("fields").remove("phases");
        insta::assert_json_snapshot!(value);
        insta::assert_snapshot!(crate::ui::text(&report.blocks()));
        let dry = InvokeReport { dry_run: true, ..report };
        insta::assert_json_snapshot!(dry.value());
    }
}
