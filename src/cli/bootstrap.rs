use std::collections::BTreeMap;
use std::time::Duration;

use runtime_core::functions::Function;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stacks::permissions::MANAGED_POLICY_SIZE;

use super::Ctx;
use super::admin::{api_address, local_login};
use super::context::whoami;
use super::deploy::{columns, outputs_block, recorded_only_note, status_word};
use super::engine::{CodeArgs, RuleArgs, ScaleArgs, engine, refuse_data_loss};
use super::local::token::Role;
use super::session::{Purpose, Session, arguments, crashed};
use crate::bootstrap::{self as engine_, BootstrapReport, Platform, deploy_policies};
use crate::config::Settings;
use crate::deploy::Engine;
use crate::error::{Error, Result};
use crate::event::Events;
use crate::http::Secret;
use crate::journal::{self, RunSummary};
use crate::ops::Api;
use crate::plan::{Plan, plan_lines, plan_summary};
use crate::signal::Cancel;
use crate::ui::{Align, Block, Report, Table};

/// Take an empty account to a smoke-tested platform
///
/// Steps: preflight, build, synth, guard, plan, one deploy a stack, seed, smoke
/// test, report. Each is proved before the next begins. A run that was cut off goes
/// on where it was: run it again, or `platformctl resume`.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
#[command(
    after_help = "Examples:\n  platformctl bootstrap --local -c examples/dev/platform.yaml\n  platformctl bootstrap --dry-run\n  platformctl bootstrap --print-policy > policy.json\n  platformctl bootstrap --yes -o json       for CI"
)]
pub struct BootstrapArgs {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Show the plan and stop; nothing is deployed
    #[arg(long)]
    dry_run: bool,
    /// Print the least-privilege IAM policies that this needs, and stop
    #[arg(long)]
    print_policy: bool,
    /// Delete stacks whose creation failed earlier, and make them anew
    #[arg(long)]
    recreate: bool,
    /// Allow replacing or removing resources with data in them
    #[arg(long)]
    #[serde(default)]
    replace_data: bool,
    #[command(flatten)]
    #[serde(default)]
    scale: ScaleArgs,
    #[command(flatten)]
    code: CodeArgs,
    #[command(flatten)]
    rules: RuleArgs,
}

/// Runs `bootstrap`.
pub async fn run(ctx: &Ctx, args: BootstrapArgs) -> Result<Box<dyn Report>> {
    if args.print_policy {
        return Ok(Box::new(policy(ctx)?));
    }
    let settings = ctx.settings()?;
    // A run of this environment that was cut off is the one to go on with.
    let account = ctx.connect(&settings).await?.identity.account;
    let cut_off =
        crashed(ctx, &settings, &account)?.into_iter().find(|run| run.start.verb == "bootstrap");
    if let Some(run) = &cut_off {
        let step =
            run.open_step.as_deref().map(|step| format!(" during {step}")).unwrap_or_default();
        ctx.events.info(format!("run {} was cut off{step}; going on with it", run.run));
    }
    Ok(Box::new(execute(ctx, args, cut_off.as_ref()).await?))
}

/// Runs `bootstrap`, or goes on with an earlier run of it.
pub(super) async fn execute(
    ctx: &Ctx,
    args: BootstrapArgs,
    resumed: Option<&RunSummary>,
) -> Result<Bootstrapped> {
    let settings = ctx.settings()?;
    let templates = settings.synthesize()?;
    let functions = args.code.functions(ctx, &settings)?;
    let (rules, exemptions) =
        ctx.rules(args.rules.rules.as_deref(), args.rules.exemptions.as_deref())?;
    let connection = ctx.connect(&settings).await?;
    ctx.show_place(&settings, &connection.identity.account);
    let purpose = Purpose {
        verb: "bootstrap",
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
    let mut steps = engine_::order(&engine_::tenants_last(&templates));
    if engine_::seeds_tenants(&settings) {
        steps = engine_::with_tenants(steps);
    }
    // The local platform's API, which is called by its own issuer's leave.
    let here = if settings.local { Some(Here::find(ctx).await?) } else { None };
    if args.dry_run {
        steps.retain(|step| !step.changes());
    }
    let mut platform = Platform {
        settings: &settings,
        identity: connection.identity.clone(),
        engine: Engine {
            fence: session.fence(),
            ..engine(&guarded, &settings, &connection, &args.scale, session.journal.clone())?
        },
        functions,
        rules,
        exemptions,
        approve: Box::new(|plan| approve(ctx, &settings, &args, plan)),
        api: here.as_ref().map(|here| Box::new(|outputs: &_| here.api(outputs)) as _),
        dry_run: args.dry_run,
        recreate: args.recreate || settings.local,
        tried: resumed.map(journal::executed).transpose()?.unwrap_or_default(),
        report_folder: ctx.paths.state.join("reports").join(session.journal.run().as_str()),
        by: whoami(),
        templates: Vec::new(),
        planned: BTreeMap::new(),
        report: BootstrapReport::default(),
    };
    let journal = session.journal.clone();
    let result =
        engine_::run(&steps, &mut platform, &journal, &session.done, &ctx.events, &guarded.cancel)
            .await;
    session.end(ctx, &settings, &connection, result.map(drop)).await?;
    let file = settings.file().display().to_string();
    let report = platform.report;
    let outputs = report.stacks.iter().find(|stack| stack.name == "platform");
    let endpoint = here.as_ref().map(|here| here.endpoint.as_str());
    let api = outputs.and_then(|stack| api_address(&stack.outputs, endpoint));
    // Routes that need a token are there once somebody answers them.
    let answers = settings.config.platform.functions.contains_key(&Function::TenantApi);
    Ok(Bootstrapped { report, file, dry_run: args.dry_run, api, answers })
}

/// The local platform, for the steps that call its API.
struct Here {
    endpoint: String,
    token: Secret,
    events: Events,
    cancel: Cancel,
}

impl Here {
    async fn find(ctx: &Ctx) -> Result<Self> {
        let running = ctx.local_platform().up(None).await?;
        let token = local_login(ctx, Role::Admin, A_RUN).await?.granted.token;
        let (events, cancel) = (ctx.events.clone(), ctx.cancel.clone());
        Ok(Self { endpoint: running.endpoint, token, events, cancel })
    }

    fn api(&self, outputs: &BTreeMap<String, String>) -> Result<Api> {
        let base = api_address(outputs, Some(&self.endpoint))
            .ok_or_else(|| Error::failed("the platform's stack has no address of an API"))?;
        Api::new(&base, self.token.clone(), self.events.clone(), self.cancel.clone())
    }
}

/// Longer than any bootstrap of a local platform.
const A_RUN: Duration = Duration::from_hours(12);

fn approve(ctx: &Ctx, settings: &Settings, args: &BootstrapArgs, plan: &Plan) -> Result<bool> {
    ctx.ui.plan(&if args.dry_run { plan_lines(plan) } else { plan_summary(plan) });
    if args.dry_run {
        return Ok(true);
    }
    refuse_data_loss(plan, args.replace_data)?;
    if args.yes || settings.local {
        return Ok(true);
    }
    ctx.ui.confirm(&format!("Deploy {} stacks?", plan.changing().count()))
}

/// How a bootstrap went.
#[derive(Debug)]
pub struct Bootstrapped {
    report: BootstrapReport,
    file: String,
    dry_run: bool,
    /// Where the platform's API is.
    api: Option<String>,
    /// Whether it answers more than whether it is there.
    answers: bool,
}

impl Bootstrapped {
    /// A request to the API that works as it stands.
    fn try_api(&self) -> Option<String> {
        let api = self.api.as_deref()?;
        if !self.answers {
            return Some(format!("curl {api}/v1/health"));
        }
        let token = if self.report.local {
            "$(platformctl local token --tenant acme)"
        } else {
            "$PLATFORMCTL_TOKEN"
        };
        Some(format!("curl -H \"Authorization: Bearer {token}\" \\\n    {api}/v1/agents"))
    }
}

impl Report for Bootstrapped {
    fn value(&self) -> Value {
        let mut value = json!(self.report);
        if let Some(api) = &self.api {
            value["api"] = api.as_str().into();
        }
        value
    }

    fn blocks(&self) -> Vec<Block> {
        let report = &self.report;
        if self.dry_run {
            let planned = report.steps.last().map(|step| step.summary.clone()).unwrap_or_default();
            return vec![Block::Text(format!("dry run: {planned}; nothing was deployed"))];
        }
        let several = report.regions.len() > 1;
        let mut table = Table::new(&columns(
            several,
            &[("status", Align::Left), ("resources", Align::Right), ("seconds", Align::Right)],
        ));
        for stack in &report.stacks {
            let seconds = format!("{:.1}", stack.seconds);
            let region = several.then(|| stack.region.clone());
            table.row(std::iter::once(stack.name.clone()).chain(region).chain([
                status_word(stack.status).to_owned(),
                stack.resources.to_string(),
                seconds,
            ]));
        }
        let mut blocks = vec![Block::Table(table), outputs_block(&report.stacks)];
        let note = report.changed.then(|| recorded_only_note(&report.stacks)).flatten();
        blocks.extend(note.map(Block::Text));
        let done = if report.changed {
            "The platform is up and smoke-tested."
        } else {
            "Nothing to change: the platform was up already, and is smoke-tested again."
        };
        let files: Vec<String> =
            report.written_to.iter().map(|place| format!("report  {place}")).collect();
        let api = self.api.as_deref().map(|api| format!("\nAPI     {api}")).unwrap_or_default();
        blocks.push(Block::Text(format!(
            "{done}\n\n{}\nrun     {}{api}",
            files.join("\n"),
            report.run
        )));
        let local = if report.local { " --local" } else { "" };
        let with = format!("{local} -c {}", self.file);
        let mut next = Vec::from_iter(self.try_api());
        next.extend([
            format!("platformctl invoke git-store{with} --query ok.body \\\n    --payload '{{\"operation\": \"read\", \"wiki\": \"platform\", \"path\": \"home.md\"}}'"),
            format!("platformctl diff{with}"),
            format!("platformctl status{with}"),
            format!("platformctl events {}", report.run.rsplit('-').next().unwrap_or(&report.run)),
        ]);
        blocks.push(Block::Next(next));
        if report.local {
            blocks.push(Block::Text(
                "platformctl local down stops the local platform; its state is kept".to_owned(),
            ));
        }
        blocks
    }
}

/// The permissions that a bootstrap needs.
#[derive(Debug)]
struct Policy(Vec<Value>);

fn policy(ctx: &Ctx) -> Result<Policy> {
    let settings = ctx.settings()?;
    let account = settings.config.account.clone().unwrap_or_else(|| "*".to_owned());
    let policies = deploy_policies(&settings.synthesize()?, &settings.config, &account);
    if policies.len() > 1 {
        ctx.ui.status(&format!(
            "{} policies, because a managed policy may have {MANAGED_POLICY_SIZE} characters: attach them all",
            policies.len()
        ));
    }
    if settings.config.account.is_none() {
        ctx.events.warn("no `account` in platform.yaml: ARNs in this policy name any account");
    }
    Ok(Policy(policies))
}

impl Report for Policy {
    /// One document as it is; several as a list.
    fn value(&self) -> Value {
        match self.0.as_slice() {
            [one] => one.clone(),
            several => json!(several),
        }
    }

    fn blocks(&self) -> Vec<Block> {
        vec![Block::Text(serde_json::to_string_pretty(&self.value()).unwrap_or_default())]
    }
}
