use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Ctx;
use super::engine::artefact_bucket;
use super::session::{Purpose, Session, arguments, notice_crashed};
use crate::deploy::{self, ARTEFACTS, DestroyReport, destroy_order, observe};
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
    /// Stacks to delete, with those that need them; default: all
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
}

/// How a destroy went.
#[derive(Debug)]
pub struct Destroyed {
    report: DestroyReport,
    planned: Vec<String>,
    /// The artefact bucket, when it was deleted.
    bucket: Option<String>,
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
    let mut wanted = args.stacks.clone();
    if let Some(unknown) = wanted.iter().find(|name| !all.iter().any(|stack| stack.name == **name))
    {
        let known: Vec<&str> = all.iter().map(|stack| stack.name.as_str()).collect();
        return Err(Error::usage(format!("there is no stack {unknown}"))
            .hint(format!("stacks: {}", known.join(", "))));
    }
    // Without its stack the bucket would stay, and keep its name from a new one.
    if wanted.iter().any(|name| name == ARTEFACTS) && !args.with_artefacts {
        return Err(Error::usage(format!("stack {ARTEFACTS} goes only together with its bucket"))
            .hint("add `--with-artefacts` to delete every zip, template and report in it"));
    }
    // Whoever needs a deleted stack is deleted too.
    for template in &all {
        if deploy::needs(template).iter().any(|need| wanted.contains(need)) {
            wanted.push(template.name.clone());
        }
    }
    let templates: Vec<_> = all
        .into_iter()
        .filter(|stack| wanted.is_empty() || wanted.contains(&stack.name))
        .filter(|stack| stack.name != ARTEFACTS || args.with_artefacts)
        .collect();
    let connection = ctx.connect(&settings).await?;
    notice_crashed(
        ctx,
        &settings,
        &connection.identity.account,
        resumed.map(|run| run.run.as_str()),
    )?;
    ctx.show_place(&settings, &connection.identity.account);
    deploy::refuse_protected(&connection.aws, &templates).await?;
    let mut planned = Vec::new();
    for name in destroy_order(&templates) {
        if let Some(template) = templates.iter().find(|template| template.name == name)
            && observe(&connection.aws, &template.stack_name).await?.is_some()
        {
            ctx.ui.plan(&[format!(" - {name}  {}", template.stack_name)]);
            planned.push(name);
        }
    }
    let account = &connection.identity.account;
    let mut bucket = None;
    if templates.iter().any(|stack| stack.name == ARTEFACTS) {
        let name = artefact_bucket(&settings, account);
        if deploy::bucket_exists(&connection.aws, &name).await? {
            ctx.ui.plan(&[format!(" - bucket {name}, with everything in it")]);
            bucket = Some(name);
        }
    }
    // A resumed run ends in its journal, even when nothing is left to do.
    let nothing = planned.is_empty() && bucket.is_none() && resumed.is_none();
    if args.dry_run || nothing {
        let report = DestroyReport { stacks: Vec::new() };
        return Ok(Destroyed { report, planned, bucket: None, dry_run: args.dry_run });
    }
    let environment = &settings.config.environment;
    if !args.yes && resumed.is_none() {
        let and = if bucket.is_some() { " and the artefact bucket" } else { "" };
        let stacks = planned.len();
        let question =
            format!("{stacks} stacks{and} of environment {environment} will be deleted.");
        if !ctx.ui.type_name(&question, environment)? {
            return Err(Error::new(Kind::Usage, "not confirmed; nothing was deleted"));
        }
    }
    let session = Session::begin(
        ctx,
        Purpose {
            verb: "destroy",
            args: arguments(&args),
            reason: args.reason.clone(),
            settings: &settings,
            identity: &connection.identity,
            resumed,
        },
    )?;
    let work = async {
        let (report, error) = deploy::destroy(
            &connection.aws,
            &templates,
            &session.journal,
            &ctx.events,
            &ctx.cancel,
        )
        .await?;
        if let Some(error) = error {
            return Err(error);
        }
        if let Some(bucket) = &bucket {
            let (aws, journal) = (&connection.aws, &session.journal);
            deploy::delete_bucket(aws, bucket, journal, &ctx.events, &ctx.cancel).await?;
        }
        Ok(Destroyed { report, planned, bucket, dry_run: false })
    };
    session.finish(work.await)
}

impl Destroyed {
    /// Whether what its stack kept was deleted after it.
    fn took(&self, id: &str) -> bool {
        self.bucket.is_some() && id.starts_with("ArtefactBucket")
    }
}

impl Report for Destroyed {
    fn value(&self) -> Value {
        json!({ "dry_run": self.dry_run, "planned": self.planned, "stacks": self.report.stacks, "bucket": self.bucket })
    }

    fn blocks(&self) -> Vec<Block> {
        if self.planned.is_empty() && self.bucket.is_none() {
            return vec![Block::Text("no stack is deployed; nothing to delete".to_owned())];
        }
        if self.dry_run {
            return vec![Block::Text("dry run: nothing was deleted".to_owned())];
        }
        let mut table = Table::new(&[
            ("stack", Align::Left),
            ("status", Align::Left),
            ("seconds", Align::Right),
            ("kept", Align::Left),
        ]);
        for stack in &self.report.stacks {
            let seconds = format!("{:.1}", stack.seconds);
            table.row([
                stack.name.clone(),
                stack.status.to_owned(),
                seconds,
                stack
                    .retained
                    .iter()
                    .filter(|(id, _)| !self.took(id))
                    .map(|(id, physical)| format!("{id} {physical}"))
                    .collect::<Vec<_>>()
                    .join(", "),
            ]);
        }
        let mut blocks = vec![Block::Table(table)];
        blocks.extend(
            self.bucket.iter().map(|bucket| Block::Text(format!("bucket {bucket} deleted"))),
        );
        blocks
    }
}
