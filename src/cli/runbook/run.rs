//! Runs runbooks, and goes on with them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::hands::Hands;
use super::session::{Arguments, Session};
use super::told::{self, Ran};
use super::{known, library_of};
use crate::cli::Ctx;
use crate::cli::context::whoami;
use crate::cli::session::kept;
use crate::config::{Settings, Shape, parse_yaml};
use crate::error::{Context as _, Error, Kind, Result, exit};
use crate::journal::RunSummary;
use crate::runbook::report::Begun;
use crate::runbook::{self, Choices, Fate, Loaded, Rehearsed, Run};
use crate::ui::{Align, Block, Report, Table};

/// Run a runbook
///
/// It is proved first, and shown. Without a terminal nobody is asked: a step that waits for
/// people ends the call with exit code 6, and `runbook resume` goes on.
///
/// With --dry-run every read is performed and every change is shown, not made.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl runbook run 002 --local\n  platformctl runbook run 006 --input tenant=acme --reason 'budget alert' --dry-run\n  platformctl runbook run 007 --inputs rollback.yaml --reason 'bad deploy' --yes"
)]
pub struct RunArgs {
    /// The runbook's id, or a file
    #[arg(value_name = "RUNBOOK")]
    runbook: String,
    /// An input; may be given several times
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = pair)]
    input: Vec<(String, String)>,
    /// A YAML or JSON file of inputs; --input wins
    #[arg(long, value_name = "FILE")]
    inputs: Option<PathBuf>,
    /// Why; kept in the journal, and in the audit trail of what needs a reason
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Perform every read, show every change, and stop
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before it begins
    #[arg(short, long)]
    yes: bool,
    /// Wait for people that do not sit here, instead of ending with exit code 6
    #[arg(long)]
    wait: bool,
}

/// Go on with a run of a runbook
///
/// What was done is not done again. A step that was interrupted where nobody can tell
/// whether it was done needs --repeat or --skip.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl runbook resume k3f9\n  platformctl runbook resume k3f9 --repeat notify\n  platformctl runbook resume k3f9 --accept-changes"
)]
pub struct ResumeArgs {
    /// The run's name, or its last four letters
    #[arg(value_name = "RUN")]
    run: String,
    /// An interrupted step to do again
    #[arg(long, value_name = "STEP")]
    repeat: Vec<String>,
    /// An interrupted step to take for done
    #[arg(long, value_name = "STEP", conflicts_with = "repeat")]
    skip: Vec<String>,
    /// Go on although the runbook's file is another now
    #[arg(long)]
    accept_changes: bool,
}

/// How a run is gone on with.
#[derive(Debug, Default)]
pub(in crate::cli) struct Resumption {
    pub choices: Choices,
    pub accept_changes: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// Runs `runbook run`.
pub(super) async fn run(ctx: &Ctx, args: RunArgs) -> Result<Box<dyn Report>> {
    let settings = ctx.settings()?;
    let loaded = library_of(&settings)?.get(&args.runbook)?;
    runbook::refuse(&loaded, &Hands::to_prove(ctx))?;
    let inputs = runbook::resolve(&loaded, &given(&args)?, &known(&settings)?)?;
    let reason = args.reason.clone().filter(|reason| !reason.trim().is_empty());
    if reason.is_none() && !args.dry_run && runbook::needs_reason(&loaded) {
        return Err(Error::usage(format!("runbook {} needs a reason", loaded.runbook.id))
            .hint("say why with `--reason`: it is kept in the audit trail"));
    }
    let begun = Begun::of(&loaded, inputs);
    if args.dry_run {
        let hands = Hands::new(ctx, Some(&settings), None, false);
        let reason = reason.as_deref().or(Some("dry run"));
        let scope = scope(&settings, &begun, "dry-run", reason, &whoami());
        let steps = runbook::rehearse(&loaded, &hands, scope, &ctx.cancel).await?;
        return Ok(Box::new(DryRun { begun, steps }));
    }
    confirm(ctx, &settings, &loaded, &begun.inputs, args.yes)?;
    let kept = Arguments { begun, wait: args.wait };
    let session = Session::begin(ctx, &settings, &loaded.runbook.locks, &kept, reason).await?;
    carry_out(ctx, &settings, &loaded, &kept, session, Choices::default()).await
}

/// Runs `runbook resume`.
pub(super) async fn resumed(ctx: &Ctx, args: ResumeArgs) -> Result<Box<dyn Report>> {
    let ResumeArgs { run, repeat, skip, accept_changes } = args;
    let summary = told::find(ctx, &run)?;
    let choices =
        Choices { repeat: repeat.into_iter().collect(), skip: skip.into_iter().collect() };
    told::refuse_ended(&summary)?;
    let ctx = ctx.with_global(ctx.global.acting_in(kept(&summary)?.scope));
    resume(&ctx, &summary, Resumption { choices, accept_changes }).await
}

/// Goes on with a run, in a context that acts where it began.
pub(in crate::cli) async fn resume(
    ctx: &Ctx,
    summary: &RunSummary,
    resumption: Resumption,
) -> Result<Box<dyn Report>> {
    let settings = ctx.settings()?;
    let kept = told::arguments_of(summary)?;
    let loaded = reload(&settings, &kept.begun, resumption.accept_changes, &summary.run)?;
    runbook::refuse(&loaded, &Hands::to_prove(ctx))?;
    let unknown =
        resumption.choices.repeat.union(&resumption.choices.skip).find(|step| {
            !kept.begun.steps.iter().any(|it| it.id == step.trim_start_matches("undo "))
        });
    if let Some(step) = unknown {
        let ids: Vec<String> = kept.begun.steps.iter().map(|step| step.id.clone()).collect();
        return Err(Error::usage(format!("run {} has no step {step}", summary.run))
            .hint(crate::config::suggest(step, &ids)));
    }
    let session = Session::resume(ctx, &settings, &loaded.runbook.locks, summary).await?;
    carry_out(ctx, &settings, &loaded, &kept, session, resumption.choices).await
}

/// The runbook that a run began with.
pub(super) fn reload(
    settings: &Settings,
    begun: &Begun,
    accept_changes: bool,
    run: &str,
) -> Result<Loaded> {
    let library = library_of(settings)?;
    let found = if begun.embedded {
        library.get(&begun.id)
    } else {
        // By its file: two runbooks of one id may be in two places.
        runbook::load(std::path::Path::new(&begun.file)).or_else(|_| library.get(&begun.id))
    };
    let loaded = found?;
    if loaded.digest == begun.digest || accept_changes {
        return Ok(loaded);
    }
    let short = run.rsplit('-').next().unwrap_or(run);
    Err(Error::usage(format!("{} is another than when run {run} began", loaded.file))
        .caused_by(format!("SHA-256 {} then, {} now", begun.digest, loaded.digest))
        .hint(format!(
            "look at what changed; `platformctl runbook resume {short} --accept-changes` goes on with it"
        )))
}

async fn carry_out(
    ctx: &Ctx,
    settings: &Settings,
    loaded: &Loaded,
    kept: &Arguments,
    session: Session,
    choices: Choices,
) -> Result<Box<dyn Report>> {
    let journal = &session.journal;
    let run_id = journal.run().as_str();
    ctx.ui.status(&format!("runbook {} · run {run_id}", loaded.runbook.id));
    let path = Some(journal.path().to_owned());
    let hands = Hands::new(ctx, Some(settings), path, kept.wait);
    let start = told::find(ctx, run_id)?.start;
    let scope = scope(settings, &kept.begun, run_id, start.reason.as_deref(), &start.by);
    let history = session.history.clone();
    let listeners = (&ctx.events, &session.cancel);
    let mut run = Run::new(loaded, &hands, journal, listeners, scope, history);
    run.choices = choices;
    // Boxed: the engine's future holds those of its steps.
    let result = Box::pin(run.go()).await;
    let result = session.end(ctx, settings, result).await;
    match result {
        Ok(()) => {}
        // That it waits is how it ended, and no failure.
        Err(error) if error.kind() == Kind::Waiting => {
            let mut ran: Ran = told::ran(ctx, run_id, exit::WAITING)?;
            // The commands of its hints.
            let commands = error.hints().iter().filter_map(|hint| hint.split('`').nth(1));
            ran.next = commands.map(str::to_owned).collect();
            return Ok(Box::new(ran));
        }
        Err(error) => {
            if let Ok(ran) = told::ran(ctx, run_id, exit::FAILED) {
                ctx.ui.status(&crate::ui::text(&[Block::Table(ran.table())]));
            }
            return Err(error);
        }
    }
    Ok(Box::new(told::ran(ctx, run_id, exit::OK)?))
}

/// What expressions read of the run.
pub(super) fn scope(
    settings: &Settings,
    begun: &Begun,
    run: &str,
    reason: Option<&str>,
    by: &str,
) -> Value {
    json!({
        "inputs": begun.inputs,
        "config": settings.config,
        "run": {
            "id": run,
            "runbook": begun.id,
            "title": begun.title,
            "reason": reason,
            "by": by,
            "environment": settings.config.environment,
            "local": settings.local,
        },
    })
}

/// The inputs that were said: of the file, and over them those of the command line.
fn given(args: &RunArgs) -> Result<BTreeMap<String, Value>> {
    fn any() -> Value {
        json!({ "type": "object" })
    }
    let mut given = BTreeMap::new();
    if let Some(file) = &args.inputs {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file)
            .map_err(|error| Error::usage(format!("cannot read {name}")).caused_by(error))?;
        let shape = Shape { schema: any, command: "platformctl runbook show" };
        let (values, _): (BTreeMap<String, Value>, _) = parse_yaml(&name, &text, &shape)?;
        given.extend(values);
    }
    given.extend(args.input.iter().map(|(name, value)| (name.clone(), value.as_str().into())));
    Ok(given)
}

/// Shows what is about to begin, and asks; nobody is asked about the local platform.
fn confirm(
    ctx: &Ctx,
    settings: &Settings,
    loaded: &Loaded,
    inputs: &Map<String, Value>,
    yes: bool,
) -> Result<()> {
    let runbook = &loaded.runbook;
    let account = settings.config.account.as_deref().unwrap_or("of the credentials");
    ctx.show_place(settings, if settings.local { crate::local::ACCOUNT } else { account });
    ctx.ui.status(&format!("runbook {} · {}", runbook.id, runbook.title));
    for (name, value) in inputs {
        ctx.ui.status(&format!("  {name} = {value}"));
    }
    if yes || settings.local {
        return Ok(());
    }
    if ctx.ui.confirm(&format!("Run it in environment {}?", settings.config.environment))? {
        return Ok(());
    }
    Err(Error::usage("not confirmed; nothing was done"))
}

/// A dry run.
#[derive(Debug)]
struct DryRun {
    begun: Begun,
    steps: Vec<Rehearsed>,
}

impl Report for DryRun {
    fn exit_code(&self) -> u8 {
        let failed = self.steps.iter().any(|step| step.fate == Fate::Failed);
        if failed { exit::FAILED } else { exit::OK }
    }

    fn value(&self) -> Value {
        let Begun { id, title, digest, inputs, .. } = &self.begun;
        json!({
            "runbook": id, "title": title, "digest": digest, "inputs": inputs,
            "dry_run": true, "steps": self.steps,
        })
    }

    fn blocks(&self) -> Vec<Block> {
        let mut table = Table::new(&[
            ("step", Align::Left),
            ("kind", Align::Left),
            ("dry run", Align::Left),
            ("what", Align::Left),
        ]);
        for step in &self.steps {
            table.row([
                step.step.clone(),
                step.kind.to_owned(),
                runbook::fate_word(step.fate).to_owned(),
                step.work.clone(),
            ]);
        }
        vec![Block::Table(table), Block::Text("dry run: nothing was changed".to_owned())]
    }
}

/// Serializes what a run is given, for whoever resumes it.
pub(super) fn arguments_from(value: Value) -> Result<Arguments> {
    serde_json::from_value(value).context("the run was recorded by another version of platformctl")
}
