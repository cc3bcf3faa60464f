mod common;
pub(super) mod efs;
mod render;
mod show;

use super::Ctx;
use crate::error::Result;
use crate::ui::Report;

/// Measure what is deployed, and keep and compare what was measured
///
/// Results are stored after every phase, with all samples: an interruption loses nothing.
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "Examples:\n  platformctl bench efs --local\n  platformctl bench history\n  platformctl bench show k3f9"
)]
pub enum BenchVerb {
    Efs(efs::EfsArgs),
    History(show::HistoryArgs),
    Show(show::ShowArgs),
}

/// Runs `bench`.
pub async fn run(ctx: &Ctx, verb: BenchVerb) -> Result<Box<dyn Report>> {
    Ok(match verb {
        BenchVerb::Efs(args) => Box::new(efs::run(ctx, args).await?),
        BenchVerb::History(args) => Box::new(show::history(ctx, &args)?),
        BenchVerb::Show(args) => Box::new(show::show(ctx, &args)?),
    })
}
