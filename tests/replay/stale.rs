//! Consumers of a stack that changes in the same run.

use platformctl::deploy::StackStatus;
use platformctl::error::{Kind, exit};
use platformctl::plan::StackAction;

use crate::formation_sets::{EMPTY, SetScript, modify, remove, replace};
use crate::harness::{Run, naming, pair, queue, stack};

#[tokio::test]
async fn a_planned_change_set_is_made_again_after_a_change_upstream() {
    let run = Run::with(&pair(30, 30));
    let (plan, planned) = run.plan(&pair(60, 60)).await.expect("plan");
    assert_eq!(plan.changing().count(), 2);
    run.cloud.clear();
    let (stacks, error) = run.apply(planned, false).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert!(stacks.iter().all(|stack| stack.status == StackStatus::Updated));
    assert_eq!(
        run.cloud.mutations(),
        [
            "ExecuteChangeSet acme-dev-network",
            "DeleteChangeSet acme-dev-efs",
            "CreateChangeSet acme-dev-efs",
            "ExecuteChangeSet acme-dev-efs",
        ]
    );
    let world = run.cloud.world();
    let set = |operation: &str| {
        let mut calls = world.calls.iter().filter(|call| call.target == "acme-dev-efs");
        let call = calls.find(|call| call.operation == operation).expect(operation);
        call.field("ChangeSetName").to_owned()
    };
    assert_ne!(set("ExecuteChangeSet"), set("DeleteChangeSet"));
}

/// The published value may be another one now, although the template is the same.
#[tokio::test]
async fn an_unchanged_consumer_is_looked_at_again() {
    let run = Run::with(&pair(30, 30));
    run.cloud.world().formation.change_set("acme-dev-efs", SetScript::failed(EMPTY));
    let set = SetScript::ready([modify("Files", "Tags")]);
    run.cloud.world().formation.change_set("acme-dev-efs", set);
    let (plan, planned) = run.plan(&pair(60, 30)).await.expect("plan");
    assert_eq!(plan.stacks[1].action, StackAction::None);
    let (stacks, error) = run.apply(planned, false).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stacks[1].status, StackStatus::Updated);
    assert_eq!(run.cloud.count("ExecuteChangeSet"), 2);
}

#[tokio::test]
async fn a_fresh_change_set_may_be_empty() {
    let run = Run::with(&pair(30, 30));
    let (stacks, error) = run.deploy(&pair(60, 30)).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stacks[1].status, StackStatus::Unchanged);
    assert_eq!(run.cloud.count("ExecuteChangeSet"), 1);
}

#[tokio::test]
async fn what_the_confirmed_plan_did_not_say_is_refused() {
    for harm in [replace("Files", "QueueName"), remove("Files")] {
        let run = Run::with(&pair(30, 30));
        let (_, planned) = run.plan(&pair(60, 60)).await.expect("plan");
        run.cloud.world().formation.change_set("acme-dev-efs", SetScript::ready([harm]));
        let (stacks, error) = run.apply(planned, false).await.expect("a result");
        let error = error.expect("refused");
        assert_eq!((error.kind(), error.exit_code()), (Kind::Partial, exit::PARTIAL));
        assert!(error.message().contains("replace or remove Files"), "{error}");
        assert_eq!(stacks[1].status, StackStatus::Failed);
        let executed = run.cloud.calls("ExecuteChangeSet");
        let targets: Vec<_> = executed.iter().map(|call| call.target.as_str()).collect();
        assert_eq!(targets, ["acme-dev-network"]);
        // Nobody shall execute it later by hand either.
        assert!(run.cloud.world().formation.find("acme-dev-efs").expect("efs").sets.is_empty());
    }
}

#[tokio::test]
async fn a_replacement_that_was_confirmed_is_carried_out() {
    let run = Run::with(&pair(30, 30));
    let planned_set = SetScript::ready([replace("Files", "QueueName")]);
    run.cloud.world().formation.change_set("acme-dev-efs", planned_set.clone());
    run.cloud.world().formation.change_set("acme-dev-efs", planned_set);
    let (_, error) = run.deploy(&pair(60, 60)).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(run.cloud.count("ExecuteChangeSet"), 2);
}

/// While the producer does not exist, its values cannot be resolved.
#[tokio::test]
async fn the_change_set_of_a_consumer_waits_for_its_producer() {
    let run = Run::with(&pair(30, 30)[1..]);
    let (plan, planned) = run.plan(&pair(30, 60)).await.expect("plan");
    assert!(!plan.stacks[1].verified);
    assert!(run.cloud.mutations().is_empty());
    let (stacks, error) = run.apply(planned, false).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    let statuses: Vec<_> = stacks.iter().map(|stack| stack.status).collect();
    assert_eq!(statuses, [StackStatus::Created, StackStatus::Updated]);
}

/// What a consumer publishes in turn may be another value too.
#[tokio::test]
async fn a_change_is_followed_through_an_unchanged_stack_between() {
    let chain = |seconds| {
        let mut first = stacks::cfn::Stack::new("network", &naming());
        let url = first.add("Jobs", queue("jobs", seconds)).queue_url();
        let first_url = first.publish("jobs-url", url);
        let mut second = stacks::cfn::Stack::new("efs", &naming());
        let url = second.import(&first_url);
        second.add("Files", queue("files", 30));
        let second_url = second.publish("files-url", url);
        let third = stack("bench", |stack| {
            let url = stack.import(&second_url);
            stack.add("Bench", queue("bench", 30));
            stack.output("Files", url);
        });
        [first.finish(), second.finish(), third]
    };
    let run = Run::with(&chain(30));
    let (_, planned) = run.plan(&chain(60)).await.expect("plan");
    for name in ["acme-dev-efs", "acme-dev-bench"] {
        let set = SetScript::ready([modify("Files", "Tags")]);
        run.cloud.world().formation.change_set(name, set);
    }
    let (stacks, error) = run.apply(planned, false).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert!(stacks.iter().all(|stack| stack.status == StackStatus::Updated), "{stacks:?}");
}
