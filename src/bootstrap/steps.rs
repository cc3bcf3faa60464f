//! The order of the steps, and the loop that runs them.

use std::fmt;
use std::time::Instant;

use serde_json::Value;
use stacks::StackTemplate;

use super::report::StepReport;
use crate::error::{Error, Kind, Result};
use crate::event::{Events, Outcome};
use crate::failpoint;
use crate::journal::{Entry, Journal, StepOutcome};
use crate::signal::Cancel;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Credentials, account and tools are as they should be.
    Preflight,
    /// The Lambda functions are built into zips.
    Build,
    /// The stacks become templates.
    Synth,
    /// The templates are proved by the guard rules.
    Guard,
    /// What will change is shown and confirmed.
    Plan,
    /// One stack is deployed.
    Deploy(String),
    /// The first pages are written.
    Seed,
    /// A page is written, read back, and found in its history.
    SmokeTest,
    /// The first tenants of a local platform are made, through its API.
    SeedTenants,
    /// The report is written, here and to the artefact bucket.
    Report,
}

impl Step {
    /// Whether it changes anything outside this process's memory. A step that does
    /// not is done again when a run is resumed: later steps need its result.
    pub fn mutates(&self) -> bool {
        matches!(self, Self::Deploy(_) | Self::Seed | Self::SmokeTest | Self::SeedTenants)
    }

    /// Whether a dry run leaves it out.
    pub fn changes(&self) -> bool {
        self.mutates() || matches!(self, Self::Report)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preflight => f.write_str("preflight"),
            Self::Build => f.write_str("build"),
            Self::Synth => f.write_str("synth"),
            Self::Guard => f.write_str("guard"),
            Self::Plan => f.write_str("plan"),
            Self::Deploy(stack) => write!(f, "deploy {stack}"),
            Self::Seed => f.write_str("seed"),
            Self::SmokeTest => f.write_str("smoke test"),
            Self::SeedTenants => f.write_str("seed tenants"),
            Self::Report => f.write_str("report"),
        }
    }
}

/// The names of the stacks, still each after those it depends on, with the stacks of
/// tenants last: the platform is whole before the first of them begins.
pub fn tenants_last(templates: &[StackTemplate]) -> Vec<String> {
    let mut late: Vec<&str> = Vec::new();
    let mut names = Vec::new();
    for template in templates {
        let waits = template.depends_on.iter().any(|need| late.contains(&need.as_str()));
        if waits || template.name.starts_with(TENANT) {
            late.push(&template.name);
        } else {
            names.push(template.name.clone());
        }
    }
    names.extend(late.into_iter().map(str::to_owned));
    names
}

/// What the names of tenants' stacks begin with.
const TENANT: &str = "tenant-";

/// The steps for these stacks, which are in dependency order.
pub fn order(stacks: &[String]) -> Vec<Step> {
    let mut steps = vec![Step::Preflight, Step::Build, Step::Synth, Step::Guard, Step::Plan];
    steps.extend(stacks.iter().cloned().map(Step::Deploy));
    steps.extend([Step::Seed, Step::SmokeTest, Step::Report]);
    steps
}

/// `steps`, and the first tenants before the report.
pub fn with_tenants(mut steps: Vec<Step>) -> Vec<Step> {
    let before = steps.iter().position(|step| *step == Step::Report).unwrap_or(steps.len());
    steps.insert(before, Step::SeedTenants);
    steps
}

/// What a step came to.
#[derive(Debug, Clone)]
pub struct StepResult {
    /// Whether anything changed.
    pub changed: bool,
    /// One line for people.
    pub summary: String,
    /// Data for the journal and the report.
    pub detail: Value,
}

impl StepResult {
    /// Nothing changed.
    pub fn unchanged(summary: impl Into<String>) -> Self {
        Self { changed: false, summary: summary.into(), detail: Value::Null }
    }

    /// Something changed.
    pub fn changed(summary: impl Into<String>) -> Self {
        Self { changed: true, summary: summary.into(), detail: Value::Null }
    }

    /// With data for the journal and the report.
    #[must_use]
    pub fn with(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

/// Does the steps. A trait, so that a test can record their order.
pub trait Executor {
    /// Does one step.
    fn execute(&mut self, step: &Step) -> impl Future<Output = Result<StepResult>> + Send;

    /// Proves that the step's result is there, before the next one begins.
    fn validate(&mut self, step: &Step) -> impl Future<Output = Result<()>> + Send;

    /// Hears of every finished step, so that the report step can tell of them.
    fn finished(&mut self, report: StepReport);
}

/// Runs `steps` in order. Steps in `done` were finished by an earlier attempt: they
/// are proved again, and done again only where that fails.
pub async fn run(
    steps: &[Step],
    executor: &mut impl Executor,
    journal: &Journal,
    done: &[String],
    events: &Events,
    cancel: &Cancel,
) -> Result<Vec<StepReport>> {
    let mut reports = Vec::new();
    for step in steps {
        cancel.check()?;
        let name = step.to_string();
        let task = format!("step.{name}");
        let begun = Instant::now();
        if step.mutates() && done.contains(&name) && executor.validate(step).await.is_ok() {
            let report = StepReport::new(
                step,
                StepOutcome::Unchanged,
                begun.elapsed(),
                "done before",
                Value::Null,
            );
            events.started(&task, &name, None);
            events.finished(&task, Outcome::Unchanged, "done before the run was resumed");
            executor.finished(report.clone());
            reports.push(report);
            continue;
        }
        journal.write(Entry::StepStarted { step: name.clone() })?;
        // Stacks and functions show their own progress.
        let shown = !matches!(step, Step::Deploy(_) | Step::Build | Step::Plan);
        if shown {
            events.started(&task, &name, None);
        }
        failpoint::hit(&format!("step.{name}"), cancel).await;
        let result = match cancel.check() {
            Err(error) => Err(error),
            Ok(()) => match executor.execute(step).await {
                Ok(result) => executor.validate(step).await.map(|()| result),
                Err(error) => Err(error),
            },
        };
        match result {
            Ok(StepResult { changed, summary, detail }) => {
                let (step_outcome, outcome) = if changed {
                    (StepOutcome::Done, Outcome::Done)
                } else {
                    (StepOutcome::Unchanged, Outcome::Unchanged)
                };
                journal.write(Entry::StepFinished {
                    step: name.clone(),
                    outcome: step_outcome,
                    detail: detail.clone(),
                })?;
                if shown {
                    // Steps that only look are "done", not "unchanged".
                    let outcome = if step.mutates() { outcome } else { Outcome::Done };
                    events.finished(&task, outcome, &summary);
                }
                let report = StepReport::new(step, step_outcome, begun.elapsed(), &summary, detail);
                executor.finished(report.clone());
                reports.push(report);
            }
            Err(error) => {
                record_failure(journal, &name, &error)?;
                if shown {
                    events.finished(&task, Outcome::Failed, error.message());
                }
                return Err(error);
            }
        }
    }
    Ok(reports)
}

fn record_failure(journal: &Journal, step: &str, error: &Error) -> Result<()> {
    let interrupted = error.kind() == Kind::Interrupted;
    let outcome = if interrupted { StepOutcome::Interrupted } else { StepOutcome::Failed };
    let detail = serde_json::json!({ "error": error.to_string(), "causes": error.causes() });
    journal.write(Entry::StepFinished { step: step.to_owned(), outcome, detail })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Mask;

    /// Records what it is asked to do; fails and refuses where it is told to.
    #[derive(Default)]
    struct Fake {
        log: Vec<String>,
        failing: Option<Step>,
        gone: Vec<Step>,
    }

    impl Executor for Fake {
        async fn execute(&mut self, step: &Step) -> Result<StepResult> {
            self.log.push(step.to_string());
            self.gone.retain(|gone| gone != step);
            if self.failing.as_ref() == Some(step) {
                return Err(Error::failed("fake"));
            }
            Ok(StepResult::changed(""))
        }

        async fn validate(&mut self, step: &Step) -> Result<()> {
            self.log.push(format!("prove {step}"));
            if self.gone.contains(step) { Err(Error::failed("gone")) } else { Ok(()) }
        }

        fn finished(&mut self, _: StepReport) {}
    }

    fn stacks() -> Vec<String> {
        ["artefacts", "network", "efs", "budget"].map(str::to_owned).to_vec()
    }

    async fn run_fake(fake: &mut Fake, done: &[&str]) -> Result<Vec<StepReport>> {
        let journal = Journal::unrecorded(Mask::default());
        let done: Vec<_> = done.iter().map(|step| (*step).to_owned()).collect();
        run(&order(&stacks()), fake, &journal, &done, &Events::none(), &Cancel::never()).await
    }

    #[test]
    fn tenants_come_last_and_nothing_before_what_it_needs() {
        use stacks::cfn::{Naming, Stack};
        let naming = Naming::new("acme", "dev", "eu-west-2");
        let stack = |name: &str, need: &str| {
            let mut stack = Stack::new(name, &naming);
            stack.depends_on(need);
            stack.finish()
        };
        let stacks = [
            stack("platform", ""),
            stack("tenant-a", "platform"),
            stack("of-a", "tenant-a"),
            stack("budget", ""),
        ];
        assert_eq!(tenants_last(&stacks), ["platform", "budget", "tenant-a", "of-a"]);
    }

    #[tokio::test]
    async fn every_step_is_proved_before_the_next_begins() {
        let mut fake = Fake::default();
        run_fake(&mut fake, &[]).await.expect("run");
        let steps = [
            "preflight",
            "build",
            "synth",
            "guard",
            "plan",
            "deploy artefacts",
            "deploy network",
            "deploy efs",
            "deploy budget",
            "seed",
            "smoke test",
            "report",
        ];
        let expected: Vec<_> =
            steps.iter().flat_map(|step| [(*step).to_owned(), format!("prove {step}")]).collect();
        assert_eq!(fake.log, expected);
    }

    #[test]
    fn tenants_are_in_the_report() {
        let steps = with_tenants(order(&stacks()));
        assert_eq!(steps[steps.len() - 2..], [Step::SeedTenants, Step::Report]);
    }

    #[tokio::test]
    async fn a_failure_ends_the_run_there() {
        let mut fake = Fake { failing: Some(Step::Deploy("efs".into())), ..Fake::default() };
        run_fake(&mut fake, &[]).await.expect_err("failed");
        assert_eq!(fake.log.last().map(String::as_str), Some("deploy efs"));
    }

    #[tokio::test]
    async fn a_resumed_run_proves_finished_mutations_and_repeats_what_only_looks() {
        let mut fake = Fake::default();
        run_fake(&mut fake, &["preflight", "synth", "deploy artefacts", "deploy network"])
            .await
            .expect("run");
        assert!(fake.log.contains(&"synth".to_owned()));
        assert!(!fake.log.contains(&"deploy network".to_owned()));
        assert!(fake.log.contains(&"prove deploy network".to_owned()));
        assert!(fake.log.contains(&"deploy efs".to_owned()));
    }

    #[tokio::test]
    async fn a_finished_mutation_that_is_gone_is_made_again() {
        let step = Step::Deploy("network".into());
        let mut fake = Fake { gone: vec![step], ..Fake::default() };
        run_fake(&mut fake, &["deploy network"]).await.expect("run");
        assert!(fake.log.contains(&"deploy network".to_owned()));
    }
}
