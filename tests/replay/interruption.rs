//! Ctrl-C at the worst moments.

use std::sync::Arc;

use platformctl::deploy::StackStatus;
use platformctl::error::{Kind, exit};
use platformctl::journal::StepOutcome;

use crate::formation_sets::SetScript;
use crate::harness::{Run, jobs, pair};

/// Interrupts the run when it sends this request, which is answered all the same.
fn interrupt_at(run: &Run, action: &str, target: &str) {
    let canceller = Arc::clone(&run.canceller);
    run.cloud.hook(action, target, move |_| {
        canceller.cancel();
        None
    });
}

#[tokio::test]
async fn while_an_operation_is_followed() {
    let run = Run::with(&pair(30, 30));
    interrupt_at(&run, "cloudformation:ExecuteChangeSet", "acme-dev-network");
    let (stacks, error) = run.deploy(&pair(60, 60)).await.expect("a result");
    let error = error.expect("interrupted");
    assert_eq!((error.kind(), error.exit_code()), (Kind::Interrupted, exit::INTERRUPTED));
    assert_eq!(
        stacks.iter().map(|stack| stack.status).collect::<Vec<_>>(),
        [StackStatus::Failed, StackStatus::Skipped]
    );
    let log = run.cloud.mutations();
    assert_eq!(log.last().map(String::as_str), Some("ExecuteChangeSet acme-dev-network"));
    let executed = ("cloudformation:ExecuteChangeSet".to_owned(), Some(StepOutcome::Interrupted));
    assert_eq!(run.journaled(), [executed]);
}

#[tokio::test]
async fn while_a_change_set_is_being_made() {
    let run = Run::new();
    let mut slow = SetScript::ready([]);
    slow.looks.insert(0, ("CREATE_PENDING", ""));
    run.cloud.world().formation.change_set("acme-dev-jobs", slow);
    interrupt_at(&run, "cloudformation:DescribeChangeSet", "acme-dev-jobs");
    let error = run.failure(&[jobs("jobs", 30)]).await;
    assert_eq!(error.kind(), Kind::Interrupted);
    let mutations = ["CreateChangeSet acme-dev-jobs", "DeleteChangeSet acme-dev-jobs"];
    assert_eq!(run.cloud.mutations(), mutations);
    let made = ("cloudformation:CreateChangeSet".to_owned(), Some(StepOutcome::Interrupted));
    assert_eq!(run.journaled(), [made]);
}

#[tokio::test]
async fn while_it_is_planned() {
    let run = Run::with(&pair(30, 30));
    interrupt_at(&run, "cloudformation:GetTemplate", "acme-dev-network");
    let error = run.plan(&pair(60, 60)).await.expect_err("interrupted");
    assert_eq!(error.kind(), Kind::Interrupted);
    let created = run.cloud.count("CreateChangeSet");
    assert_eq!(created, run.cloud.count("DeleteChangeSet"), "{:?}", run.cloud.log());
    assert_eq!(run.cloud.count("ExecuteChangeSet"), 0);
}

#[tokio::test]
async fn between_the_plan_and_the_deploy() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let (_, planned) = run.plan(&[jobs("jobs", 60)]).await.expect("plan");
    run.cloud.clear();
    run.canceller.cancel();
    let (stacks, error) = run.apply(planned, false).await.expect("a result");
    assert_eq!(error.expect("interrupted").kind(), Kind::Interrupted);
    assert_eq!(stacks[0].status, StackStatus::Skipped);
    assert!(run.cloud.log().is_empty());
}

/// The next run finds the operation under way, waits for it, and goes on.
#[tokio::test]
async fn and_the_next_run_goes_on() {
    let mut run = Run::new();
    interrupt_at(&run, "cloudformation:ExecuteChangeSet", "acme-dev-jobs");
    assert_eq!(run.failure(&[jobs("jobs", 30)]).await.kind(), Kind::Interrupted);
    let (canceller, cancel) = platformctl::signal::Cancel::new();
    (run.canceller, run.engine.cancel) = (Arc::new(canceller), cancel);
    run.cloud.clear();
    let (stacks, error) = run.deploy(&[jobs("jobs", 30)]).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stacks[0].status, StackStatus::Unchanged);
    assert_eq!(run.cloud.count("ExecuteChangeSet"), 0);
}
