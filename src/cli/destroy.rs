use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stacks::StackTemplate;

use super::Ctx;
use super::context::named;
use super::deploy::columns;
use super::engine::{ScaleArgs, artefact_bucket};
use super::session::{Purpose, Session, arguments, notice_crashed};
use crate::deploy::{self, DestroyReport, Destroyer, destroy_order, makes_bucket};
use crate::error::{Error, Kind, Result};
use crate::journal::RunSummary;
use crate::ui::{Align, Block, Report, Table};

/// Delete the stacks, in reverse order
///
/// Refuses stacks that are protected. The environment's name has to be typed, or
/// --yes given. File systems and keys outlive their stacks; the artefact
/// bucket, with the reports in it, stays unless --with-artefacts.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
#[command(
    after_help = "Examples:\n  platformctl destroy --local --dry-run\n  platformctl destroy --local --reason 'start over'\n  platformctl destroy --env dev --yes --reason 'end of the trial'"
)]
pub struct DestroyArgs {
    /// Stacks to delete, with those that need them, also as 'tenant-*'; default: all
    #[arg(value_name = "STACK")]
    stacks: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Show what would be deleted and stop
    #[arg(long)]
    dry_run: bool,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Also delete the artefact bucket, with every zip, template and report in it
    #[arg(long)]
    with_artefacts: bool,
    #[command(flatten)]
    #[serde(default)]
    scale: ScaleArgs,
}

/// How a destroy went.
#[derive(Debug)]
pub struct Destroyed {
    report: DestroyReport,
    planned: Vec<String>,
    /// The artefact buckets that were deleted.
    buckets: Vec<String>,
    dry_run: bool,
}

/// Runs `destroy`.
pub async fn run(ctx: &Ctx, args: DestroyArgs) -> Result<Destroyed> {
    execute(ctx, args, None).await
}

/// Runs `destroy`, or goes on with an earlier run of it.
pub(super) async fn execute(
    ctx: &Ctx,
    args: DestroyArgs,
    resumed: Option<&RunSummary>,
) -> Result<Destroyed> {
    let settings = ctx.settings()?;
    let all = settings.synthesize()?;
    let templates = chosen(all, &args)?;
    let connection = ctx.connect(&settings).await?;
    notice_crashed(
        ctx,
        &settings,
        &connection.identity.account,
        resumed.map(|run| run.run.as_str()),
    )?;
    ctx.show_place(&settings, &connection.identity.account);
    let destroyer = |ctx: &Ctx, session: &Session| Destroyer {
        aws: connection.aws.clone(),
        concurrency: args.scale.concurrency(),
        fence: session.fence(),
        journal: session.journal.clone(),
        events: ctx.events.clone(),
        cancel: ctx.cancel.clone(),
    };
    let several = templates.iter().any(|stack| stack.region != settings.config.region);
    let there = destroyer(ctx, &Session::dry()).deployed(&templates).await?;
    let mut planned = Vec::new();
    for name in destroy_order(&templates) {
        if let Some(template) = templates.iter().find(|template| template.name == name)
            && there.contains(&name)
        {
            let region = if several { format!("  {}", template.region) } else { String::new() };
            ctx.ui.plan(&[format!(" - {name}  {}{region}", template.stack_name)]);
            planned.push(name);
        }
    }
    let account = &connection.identity.account;
    let mut buckets: Vec<(&str, String)> = Vec::new();
    for stack in templates.iter().filter(|stack| makes_bucket(stack)) {
        let name = artefact_bucket(&settings, account, &stack.region);
        if deploy::bucket_exists(connection.aws.of(&stack.region)?, &name).await? {
            ctx.ui.plan(&[format!(" - bucket {name}, with everything in it")]);
            buckets.push((&stack.region, name));
        }
    }
    // A resumed run ends in its journal, even when nothing is left to do.
    let nothing = planned.is_empty() && buckets.is_empty() && resumed.is_none();
    if args.dry_run || nothing {
        let report = DestroyReport { stacks: Vec::new() };
        return Ok(Destroyed { report, planned, buckets: Vec::new(), dry_run: args.dry_run });
    }
    let environment = &settings.config.environment;
    if !args.yes && resumed.is_none() {
        let and = match buckets.len() {
            0 => "",
            1 => " and the artefact bucket",
            _ => " and the artefact buckets",
        };
        let stacks = planned.len();
        let question =
            format!("{stacks} stacks{and} of environment {environment} will be deleted.");
        if !ctx.ui.type_name(&question, environment)? {
            return Err(Error::new(Kind::Usage, "not confirmed; nothing was deleted"));
        }
    }
    let session = Session::begin_alone(
        ctx,
        &connection,
        Purpose {
            verb: "destroy",
            args: arguments(&args),
            reason: args.reason.clone(),
            settings: &settings,
            identity: Some(&connection.identity),
            part: None,
            resumed,
        },
    )
    .await?;
    let guarded = session.guarded(ctx);
    let work = async {
        let (report, error) = destroyer(&guarded, &session).destroy(&templates).await?;
        if let Some(error) = error {
            return Err(error);
        }
        for (region, bucket) in &buckets {
            let (aws, journal) = (connection.aws.of(region)?, &session.journal);
            deploy::delete_bucket(aws, bucket, journal, &ctx.events, &guarded.cancel).await?;
        }
        let buckets = buckets.iter().map(|(_, bucket)| bucket.clone()).collect();
        Ok(Destroyed { report, planned, buckets, dry_run: false })
    };
    let result = work.await;
    session.end(ctx, &settings, &connection, result).await
}

/// The stacks that are to go: the named ones and all that need them, or all. Those with
/// artefact buckets go only on request.
fn chosen(all: Vec<StackTemplate>, args: &DestroyArgs) -> Result<Vec<StackTemplate>> {
    let mut wanted = named(&all, &args.stacks)?;
    // Without its stack the bucket would stay, and keep its name from a new one.
    let kept = all.iter().find(|stack| makes_bucket(stack) && wanted.contains(&stack.name));
    if let Some(stack) = kept.filter(|_| !args.with_artefacts) {
        return Err(Error::usage(format!(
            "stack {} goes only together with its bucket",
            stack.name
        ))
        .hint("add `--with-artefacts` to delete every zip, template and report in it"));
    }
    // Whoever needs a deleted stack is deleted too.
    for template in &all {
        if deploy::needs(template, &all).iter().any(|need| wanted.contains(need)) {
            wanted.insert(template.name.clone());
        }
    }
    Ok(all
        .into_iter()
        .filter(|stack| wanted.is_empty() || wanted.contains(&stack.name))
        .filter(|stack| !makes_bucket(stack) || args.with_artefacts)
        .collect())
}

impl Destroyed {
    /// Whether what its stack kept was deleted after it.
    fn took(&self, id: &str) -> bool {
        !self.buckets.is_empty() && id.starts_with("ArtefactBucket")
    }
}

impl Report for Destroyed {
    fn value(&self) -> Value {
        json!({ "dry_run": self.dry_run, "planned": self.planned, "stacks": self.report.stacks, "buckets": self.buckets })
    }

    fn blocks(&self) -> Vec<Block> {
        if self.planned.is_empty() && self.buckets.is_empty() {
            return vec![Block::Text("no stack is deployed; nothing to delete".to_owned())];
        }
        if self.dry_run {
            return vec![Block::Text("dry run: nothing was deleted".to_owned())];
        }
        let several = self.report.stacks.windows(2).any(|pair| pair[0].region != pair[1].region);
        let mut table =
            Table::new(&columns(several, &[("status", Align::Left), ("seconds", Align::Right)]));
        let mut kept = Table::new(&[("kept", Align::Left), ("id", Align::Left)]);
        for stack in &self.report.stacks {
            let seconds = format!("{:.1}", stack.seconds);
            let region = several.then(|| stack.region.clone());
            table.row(
                std::iter::once(stack.name.clone())
                    .chain(region)
                    .chain([stack.status.to_owned(), seconds]),
            );
            for (id, physical) in stack.retained.iter().filter(|(id, _)| !self.took(id)) {
                kept.row([format!("{}.{id}", stack.name), physical.clone()]);
            }
        }
        let mut blocks = vec![Block::Table(table)];
        if !kept.is_empty() {
            blocks.push(Block::Table(kept));
        }
        blocks.extend(
            self.buckets.iter().map(|bucket| Block::Text(format!("bucket {bucket} deleted"))),
        );
        blocks
    }
}
