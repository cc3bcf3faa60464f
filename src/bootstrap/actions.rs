//! What each step does, on AWS or on the local platform.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_sdk_lambda::types::AccountLimit;
use serde_json::json;
use stacks::{DeployValue, StackTemplate};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::report::{BootstrapReport, REPORT_FILE, REPORT_VERSION, StepReport};
use super::steps::{Executor, Step, StepResult};
use super::tenants::ReachApi;
use crate::aws::{Identity, explain};
use crate::build::{self, Builder};
use crate::config::Settings;
use crate::deploy::{Engine, PlannedStack, StackStatus, Upload, observe};
use crate::error::{Context as _, Error, Kind, Result};
use crate::guard::{self, Exemptions, RuleSet};
use crate::journal::StepOutcome;
use crate::plan::{Plan, StackAction};

/// Where the functions' zips come from.
#[derive(Debug, Clone)]
pub enum Functions {
    /// Built from source.
    Build(Builder),
    /// Zips in a folder.
    Prebuilt(PathBuf),
}

/// Executions that Lambda keeps unreserved in every account
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html>).
const UNRESERVED: u32 = 100;

/// Asks whether a plan shall be carried out.
pub type Approve<'a> = Box<dyn Fn(&Plan) -> Result<bool> + Send + Sync + 'a>;

impl Functions {
    /// The zip of one function, built now or found.
    pub async fn zip(&self, function: &str) -> Result<Upload> {
        match self {
            Self::Build(builder) => builder.function(function).await,
            Self::Prebuilt(folder) => build::prebuilt(folder, function),
        }
    }
}

/// Does the steps for real.
pub struct Platform<'a> {
    /// Settings of the run.
    pub settings: &'a Settings,
    /// Who the credentials belong to.
    pub identity: Identity,
    /// Deploys stacks; its artefacts are filled in by the build step.
    pub engine: Engine,
    /// Where the functions' zips come from.
    pub functions: Functions,
    /// Rules that templates are proved with.
    pub rules: RuleSet,
    /// Accepted violations.
    pub exemptions: Exemptions,
    /// Asks whether a plan shall be carried out.
    pub approve: Approve<'a>,
    /// Reaches the platform's API, for the steps that use it.
    pub api: Option<ReachApi<'a>>,
    /// Whether to stop after the plan.
    pub dry_run: bool,
    /// Whether stacks whose creation failed earlier may be deleted and made anew.
    pub recreate: bool,
    /// Stacks that an earlier attempt of this very run tried to make: what it failed to
    /// create has never worked, and may be made anew.
    pub tried: Vec<String>,
    /// Folder of the local copy of the report.
    pub report_folder: PathBuf,
    /// Who runs it.
    pub by: String,
    /// What was synthesized.
    pub templates: Vec<StackTemplate>,
    /// What is planned, by stack.
    pub planned: BTreeMap<String, PlannedStack>,
    /// What is known so far.
    pub report: BootstrapReport,
}

impl Executor for Platform<'_> {
    async fn execute(&mut self, step: &Step) -> Result<StepResult> {
        match step {
            Step::Preflight => self.preflight().await,
            Step::Build => self.build().await,
            Step::Synth => self.synth(),
            Step::Guard => self.guard(),
            Step::Plan => self.plan().await,
            Step::Deploy(name) => self.deploy(name).await,
            Step::Seed => self.seed().await,
            Step::SmokeTest => self.smoke_test().await,
            Step::SeedTenants => self.seed_tenants().await,
            Step::Report => self.write_report().await,
        }
    }

    async fn validate(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Deploy(name) => self.prove_deployed(name).await,
            Step::Seed => self.read_page("home.md").await.map(drop),
            Step::SmokeTest => self.read_page("smoke-test.md").await.map(drop),
            Step::SeedTenants => self.prove_tenants().await,
            // The others prove themselves: their result is in memory.
            _ => Ok(()),
        }
    }

    fn finished(&mut self, report: StepReport) {
        self.report.changed |= report.outcome == StepOutcome::Done;
        self.report.steps.push(report);
    }
}

impl Platform<'_> {
    async fn preflight(&mut self) -> Result<StepResult> {
        self.settings.check_account(&self.identity.account)?;
        if !self.dry_run {
            std::fs::create_dir_all(&self.report_folder)
                .with_context(|| format!("cannot make {}", self.report_folder.display()))?;
        }
        if let Functions::Prebuilt(folder) = &self.functions
            && !folder.is_dir()
        {
            return Err(Error::usage(format!("there is no folder {}", folder.display())));
        }
        if !self.settings.local {
            self.check_concurrency().await?;
        }
        let Identity { account, arn } = &self.identity;
        let regions = self.engine.aws.names();
        let detail = json!({ "account": account, "arn": arn, "regions": regions });
        Ok(StepResult::unchanged(format!("account {account}, {}", regions.join(" and ")))
            .with(detail))
    }

    /// New accounts allow few concurrent executions; a reservation that leaves less
    /// than [`UNRESERVED`] is refused by Lambda in the middle of a deploy. The quota is
    /// one of each region.
    async fn check_concurrency(&self) -> Result<()> {
        let templates = self.settings.synthesize()?;
        for region in self.engine.aws.names() {
            let here = templates.iter().filter(|stack| stack.region == region);
            let mut wanted = 0;
            let mut whose = Vec::new();
            for stack in here {
                let reserved = reserved_by(stack);
                let aws = self.engine.aws.of(region)?;
                // What is deployed has its reservation already.
                if reserved > 0 && observe(aws, &stack.stack_name).await?.is_none() {
                    wanted += reserved;
                    whose.push(stack.name.as_str());
                }
            }
            if wanted > 0 {
                self.check_executions(region, wanted, &whose).await?;
            }
        }
        Ok(())
    }

    /// Refuses when `stacks` want to reserve more executions than `region` can spare.
    async fn check_executions(&self, region: &str, wanted: u32, stacks: &[&str]) -> Result<()> {
        let aws = self.engine.aws.of(region)?;
        let answer = match aws.lambda.get_account_settings().send().await {
            Ok(answer) => answer,
            Err(error) => {
                let error = explain("cannot read the quota of concurrent executions", error);
                self.engine.events.warn(format!("{error}; going on without that check"));
                return Ok(());
            }
        };
        let free = answer.account_limit().and_then(AccountLimit::unreserved_concurrent_executions);
        let Some(free) = free.and_then(|free| u32::try_from(free).ok()) else { return Ok(()) };
        if free >= wanted + UNRESERVED {
            return Ok(());
        }
        let error = Error::usage(format!(
            "reserving {wanted} concurrent executions in {region} ({}) needs {} unreserved ones, and the account has {free}",
            stacks.join(", "),
            wanted + UNRESERVED
        ))
        .hint(concurrency_hint(free));
        Err(if stacks == ["efs"] {
            error.at(self.settings.place("efs.reserved_concurrency"))
        } else {
            error
        })
    }

    async fn build(&mut self) -> Result<StepResult> {
        let mut functions = BTreeMap::new();
        for function in functions_of(&self.settings.synthesize()?) {
            let zip = self.functions.zip(&function).await?;
            functions.insert(function, zip);
        }
        self.report.functions =
            functions.iter().map(|(name, zip)| (name.clone(), zip.sha256.clone())).collect();
        let detail = json!({ "sha256": self.report.functions });
        self.engine.artefacts.functions = functions;
        Ok(StepResult::unchanged(format!("{} function", self.report.functions.len())).with(detail))
    }

    fn synth(&mut self) -> Result<StepResult> {
        self.templates = self.settings.synthesize()?;
        let resources: usize =
            self.templates.iter().map(|stack| stack.template.resources().count()).sum();
        let stacks = self.templates.len();
        Ok(StepResult::unchanged(format!("{stacks} stacks, {resources} resources")))
    }

    fn guard(&mut self) -> Result<StepResult> {
        let templates: Vec<_> = self
            .templates
            .iter()
            .map(|stack| (stack.name.as_str(), stack.template.as_value()))
            .collect();
        let today = OffsetDateTime::now_utc().date();
        let between = guard::invariants::invariants(&self.templates);
        let found = guard::check_with(&templates, &self.rules, &self.exemptions, today, between)?;
        self.report.rules = found.rules;
        self.report.exempted = found
            .exempted
            .iter()
            .map(|exempted| {
                let finding = &exempted.finding;
                format!("{}: {} / {}", finding.rule, finding.stack, finding.resource)
            })
            .collect();
        if !found.passed() {
            return Err(Error::new(Kind::Policy, format!("{} findings", found.findings.len()))
                .caused_by(found.text())
                .hint("`platformctl check` shows them; nothing was deployed"));
        }
        let detail = json!({ "rules": found.rules, "exempted": self.report.exempted });
        Ok(StepResult::unchanged(format!("{} rules, no findings", found.rules)).with(detail))
    }

    async fn plan(&mut self) -> Result<StepResult> {
        let (plan, planned) = self.engine.plan(&self.templates).await?;
        let approved = if plan.is_empty() { Ok(true) } else { (self.approve)(&plan) };
        if !matches!(approved, Ok(true)) {
            self.engine.discard(&planned).await?;
            approved?;
            return Err(Error::usage("not confirmed; nothing was deployed"));
        }
        if self.dry_run {
            self.engine.discard(&planned).await?;
        } else if let Err(error) = self.engine.refuse_taken_names(&planned).await {
            self.engine.discard(&planned).await?;
            return Err(error);
        }
        let summary = format!("{} of {} stacks change", plan.changing().count(), plan.stacks.len());
        self.planned = planned.into_iter().map(|stack| (stack.plan.name.clone(), stack)).collect();
        let detail = serde_json::to_value(&plan).context("cannot serialize the plan")?;
        Ok(StepResult::unchanged(summary).with(detail))
    }

    async fn deploy(&mut self, name: &str) -> Result<StepResult> {
        let stack = self
            .planned
            .get(name)
            .cloned()
            .ok_or_else(|| Error::failed(format!("stack {name} was not planned")))?;
        // What it imports from was deployed before it, and may be another now.
        let stale = self.report.stacks.iter().any(|done| {
            done.status != StackStatus::Unchanged && stack.template.depends_on.contains(&done.name)
        });
        let recreate = self.recreate || self.tried.contains(&stack.plan.stack_name);
        let deployed = self.engine.deploy_stack(stack, stale, recreate).await?;
        let summary = format!("{} resources", deployed.resources);
        let detail = serde_json::to_value(&deployed).context("cannot serialize a stack")?;
        let unchanged = deployed.status == StackStatus::Unchanged;
        self.report.stacks.push(deployed);
        let result =
            if unchanged { StepResult::unchanged(summary) } else { StepResult::changed(summary) };
        Ok(result.with(detail))
    }

    /// The stack is complete and was made from this very template.
    async fn prove_deployed(&mut self, name: &str) -> Result<()> {
        let template = self
            .templates
            .iter()
            .find(|template| template.name == name)
            .ok_or_else(|| Error::failed(format!("stack {name} was not synthesized")))?;
        let stack_name = &template.stack_name;
        let live = observe(self.engine.aws.of(&template.region)?, stack_name)
            .await?
            .ok_or_else(|| Error::failed(format!("stack {stack_name} does not exist")))?;
        // After a rolled-back update the stack is what it was before, and whole.
        let whole = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"];
        if !whole.contains(&live.status.as_str()) {
            return Err(Error::failed(format!("stack {stack_name} is {}", live.status.as_str())));
        }
        let planned = self.planned.get(name);
        if planned.is_some_and(|stack| stack.plan.action == StackAction::None)
            || self.report.stacks.iter().any(|stack| stack.name == name)
        {
            if !self.report.stacks.iter().any(|stack| stack.name == name)
                && let Some(stack) = planned
            {
                self.report
                    .stacks
                    .push(self.engine.describe(stack, StackStatus::Unchanged, 0).await?);
            }
            return Ok(());
        }
        Err(Error::failed(format!("stack {stack_name} is not as planned")))
    }

    async fn write_report(&mut self) -> Result<StepResult> {
        let engine = &self.engine;
        let run = engine.journal.run().to_string();
        let local = self.report_folder.join(REPORT_FILE);
        let key = format!("reports/{run}/{REPORT_FILE}");
        let uri = format!("s3://{}/{key}", engine.artefacts.bucket);
        self.report.version = REPORT_VERSION;
        env!("CARGO_PKG_VERSION").clone_into(&mut self.report.platformctl);
        self.report.run = run;
        self.report.by.clone_from(&self.by);
        self.report.at =
            OffsetDateTime::now_utc().format(&Rfc3339).context("cannot format the time")?;
        self.report.account.clone_from(&engine.account);
        self.report.region.clone_from(&engine.aws.home().region);
        self.report.regions = engine.aws.names().into_iter().map(str::to_owned).collect();
        self.report.project.clone_from(&self.settings.config.project);
        self.report.environment.clone_from(&engine.environment);
        self.report.local = self.settings.local;
        self.report.recorded_only = engine.recorded_only.to_vec();
        self.report.written_to = vec![local.display().to_string(), uri.clone()];
        let value = serde_json::to_value(&self.report).context("cannot serialize the report")?;
        let value = engine.journal.mask().value(value);
        let text = serde_json::to_vec_pretty(&value).context("cannot serialize the report")?;
        std::fs::write(&local, &text)
            .with_context(|| format!("cannot write {}", local.display()))?;
        let home = engine.aws.home();
        engine.artefacts.put(home, &engine.journal, &key, text, "application/json").await?;
        Ok(StepResult::unchanged(uri))
    }
}

/// The functions whose zips these templates need.
pub fn functions_of(templates: &[StackTemplate]) -> Vec<String> {
    let mut functions: Vec<String> = templates
        .iter()
        .flat_map(|template| &template.deploy_parameters)
        .filter_map(|parameter| match &parameter.value {
            DeployValue::CodeKey { function } => Some(function.clone()),
            DeployValue::ArtefactBucket
            | DeployValue::Output { .. }
            | DeployValue::Literal { .. } => None,
        })
        .collect();
    functions.sort();
    functions.dedup();
    functions
}

/// Concurrent executions that the functions of a stack reserve.
fn reserved_by(stack: &StackTemplate) -> u32 {
    let functions =
        stack.template.resources().filter(|resource| resource.type_name == "AWS::Lambda::Function");
    let reserved = functions
        .filter_map(|function| function.properties()["ReservedConcurrentExecutions"].as_u64());
    u32::try_from(reserved.sum::<u64>()).unwrap_or(u32::MAX)
}

/// What helps when `free` unreserved executions are too few.
fn concurrency_hint(free: u32) -> String {
    let quota = "ask for a higher quota: Lambda, Concurrent executions (L-B99A9384)";
    match free.saturating_sub(UNRESERVED) {
        0 => quota.to_owned(),
        most => format!("reserve at most {most}, or {quota}"),
    }
}

#[cfg(test)]
mod tests {
    use super::concurrency_hint;

    #[test]
    fn no_smaller_reservation_is_advised_where_none_would_do() {
        for free in [0, 10, 100] {
            let hint = concurrency_hint(free);
            assert_eq!(hint, "ask for a higher quota: Lambda, Concurrent executions (L-B99A9384)");
        }
        assert!(concurrency_hint(101).starts_with("reserve at most 1, or ask"));
        assert!(concurrency_hint(140).starts_with("reserve at most 40, or ask"));
    }
}
