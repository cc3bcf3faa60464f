//! What the deploying verbs share: flags, functions, and the engine.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::{Deserialize, Serialize};
use stacks::StackTemplate;
use time::OffsetDateTime;

use super::Ctx;
use super::context::Connection;
use crate::bootstrap::{Functions, functions_of};
use crate::build::{Builder, Target, find_source};
use crate::config::{Architecture, Settings};
use crate::deploy::{Artefacts, Concurrency, Engine, Why, makes_bucket};
use crate::error::{Context as _, Error, Kind, Result};
use crate::guard;
use crate::journal::Journal;
use crate::plan::Plan;

/// Where the functions' code comes from.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
pub(super) struct CodeArgs {
    /// platformctl's source, with the Lambda crates; default: found from here
    #[arg(long, value_name = "DIR", env = "PLATFORMCTL_SOURCE", value_parser = absolute)]
    pub source: Option<PathBuf>,
    /// Folder with built zips, one FUNCTION.zip each, instead of building
    #[arg(long, value_name = "DIR", env = "PLATFORMCTL_ARTEFACTS", value_parser = absolute)]
    pub artefacts: Option<PathBuf>,
}

/// The rules that a deploy must satisfy.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
pub(super) struct RuleArgs {
    /// Folder with further *.guard files
    #[arg(long, value_name = "DIR", value_parser = absolute)]
    pub rules: Option<PathBuf>,
    /// File with further exemptions
    #[arg(long, value_name = "FILE", value_parser = absolute)]
    pub exemptions: Option<PathBuf>,
}

/// How much is done at once.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
pub(super) struct ScaleArgs {
    /// Most stacks that are worked on at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    #[serde(default = "eight")]
    concurrency: u16,
}

impl Default for ScaleArgs {
    fn default() -> Self {
        Self { concurrency: eight() }
    }
}

fn eight() -> u16 {
    8
}

impl ScaleArgs {
    /// As engines take it.
    pub(super) fn concurrency(&self) -> Concurrency {
        Concurrency::new(self.concurrency)
    }
}

/// A path that `resume` finds again from another folder.
pub(super) fn absolute(path: &str) -> std::io::Result<PathBuf> {
    std::path::absolute(path)
}

impl CodeArgs {
    /// How the functions are got for these settings.
    pub(super) fn functions(&self, ctx: &Ctx, settings: &Settings) -> Result<Functions> {
        if let Some(folder) = &self.artefacts {
            return Ok(Functions::Prebuilt(folder.clone()));
        }
        let target = target(settings);
        let name = match target {
            Target::Host => "host",
            Target::AwsArm64 => "arm64",
            Target::AwsX86_64 => "x86_64",
        };
        ctx.paths.make_state()?;
        let here = std::env::current_dir().context("cannot find the current folder")?;
        Ok(Functions::Build(Builder {
            source: find_source(self.source.as_deref(), &here)?,
            out: ctx.paths.state.join("functions").join(name),
            target,
            events: ctx.events.clone(),
            cancel: ctx.cancel.clone(),
        }))
    }
}

/// What the functions are built for.
pub(super) fn target(settings: &Settings) -> Target {
    match (settings.local, settings.config.efs.architecture) {
        (true, _) => Target::Host,
        (false, Architecture::Arm64) => Target::AwsArm64,
        (false, Architecture::X86_64) => Target::AwsX86_64,
    }
}

/// An engine that has no functions yet.
pub(super) fn engine(
    ctx: &Ctx,
    settings: &Settings,
    connection: &Connection,
    scale: &ScaleArgs,
    journal: Arc<Journal>,
) -> Result<Engine> {
    let config = &settings.config;
    let account = &connection.identity.account;
    let buckets = settings.synthesize()?.into_iter().filter(makes_bucket);
    let elsewhere = buckets.filter(|stack| stack.region != config.region);
    Ok(Engine {
        aws: connection.aws.clone(),
        concurrency: scale.concurrency(),
        account: connection.identity.account.clone(),
        environment: config.environment.clone(),
        artefacts: Artefacts {
            bucket: artefact_bucket(settings, account, &config.region),
            elsewhere: elsewhere
                .map(|stack| {
                    let bucket = artefact_bucket(settings, account, &stack.region);
                    (stack.region, bucket)
                })
                .collect(),
            functions: std::collections::BTreeMap::new(),
        },
        protect: config.protect,
        import_existing: false,
        fence: None,
        keep: Some(Why::Deploy),
        journal,
        events: ctx.events.clone(),
        cancel: ctx.cancel.clone(),
        recorded_only: Arc::clone(&connection.recorded_only),
    })
}

/// The name of the artefact bucket in a region.
pub(super) fn artefact_bucket(settings: &Settings, account: &str, region: &str) -> String {
    let config = &settings.config;
    Artefacts::bucket_name(&config.project, &config.environment, account, region)
}

/// Builds what these templates need, and gives it to the engine.
pub(super) async fn add_functions(
    engine: &mut Engine,
    functions: &Functions,
    templates: &[StackTemplate],
) -> Result<()> {
    for function in functions_of(templates) {
        let zip = functions.zip(&function).await?;
        engine.artefacts.functions.insert(function, zip);
    }
    Ok(())
}

/// Refuses a plan that would leave data behind, unless that was asked for.
pub(super) fn refuse_data_loss(plan: &Plan, allowed: bool) -> Result<()> {
    let risks = plan.data_at_risk();
    if allowed || risks.is_empty() {
        return Ok(());
    }
    Err(Error::usage(
        "resources with data in them would be replaced or removed; nothing was deployed",
    )
    .caused_by(risks.join("\n"))
    .hint("undo the change in platform.yaml, or move the data first and add `--replace-data`"))
}

/// A deploy refuses what `check` refuses of `templates`. What holds between stacks is
/// seen with `all` of them.
pub(super) fn refuse_violations(
    ctx: &Ctx,
    rules: &RuleArgs,
    all: &[StackTemplate],
    templates: &[StackTemplate],
) -> Result<()> {
    let (rules, exemptions) = ctx.rules(rules.rules.as_deref(), rules.exemptions.as_deref())?;
    let inputs: Vec<_> =
        templates.iter().map(|stack| (stack.name.as_str(), stack.template.as_value())).collect();
    let today = OffsetDateTime::now_utc().date();
    let mut between = guard::invariants::invariants(all);
    between.retain(|finding| templates.iter().any(|stack| stack.name == finding.stack));
    let mut found = guard::check_with(&inputs, &rules, &exemptions, today, between)?;
    if found.passed() {
        return Ok(());
    }
    // Only what is in the way; `check` lists what is exempt.
    found.exempted.clear();
    let text = found.text();
    Err(Error::new(Kind::Policy, "the rules refuse these templates; nothing was deployed")
        .caused_by(text.strip_prefix("error: ").unwrap_or(&text))
        .hint("`platformctl check` shows this without deploying"))
}
