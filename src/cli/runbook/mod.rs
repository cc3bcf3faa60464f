mod argv;
mod desk;
mod hands;
mod inbox;
mod look;
mod people;
mod run;
mod session;
mod told;
mod verbs;
mod who;

use std::collections::BTreeSet;

use super::Ctx;
use crate::config::Settings;
use crate::error::Result;
use crate::runbook::{Known, Library};
use crate::ui::Report;

pub(super) use run::{Resumption, resume};

/// What operators do, written down: prove, run, approve and resume it
///
/// A runbook is a YAML file of steps: verbs of platformctl, requests, waits, approvals, and
/// what people do. Ten come with platformctl; a folder `runbooks` beside platform.yaml adds
/// to them. A run is journaled like any other: it can be cut off anywhere, and resumed.
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "Examples:\n  platformctl runbook list\n  platformctl runbook show 006\n  platformctl runbook run 006 --input tenant=acme --reason 'budget alert' --dry-run\n  platformctl runbook run 006 --input tenant=acme --reason 'budget alert'\n  platformctl runbook approve k3f9 leave\n  platformctl runbook resume k3f9"
)]
pub enum RunbookVerb {
    List(look::ListArgs),
    Show(look::ShowArgs),
    Lint(look::LintArgs),
    Graph(look::GraphArgs),
    Schema(look::SchemaArgs),
    Run(run::RunArgs),
    Status(told::StatusArgs),
    Approve(people::ApproveArgs),
    Resume(run::ResumeArgs),
    Abort(people::AbortArgs),
    Report(told::ReportArgs),
}

/// Runs `runbook`.
pub async fn run(ctx: &Ctx, verb: RunbookVerb) -> Result<Box<dyn Report>> {
    Ok(match verb {
        RunbookVerb::List(args) => Box::new(look::list(ctx, &args)?),
        RunbookVerb::Show(args) => Box::new(look::show(ctx, &args)?),
        RunbookVerb::Lint(args) => Box::new(look::lint(ctx, &args)?),
        RunbookVerb::Graph(args) => Box::new(look::graph(ctx, &args)?),
        RunbookVerb::Schema(args) => Box::new(look::schema(&args)?),
        RunbookVerb::Run(args) => run::run(ctx, args).await?,
        RunbookVerb::Status(args) => Box::new(told::status(ctx, &args)?),
        RunbookVerb::Approve(args) => Box::new(people::approve(ctx, &args).await?),
        RunbookVerb::Resume(args) => run::resumed(ctx, args).await?,
        RunbookVerb::Abort(args) => Box::new(people::abort(ctx, &args).await?),
        RunbookVerb::Report(args) => Box::new(told::report(ctx, &args)?),
    })
}

/// Every runbook there is here. Without a platform.yaml: those that come with platformctl.
fn library(ctx: &Ctx) -> Result<Library> {
    let Ok(settings) = ctx.settings() else { return Library::find(None) };
    library_of(&settings)
}

fn library_of(settings: &Settings) -> Result<Library> {
    let file = settings.file();
    let beside = file.parent().map(|folder| folder.join(&settings.config.runbooks));
    Library::find(beside.as_deref())
}

/// The names of the leases that runbooks take, each once.
pub(super) fn lease_names(settings: &Settings) -> Result<BTreeSet<String>> {
    let runbooks = library_of(settings)?.runbooks;
    let locks = runbooks.iter().flat_map(|loaded| &loaded.runbook.locks);
    Ok(locks.map(|lock| format!("{}{lock}", session::PREFIX)).collect())
}

/// What inputs are checked against.
fn known(settings: &Settings) -> Result<Known> {
    let stacks = settings.synthesize()?.into_iter().map(|stack| stack.name).collect();
    let queues = runtime_core::queues::ALL
        .iter()
        .flat_map(|queue| [queue.name.to_owned(), queue.dead_letters()])
        .collect();
    let config = serde_json::to_value(&settings.config).unwrap_or_default();
    Ok(Known { config, stacks, queues })
}
