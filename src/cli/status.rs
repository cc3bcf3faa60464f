use serde::Serialize;
use serde_json::{Value, json};
use stacks::StackTemplate;

use super::Ctx;
use super::deploy::columns;
use super::session::{crashed, notice_crashed};
use crate::aws::Regional;
use crate::deploy::{Concurrency, each, live_resources, observe};
use crate::error::Result;
use crate::ui::{Align, Block, Report, Table};

/// Show the stacks as they are
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl status --local\n  platformctl status --query 'stacks[?status==`null`].name'"
)]
pub struct StatusArgs {}

/// A stack as it is.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    stack_name: String,
    region: String,
    status: Option<String>,
    reason: Option<String>,
    resources: usize,
    protected: bool,
}

/// The stacks as they are.
#[derive(Debug)]
pub struct StatusReport {
    account: String,
    region: String,
    stacks: Vec<Row>,
    unfinished: Vec<String>,
}

/// Runs `status`.
pub async fn run(ctx: &Ctx, _: &StatusArgs) -> Result<StatusReport> {
    let settings = ctx.settings()?;
    let templates = settings.synthesize()?;
    let connection = ctx.connect(&settings).await?;
    notice_crashed(ctx, &settings, &connection.identity.account, None)?;
    let (stacks, error) = each(templates, Concurrency::default(), &ctx.cancel, |template| {
        let aws = connection.aws.clone();
        async move { row(aws.of(&template.region)?, template).await }
    })
    .await?;
    if let Some(error) = error {
        return Err(error);
    }
    let unfinished = crashed(ctx, &settings, &connection.identity.account)?;
    Ok(StatusReport {
        account: connection.identity.account,
        region: settings.config.region.clone(),
        stacks,
        unfinished: unfinished.into_iter().map(|run| run.run).collect(),
    })
}

async fn row(aws: &Regional, template: StackTemplate) -> Result<Row> {
    let live = observe(aws, &template.stack_name).await?;
    let resources = match &live {
        Some(_) => live_resources(aws, &template.stack_name).await?.len(),
        None => 0,
    };
    Ok(Row {
        name: template.name,
        stack_name: template.stack_name,
        region: template.region,
        status: live.as_ref().map(|live| live.status.as_str().to_owned()),
        reason: live.as_ref().and_then(|live| live.reason.clone()),
        resources,
        protected: live.is_some_and(|live| live.protected),
    })
}

impl Report for StatusReport {
    fn value(&self) -> Value {
        json!({ "account": self.account, "region": self.region, "stacks": self.stacks, "unfinished_runs": self.unfinished })
    }

    fn blocks(&self) -> Vec<Block> {
        let several = self.stacks.iter().any(|row| row.region != self.region);
        let mut table = Table::new(&columns(
            several,
            &[("status", Align::Left), ("resources", Align::Right), ("protected", Align::Left)],
        ));
        for row in &self.stacks {
            let status = row.status.clone().unwrap_or_else(|| "not deployed".to_owned());
            let protected = if row.protected { "yes" } else { "no" };
            let region = several.then(|| row.region.clone());
            table.row(std::iter::once(row.name.clone()).chain(region).chain([
                status,
                row.resources.to_string(),
                protected.to_owned(),
            ]));
        }
        vec![Block::Table(table)]
    }
}
