//! Stacks in a state that cannot simply be updated.

use platformctl::deploy::StackStatus;
use platformctl::journal::StepOutcome;
use platformctl::plan::StackAction;

use crate::formation::{happened, moment};
use crate::harness::{Run, jobs};

fn run_in(status: &str) -> Run {
    let run = Run::with(&[jobs("jobs", 30)]);
    status.clone_into(&mut run.cloud.world().formation.stacks[0].status);
    run
}

#[tokio::test]
async fn a_stack_that_failed_to_be_made_is_not_deleted_unasked() {
    for status in ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"] {
        let run = run_in(status);
        let (plan, planned) = run.plan(&[jobs("jobs", 30)]).await.expect("plan");
        assert_eq!(plan.stacks[0].action, StackAction::Create);
        assert_eq!(planned[0].must_be_deleted(), Some(status));
        let (_, error) = run.apply(planned, false).await.expect("a result");
        let error = error.expect("refused");
        assert!(error.message().contains(status), "{error}");
        assert!(error.hints().iter().any(|hint| hint.contains("--recreate")));
        assert!(run.cloud.mutations().is_empty(), "{:?}", run.cloud.mutations());
    }
}

#[tokio::test]
async fn recreate_deletes_waits_and_makes_anew() {
    let run = run_in("ROLLBACK_COMPLETE");
    let old = run.cloud.world().formation.stacks[0].id.clone();
    let (_, planned) = run.plan(&[jobs("jobs", 30)]).await.expect("plan");
    run.cloud.clear();
    let (stacks, error) = run.apply(planned, true).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stacks[0].status, StackStatus::Created);
    assert_ne!(stacks[0].id, old);
    let gone = format!("DescribeStacks {old}");
    let log = run.cloud.log();
    assert_eq!(log[1], "DeleteStack acme-dev-jobs", "{log:?}");
    assert_eq!(log.iter().filter(|line| **line == gone).count(), 2, "waited until it was gone");
    let position = |wanted: &str| log.iter().rposition(|line| line == wanted).expect("in the log");
    assert!(position(&gone) < position("CreateChangeSet acme-dev-jobs"));
    let actions: Vec<_> = run.journaled().into_iter().map(|(action, _)| action).collect();
    let expected = ["DeleteStack", "CreateChangeSet", "ExecuteChangeSet"];
    assert_eq!(actions, expected.map(|action| format!("cloudformation:{action}")));
}

#[tokio::test]
async fn recreate_ends_where_the_deletion_fails() {
    let run = run_in("ROLLBACK_COMPLETE");
    let failed = happened("Jobs", "DELETE_FAILED", "it is in use");
    let moments = [moment("DELETE_IN_PROGRESS", [failed]), moment("DELETE_FAILED", [])];
    run.cloud.world().formation.operation("acme-dev-jobs", moments);
    let (_, planned) = run.plan(&[jobs("jobs", 30)]).await.expect("plan");
    let (_, error) = run.apply(planned, true).await.expect("a result");
    assert_eq!(
        error.expect("failed").message(),
        "stack acme-dev-jobs is DELETE_FAILED: Jobs (AWS::SQS::Queue) failed: it is in use"
    );
    assert_eq!(run.cloud.mutations(), ["DeleteStack acme-dev-jobs"]);
    let deleted = ("cloudformation:DeleteStack".to_owned(), Some(StepOutcome::Failed));
    assert_eq!(run.journaled(), [deleted]);
}

#[tokio::test]
async fn an_announced_stack_is_made() {
    let run = run_in("REVIEW_IN_PROGRESS");
    run.cloud.world().formation.stacks[0].template.clear();
    let (stacks, error) = run.deploy(&[jobs("jobs", 30)]).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stacks[0].status, StackStatus::Created);
    assert_eq!(run.cloud.calls("CreateChangeSet")[0].field("ChangeSetType"), "CREATE");
    assert_eq!(run.cloud.count("DeleteStack"), 0);
}

#[tokio::test]
async fn an_operation_under_way_is_waited_for() {
    let run = run_in("UPDATE_IN_PROGRESS");
    run.cloud.world().formation.stacks[0].begin([
        moment("UPDATE_IN_PROGRESS", []),
        moment("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", []),
        moment("UPDATE_COMPLETE", []),
    ]);
    let (plan, _) = run.plan(&[jobs("jobs", 60)]).await.expect("plan");
    assert_eq!(plan.stacks[0].action, StackAction::Update);
    let log = run.cloud.log();
    let looks = log.iter().filter(|line| **line == "DescribeStacks acme-dev-jobs").count();
    assert_eq!(looks, 3);
    let made = log.iter().position(|line| line == "CreateChangeSet acme-dev-jobs");
    assert!(made.expect("made") > log.iter().rposition(|line| line.contains("Events")).expect("e"));
}

#[tokio::test]
async fn a_deletion_under_way_is_waited_for_and_the_stack_is_new() {
    let run = run_in("DELETE_IN_PROGRESS");
    run.cloud.world().formation.stacks[0]
        .begin([moment("DELETE_IN_PROGRESS", []), moment("DELETE_COMPLETE", [])]);
    let (stacks, error) = run.deploy(&[jobs("jobs", 30)]).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stacks[0].status, StackStatus::Created);
}

#[tokio::test]
async fn an_update_that_was_rolled_back_can_be_tried_again() {
    let run = run_in("UPDATE_ROLLBACK_COMPLETE");
    let (stacks, error) = run.deploy(&[jobs("jobs", 60)]).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stacks[0].status, StackStatus::Updated);
}

/// What platformctl cannot mend is said before anything is tried.
#[tokio::test]
async fn states_that_only_an_operator_can_leave_are_refused_with_what_to_do() {
    let cases = [
        ("UPDATE_ROLLBACK_FAILED", "platformctl rollback"),
        ("DELETE_FAILED", "platformctl destroy"),
    ];
    for (status, wanted) in cases {
        let run = run_in(status);
        let error = run.plan(&[jobs("jobs", 30)]).await.expect_err("refused");
        assert!(error.message().contains(status), "{error}");
        assert!(error.hints().iter().any(|hint| hint.contains(wanted)), "{:?}", error.hints());
        assert!(run.cloud.mutations().is_empty());
    }
}
