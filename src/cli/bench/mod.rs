mod common;
mod compare;
pub(super) mod efs;
pub(super) mod invoke;
mod lock;
pub(super) mod redrive;
mod render;
mod report;
mod show;
mod synth;

use super::Ctx;
use crate::error::Result;
use crate::ui::Report;

/// Measure what is deployed, and keep and compare what was measured
///
/// Results are stored after every phase, with all samples: an interruption loses nothing.
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "Examples:\n  platformctl bench efs --local\n  platformctl bench history\n  platformctl bench report k3f9 --format html --out bench.html\n  platformctl bench compare k3f9 j81c"
)]
pub enum BenchVerb {
    Efs(efs::EfsArgs),
    Invoke(invoke::InvokeArgs),
    Synth(synth::SynthArgs),
    Lock(lock::LockArgs),
    Redrive(redrive::RedriveArgs),
    History(show::HistoryArgs),
    Show(show::ShowArgs),
    Report(report::ReportArgs),
    Compare(compare::CompareArgs),
}

/// Runs `bench`.
pub async fn run(ctx: &Ctx, verb: BenchVerb) -> Result<Box<dyn Report>> {
    Ok(match verb {
        BenchVerb::Efs(args) => Box::new(efs::run(ctx, args).await?),
        BenchVerb::Invoke(args) => Box::new(invoke::run(ctx, args).await?),
        BenchVerb::Synth(args) => Box::new(synth::run(ctx, &args).await?),
        BenchVerb::Lock(args) => Box::new(lock::run(ctx, args).await?),
        BenchVerb::Redrive(args) => Box::new(redrive::run(ctx, args).await?),
        BenchVerb::History(args) => Box::new(show::history(ctx, &args)?),
        BenchVerb::Show(args) => Box::new(show::show(ctx, &args)?),
        BenchVerb::Report(args) => Box::new(report::run(ctx, &args).await?),
        BenchVerb::Compare(args) => Box::new(compare::run(ctx, &args)?),
    })
}
