use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Ctx;
use super::engine::{ScaleArgs, engine, refuse_data_loss};
use super::session::{Purpose, Session, arguments, notice_crashed};
use crate::deploy::{DeployedStack, Kept};
use crate::error::{Error, Kind, Result};
use crate::failpoint;
use crate::journal::{self, Entry, RunSummary, StepOutcome};
use crate::plan::{Plan, plan_lines, plan_summary};
use crate::ui::{Align, Block, Report, Table};

/// Put a stack back as it was before its last deploy
///
/// Every deploy that changes a stack keeps what it replaces in the artefact bucket: the
/// template and its parameters, which name the zips of that time. A rollback deploys that as
/// a plan with a change set, like any deploy; another rollback goes one further back. A stack
/// whose own rollback failed in CloudFormation is brought to rest first.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
#[command(
    after_help = "Examples:\n  platformctl rollback efs --list\n  platformctl rollback efs --reason 'reads fail since 09:41' --dry-run\n  platformctl rollback efs --reason 'reads fail since 09:41'\n  platformctl rollback efs --to 5d41402abc4b --reason 'the one of Monday' --yes"
)]
pub struct RollbackArgs {
    /// The stack's short name
    #[arg(value_name = "STACK")]
    stack: String,
    /// List what is kept of it, newest first, and stop
    #[arg(long)]
    #[serde(default)]
    list: bool,
    /// What to go back to: the first letters of a digest that --list shows; default: what the
    /// last deploy replaced
    #[arg(long, value_name = "DIGEST")]
    to: Option<String>,
    /// Resources that CloudFormation skips when it has to finish a rollback of its own
    #[arg(long, value_name = "RESOURCE")]
    #[serde(default)]
    skip: Vec<String>,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["dry_run", "list"])]
    reason: Option<String>,
    /// Show the plan and stop
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Allow replacing or removing resources with data in them
    #[arg(long)]
    #[serde(default)]
    replace_data: bool,
}

/// The step in which what to go back to is chosen.
const CHOOSE: &str = "choose";

/// How a rollback went.
#[derive(Debug)]
pub struct RolledBack {
    stack: String,
    run: Option<String>,
    /// What it went back to, or would.
    to: Option<Kept>,
    /// What is kept, newest first.
    kept: Vec<Kept>,
    plan: Option<Plan>,
    stacks: Vec<DeployedStack>,
}

/// Runs `rollback`.
pub async fn run(ctx: &Ctx, args: RollbackArgs) -> Result<RolledBack> {
    execute(ctx, args, None).await
}

/// Runs `rollback`, or goes on with an earlier run of it.
pub(super) async fn execute(
    ctx: &Ctx,
    args: RollbackArgs,
    resumed: Option<&RunSummary>,
) -> Result<RolledBack> {
    let settings = ctx.settings()?;
    let all = settings.synthesize()?;
    let Some(template) = all.iter().find(|stack| stack.name == args.stack).cloned() else {
        let names: Vec<String> = all.iter().map(|stack| stack.name.clone()).collect();
        return Err(Error::usage(format!("there is no stack {}", args.stack))
            .hint(crate::config::suggest(&args.stack, &names)));
    };
    let connection = ctx.connect(&settings).await?;
    let account = &connection.identity.account;
    notice_crashed(ctx, &settings, account, resumed.map(|run| run.run.as_str()))?;
    ctx.show_place(&settings, account);
    let dry = args.dry_run || args.list;
    let purpose = Purpose {
        verb: "rollback",
        args: arguments(&args),
        reason: args.reason.clone(),
        settings: &settings,
        identity: Some(&connection.identity),
        part: None,
        resumed,
    };
    let session = if dry { Session::dry() } else { Session::begin(ctx, purpose)? };
    let work = async {
        let scale = ScaleArgs::default();
        let mut engine = engine(ctx, &settings, &connection, &scale, session.journal.clone())?;
        engine.keep = Some(crate::deploy::Why::Rollback);
        let mut report = RolledBack {
            stack: args.stack.clone(),
            run: None,
            to: None,
            kept: engine.kept(&template).await?,
            plan: None,
            stacks: Vec::new(),
        };
        if args.list {
            return Ok(report);
        }
        if !dry {
            engine.finish_rollback(&template, &args.skip).await?;
        }
        // The state that an earlier attempt of this run chose: it may have gone there already.
        let chosen = resumed.map(chosen_by).transpose()?.flatten();
        let wanted = chosen.as_deref().or(args.to.as_deref());
        if dry && wanted.is_none() && report.kept.is_empty() {
            return Ok(report);
        }
        let Some(to) = engine.earlier(&template, &report.kept, wanted).await? else {
            // An earlier attempt of this run has put it back.
            let run = session.journal.run().to_string();
            return Ok(RolledBack { run: resumed.map(|_| run), ..report });
        };
        session.journal.write(Entry::StepFinished {
            step: CHOOSE.to_owned(),
            outcome: StepOutcome::Done,
            detail: json!({ "to": to }),
        })?;
        failpoint::hit("rollback.chosen", &ctx.cancel).await;
        let before = engine.template_of(&template, &to).await?;
        let (plan, planned) = engine.plan(&[before]).await?;
        ctx.ui.plan(&if dry { plan_lines(&plan) } else { plan_summary(&plan) });
        report.to = Some(to);
        report.plan = Some(plan.clone());
        if dry {
            engine.discard(&planned).await?;
            return Ok(report);
        }
        let allowed = refuse_data_loss(&plan, args.replace_data).and_then(|()| {
            let asked = args.yes || settings.local || plan.is_empty();
            if asked || ctx.ui.confirm(&format!("Put stack {} back?", args.stack))? {
                return Ok(());
            }
            Err(Error::new(Kind::Usage, "not confirmed; nothing was changed"))
        });
        if let Err(error) = allowed {
            engine.discard(&planned).await?;
            return Err(error);
        }
        let (stacks, error) = engine.deploy(planned, false).await?;
        match error {
            Some(error) => Err(error),
            None => {
                let run = Some(session.journal.run().to_string());
                Ok(RolledBack { run, stacks, ..report })
            }
        }
    };
    let result = work.await;
    session.end(ctx, &settings, &connection, result).await
}

/// The digest that an earlier attempt of a run chose to go back to.
fn chosen_by(run: &RunSummary) -> Result<Option<String>> {
    let records = journal::read(&run.path)?.into_iter();
    let mut chosen = records.filter_map(|record| match record.entry {
        Entry::StepFinished { step, detail, .. } if step == CHOOSE => {
            detail["to"]["digest"].as_str().map(str::to_owned)
        }
        _ => None,
    });
    Ok(chosen.next_back())
}

impl Report for RolledBack {
    fn value(&self) -> Value {
        json!({
            "stack": self.stack, "run": self.run, "to": self.to, "kept": self.kept,
            "plan": self.plan, "stacks": self.stacks,
        })
    }

    fn blocks(&self) -> Vec<Block> {
        let stack = &self.stack;
        let mut table = Table::new(&[
            ("kept", Align::Left),
            ("digest", Align::Left),
            ("replaced by", Align::Left),
            ("run", Align::Left),
        ]);
        for kept in &self.kept {
            let at = kept.at.get(..19).unwrap_or(&kept.at).replace('T', " ");
            table.row([at, kept.digest.clone(), kept.why.word().to_owned(), kept.run.clone()]);
        }
        let text = match (&self.to, &self.run) {
            (None, None) if self.kept.is_empty() => format!("nothing is kept of stack {stack}"),
            (None, None) => return vec![Block::Table(table)],
            (Some(to), None) => {
                format!("dry run: stack {stack} would go back to {} of {}", to.digest, to.at)
            }
            (Some(to), Some(run)) => {
                let short = run.rsplit('-').next().unwrap_or(run);
                format!(
                    "stack {stack} is back at {} of {}\n\nrun {run} · platformctl events {short}",
                    to.digest, to.at
                )
            }
            (None, Some(run)) => format!("stack {stack} was put back already\n\nrun {run}"),
        };
        vec![Block::Text(text)]
    }
}
