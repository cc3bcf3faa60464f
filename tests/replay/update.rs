//! A stack that exists: what is planned for it, and what is executed.

use platformctl::deploy::{StackStatus, Upload};
use platformctl::plan::{Action, Replacement, StackAction, plan_lines};

use crate::formation_sets::{EMPTY, SetScript, modify, replace};
use crate::harness::{BUCKET, Run, jobs, queue, stack};

#[tokio::test]
async fn a_change_in_place_is_planned_once_and_executed() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let wanted = [jobs("jobs", 60)];
    let (plan, planned) = run.plan(&wanted).await.expect("plan");
    assert!(plan.stacks[0].verified);
    assert_eq!(plan.stacks[0].action, StackAction::Update);
    assert_eq!(plan.stacks[0].changes[0].action, Action::Modify);
    assert_eq!(plan.stacks[0].changes[0].properties[0].path, "VisibilityTimeout");
    assert_eq!(run.cloud.mutations(), ["CreateChangeSet acme-dev-jobs"]);
    assert_eq!(run.cloud.calls("CreateChangeSet")[0].field("ChangeSetType"), "UPDATE");

    let (stacks, error) = run.apply(planned, false).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stacks[0].status, StackStatus::Updated);
    let mutations = ["CreateChangeSet acme-dev-jobs", "ExecuteChangeSet acme-dev-jobs"];
    assert_eq!(run.cloud.mutations(), mutations);
}

#[tokio::test]
async fn the_change_set_makes_a_change_a_replacement() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let set = SetScript::ready([replace("Jobs", "VisibilityTimeout")]);
    run.cloud.world().formation.change_set("acme-dev-jobs", set);
    let (plan, _) = run.plan(&[jobs("jobs", 60)]).await.expect("plan");
    let change = &plan.stacks[0].changes[0];
    assert_eq!(change.action, Action::Replace);
    assert_eq!(change.properties.len(), 1, "{change:?}");
    assert_eq!(change.properties[0].replacement, Replacement::Always);
    assert_eq!(change.properties[0].after.as_deref(), Some("60"));
}

#[tokio::test]
async fn a_static_replacement_is_not_played_down_by_the_change_set() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let set = SetScript::ready([modify("Jobs", "QueueName")]);
    run.cloud.world().formation.change_set("acme-dev-jobs", set);
    let (plan, _) = run.plan(&[jobs("other", 30)]).await.expect("plan");
    assert_eq!(plan.stacks[0].changes[0].action, Action::Replace);
}

#[tokio::test]
async fn what_only_the_change_set_knows_is_shown() {
    let template = stack("jobs", |stack| {
        let function = stacks::DeployValue::CodeKey { function: "git-store".into() };
        let key = stack.deploy_parameter("CodeKey", function);
        stack.add("Jobs", queue("jobs", 30));
        stack.output("Code", key);
    });
    let mut run = Run::with(std::slice::from_ref(&template));
    let zip = Upload { path: "unused".into(), sha256: "new".into(), bytes: 1 };
    run.engine.artefacts.functions.insert("git-store".into(), zip);
    {
        let formation = &mut run.cloud.world().formation;
        let live = formation.find("acme-dev-jobs").expect("live");
        live.parameters = [("CodeKey".into(), "functions/git-store/old.zip".into())].into();
        let set = SetScript::ready([modify("Jobs", "Code")]);
        formation.change_set("acme-dev-jobs", set);
    }
    let (plan, _) = run.plan(&[template]).await.expect("plan");
    let lines = plan_lines(&plan).join("\n");
    assert!(lines.contains("~ Jobs"), "{lines}");
    assert!(lines.contains("~ Parameter CodeKey"), "{lines}");
    let sent = run.cloud.calls("CreateChangeSet")[0].parameters();
    assert_eq!(sent["CodeKey"], "functions/git-store/new.zip");
}

#[tokio::test]
async fn a_static_change_is_shown_though_the_change_set_is_empty() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let described = stack("jobs", |stack| {
        stack.describe("What CloudFormation does not call a change");
        stack.add("Jobs", queue("jobs", 30));
    });
    let (plan, planned) = run.plan(&[described]).await.expect("plan");
    assert_eq!(plan.stacks[0].action, StackAction::Update);
    assert_eq!(plan.stacks[0].other, ["~ Description"]);
    let (stacks, _) = run.apply(planned, false).await.expect("deploy");
    assert_eq!(stacks[0].status, StackStatus::Unchanged);
    assert_eq!(run.cloud.count("ExecuteChangeSet"), 0);
}

#[tokio::test]
async fn a_no_op_executes_nothing_and_leaves_no_change_set() {
    for reason in [EMPTY, "No updates are to be performed."] {
        let run = Run::with(&[jobs("jobs", 30)]);
        let empty = SetScript::failed(reason);
        run.cloud.world().formation.change_set("acme-dev-jobs", empty);
        let (plan, planned) = run.plan(&[jobs("jobs", 30)]).await.expect("plan");
        assert!(plan.is_empty(), "{plan:?}");
        let (stacks, error) = run.apply(planned, false).await.expect("deploy");
        assert!(error.is_none(), "{error:?}");
        assert_eq!((stacks[0].status, stacks[0].changes), (StackStatus::Unchanged, 0));
        let mutations = ["CreateChangeSet acme-dev-jobs", "DeleteChangeSet acme-dev-jobs"];
        assert_eq!(run.cloud.mutations(), mutations);
        assert!(run.journaled().is_empty());
    }
}

/// As after `--dry-run`, `diff` and "no".
#[tokio::test]
async fn a_discarded_plan_leaves_nothing_behind() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let (_, planned) = run.plan(&[jobs("jobs", 60)]).await.expect("plan");
    run.engine.discard(&planned).await.expect("discard");
    let mutations = ["CreateChangeSet acme-dev-jobs", "DeleteChangeSet acme-dev-jobs"];
    assert_eq!(run.cloud.mutations(), mutations);
    let world = run.cloud.world();
    let deleted = world.calls.last().expect("calls").field("ChangeSetName").to_owned();
    assert!(deleted.contains(":changeSet/platformctl-"), "{deleted}");
    assert!(world.formation.stacks[0].sets.is_empty());
    assert!(!world.objects.keys().any(|key| key.starts_with(BUCKET)));
}

#[tokio::test]
async fn a_stack_that_is_not_ours_is_refused() {
    let run = Run::new();
    run.cloud.world().formation.live("acme-dev-jobs", "CREATE_COMPLETE", "Resources: {}");
    let error = run.plan(&[jobs("jobs", 30)]).await.expect_err("refused");
    assert!(error.message().contains("is not JSON"), "{error}");
    assert!(run.cloud.mutations().is_empty());
}
