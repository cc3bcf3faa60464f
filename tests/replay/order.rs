//! Stacks in the order of their dependencies, with the real engine.

use platformctl::deploy::StackStatus;
use platformctl::journal::StepOutcome;
use stacks::StackTemplate;

use crate::formation::{happened, moment};
use crate::harness::{Run, pair, queue, stack};

/// Network; efs, which needs it; budget, which needs nothing.
fn three() -> Vec<StackTemplate> {
    let mut stacks = pair(30, 30).to_vec();
    stacks.push(stack("budget", |stack| {
        stack.add("Budget", queue("budget", 30));
    }));
    stacks
}

#[tokio::test]
async fn independent_stacks_overlap_and_consumers_wait() {
    let run = Run::new();
    {
        // Neither ends before the other began: in sequence this would never end.
        let holds = &mut run.cloud.world().formation.holds;
        holds.insert("acme-dev-network".into(), "ExecuteChangeSet acme-dev-budget".into());
        holds.insert("acme-dev-budget".into(), "ExecuteChangeSet acme-dev-network".into());
    }
    let (stacks, error) = run.deploy(&three()).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert!(stacks.iter().all(|stack| stack.status == StackStatus::Created));
    let log = run.cloud.log();
    let position = |wanted: &str| log.iter().position(|line| line == wanted).expect("in the log");
    assert!(
        position("ListStackResources acme-dev-network") < position("CreateChangeSet acme-dev-efs")
    );
    let names: Vec<_> = stacks.iter().map(|stack| stack.name.as_str()).collect();
    assert_eq!(names, ["network", "efs", "budget"], "results are in the order of the plan");
}

#[tokio::test]
async fn a_failure_skips_consumers_and_lets_the_others_end() {
    let run = Run::new();
    {
        let formation = &mut run.cloud.world().formation;
        let failed = happened("Jobs", "CREATE_FAILED", "no");
        let moments = [moment("CREATE_IN_PROGRESS", [failed]), moment("ROLLBACK_COMPLETE", [])];
        formation.operation("acme-dev-network", moments);
        let after = "DescribeStacks acme-dev-network";
        formation.holds.insert("acme-dev-budget".into(), after.into());
    }
    let (stacks, error) = run.deploy(&three()).await.expect("a result");
    assert!(error.expect("failed").message().contains("acme-dev-network is ROLLBACK_COMPLETE"));
    let statuses: Vec<_> = stacks.iter().map(|stack| stack.status).collect();
    assert_eq!(statuses, [StackStatus::Failed, StackStatus::Skipped, StackStatus::Created]);
    assert!(!run.cloud.mutations().iter().any(|line| line.ends_with("-efs")));
    let outcomes = run.journaled();
    let failed = outcomes.iter().filter(|(_, outcome)| *outcome == Some(StepOutcome::Failed));
    assert_eq!(failed.count(), 1, "{outcomes:?}");
}

/// The real stacks: everything that synthesis makes, from nothing.
#[tokio::test]
async fn a_whole_environment_from_nothing() {
    let mut run = Run::new();
    std::fs::write(run.folder.path().join("git-store.zip"), b"a zip").expect("zip");
    let zip = platformctl::build::prebuilt(run.folder.path(), "git-store").expect("prebuilt");
    run.engine.artefacts.functions.insert("git-store".into(), zip);
    let spec = stacks::spec::StackSpec::new("acme", "dev", "eu-west-2");
    let templates = stacks::synthesize(&spec).expect("stacks");
    let (deployed, error) = run.deploy(&templates).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    for (stack, template) in deployed.iter().zip(&templates) {
        assert_eq!(stack.status, StackStatus::Created);
        assert_eq!(stack.resources, template.template.resources().count());
    }
    let made: Vec<_> =
        run.cloud.calls("ExecuteChangeSet").iter().map(|call| call.target.clone()).collect();
    let position = |wanted: &str| made.iter().position(|name| name == wanted).expect("executed");
    assert!(position("acme-dev-network") < position("acme-dev-efs"));
    assert!(position("acme-dev-artefacts") < position("acme-dev-efs"));
    // And once more: nothing to do.
    run.cloud.clear();
    let (plan, planned) = run.plan(&templates).await.expect("plan");
    assert!(plan.is_empty(), "{plan:?}");
    let (deployed, _) = run.apply(planned, false).await.expect("deploy");
    assert!(deployed.iter().all(|stack| stack.status == StackStatus::Unchanged));
    assert_eq!(run.cloud.count("ExecuteChangeSet") + run.cloud.count("PutObject"), 0);
}
