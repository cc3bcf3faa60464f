use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use time::OffsetDateTime;

use super::{common, render};
use crate::bench::executor::{Call, Executor, Runner};
use crate::bench::plan::{Phase, Plan};
use crate::bench::result::{Folder, Run};
use crate::bench::sample::{Failure, Inside, rounded};
use crate::bench::suite::{carry_out, finished};
use crate::cli::Ctx;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::guard::{self, Exemptions, RuleSet};
use crate::journal::RunId;
use crate::ui::{Block, Report};

/// Measure how long synthesis and proof of the templates take, in this process
///
/// Nothing is sent anywhere and nothing is changed but the stored result.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl bench synth\n  platformctl bench synth -c examples/many-tenants/platform.yaml --count 50"
)]
pub struct SynthArgs {
    /// How often each is done
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    count: usize,
    /// How often before, measured apart
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    warm_up: usize,
}

/// What was measured.
#[derive(Debug)]
pub struct SynthReport {
    run: Run,
    file: String,
}

/// Synthesizes and checks.
struct Synthesis {
    settings: Settings,
    rules: RuleSet,
    exemptions: Exemptions,
}

pub(super) async fn run(ctx: &Ctx, args: &SynthArgs) -> Result<SynthReport> {
    let settings = ctx.settings()?;
    let stacks = settings.synthesize()?.len();
    let (rules, exemptions) = ctx.rules(None, None)?;
    let folder = common::folder(ctx);
    ctx.paths.make_state()?;
    let mut run = common::begin("synth", &free_id(&folder), &settings, 0)?;
    run.parameters.insert("stacks".to_owned(), stacks.into());
    run.parameters.insert("count".to_owned(), args.count.into());
    let one = |name: &str, title: &str| {
        Phase::sequential(name, title, name, args.count).warmed(args.warm_up)
    };
    let plan = Plan {
        phases: vec![
            one("synth", &format!("synthesis of {stacks} stacks")),
            one("check", &format!("synthesis and proof of {stacks} stacks")),
        ],
    };
    let executor = Arc::new(Synthesis { settings, rules, exemptions });
    let (events, cancel) = (ctx.events.clone(), ctx.cancel.clone());
    carry_out(&Runner { executor, events, cancel }, &plan, &mut run, &folder).await?;
    finished(&mut run, &folder)?;
    let file = folder.file(&run.id).display().to_string();
    Ok(SynthReport { run, file })
}

/// A name that no stored run has.
pub(super) fn free_id(folder: &Folder) -> String {
    loop {
        let id = RunId::new(OffsetDateTime::now_utc()).to_string();
        if !folder.file(&id).exists() {
            return id;
        }
    }
}

impl Synthesis {
    fn work(&self, operation: &str) -> Result<Inside> {
        let begun = Instant::now();
        let templates = self.settings.synthesize()?;
        let synthesized = begun.elapsed();
        let milliseconds = |seconds: f64| rounded(seconds * 1000.0);
        let mut steps = vec![("synth".to_owned(), milliseconds(synthesized.as_secs_f64()))];
        if operation == "check" {
            let inputs: Vec<_> = templates
                .iter()
                .map(|stack| (stack.name.as_str(), stack.template.as_value()))
                .collect();
            let between = guard::invariants::invariants(&templates);
            let today = OffsetDateTime::now_utc().date();
            guard::check_with(&inputs, &self.rules, &self.exemptions, today, between)?;
            let proved = begun.elapsed().saturating_sub(synthesized);
            steps.push(("check".to_owned(), milliseconds(proved.as_secs_f64())));
        }
        Ok(Inside { steps_ms: steps.into_iter().collect(), ..Inside::default() })
    }
}

impl Executor for Synthesis {
    async fn begin(&self, _: &Phase) -> Result<()> {
        Ok(())
    }

    async fn chill(&self, _: &Call) -> Result<()> {
        Err(Error::failed("nothing here starts cold"))
    }

    async fn execute(&self, call: &Call) -> Result<Inside, Failure> {
        // Nothing else happens in this process: it may hold this thread up.
        tokio::task::block_in_place(|| self.work(call.operation()))
            .map_err(|error| Failure::new("failed", error.to_string()))
    }
}

impl Report for SynthReport {
    fn value(&self) -> Value {
        render::value(&self.run, &self.file)
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = render::blocks(&self.run);
        blocks.push(Block::Text(self.file.clone()));
        blocks
    }
}
