//! Plans that are kept in a file and carried out later.

use platformctl::plan::{SavedPlan, differences};

use crate::harness::{Run, jobs, pair};

#[tokio::test]
async fn a_saved_plan_holds_while_nothing_changes() {
    let run = Run::with(&pair(30, 30));
    let (plan, planned) = run.plan(&pair(60, 60)).await.expect("plan");
    run.engine.discard(&planned).await.expect("discard");
    let file = serde_json::to_string(&SavedPlan::new(plan)).expect("JSON");
    let saved: SavedPlan = serde_json::from_str(&file).expect("saved");
    assert!(saved.is_intact());
    let (again, _) = run.plan(&pair(60, 60)).await.expect("plan");
    assert!(differences(&saved.plan, &again).is_empty());
}

/// Even when it was changed to what it is wanted to be: that was not confirmed.
#[tokio::test]
async fn a_deploy_by_somebody_else_is_noticed() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let (saved, _) = run.plan(&[jobs("jobs", 60)]).await.expect("plan");
    run.deploy(&[jobs("jobs", 45)]).await.expect("deploy");
    run.deploy(&[jobs("jobs", 30)]).await.expect("deploy");
    let (now, _) = run.plan(&[jobs("jobs", 60)]).await.expect("plan");
    assert_eq!(saved.stacks[0].changes, now.stacks[0].changes);
    assert_eq!(differences(&saved, &now), ["stack jobs has changed since"]);
}
