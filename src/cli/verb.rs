//! Every verb, and what runs it.

use clap::Subcommand;

use super::{
    Ctx, bench, bootstrap, build, check, config, deploy, destroy, diff, events, explain, graph,
    init, invoke, local, lock, login, ops, outputs, resume, rollback, runbook, runs, status, synth,
    tenant, trace,
};
use crate::error::Result;
use crate::ui::Report;

/// What to do.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "the help of a verb is the doc comment of its arguments")]
pub enum Verb {
    Init(init::InitArgs),
    #[command(subcommand)]
    Config(config::ConfigVerb),
    Synth(synth::SynthArgs),
    Check(check::CheckArgs),
    Explain(explain::ExplainArgs),
    Graph(graph::GraphArgs),
    Build(build::BuildArgs),
    Diff(diff::DiffArgs),
    Deploy(deploy::DeployArgs),
    Status(status::StatusArgs),
    Outputs(outputs::OutputsArgs),
    Invoke(invoke::InvokeArgs),
    Trace(trace::TraceArgs),
    Destroy(destroy::DestroyArgs),
    Login(login::LoginArgs),
    Logout(login::LogoutArgs),
    #[command(subcommand)]
    Tenant(tenant::TenantVerb),
    #[command(subcommand)]
    Ops(ops::OpsVerb),
    #[command(subcommand)]
    Lock(lock::LockVerb),
    #[command(subcommand)]
    Bench(bench::BenchVerb),
    #[command(subcommand)]
    Runbook(runbook::RunbookVerb),
    Rollback(rollback::RollbackArgs),
    Bootstrap(bootstrap::BootstrapArgs),
    Runs(runs::RunsArgs),
    Events(events::EventsArgs),
    Resume(resume::ResumeArgs),
    #[command(subcommand)]
    Local(local::LocalVerb),
}

/// Runs one verb.
pub(super) async fn run(ctx: &Ctx, verb: Verb) -> Result<Box<dyn Report>> {
    Ok(match verb {
        Verb::Init(args) => Box::new(init::run(ctx, &args)?),
        Verb::Config(verb) => config::run(ctx, &verb)?,
        Verb::Synth(args) => Box::new(synth::run(ctx, &args)?),
        Verb::Check(args) => Box::new(check::run(ctx, &args)?),
        Verb::Explain(args) => Box::new(explain::run(ctx, &args)?),
        Verb::Graph(args) => Box::new(graph::run(ctx, &args)?),
        Verb::Build(args) => Box::new(build::run(ctx, &args).await?),
        Verb::Diff(args) => Box::new(diff::run(ctx, &args).await?),
        Verb::Deploy(args) => Box::new(deploy::run(ctx, args).await?),
        Verb::Status(args) => Box::new(status::run(ctx, &args).await?),
        Verb::Outputs(args) => Box::new(outputs::run(ctx, &args).await?),
        Verb::Invoke(args) => Box::new(invoke::run(ctx, &args).await?),
        Verb::Trace(args) => trace::run(ctx, &args).await?,
        Verb::Destroy(args) => Box::new(destroy::run(ctx, args).await?),
        Verb::Login(args) => Box::new(login::run(ctx, &args).await?),
        Verb::Logout(args) => Box::new(login::logout(ctx, &args)?),
        Verb::Tenant(verb) => tenant::run(ctx, verb).await?,
        Verb::Ops(verb) => ops::run(ctx, verb).await?,
        Verb::Lock(verb) => lock::run(ctx, verb).await?,
        Verb::Bench(verb) => bench::run(ctx, verb).await?,
        Verb::Runbook(verb) => runbook::run(ctx, verb).await?,
        Verb::Rollback(args) => Box::new(rollback::run(ctx, args).await?),
        Verb::Bootstrap(args) => bootstrap::run(ctx, args).await?,
        Verb::Runs(args) => Box::new(runs::run(ctx, &args)?),
        Verb::Events(args) => Box::new(events::run(ctx, &args).await?),
        Verb::Resume(args) => resume::run(ctx, &args).await?,
        Verb::Local(verb) => local::run(ctx, &verb).await?,
    })
}
