//! What became of runs: their state, and their reports.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::look::{Document, write};
use super::run::arguments_from;
use super::session::Arguments;
use crate::cli::Ctx;
use crate::cli::runs::word;
use crate::cli::session::kept;
use crate::error::{Error, Kind, Result, exit};
use crate::journal::{self, Mask, RunState, RunSummary};
use crate::runbook::History;
use crate::runbook::report::{self, Story, Told};
use crate::ui::{Align, Block, Report, Table, Tone};

/// Show how far a run of a runbook is
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl runbook status            the newest run of a runbook\n  platformctl runbook status k3f9 -o json --query 'waiting'"
)]
pub struct StatusArgs {
    /// The run's name, or its last four letters; default: the newest
    #[arg(value_name = "RUN")]
    run: Option<String>,
}

/// Tell what a run did, with timeline and evidence
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl runbook report k3f9 > incident.md\n  platformctl runbook report k3f9 --format html --out incident.html\n  platformctl runbook report k3f9 -o json"
)]
pub struct ReportArgs {
    /// The run's name, or its last four letters
    #[arg(value_name = "RUN")]
    run: String,
    /// What it is written as
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "markdown")]
    format: Written,
    /// Write it to a file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Written {
    /// For a ticket, a wiki or a merge request
    Markdown,
    /// A page that needs no network
    Html,
}

/// The run of a runbook called `name`.
pub(super) fn find(ctx: &Ctx, name: &str) -> Result<RunSummary> {
    let summary = journal::find(&ctx.runs(), name)?;
    if summary.start.verb.starts_with("runbook ") {
        return Ok(summary);
    }
    let RunSummary { run, start, .. } = &summary;
    Err(Error::usage(format!("run {run} is a run of {}, not of a runbook", start.verb))
        .hint(format!("`platformctl events {run}`, `platformctl resume {run}`")))
}

/// What a run keeps.
pub(super) fn arguments_of(summary: &RunSummary) -> Result<Arguments> {
    arguments_from(kept(summary)?.args)
}

/// Refuses a run that nobody can go on with.
pub(super) fn refuse_ended(summary: &RunSummary) -> Result<()> {
    let run = &summary.run;
    match summary.state {
        RunState::Succeeded => {
            let message = format!("run {run} ended with success; there is nothing to go on with");
            Err(Error::usage(message))
        }
        RunState::Aborted => {
            Err(Error::usage(format!("run {run} was aborted; there is nothing to go on with")))
        }
        RunState::Running => Err(Error::new(Kind::Locked, format!("run {run} is still under way"))
            .hint(format!("follow it with `platformctl events {run} --follow`"))),
        RunState::Failed | RunState::Crashed | RunState::Waiting => Ok(()),
    }
}

fn story(summary: &RunSummary) -> Result<Story> {
    let records = journal::read(&summary.path)?;
    let begun = arguments_of(summary)?.begun;
    let mask = Mask::from_environment();
    report::tell(summary, &records, begun, word(summary.state), &mask)
}

/// A run that came to an end, for now.
#[derive(Debug)]
pub struct Ran {
    story: Story,
    waiting: Vec<String>,
    pub(super) next: Vec<String>,
    code: u8,
}

/// What is told of a run when it ends with `code`.
pub(super) fn ran(ctx: &Ctx, run: &str, code: u8) -> Result<Ran> {
    let summary = journal::find(&ctx.runs(), run)?;
    let history = History::of(&journal::read(&summary.path)?);
    let waiting = history.waiting().map(str::to_owned).collect();
    Ok(Ran { story: story(&summary)?, waiting, next: Vec::new(), code })
}

impl Ran {
    /// The steps.
    pub(super) fn table(&self) -> Table {
        let mut table = Table::new(&[
            ("step", Align::Left),
            ("outcome", Align::Left),
            ("seconds", Align::Right),
            ("what", Align::Left),
        ]);
        for Told { step, title, outcome, seconds, .. } in &self.story.steps {
            let tone = match outcome.as_str() {
                "done" => Tone::Good,
                "failed" | "interrupted" => Tone::Bad,
                "waiting" | "open" => Tone::Busy,
                _ => Tone::Plain,
            };
            let seconds = seconds.map(|it| format!("{it:.1}")).unwrap_or_default();
            let plain = |text: &str| (text.to_owned(), Tone::Plain);
            table.toned_row([plain(step), (outcome.clone(), tone), plain(&seconds), plain(title)]);
        }
        table
    }
}

impl Report for Ran {
    fn exit_code(&self) -> u8 {
        self.code
    }

    fn value(&self) -> Value {
        let Story { run, runbook, state, reason, error, started, last, steps, .. } = &self.story;
        json!({
            "run": run, "runbook": runbook.id, "title": runbook.title, "state": state,
            "reason": reason, "inputs": runbook.inputs, "started": started, "last": last,
            "error": error, "waiting": self.waiting, "steps": steps,
        })
    }

    fn blocks(&self) -> Vec<Block> {
        let story = &self.story;
        let short = story.run.rsplit('-').next().unwrap_or(&story.run);
        let mut blocks = vec![Block::Table(self.table())];
        let mut text = format!("runbook {} · {}", story.runbook.id, story.state);
        if let Some(error) = &story.error {
            text.push_str(&format!("\n{error}"));
        }
        text.push_str(&format!("\nrun {} · platformctl runbook report {short}", story.run));
        blocks.push(Block::Text(text));
        if !self.next.is_empty() {
            blocks.push(Block::Next(self.next.clone()));
        }
        blocks
    }
}

pub(super) fn status(ctx: &Ctx, args: &StatusArgs) -> Result<Ran> {
    let run = match &args.run {
        Some(run) => find(ctx, run)?.run,
        None => {
            let runs = journal::list(&ctx.runs())?;
            let newest = runs.into_iter().find(|run| run.start.verb.starts_with("runbook "));
            let none = || {
                Error::usage("no runbook was run yet")
                    .hint("`platformctl runbook list` lists all runbooks")
            };
            newest.ok_or_else(none)?.run
        }
    };
    let summary = find(ctx, &run)?;
    let mut ran = ran(ctx, &run, exit::OK)?;
    let short = run.rsplit('-').next().unwrap_or(&run).to_owned();
    for step in &ran.waiting {
        let step = crate::runbook::quoted(step);
        ran.next.push(format!("platformctl runbook approve {short} {step}"));
    }
    if summary.resumable() {
        ran.next.push(format!("platformctl runbook resume {short}"));
    }
    Ok(ran)
}

pub(super) fn report(ctx: &Ctx, args: &ReportArgs) -> Result<Document> {
    let summary = find(ctx, &args.run)?;
    let story = story(&summary)?;
    let text = match args.format {
        Written::Markdown => report::markdown(&story),
        Written::Html => report::html(&story),
    };
    let value = json!(story);
    match &args.out {
        None => Ok(Document::new(value, text)),
        Some(file) => {
            write(file, &text)?;
            Ok(Document::new(value, format!("wrote {}", file.display())))
        }
    }
}
