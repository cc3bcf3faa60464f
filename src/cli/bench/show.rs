//! What was measured before.

use serde_json::{Value, json};

use super::{common, render};
use crate::bench::result::Run;
use crate::cli::Ctx;
use crate::error::Result;
use crate::ui::{Align, Block, Report, Table};

/// List what was measured, newest first
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl bench history\n  platformctl bench history --suite efs -o json --query '[0].id'"
)]
pub struct HistoryArgs {
    /// Only of this suite, such as efs
    #[arg(long, value_name = "SUITE")]
    suite: Option<String>,
}

/// Show what a run measured
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl bench show k3f9\n  platformctl bench show ./results/before.json -o json"
)]
pub struct ShowArgs {
    /// The run's name, its last four letters, or a file
    #[arg(value_name = "ID")]
    id: String,
}

/// The stored runs.
#[derive(Debug)]
pub struct Listed(Vec<Run>);

/// One stored run.
#[derive(Debug)]
pub struct Shown {
    run: Run,
    file: String,
}

pub(super) fn history(ctx: &Ctx, args: &HistoryArgs) -> Result<Listed> {
    let (mut runs, broken) = common::folder(ctx).list()?;
    for error in broken {
        ctx.events.warn(error.to_string());
    }
    if let Some(suite) = &args.suite {
        runs.retain(|run| run.suite == *suite);
    }
    Ok(Listed(runs))
}

pub(super) fn show(ctx: &Ctx, args: &ShowArgs) -> Result<Shown> {
    let folder = common::folder(ctx);
    let run = folder.load(&args.id)?;
    let file = folder.file(&run.id);
    let file = if file.is_file() { file.display().to_string() } else { args.id.clone() };
    Ok(Shown { run, file })
}

/// `passed`, `missed`, or nothing where there are no criteria.
fn kept(run: &Run) -> Option<&'static str> {
    if run.criteria.is_empty() {
        return None;
    }
    Some(if run.criteria.iter().all(|it| it.passed) { "passed" } else { "missed" })
}

impl Report for Listed {
    fn value(&self) -> Value {
        let runs = self.0.iter().map(|run| {
            json!({
                "id": run.id,
                "suite": run.suite,
                "state": run.state,
                "started": run.started,
                "local": run.place.local,
                "region": run.place.region,
                "environment": run.place.environment,
                "function": run.function.as_ref().map(|it| &it.name),
                "phases": run.phases.len(),
                "calls": run.phases.iter().map(|it| it.samples.len()).sum::<usize>(),
                "criteria": kept(run),
            })
        });
        Value::Array(runs.collect())
    }

    fn blocks(&self) -> Vec<Block> {
        if self.0.is_empty() {
            return vec![
                Block::Text("nothing was measured yet".to_owned()),
                Block::Next(vec!["platformctl bench efs --local".to_owned()]),
            ];
        }
        let mut table = Table::new(&[
            ("id", Align::Left),
            ("suite", Align::Left),
            ("state", Align::Left),
            ("started", Align::Left),
            ("where", Align::Left),
            ("calls", Align::Right),
            ("criteria", Align::Left),
        ]);
        for run in &self.0 {
            let place = if run.place.local { "local" } else { &run.place.region };
            let calls: usize = run.phases.iter().map(|it| it.samples.len()).sum();
            table.row([
                run.id.clone(),
                run.suite.clone(),
                run.state.name().to_owned(),
                run.started.chars().take(19).collect(),
                format!("{} {place}", run.place.environment),
                calls.to_string(),
                kept(run).unwrap_or_default().to_owned(),
            ]);
        }
        vec![Block::Table(table)]
    }
}

impl Report for Shown {
    fn value(&self) -> Value {
        render::value(&self.run, &self.file)
    }

    fn blocks(&self) -> Vec<Block> {
        render::blocks(&self.run)
    }
}
