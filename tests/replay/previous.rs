//! What deploys replace is kept, and stacks whose own rollback failed are brought to rest.

use platformctl::deploy::Why;
use platformctl::error::exit;
use platformctl::journal::StepOutcome;

use crate::formation::{happened, moment};
use crate::harness::{Run, jobs};

fn run_in(status: &str) -> Run {
    let run = Run::with(&[jobs("jobs", 30)]);
    status.clone_into(&mut run.cloud.world().formation.stacks[0].status);
    run
}

/// The keys of what is kept, without the bucket.
fn kept(run: &Run) -> Vec<String> {
    let world = run.cloud.world();
    let keys = world.objects.keys().filter_map(|key| key.split_once("/deployed/"));
    keys.map(|(_, key)| key.to_owned()).collect()
}

#[tokio::test]
async fn what_a_deploy_replaces_is_kept_before_it_is_replaced() {
    let mut run = Run::with(&[jobs("jobs", 30)]);
    run.engine.keep = Some(Why::Deploy);
    let (_, error) = run.deploy(&[jobs("jobs", 30)]).await.expect("a deploy");
    assert!(error.is_none() && kept(&run).is_empty(), "nothing was replaced");
    let (_, error) = run.deploy(&[jobs("jobs", 60)]).await.expect("a deploy");
    assert!(error.is_none(), "{error:?}");
    let kept = kept(&run);
    assert!(
        kept.len() == 1 && kept[0].starts_with("jobs/") && kept[0].contains("-deploy-"),
        "{kept:?}"
    );
    let mutations = run.cloud.mutations();
    let at = |what: &str| mutations.iter().position(|line| line.contains(what));
    assert!(at("s3:PutObject") < at("ExecuteChangeSet"), "{mutations:?}");
    let body = String::from_utf8(
        run.cloud
            .world()
            .objects
            .iter()
            .find(|(key, _)| key.contains("/deployed/"))
            .expect("it")
            .1
            .clone(),
    );
    assert!(body.expect("text").contains("\"VisibilityTimeout\":30"));
}

#[tokio::test]
async fn a_new_stack_replaces_nothing() {
    let mut run = Run::new();
    run.engine.keep = Some(Why::Deploy);
    let (_, error) = run.deploy(&[jobs("jobs", 30)]).await.expect("a deploy");
    assert!(error.is_none() && kept(&run).is_empty());
}

#[tokio::test]
async fn a_rollback_of_cloudformation_that_failed_is_gone_on_with() {
    let run = run_in("UPDATE_ROLLBACK_FAILED");
    let skip = ["Jobs".to_owned()];
    run.engine.finish_rollback(&jobs("jobs", 30), &skip).await.expect("at rest");
    let calls = run.cloud.calls("ContinueUpdateRollback");
    assert_eq!((calls.len(), calls[0].field("ResourcesToSkip.member.1")), (1, "Jobs"));
    let action = "cloudformation:ContinueUpdateRollback".to_owned();
    assert!(run.journaled().contains(&(action, Some(StepOutcome::Done))), "{:?}", run.journaled());
    assert!(run.plan(&[jobs("jobs", 60)]).await.is_ok(), "it can be deployed again");
    // What is at rest is left alone.
    run.engine.finish_rollback(&jobs("jobs", 30), &[]).await.expect("at rest");
    assert_eq!(run.cloud.calls("ContinueUpdateRollback").len(), 1);
}

#[tokio::test]
async fn one_that_fails_again_says_what_can_be_skipped() {
    let run = run_in("UPDATE_ROLLBACK_FAILED");
    let why = happened("Jobs", "UPDATE_FAILED", "the queue was deleted");
    let moments =
        [moment("UPDATE_ROLLBACK_IN_PROGRESS", [why]), moment("UPDATE_ROLLBACK_FAILED", [])];
    run.cloud.world().formation.operation("acme-dev-jobs", moments);
    let error = run.engine.finish_rollback(&jobs("jobs", 30), &[]).await.expect_err("it fails");
    assert_eq!(error.exit_code(), exit::FAILED);
    assert!(error.to_string().contains("Jobs"), "{error} {:?}", error.causes());
    assert!(error.hints().iter().any(|hint| hint.contains("--skip")), "{:?}", error.hints());
}
