//! The first steps of a bootstrap: what they refuse, and what they leave alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use platformctl::aws::Identity;
use platformctl::bootstrap::{self, BootstrapReport, Functions, Platform, Step, StepReport};
use platformctl::config::{self, Overrides, Settings};
use platformctl::deploy::ARTEFACTS;
use platformctl::error::{Result, exit};
use platformctl::guard::{Exemptions, RuleSet};
use platformctl::journal::{self, Entry, StepOutcome};
use serde_json::json;
use stacks::StackTemplate;

use crate::formation::ACCOUNT;
use crate::harness::{Run, limited};
use crate::script::Answer;

/// An environment whose artefact bucket and budget are deployed, and nothing else.
fn run() -> Run {
    let spec = stacks::spec::StackSpec::new("acme", "dev", "eu-west-2");
    let mut live = stacks::synthesize(&spec).expect("stacks");
    live.retain(|stack: &StackTemplate| stack.name == ARTEFACTS || stack.name == "budget");
    Run::with(&live)
}

/// Lambda has this many concurrent executions that nobody reserved.
fn allow_executions(run: &Run, free: u32) {
    let limit = json!({ "AccountLimit": { "UnreservedConcurrentExecutions": free } });
    run.cloud.expect("lambda:GetAccountSettings", "", Answer::ok(limit.to_string()));
}

/// Takes the steps up to the deploy of the budget, with these settings and this
/// answer to the plan; also returns how often it was asked for.
async fn bootstrap(run: &Run, yaml: &str, approve: bool) -> (Result<Vec<StepReport>>, usize) {
    let text = format!("version: 1\nproject: acme\nenvironment: dev\nregion: eu-west-2\n{yaml}");
    let loaded = config::parse("platform.yaml", &text).expect("configuration");
    let settings = Settings::resolve(loaded, Overrides::default());
    let folder = run.folder.path().to_owned();
    std::fs::write(folder.join("git-store.zip"), b"a zip").expect("zip");
    let asked = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&asked);
    let engine = &run.engine;
    let mut platform = Platform {
        settings: &settings,
        identity: Identity { account: ACCOUNT.into(), arn: "arn:aws:iam::1:user/me".into() },
        engine: engine.clone(),
        functions: Functions::Prebuilt(folder.clone()),
        rules: RuleSet::embedded(),
        exemptions: Exemptions::embedded().expect("exemptions"),
        approve: Box::new(move |_| {
            *counter.lock().expect("counter") += 1;
            Ok(approve)
        }),
        recreate: false,
        tried: Vec::new(),
        api: None,
        dry_run: false,
        report_folder: folder,
        by: "me@here".into(),
        templates: Vec::new(),
        planned: BTreeMap::new(),
        report: BootstrapReport::default(),
    };
    let mut steps = bootstrap::order(&["budget".to_owned()]);
    steps.truncate(6);
    assert_eq!(steps.last(), Some(&Step::Deploy("budget".into())));
    let journal = &engine.journal;
    let work = bootstrap::run(&steps, &mut platform, journal, &[], &engine.events, &engine.cancel);
    let result = limited(work).await;
    run.assert_journal_is_whole();
    let asked = *asked.lock().expect("counter");
    (result, asked)
}

fn last_step(run: &Run) -> String {
    let records = journal::read(run.engine.journal.path()).expect("journal");
    let mut steps = records.into_iter().filter_map(|record| match record.entry {
        Entry::StepFinished { step, .. } => Some(step),
        _ => None,
    });
    steps.next_back().expect("a step")
}

#[tokio::test]
async fn another_account_is_refused_before_any_request() {
    let run = run();
    let (result, asked) = bootstrap(&run, "account: \"999999999999\"\n", true).await;
    let error = result.expect_err("refused");
    assert!(error.message().contains("allows only 999999999999"), "{error}");
    assert_eq!((error.exit_code(), asked), (exit::USAGE, 0));
    assert_eq!(last_step(&run), "preflight");
    assert!(run.cloud.log().is_empty());
}

#[tokio::test]
async fn a_quota_that_is_too_small_is_refused_before_anything_is_planned() {
    let run = run();
    allow_executions(&run, 100);
    let error = bootstrap(&run, "", true).await.0.expect_err("refused");
    assert!(error.message().ends_with("the account has 100"), "{error}");
    assert_eq!(error.exit_code(), exit::USAGE);
    assert!(run.cloud.mutations().is_empty());
}

#[tokio::test]
async fn a_violated_rule_is_refused_before_anything_is_planned() {
    let run = run();
    allow_executions(&run, 1000);
    let (result, asked) = bootstrap(&run, "efs:\n  encrypted: false\n", true).await;
    assert_eq!((result.expect_err("refused").exit_code(), asked), (exit::POLICY, 0));
    assert_eq!(last_step(&run), "guard");
    assert!(run.cloud.mutations().is_empty());
}

#[tokio::test]
async fn after_no_nothing_is_left() {
    let run = run();
    allow_executions(&run, 1000);
    let (result, asked) = bootstrap(&run, "budget:\n  monthly_usd: 99\n", false).await;
    let error = result.expect_err("not confirmed");
    assert_eq!(error.message(), "not confirmed; nothing was deployed");
    assert_eq!((asked, last_step(&run).as_str()), (1, "plan"));
    assert_eq!(run.cloud.count("ExecuteChangeSet") + run.cloud.count("PutObject"), 0);
    let world = run.cloud.world();
    assert!(world.formation.stacks.iter().all(|stack| stack.sets.is_empty()));
    assert_eq!(world.formation.stacks.len(), 2, "no new stack was announced");
    assert!(world.calls.iter().any(|call| call.line() == "DeleteChangeSet acme-dev-budget"));
}

#[tokio::test]
async fn after_yes_the_stack_is_deployed_and_proved() {
    let run = run();
    allow_executions(&run, 1000);
    let (result, asked) = bootstrap(&run, "budget:\n  monthly_usd: 99\n", true).await;
    let reports = result.expect("bootstrap");
    assert_eq!((asked, reports[5].outcome), (1, StepOutcome::Done));
    let executed = run.cloud.calls("ExecuteChangeSet");
    assert_eq!(executed.len(), 1);
    assert_eq!(executed[0].target, "acme-dev-budget");
}

/// A stack whose last update was rolled back is whole: it is as it was before.
#[tokio::test]
async fn a_rolled_back_stack_that_is_as_wanted_is_accepted() {
    let run = run();
    allow_executions(&run, 1000);
    for stack in &mut run.cloud.world().formation.stacks {
        "UPDATE_ROLLBACK_COMPLETE".clone_into(&mut stack.status);
    }
    let reports = bootstrap(&run, "", true).await.0.expect("bootstrap");
    assert_eq!(reports[5].outcome, StepOutcome::Unchanged);
    assert_eq!(run.cloud.count("ExecuteChangeSet"), 0);
}
