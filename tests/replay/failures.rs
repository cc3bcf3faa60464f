//! Resources that cannot be made.

use platformctl::deploy::StackStatus;
use platformctl::error::exit;
use platformctl::journal::StepOutcome;

use crate::formation::{Happened, happened, moment};
use crate::harness::{Run, jobs, queue, stack};
use crate::script::Answer;

/// Two resources fail by themselves, two more because of that.
fn rollback() -> Vec<Happened> {
    vec![
        happened("Early", "CREATE_FAILED", "Resource creation cancelled"),
        happened("Jobs", "CREATE_FAILED", "limit exceeded, token=planted-token-value"),
        happened("Late", "CREATE_FAILED", "Resource creation cancelled"),
        happened("Other", "CREATE_FAILED", "a later reason"),
        Happened {
            kind: "AWS::CloudFormation::Stack".into(),
            ..happened("acme-dev-jobs", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed")
        },
        happened("Fine", "DELETE_COMPLETE", ""),
    ]
}

#[tokio::test]
async fn the_first_cause_is_told_and_not_the_cancellations() {
    let run = Run::new();
    run.cloud.world().formation.operation(
        "acme-dev-jobs",
        [
            moment("CREATE_IN_PROGRESS", [happened("Fine", "CREATE_COMPLETE", "")]),
            moment("ROLLBACK_IN_PROGRESS", rollback()),
            moment("ROLLBACK_COMPLETE", []),
        ],
    );
    let (stacks, error) = run.deploy(&[jobs("jobs", 30)]).await.expect("a result");
    let error = error.expect("failed");
    assert_eq!(
        error.message(),
        "stack acme-dev-jobs is ROLLBACK_COMPLETE: Jobs (AWS::SQS::Queue) failed: \
         limit exceeded, token=***"
    );
    assert_eq!(error.exit_code(), exit::FAILED);
    assert_eq!(stacks[0].status, StackStatus::Failed);
    let executed = ("cloudformation:ExecuteChangeSet".to_owned(), Some(StepOutcome::Failed));
    assert_eq!(run.journaled()[1], executed);
    assert!(run.journal().contains("limit exceeded"));
    assert!(!run.journal().contains("planted"));
    assert_eq!(run.cloud.count("UpdateTerminationProtection"), 0);
}

#[tokio::test]
async fn a_rolled_back_update_is_a_failure() {
    let run = Run::with(&[jobs("jobs", 30)]);
    {
        // What failed in an earlier operation is not the cause of this one.
        let formation = &mut run.cloud.world().formation;
        formation.stacks[0].note(happened("Old", "UPDATE_FAILED", "long ago"));
        let failed = happened("Jobs", "UPDATE_FAILED", "bad value");
        let moments =
            [moment("UPDATE_IN_PROGRESS", [failed]), moment("UPDATE_ROLLBACK_COMPLETE", [])];
        formation.operation("acme-dev-jobs", moments);
    }
    let error = run.failure(&[jobs("jobs", 60)]).await;
    assert_eq!(
        error.message(),
        "stack acme-dev-jobs is UPDATE_ROLLBACK_COMPLETE: Jobs (AWS::SQS::Queue) failed: bad value"
    );
}

/// `CloudFormation` answers with 100 events; between two looks there can be more.
#[tokio::test]
async fn the_first_cause_is_found_behind_hundreds_of_events() {
    let run = Run::new();
    let mut events = vec![happened("Jobs", "CREATE_FAILED", "the cause")];
    let cancelled = |number| {
        happened(&format!("Queue{number}"), "CREATE_FAILED", "Resource creation cancelled")
    };
    events.extend((0..250).map(cancelled));
    let moments = [moment("ROLLBACK_IN_PROGRESS", events), moment("ROLLBACK_COMPLETE", [])];
    run.cloud.world().formation.operation("acme-dev-jobs", moments);
    let error = run.failure(&[jobs("jobs", 30)]).await;
    assert!(error.message().ends_with("Jobs (AWS::SQS::Queue) failed: the cause"), "{error}");
    let pages: Vec<_> = run
        .cloud
        .calls("DescribeStackEvents")
        .iter()
        .map(|call| call.field("NextToken").to_owned())
        .collect();
    // Before the operation; all three pages of it; and only what is new after that.
    assert_eq!(pages, ["", "", "100", "200", ""]);
}

/// Events that were there before are not read again, however many there are.
#[tokio::test]
async fn a_long_history_is_not_taken_for_the_operation() {
    let run = Run::with(&[jobs("jobs", 30)]);
    {
        let formation = &mut run.cloud.world().formation;
        for number in 0..150 {
            formation.stacks[0].note(happened(&format!("Old{number}"), "UPDATE_FAILED", "old"));
        }
        let events: Vec<_> =
            (0..60).map(|_| happened("Jobs", "UPDATE_FAILED", "the cause")).collect();
        let moments =
            [moment("UPDATE_IN_PROGRESS", events), moment("UPDATE_ROLLBACK_COMPLETE", [])];
        formation.operation("acme-dev-jobs", moments);
    }
    let error = run.failure(&[jobs("jobs", 60)]).await;
    assert!(error.message().ends_with("failed: the cause"), "{error}");
    assert_eq!(run.cloud.count("DescribeStackEvents"), 3);
}

#[tokio::test]
async fn a_refused_execution_is_journaled_as_failed() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let message = "ChangeSet cannot be executed in its current status of OBSOLETE";
    let refused = Answer::error("InvalidChangeSetStatus", message);
    run.cloud.expect("cloudformation:ExecuteChangeSet", "acme-dev-jobs", refused);
    let error = run.failure(&[jobs("jobs", 60)]).await;
    assert!(error.message().contains("OBSOLETE"), "{error}");
    let executed = ("cloudformation:ExecuteChangeSet".to_owned(), Some(StepOutcome::Failed));
    assert_eq!(run.journaled(), [executed]);
}

/// The operation goes on without us; the journal says that we lost sight of it.
#[tokio::test]
async fn a_session_that_expires_while_following_leaves_a_whole_journal() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let (_, planned) = run.plan(&[jobs("jobs", 60)]).await.expect("plan");
    let expired = Answer::error("ExpiredToken", "The security token is expired");
    run.cloud.expect("cloudformation:DescribeStacks", "acme-dev-jobs", expired);
    let (_, error) = run.apply(planned, false).await.expect("a result");
    let error = error.expect("expired");
    assert!(error.message().contains("cannot describe stack acme-dev-jobs"), "{error}");
    assert!(error.hints().iter().any(|hint| hint.contains("log in again")));
    let executed = ("cloudformation:ExecuteChangeSet".to_owned(), Some(StepOutcome::Failed));
    assert_eq!(run.journaled(), [executed]);
}

#[tokio::test]
async fn a_stack_that_vanishes_is_a_failure() {
    let run = Run::with(&[jobs("jobs", 30)]);
    let moments = [moment("UPDATE_IN_PROGRESS", []), moment("DELETE_COMPLETE", [])];
    run.cloud.world().formation.operation("acme-dev-jobs", moments);
    let error = run.failure(&[jobs("jobs", 60)]).await;
    assert!(error.message().starts_with("stack acme-dev-jobs is gone"), "{error}");
}

#[tokio::test]
async fn a_resource_that_is_not_listed_afterwards_is_named() {
    let run = Run::new();
    let wanted = stack("jobs", |stack| {
        stack.add("Jobs", queue("jobs", 30));
        stack.add("Lost", queue("lost", 30));
    });
    let (_, planned) = run.plan(&[wanted]).await.expect("plan");
    run.cloud.hook("cloudformation:ListStackResources", "acme-dev-jobs", |_| {
        let listed = "<StackResourceSummaries><member><LogicalResourceId>Jobs\
                      </LogicalResourceId></member></StackResourceSummaries>";
        Some(Answer::ok(crate::xml::result("ListStackResources", listed)))
    });
    let (stacks, error) = run.apply(planned, false).await.expect("a result");
    assert_eq!(
        error.expect("missing").message(),
        "stack acme-dev-jobs was deployed without Lost: CloudFormation does not list them"
    );
    assert_eq!(stacks[0].status, StackStatus::Failed);
}
