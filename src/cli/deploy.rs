use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Ctx;
use super::context::choose;
use super::engine::{
    CodeArgs, RuleArgs, ScaleArgs, absolute, add_functions, engine, refuse_data_loss,
    refuse_violations,
};
use super::session::{Purpose, Session, arguments, notice_crashed};
use crate::deploy::{DeployedStack, StackStatus};
use crate::error::{Error, Kind, Result};
use crate::journal::{self, RunSummary};
use crate::plan::{Plan, SavedPlan, differences, plan_lines, plan_summary};
use crate::ui::{Align, Block, Report, Table};

/// Deploy stacks in dependency order
///
/// Shows the plan, asks, and executes change sets; independent stacks at the same
/// time. Deploying what is deployed already is a success that changes nothing.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
#[command(
    after_help = "Examples:\n  platformctl deploy --local\n  platformctl deploy efs                    with the stacks that it needs\n  platformctl deploy 'tenant-*' --concurrency 16\n  platformctl deploy --yes -o json          for CI"
)]
pub struct DeployArgs {
    /// Stacks to deploy, with what they need, also as 'tenant-*'; default: all
    #[arg(value_name = "STACK")]
    stacks: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Show the plan and stop
    #[arg(long)]
    dry_run: bool,
    /// Carry out a plan that `diff --save` made, without asking; refused when the
    /// account, the region, the templates or the stacks are no longer what it was made from
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run", value_parser = absolute)]
    plan: Option<PathBuf>,
    /// Delete a stack whose creation failed, and make it anew
    #[arg(long)]
    recreate: bool,
    /// Allow replacing or removing resources with data in them
    #[arg(long)]
    #[serde(default)]
    replace_data: bool,
    /// Take over what has the name of a new resource and belongs to no stack, such as
    /// the tables and buckets that `destroy` or a failed creation kept
    #[arg(long)]
    #[serde(default)]
    import_existing: bool,
    #[command(flatten)]
    #[serde(default)]
    scale: ScaleArgs,
    #[command(flatten)]
    code: CodeArgs,
    #[command(flatten)]
    rules: RuleArgs,
}

/// How a deploy went.
#[derive(Debug)]
pub struct DeployReport {
    run: Option<String>,
    plan: Plan,
    stacks: Vec<DeployedStack>,
    recorded_only: bool,
}

/// Runs `deploy`.
pub async fn run(ctx: &Ctx, args: DeployArgs) -> Result<DeployReport> {
    execute(ctx, args, None).await
}

/// The local platform makes tables anew and empty.
fn refuse_import(refused: bool) -> Result<()> {
    if !refused {
        return Ok(());
    }
    Err(Error::usage("the local platform cannot take over what has no stack")
        .hint("`platformctl local reset --yes` deletes everything"))
}

/// Runs `deploy`, or goes on with an earlier run of it.
pub(super) async fn execute(
    ctx: &Ctx,
    args: DeployArgs,
    resumed: Option<&RunSummary>,
) -> Result<DeployReport> {
    let settings = ctx.settings()?;
    refuse_import(args.import_existing && settings.local)?;
    let all = settings.synthesize()?;
    let templates = choose(all.clone(), &args.stacks)?;
    refuse_violations(ctx, &args.rules, &all, &templates)?;
    let functions = args.code.functions(ctx, &settings)?;
    let saved = args.plan.as_deref().map(read_plan).transpose()?;
    let connection = ctx.connect(&settings).await?;
    notice_crashed(
        ctx,
        &settings,
        &connection.identity.account,
        resumed.map(|run| run.run.as_str()),
    )?;
    ctx.show_place(&settings, &connection.identity.account);
    let purpose = Purpose {
        verb: "deploy",
        args: arguments(&args),
        reason: None,
        settings: &settings,
        identity: Some(&connection.identity),
        part: None,
        resumed,
    };
    let session = if args.dry_run {
        Session::dry()
    } else {
        Session::begin_alone(ctx, &connection, purpose).await?
    };
    let guarded = session.guarded(ctx);
    let work = async {
        let mut engine =
            engine(&guarded, &settings, &connection, &args.scale, session.journal.clone())?;
        engine.import_existing = args.import_existing;
        engine.fence = session.fence();
        add_functions(&mut engine, &functions, &templates).await?;
        let (plan, planned) = engine.plan(&templates).await?;
        ctx.ui.plan(&if args.dry_run { plan_lines(&plan) } else { plan_summary(&plan) });
        if args.dry_run {
            engine.discard(&planned).await?;
            return Ok(DeployReport { run: None, plan, stacks: Vec::new(), recorded_only: false });
        }
        let mut refused = refuse_data_loss(&plan, args.replace_data)
            .and_then(|()| saved.as_ref().map_or(Ok(()), |saved| still_holds(saved, &plan)));
        if refused.is_ok() {
            refused = engine.refuse_taken_names(&planned).await;
        }
        if let Err(error) = refused {
            engine.discard(&planned).await?;
            return Err(error);
        }
        let mut recreate = args.recreate;
        let stuck: Vec<&str> = planned
            .iter()
            .filter(|stack| stack.must_be_deleted().is_some())
            .map(|stack| stack.plan.stack_name.as_str())
            .collect();
        if let Some(run) = resumed {
            // What this very run failed to create has never worked.
            let tried = journal::executed(run)?;
            recreate |= stuck.iter().all(|stack| tried.iter().any(|name| name == stack));
        }
        if !stuck.is_empty() && !recreate && ctx.ui.can_ask() {
            let question = format!(
                "The creation of {} failed earlier. Delete and make anew?",
                stuck.join(", ")
            );
            recreate = ctx.ui.confirm(&question)?;
        }
        if !plan.is_empty() && !args.yes && saved.is_none() && !settings.local {
            let stacks = plan.changing().count();
            let plural = if stacks == 1 { "" } else { "s" };
            let confirmed = ctx.ui.confirm(&format!("Deploy {stacks} stack{plural}?"));
            if !matches!(confirmed, Ok(true)) {
                engine.discard(&planned).await?;
                confirmed?;
                return Err(Error::new(Kind::Usage, "not confirmed; nothing was deployed"));
            }
        }
        let (stacks, error) = engine.deploy(planned, recreate).await?;
        match error {
            None => Ok(DeployReport {
                run: Some(session.journal.run().to_string()),
                plan,
                stacks,
                recorded_only: settings.local,
            }),
            Some(error) => {
                let report =
                    DeployReport { run: None, plan, stacks, recorded_only: settings.local };
                ctx.ui.status(&report.table_text());
                Err(error)
            }
        }
    };
    let result = work.await;
    session.end(ctx, &settings, &connection, result).await
}

/// Refuses a plan that is not the one that was looked at.
fn still_holds(saved: &SavedPlan, plan: &Plan) -> Result<()> {
    let found = differences(&saved.plan, plan);
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::usage("the saved plan no longer holds; nothing was deployed")
        .caused_by(found.join("\n"))
        .hint("look again with `platformctl diff --save FILE`"))
}

fn read_plan(file: &Path) -> Result<SavedPlan> {
    let shown = file.display();
    let text = std::fs::read(file).map_err(|error| {
        Error::usage(format!("cannot read {shown}"))
            .caused_by(error)
            .hint("make a plan with `platformctl diff --save FILE`")
    })?;
    let broken = || Error::usage(format!("{shown} is not a plan as `diff --save` made it"));
    let saved: SavedPlan =
        serde_json::from_slice(&text).map_err(|error| broken().caused_by(error))?;
    if saved.is_intact() { Ok(saved) } else { Err(broken().hint("it was edited; make it again")) }
}

impl DeployReport {
    fn table(&self) -> Table {
        let several = self.plan.has_several_regions();
        let mut table = Table::new(&columns(
            several,
            &[
                ("status", Align::Left),
                ("resources", Align::Right),
                ("changes", Align::Right),
                ("seconds", Align::Right),
            ],
        ));
        for stack in &self.stacks {
            let region = several.then(|| stack.region.clone());
            table.row(std::iter::once(stack.name.clone()).chain(region).chain([
                status_word(stack.status).to_owned(),
                stack.resources.to_string(),
                stack.changes.to_string(),
                format!("{:.1}", stack.seconds),
            ]));
        }
        table
    }

    fn table_text(&self) -> String {
        crate::ui::text(&[Block::Table(self.table())])
    }
}

/// The columns of a table of stacks: the region only when there are several.
pub(super) fn columns(
    several: bool,
    others: &[(&'static str, Align)],
) -> Vec<(&'static str, Align)> {
    let region = several.then_some(("region", Align::Left));
    std::iter::once(("stack", Align::Left)).chain(region).chain(others.iter().copied()).collect()
}

/// The word for a status.
pub(super) fn status_word(status: StackStatus) -> &'static str {
    match status {
        StackStatus::Created => "created",
        StackStatus::Updated => "updated",
        StackStatus::Unchanged => "unchanged",
        StackStatus::Skipped => "skipped",
        StackStatus::Failed => "failed",
    }
}

/// More outputs than these are counted, not listed.
const OUTPUTS: usize = 60;

/// The outputs of stacks, one row each.
pub(super) fn outputs_block(stacks: &[DeployedStack]) -> Block {
    let count: usize = stacks.iter().map(|stack| stack.outputs.len()).sum();
    if count > OUTPUTS {
        return Block::Text(format!("{count} outputs: `platformctl outputs [STACK]…` lists them"));
    }
    let mut table = Table::new(&[("output", Align::Left), ("value", Align::Left)]);
    for stack in stacks {
        for (name, value) in &stack.outputs {
            table.row([format!("{}.{name}", stack.name), value.clone()]);
        }
    }
    Block::Table(table)
}

/// What the local platform recorded without making it, in one line a stack.
pub(super) fn recorded_only_note(stacks: &[DeployedStack]) -> Option<String> {
    let lines: Vec<String> = stacks
        .iter()
        .filter(|stack| !stack.recorded_only.is_empty())
        .map(|stack| format!("  {}: {}", stack.name, stack.recorded_only.join(", ")))
        .collect();
    (!lines.is_empty()).then(|| {
        format!(
            "Only recorded by the local platform, nothing is behind them:\n{}",
            lines.join("\n")
        )
    })
}

impl Report for DeployReport {
    fn value(&self) -> Value {
        json!({ "run": self.run, "plan": self.plan, "stacks": self.stacks })
    }

    fn blocks(&self) -> Vec<Block> {
        if self.stacks.is_empty() {
            return vec![Block::Text("dry run: nothing was deployed".to_owned())];
        }
        let mut blocks = vec![Block::Table(self.table())];
        if self.stacks.iter().all(|stack| stack.status == StackStatus::Unchanged) {
            blocks.push(Block::Text("nothing to change".to_owned()));
        } else {
            blocks.push(outputs_block(&self.stacks));
            let note = self.recorded_only.then(|| recorded_only_note(&self.stacks)).flatten();
            blocks.extend(note.map(Block::Text));
        }
        if let Some(run) = &self.run {
            let short = run.rsplit('-').next().unwrap_or(run);
            blocks.push(Block::Text(format!("run {run} · platformctl events {short}")));
        }
        blocks
    }
}
