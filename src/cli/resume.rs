use super::bench::{efs as bench_efs, invoke as bench_invoke, redrive as bench_redrive};
use super::ops::{dlq_purge, dlq_redrive, set_runtime_region};
use super::{Ctx, bootstrap, deploy, destroy, rollback, runbook, session, tenant};
use crate::error::{Error, Kind, Result};
use crate::journal::{self, RunState, RunSummary};
use crate::ui::Report;

/// Go on with a run that failed, was interrupted, or was cut off
///
/// It acts with the same arguments, in the same place, under the same name. What
/// was finished is proved and not done again.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl runs --unfinished\n  platformctl resume k3f9\n  platformctl resume k3f9 --yes             for CI"
)]
pub struct ResumeArgs {
    /// The run's name, or its last four letters
    #[arg(value_name = "RUN")]
    run: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Runs `resume`.
pub async fn run(ctx: &Ctx, args: &ResumeArgs) -> Result<Box<dyn Report>> {
    let summary = journal::find(&ctx.runs(), &args.run)?;
    go_on(ctx, &summary, args.yes).await
}

/// Goes on with a run. `yes`: without asking.
pub(super) async fn go_on(ctx: &Ctx, summary: &RunSummary, yes: bool) -> Result<Box<dyn Report>> {
    match summary.state {
        RunState::Succeeded => {
            return Err(Error::usage(format!(
                "run {} ended with success; there is nothing to go on with",
                summary.run
            )));
        }
        RunState::Running => {
            return Err(Error::new(
                Kind::Locked,
                format!("run {} is still under way", summary.run),
            )
            .hint(format!("follow it with `platformctl events {} --follow`", summary.run)));
        }
        RunState::Aborted => {
            return Err(Error::usage(format!(
                "run {} was aborted; there is nothing to go on with",
                summary.run
            )));
        }
        RunState::Failed | RunState::Crashed | RunState::Waiting => {}
    }
    let session::Kept { scope, args: mut kept, parent } = session::kept(summary)?;
    if yes {
        kept["yes"] = true.into();
    }
    let args = kept;
    let ctx = ctx.with_global(ctx.global.acting_in(scope)).within(parent);
    let foreign = |error| {
        Error::failed(format!("run {} was recorded by another version of platformctl", summary.run))
            .caused_by(error)
    };
    Ok(match summary.start.verb.as_str() {
        "bootstrap" => {
            let args = serde_json::from_value(args).map_err(foreign)?;
            Box::new(bootstrap::execute(&ctx, args, Some(summary)).await?)
        }
        "deploy" => {
            let args = serde_json::from_value(args).map_err(foreign)?;
            Box::new(deploy::execute(&ctx, args, Some(summary)).await?)
        }
        "destroy" => {
            let args = serde_json::from_value(args).map_err(foreign)?;
            Box::new(destroy::execute(&ctx, args, Some(summary)).await?)
        }
        "rollback" => {
            let args = serde_json::from_value(args).map_err(foreign)?;
            Box::new(rollback::execute(&ctx, args, Some(summary)).await?)
        }
        verb if verb.starts_with("runbook ") => {
            runbook::resume(&ctx, summary, runbook::Resumption::default()).await?
        }
        set_runtime_region::VERB => {
            let args = serde_json::from_value(args).map_err(foreign)?;
            Box::new(set_runtime_region::execute(&ctx, args, Some(summary)).await?)
        }
        dlq_redrive::VERB => {
            let args = serde_json::from_value(args).map_err(foreign)?;
            Box::new(dlq_redrive::execute(&ctx, args, Some(summary)).await?)
        }
        dlq_purge::VERB => {
            let args = serde_json::from_value(args).map_err(foreign)?;
            Box::new(dlq_purge::execute(&ctx, args, Some(summary)).await?)
        }
        bench_efs::VERB => {
            let args = serde_json::from_value(args).map_err(foreign)?;
            Box::new(bench_efs::execute(&ctx, args, Some(summary)).await?)
        }
        bench_invoke::VERB => {
            let args = serde_json::from_value(args).map_err(foreign)?;
            Box::new(bench_invoke::execute(&ctx, args, Some(summary)).await?)
        }
        bench_redrive::VERB => {
            let args = serde_json::from_value(args).map_err(foreign)?;
            Box::new(bench_redrive::execute(&ctx, args, Some(summary)).await?)
        }
        verb if verb.starts_with("tenant ") || verb == tenant::NOTIFY => {
            let order = serde_json::from_value(args).map_err(foreign)?;
            Box::new(tenant::execute(&ctx, order, Some(summary)).await?)
        }
        other => return Err(Error::failed(format!("a run of {other} cannot be resumed"))),
    })
}
