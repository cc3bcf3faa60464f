use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Ctx;
use super::context::choose;
use super::engine::{CodeArgs, ScaleArgs, add_functions, engine};
use super::session::notice_crashed;
use crate::error::{Context as _, Result, exit};
use crate::journal::{Journal, Mask};
use crate::plan::{Plan, SavedPlan, plan_lines};
use crate::ui::{Block, Report};

/// Show what a deploy would do
///
/// Compares each template with the deployed one, and with CloudFormation's own
/// change set, which is deleted again. A stack that imports from one that does not
/// exist yet is compared offline.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl diff\n  platformctl diff efs --local\n  platformctl diff --detailed-exitcode      exit 3 when something would change\n  platformctl diff --save plan.json && platformctl deploy --plan plan.json"
)]
pub struct DiffArgs {
    /// Stacks to compare, with what they need, also as 'tenant-*'; default: all
    #[arg(value_name = "STACK")]
    stacks: Vec<String>,
    /// Exit with 3 when something would change
    #[arg(long)]
    detailed_exitcode: bool,
    /// Save the plan, for `deploy --plan`
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    #[command(flatten)]
    scale: ScaleArgs,
    #[command(flatten)]
    code: CodeArgs,
}

/// What would change.
#[derive(Debug)]
pub struct DiffReport {
    plan: Plan,
    detailed: bool,
}

/// Runs `diff`.
pub async fn run(ctx: &Ctx, args: &DiffArgs) -> Result<DiffReport> {
    let settings = ctx.settings()?;
    let templates = choose(settings.synthesize()?, &args.stacks)?;
    let functions = args.code.functions(ctx, &settings)?;
    let connection = ctx.connect(&settings).await?;
    notice_crashed(ctx, &settings, &connection.identity.account, None)?;
    let journal = Arc::new(Journal::unrecorded(Mask::from_environment()));
    let mut engine = engine(ctx, &settings, &connection, &args.scale, journal)?;
    add_functions(&mut engine, &functions, &templates).await?;
    let (plan, planned) = engine.plan(&templates).await?;
    engine.discard(&planned).await?;
    if let Some(file) = &args.save {
        let text = serde_json::to_string_pretty(&SavedPlan::new(plan.clone()))
            .context("cannot serialize the plan")?;
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
        ctx.ui.status(&format!(
            "saved to {}; `platformctl deploy --plan {}` carries it out",
            file.display(),
            file.display()
        ));
    }
    ctx.show_place(&settings, &connection.identity.account);
    Ok(DiffReport { plan, detailed: args.detailed_exitcode })
}

impl Report for DiffReport {
    fn value(&self) -> Value {
        json!(self.plan)
    }

    fn exit_code(&self) -> u8 {
        if self.detailed && !self.plan.is_empty() { exit::CHANGES } else { exit::OK }
    }

    fn blocks(&self) -> Vec<Block> {
        let mut text = plan_lines(&self.plan).join("\n");
        if self.plan.is_empty() {
            text.push_str("\n\nno changes");
        }
        vec![Block::Text(text)]
    }
}
