use serde_json::{Value, json};

use super::Ctx;
use crate::aws::Answer;
use crate::error::{Error, Result};
use crate::ui::{Block, Report};

/// Call a deployed function and print its answer
///
/// The payload is checked to be JSON and sent as it is.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl invoke git-store --local --payload '{\"operation\": \"ping\"}'\n  platformctl invoke git-store --payload '{\"operation\": \"read\", \"wiki\": \"platform\", \"path\": \"home.md\"}' --query ok.body"
)]
pub struct InvokeArgs {
    /// The function's short name
    #[arg(value_name = "FUNCTION")]
    function: String,
    /// The payload, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}")]
    payload: String,
}

/// A function's answer.
#[derive(Debug)]
pub struct InvokeReport(Answer);

/// Runs `invoke`.
pub async fn run(ctx: &Ctx, args: &InvokeArgs) -> Result<InvokeReport> {
    let payload: Value = serde_json::from_str(&args.payload).map_err(|error| {
        Error::usage("--payload is not JSON")
            .caused_by(error)
            .hint("quote it: --payload '{\"operation\": \"ping\"}'")
    })?;
    let settings = ctx.settings()?;
    let name = settings.physical_name(&args.function);
    let connection = ctx.connect(&settings).await?;
    let answer = connection.aws.invoke(&name, &payload).await?;
    ctx.ui.status(&format!("{name} answered in {:.1} ms", answer.wall_ms));
    Ok(InvokeReport(answer))
}

impl Report for InvokeReport {
    fn value(&self) -> Value {
        self.0.payload.clone()
    }

    fn is_content(&self) -> bool {
        true
    }

    fn blocks(&self) -> Vec<Block> {
        vec![Block::Text(
            serde_json::to_string_pretty(&self.0.payload)
                .unwrap_or_else(|_| json!(null).to_string()),
        )]
    }
}
