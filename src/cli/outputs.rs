use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Ctx;
use super::context::named;
use crate::deploy::{Concurrency, each, observe};
use crate::error::Result;
use crate::ui::{Align, Block, Report, Table};

/// Print the outputs of the stacks
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl outputs --local\n  platformctl outputs efs --query efs.FunctionName"
)]
pub struct OutputsArgs {
    /// Stacks whose outputs are wanted, also as 'tenant-*'; default: all
    #[arg(value_name = "STACK")]
    stacks: Vec<String>,
}

/// Outputs by stack.
#[derive(Debug)]
pub struct OutputsReport(BTreeMap<String, BTreeMap<String, String>>);

/// Runs `outputs`.
pub async fn run(ctx: &Ctx, args: &OutputsArgs) -> Result<OutputsReport> {
    let settings = ctx.settings()?;
    let mut templates = settings.synthesize()?;
    if !args.stacks.is_empty() {
        let wanted = named(&templates, &args.stacks)?;
        templates.retain(|stack| wanted.contains(&stack.name));
    }
    let connection = ctx.connect(&settings).await?;
    let (found, error) = each(templates, Concurrency::default(), &ctx.cancel, |template| {
        let aws = connection.aws.clone();
        async move {
            let live = observe(aws.of(&template.region)?, &template.stack_name).await?;
            Ok(live.map(|live| (template.name, live.outputs)))
        }
    })
    .await?;
    match error {
        Some(error) => Err(error),
        None => Ok(OutputsReport(found.into_iter().flatten().collect())),
    }
}

impl Report for OutputsReport {
    fn value(&self) -> Value {
        json!(self.0)
    }

    fn is_content(&self) -> bool {
        true
    }

    fn blocks(&self) -> Vec<Block> {
        let mut table = Table::new(&[("output", Align::Left), ("value", Align::Left)]);
        for (stack, outputs) in &self.0 {
            for (name, value) in outputs {
                table.row([format!("{stack}.{name}"), value.clone()]);
            }
        }
        if table.is_empty() {
            vec![Block::Text("no stack is deployed".to_owned())]
        } else {
            vec![Block::Table(table)]
        }
    }
}
