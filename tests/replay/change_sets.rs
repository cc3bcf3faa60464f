//! Change sets that fail, and those that others left.

use crate::formation_sets::{FakeChangeSet, SetScript};
use crate::harness::{Run, jobs};
use crate::script::Answer;
use crate::xml::{element, result, text};

#[tokio::test]
async fn a_failed_change_set_is_an_error_with_its_reason_and_is_deleted() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let failed = SetScript::failed("Template error: password=planted-secret is no name");
    run.cloud.world().formation.change_set("acme-dev-jobs", failed);
    let error = run.plan(&[jobs("jobs", 60)]).await.expect_err("failed");
    assert_eq!(
        error.message(),
        "the change set of stack acme-dev-jobs failed: Template error: password=*** is no name"
    );
    let mutations = ["CreateChangeSet acme-dev-jobs", "DeleteChangeSet acme-dev-jobs"];
    assert_eq!(run.cloud.mutations(), mutations);
}

#[tokio::test]
async fn what_early_validation_refused_is_named() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let failed = SetScript::failed("Validation failed with 1 error(s). Call DescribeEvents");
    run.cloud.world().formation.change_set("acme-dev-jobs", failed);
    let event = text("LogicalResourceId", "Jobs")
        + &text("ValidationStatusReason", "a queue called jobs exists already");
    let events = element("OperationEvents", &element("member", &event));
    let answer = Answer::ok(result("DescribeEvents", &events));
    run.cloud.expect("cloudformation:DescribeEvents", "acme-dev-jobs", answer);
    let error = run.plan(&[jobs("jobs", 60)]).await.expect_err("failed");
    assert_eq!(error.causes(), ["Jobs: a queue called jobs exists already"]);
}

#[tokio::test]
async fn a_new_stack_whose_change_set_fails_is_not_executed() {
    let run = Run::new();
    let failed = SetScript::failed("Transform failed");
    run.cloud.world().formation.change_set("acme-dev-jobs", failed);
    let error = run.failure(&[jobs("jobs", 30)]).await;
    assert!(error.message().ends_with("failed: Transform failed"), "{error}");
    assert_eq!(run.cloud.count("ExecuteChangeSet"), 0);
    assert_eq!(run.cloud.count("DeleteChangeSet"), 1);
}

#[tokio::test]
async fn a_refused_template_is_an_error_with_what_was_said() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let refused = Answer::error("ValidationError", "Template format error: unsupported structure");
    run.cloud.expect("cloudformation:CreateChangeSet", "acme-dev-jobs", refused);
    let error = run.plan(&[jobs("jobs", 60)]).await.expect_err("refused");
    assert_eq!(
        error.message(),
        "cannot make a change set for stack acme-dev-jobs: Template format error: \
         unsupported structure (ValidationError)"
    );
}

#[tokio::test]
async fn leftovers_of_ours_go_and_those_of_others_stay() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let names = ["platformctl-1767225600-000000001", "somebody-elses", "platformctl-2"];
    run.cloud.world().formation.stacks[0].sets = names.map(FakeChangeSet::named).into();
    let (_, planned) = run.plan(&[jobs("jobs", 30)]).await.expect("plan");
    assert_eq!(run.cloud.world().formation.stacks[0].sets.len(), 3, "planning deletes nothing");
    run.apply(planned, false).await.expect("deploy");
    let world = run.cloud.world();
    let left: Vec<_> = world.formation.stacks[0].sets.iter().map(|set| set.name.as_str()).collect();
    assert_eq!(left, ["somebody-elses"]);
}

#[tokio::test]
async fn the_planned_change_set_is_no_leftover() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let stale = FakeChangeSet::named("platformctl-1");
    run.cloud.world().formation.stacks[0].sets.push(stale.clone());
    run.deploy(&[jobs("jobs", 60)]).await.expect("deploy");
    let deleted: Vec<_> = run
        .cloud
        .calls("DeleteChangeSet")
        .iter()
        .map(|call| call.field("ChangeSetName").to_owned())
        .collect();
    assert_eq!(deleted, [stale.id]);
    assert_eq!(run.cloud.count("ExecuteChangeSet"), 1);
}

/// A plan that cannot be finished takes back what it made.
#[tokio::test]
async fn a_plan_that_fails_deletes_the_change_sets_that_it_made() {
    let [first, second] = crate::harness::pair(30, 30);
    let run = Run::with(&[first, second]);
    let denied = Answer::error("AccessDenied", "not yours");
    run.cloud.expect("cloudformation:CreateChangeSet", "acme-dev-efs", denied);
    run.plan(&crate::harness::pair(60, 60)).await.expect_err("denied");
    assert_eq!(
        run.cloud.mutations(),
        [
            "CreateChangeSet acme-dev-network",
            "CreateChangeSet acme-dev-efs",
            "DeleteChangeSet acme-dev-network",
        ]
    );
}
