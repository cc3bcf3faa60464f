use std::time::Duration;

use serde_json::{Value, json};

use super::Ctx;
use crate::error::Result;
use crate::journal::{self, Entry, Record, RunState};
use crate::ui::{Block, Report};

/// How often a followed journal is looked at.
const PAUSE: Duration = Duration::from_millis(300);

/// Replay what a run recorded
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl events k3f9\n  platformctl events k3f9 --follow\n  platformctl events 2026-11-20-k3f9 -o jsonl"
)]
pub struct EventsArgs {
    /// The run's name, or its last four letters
    #[arg(value_name = "RUN")]
    run: String,
    /// Go on until the run ends
    #[arg(short, long)]
    follow: bool,
}

/// What a run recorded.
#[derive(Debug)]
pub struct EventsReport(Vec<Record>);

/// Runs `events`.
pub async fn run(ctx: &Ctx, args: &EventsArgs) -> Result<EventsReport> {
    let path = journal::find(&ctx.runs(), &args.run)?.path;
    if !args.follow {
        return Ok(EventsReport(journal::read(&path)?));
    }
    let mut shown = 0;
    loop {
        // The state first: what is written after this look is seen by the next one.
        let state = journal::find(&ctx.runs(), &args.run)?.state;
        let records = journal::read(&path)?;
        let new = records.get(shown..).unwrap_or_default().to_vec();
        shown = records.len();
        if state != RunState::Running || ctx.cancel.is_cancelled() {
            return Ok(EventsReport(new));
        }
        if !new.is_empty() {
            ctx.ui.report(&EventsReport(new))?;
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = ctx.cancel.cancelled() => {}
        }
    }
}

fn line(record: &Record) -> String {
    let time = record.at.get(11..19).unwrap_or(&record.at);
    let what = match &record.entry {
        Entry::RunStarted(start) => {
            let account = start.account.as_deref().unwrap_or("unknown");
            format!("{} began, by {}, account {account}, {}", start.verb, start.by, start.region)
        }
        Entry::RunResumed { by } => format!("resumed by {by}"),
        Entry::StepStarted { step } => format!("▸ {step}"),
        Entry::StepFinished { step, outcome, detail } => {
            let error =
                detail["error"].as_str().map(|error| format!(": {error}")).unwrap_or_default();
            format!("■ {step} {}{error}", word(*outcome))
        }
        Entry::Intent { id, action, target, .. } => format!("  #{id} {action} {target}"),
        Entry::Outcome { id, outcome, detail } => {
            let error =
                detail["error"].as_str().map(|error| format!(": {error}")).unwrap_or_default();
            format!("  #{id} {}{error}", word(*outcome))
        }
        Entry::Note { text } => text.clone(),
        Entry::RunAborted { by, reason } => format!("aborted by {by}: {reason}"),
        Entry::RunFinished { exit_code, error } => match error {
            Some(error) => format!("ended with exit code {exit_code}: {error}"),
            None => format!("ended with exit code {exit_code}"),
        },
    };
    format!("{time}  {what}")
}

fn word(outcome: journal::StepOutcome) -> &'static str {
    match outcome {
        journal::StepOutcome::Done => "done",
        journal::StepOutcome::Unchanged => "unchanged",
        journal::StepOutcome::Failed => "failed",
        journal::StepOutcome::Interrupted => "interrupted",
    }
}

impl Report for EventsReport {
    fn value(&self) -> Value {
        json!(self.0)
    }

    fn blocks(&self) -> Vec<Block> {
        if self.0.is_empty() {
            return Vec::new();
        }
        vec![Block::Text(self.0.iter().map(line).collect::<Vec<_>>().join("\n"))]
    }
}
