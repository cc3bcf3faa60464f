use serde_json::{Value, json};

use super::Ctx;
use crate::error::Result;
use crate::journal::{self, RunState, RunSummary};
use crate::ui::{Align, Block, Report, Table};

/// List the recorded runs, newest first
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl runs\n  platformctl runs --unfinished\n  platformctl runs -o jsonl"
)]
pub struct RunsArgs {
    /// Only runs that can be resumed
    #[arg(long)]
    unfinished: bool,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

/// Recorded runs.
#[derive(Debug)]
pub struct RunsReport(Vec<RunSummary>);

/// Runs `runs`.
pub fn run(ctx: &Ctx, args: &RunsArgs) -> Result<RunsReport> {
    for error in journal::damaged(&ctx.runs())? {
        ctx.events.warn(format!("{error}; {}", error.hints().join("; ")));
    }
    let mut runs = journal::list(&ctx.runs())?;
    if args.unfinished {
        runs.retain(RunSummary::resumable);
    }
    runs.truncate(args.limit);
    Ok(RunsReport(runs))
}

pub(super) fn word(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Succeeded => "succeeded",
        RunState::Failed => "failed",
        RunState::Crashed => "cut off",
        RunState::Waiting => "waiting",
        RunState::Aborted => "aborted",
    }
}

impl Report for RunsReport {
    fn value(&self) -> Value {
        json!(self.0)
    }

    fn blocks(&self) -> Vec<Block> {
        if self.0.is_empty() {
            return vec![Block::Text("no run was recorded yet".to_owned())];
        }
        let mut table = Table::new(&[
            ("run", Align::Left),
            ("verb", Align::Left),
            ("environment", Align::Left),
            ("state", Align::Left),
            ("started", Align::Left),
            ("by", Align::Left),
        ]);
        for run in &self.0 {
            let place = if run.start.local { " (local)" } else { "" };
            let environment = format!("{}-{}{place}", run.start.project, run.start.environment);
            let started = run.started.get(..19).unwrap_or(&run.started).replace('T', " ");
            table.row([
                run.run.clone(),
                run.start.verb.clone(),
                environment,
                word(run.state).to_owned(),
                started,
                run.start.by.clone(),
            ]);
        }
        vec![Block::Table(table)]
    }
}
