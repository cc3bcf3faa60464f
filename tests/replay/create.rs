//! A stack that does not exist yet.

use platformctl::deploy::StackStatus;
use platformctl::event::Event;
use platformctl::journal::StepOutcome;
use platformctl::plan::{Action, StackAction};

use crate::formation::moment;
use crate::formation_sets::SetScript;
use crate::harness::{BUCKET, Run, jobs};

#[tokio::test]
async fn the_plan_of_a_new_stack_touches_nothing() {
    let run = Run::new();
    let (plan, _) = run.plan(&[jobs("jobs", 30)]).await.expect("plan");
    assert_eq!(plan.stacks[0].action, StackAction::Create);
    assert_eq!(plan.stacks[0].changes[0].action, Action::Add);
    assert!(!plan.stacks[0].verified);
    assert_eq!(run.cloud.log(), ["DescribeStacks acme-dev-jobs"]);
}

#[tokio::test]
async fn a_new_stack_is_made_through_a_change_set() {
    let run = Run::new();
    let mut looks = SetScript::ready([]);
    looks.looks.insert(0, ("CREATE_PENDING", ""));
    run.cloud.world().formation.change_set("acme-dev-jobs", looks);
    let (stacks, error) = run.deploy(&[jobs("jobs", 30)]).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!((stacks[0].status, stacks[0].resources), (StackStatus::Created, 1));
    assert_eq!(
        run.cloud.log(),
        [
            "DescribeStacks acme-dev-jobs",
            "CreateChangeSet acme-dev-jobs",
            "DescribeChangeSet acme-dev-jobs",
            "DescribeChangeSet acme-dev-jobs",
            "DescribeChangeSet acme-dev-jobs",
            "DescribeChangeSet acme-dev-jobs",
            "DescribeStackEvents acme-dev-jobs",
            "ExecuteChangeSet acme-dev-jobs",
            "DescribeStacks acme-dev-jobs",
            "DescribeStackEvents acme-dev-jobs",
            "DescribeStacks acme-dev-jobs",
            "DescribeStackEvents acme-dev-jobs",
            "DescribeStacks acme-dev-jobs",
            "DescribeStacks acme-dev-jobs",
            "ListStackResources acme-dev-jobs",
        ]
    );
    let created = &run.cloud.calls("CreateChangeSet")[0];
    assert_eq!(created.field("ChangeSetType"), "CREATE");
    assert_eq!(created.field("Capabilities.member.1"), "CAPABILITY_NAMED_IAM");
    assert!(created.field("ChangeSetName").starts_with("platformctl-"));
    assert!(created.field("TemplateBody").contains("AWS::SQS::Queue"));
    let executed = &run.cloud.calls("ExecuteChangeSet")[0];
    assert!(executed.field("ChangeSetName").contains(created.field("ChangeSetName")));
    let done = Some(StepOutcome::Done);
    assert_eq!(
        run.journaled(),
        [
            ("cloudformation:CreateChangeSet".to_owned(), done),
            ("cloudformation:ExecuteChangeSet".to_owned(), done),
        ]
    );
}

#[tokio::test]
async fn what_was_kept_is_taken_over_only_when_asked() {
    for import_existing in [false, true] {
        let mut run = Run::new();
        run.engine.import_existing = import_existing;
        run.deploy(&[jobs("jobs", 30)]).await.expect("deploy");
        let calls = run.cloud.calls("CreateChangeSet");
        let expected = if import_existing { "true" } else { "" };
        assert_eq!(calls[0].field("ImportExistingResources"), expected);
    }
}

#[tokio::test]
async fn names_of_change_sets_are_unique() {
    let run = Run::with(&[jobs("jobs", 30)]);
    for seconds in [31, 32, 33] {
        run.deploy(&[jobs("jobs", seconds)]).await.expect("deploy");
    }
    let mut names: Vec<_> = run
        .cloud
        .calls("CreateChangeSet")
        .iter()
        .map(|call| call.field("ChangeSetName").to_owned())
        .collect();
    names.dedup();
    assert_eq!(names.len(), 3);
}

#[tokio::test]
async fn events_are_shown_while_they_come() {
    let run = Run::new();
    run.deploy(&[jobs("jobs", 30)]).await.expect("deploy");
    let shown: Vec<String> = run
        .events
        .lock()
        .expect("events")
        .iter()
        .map(|event| match event {
            Event::Started { id, total, .. } => format!("{id} {total:?}"),
            Event::Progress { done, detail, .. } => format!("{done} {detail}"),
            Event::Finished { outcome, detail, .. } => format!("{outcome:?} {detail}"),
            Event::Note { text, .. } => text.clone(),
        })
        .collect();
    let expected = [
        "deploy.jobs Some(1)",
        "0 Jobs create in progress",
        "1 Jobs create complete",
        "Done 1 change",
    ];
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn protection_is_set_when_wanted_and_not_again() {
    let mut run = Run::new();
    run.engine.protect = true;
    run.deploy(&[jobs("jobs", 30)]).await.expect("deploy");
    let calls = run.cloud.calls("UpdateTerminationProtection");
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].field("EnableTerminationProtection"), "true");
    // Again, changed and unchanged: it is protected already.
    run.deploy(&[jobs("jobs", 31)]).await.expect("deploy");
    run.deploy(&[jobs("jobs", 31)]).await.expect("deploy");
    assert_eq!(run.cloud.count("UpdateTerminationProtection"), 1);
    // And taken away when it is not wanted any more, though nothing else changes.
    run.engine.protect = false;
    run.deploy(&[jobs("jobs", 31)]).await.expect("deploy");
    let calls = run.cloud.calls("UpdateTerminationProtection");
    assert_eq!(calls[1].field("EnableTerminationProtection"), "false");
}

#[tokio::test]
async fn parameters_of_the_deployer_are_sent() {
    let run = Run::new();
    let template = crate::harness::stack("jobs", |stack| {
        let bucket = stack.deploy_parameter("ArtefactBucket", stacks::DeployValue::ArtefactBucket);
        stack.add("Jobs", crate::harness::queue("jobs", 30));
        stack.output("Bucket", bucket);
    });
    run.deploy(&[template]).await.expect("deploy");
    let sent = run.cloud.calls("CreateChangeSet")[0].parameters();
    assert_eq!(sent.into_iter().collect::<Vec<_>>(), [("ArtefactBucket".into(), BUCKET.into())]);
}

/// `CloudFormation` may still show the announced stack for a moment.
#[tokio::test]
async fn a_status_that_lags_behind_is_waited_for() {
    let run = Run::new();
    let lagging = [
        moment("REVIEW_IN_PROGRESS", []),
        moment("CREATE_IN_PROGRESS", []),
        moment("CREATE_COMPLETE", []),
    ];
    run.cloud.world().formation.operation("acme-dev-jobs", lagging);
    let (stacks, error) = run.deploy(&[jobs("jobs", 30)]).await.expect("deploy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stacks[0].status, StackStatus::Created);
}

/// A template that would make nothing cannot become a stack.
#[tokio::test]
async fn an_empty_change_set_of_a_new_stack_is_an_error() {
    let run = Run::new();
    let empty = SetScript::failed(crate::formation_sets::EMPTY);
    run.cloud.world().formation.change_set("acme-dev-jobs", empty);
    let error = run.failure(&[jobs("jobs", 30)]).await;
    assert!(error.message().contains("acme-dev-jobs"), "{error}");
    assert_eq!(run.cloud.count("ExecuteChangeSet"), 0);
}
