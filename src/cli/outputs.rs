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
pub struct OutputsReport {
    outputs: BTreeMap<String, BTreeMap<String, String>>,
    /// The regions of the stacks.
    regions: BTreeMap<String, String>,
}

/// Runs `outputs`.
pub async fn run(ctx: &Ctx, args: &OutputsArgs) -> Result<OutputsReport> {
    let settings = ctx.settings()?;
    let mut templates = settings.synthesize()?;
    if !args.stacks.is_empty() {
        let wanted = named(&templates, &args.stacks)?;
        templates.retain(|stack| wanted.contains(&stack.name));
    }
    let regions = templates.iter().map(|it| (it.name.clone(), it.region.clone())).collect();
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
        None => Ok(OutputsReport { outputs: found.into_iter().flatten().collect(), regions }),
    }
}

impl Report for OutputsReport {
    fn value(&self) -> Value {
        json!(self.outputs)
    }

    fn is_content(&self) -> bool {
        true
    }

    fn blocks(&self) -> Vec<Block> {
        let mut regions: Vec<&String> = self.regions.values().collect();
        regions.sort_unstable();
        regions.dedup();
        let region = (regions.len() > 1).then_some(("region", Align::Left));
        let columns: Vec<_> = std::iter::once(("output", Align::Left))
            .chain(region)
            .chain([("value", Align::Left)])
            .collect();
        let mut table = Table::new(&columns);
        for (stack, outputs) in &self.outputs {
            for (name, value) in outputs {
                let region = region.and_then(|_| self.regions.get(stack).cloned());
                table.row(
                    std::iter::once(format!("{stack}.{name}")).chain(region).chain([value.clone()]),
                );
            }
        }
        if table.is_empty() {
            vec![Block::Text("no stack is deployed".to_owned())]
        } else {
            vec![Block::Table(table)]
        }
    }
}
