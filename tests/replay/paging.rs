//! Answers that come in pages.

use platformctl::deploy::{live_resources, observe};

use crate::formation::happened;
use crate::harness::{Run, jobs, large};

fn tokens(run: &Run, operation: &str) -> Vec<String> {
    let calls = run.cloud.calls(operation);
    calls.iter().map(|call| call.field("NextToken").to_owned()).collect()
}

#[tokio::test]
async fn every_page_of_resources_is_read() {
    let run = Run::with(&[large(7)]);
    run.cloud.world().formation.page = 3;
    let resources =
        live_resources(run.engine.aws.home(), "acme-dev-large").await.expect("resources");
    assert_eq!(resources.len(), 7);
    assert_eq!(resources["Queue006"].resource_type, "AWS::SQS::Queue");
    assert_eq!(tokens(&run, "ListStackResources"), ["", "3", "6"]);
}

#[tokio::test]
async fn every_page_of_a_change_set_is_read() {
    let run = Run::with(&[large(2)]);
    run.cloud.world().formation.page = 3;
    let (plan, planned) = run.plan(&[large(9)]).await.expect("plan");
    assert_eq!(plan.stacks[0].changes.len(), 7);
    // Two looks until it is ready; then three pages.
    assert_eq!(tokens(&run, "DescribeChangeSet"), ["", "", "", "3", "6"]);
    let (stacks, error) = run.apply(planned, false).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stacks[0].changes, 7);
}

#[tokio::test]
async fn events_of_one_page_are_read_once() {
    let run = Run::with(&[jobs("jobs", 30)]);
    for _ in 0..250 {
        let event = happened("Jobs", "UPDATE_COMPLETE", "");
        run.cloud.world().formation.stacks[0].note(event);
    }
    run.deploy(&[jobs("jobs", 60)]).await.expect("deploy");
    assert_eq!(tokens(&run, "DescribeStackEvents"), ["", "", ""]);
}

#[tokio::test]
async fn a_stack_that_does_not_exist_is_none_and_a_deleted_one_too() {
    let run = Run::with(&[jobs("jobs", 30)]);
    assert!(observe(run.engine.aws.home(), "acme-dev-other").await.expect("answer").is_none());
    let id = run.cloud.world().formation.stacks[0].id.clone();
    "DELETE_COMPLETE".clone_into(&mut run.cloud.world().formation.stacks[0].status);
    assert!(observe(run.engine.aws.home(), &id).await.expect("answer").is_none());
}
