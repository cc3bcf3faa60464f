use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use stacks::StackTemplate;

use super::Ctx;
use crate::aws::Answer;
use crate::config::Settings;
use crate::error::{Context as _, Error, Result, exit};
use crate::ui::{Block, Report};

/// Call a deployed function and print its answer
///
/// The payload is checked to be JSON and sent as it is. An answer that is an error
/// is printed, and the exit code is 1.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl invoke git-store --local --payload '{\"operation\": \"ping\"}'\n  platformctl invoke git-store --payload '{\"operation\": \"read\", \"wiki\": \"platform\", \"path\": \"home.md\"}' --query ok.body\n  platformctl invoke git-store --trace"
)]
pub struct InvokeArgs {
    /// The function's short name
    #[arg(value_name = "FUNCTION")]
    function: String,
    /// The payload, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}")]
    payload: String,
    /// Call the one of this region, instead of that of its stack
    #[arg(long = "in", value_name = "REGION")]
    region_of_it: Option<String>,
    /// Record a trace of it and say its id
    #[arg(long)]
    trace: bool,
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
    let region = match &args.region_of_it {
        Some(region) => region.clone(),
        None => region_of(&settings, &name)?,
    };
    let aws = connection.aws.of(&region)?;
    let trace = args.trace.then(new_trace).transpose()?;
    let header = trace.as_ref().map(|id| format!("Root={id};Sampled=1"));
    let answer = aws.invoke_traced(&name, &payload, header.as_deref()).await;
    if let Some(id) = trace {
        ctx.ui.status(&format!("its trace: `platformctl trace {id} --wait`"));
    }
    let answer = answer?;
    ctx.ui.status(&format!("{name} answered in {:.1} ms", answer.wall_ms));
    Ok(InvokeReport(answer))
}

/// A trace's id: its second and 96 random bits
/// (<https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids>).
fn new_trace() -> Result<String> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.context("the clock is before 1970")?.as_secs();
    let random = rand::random::<u128>() >> 32;
    Ok(format!("1-{seconds:08x}-{random:024x}"))
}

/// The region of the stack with this function; the home region when no stack has it.
pub(super) fn region_of(settings: &Settings, function: &str) -> Result<String> {
    let has_it = |stack: &StackTemplate| {
        stack.template.resources().any(|resource| {
            resource.type_name == "AWS::Lambda::Function"
                && resource.properties()["FunctionName"] == function
        })
    };
    let stack = settings.synthesize()?.into_iter().find(has_it);
    Ok(stack.map_or_else(|| settings.config.region.clone(), |stack| stack.region))
}

impl InvokeReport {
    /// Our functions answer `{"ok": …}` or `{"error": …}`.
    fn refused(&self) -> bool {
        self.0.payload.get("error").is_some() && self.0.payload.get("ok").is_none()
    }
}

impl Report for InvokeReport {
    fn exit_code(&self) -> u8 {
        if self.refused() { exit::FAILED } else { exit::OK }
    }

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
