//! Stacks are deleted, consumers first.

use platformctl::deploy::{DestroyReport, Destroyer};
use platformctl::error::{Error, Kind, Result};
use platformctl::journal::StepOutcome;
use stacks::StackTemplate;

use crate::formation::{happened, moment};
use crate::harness::{Run, limited, pair};

async fn destroyed(
    run: &Run,
    templates: &[StackTemplate],
) -> Result<(DestroyReport, Option<Error>)> {
    let engine = &run.engine;
    let destroyer = Destroyer {
        aws: engine.aws.clone(),
        concurrency: engine.concurrency,
        fence: None,
        journal: engine.journal.clone(),
        events: engine.events.clone(),
        cancel: engine.cancel.clone(),
    };
    let result = limited(destroyer.destroy(templates)).await;
    run.assert_journal_is_whole();
    result
}

fn statuses(report: &DestroyReport) -> Vec<(&str, &str)> {
    report.stacks.iter().map(|stack| (stack.name.as_str(), stack.status)).collect()
}

#[tokio::test]
async fn consumers_go_first() {
    let run = Run::with(&pair(30, 30));
    let (report, error) = destroyed(&run, &pair(30, 30)).await.expect("destroy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(statuses(&report), [("efs", "deleted"), ("network", "deleted")]);
    let mutations = ["DeleteStack acme-dev-efs", "DeleteStack acme-dev-network"];
    assert_eq!(run.cloud.mutations(), mutations);
    // The producer goes when the consumer is gone, and not when that is asked for.
    let id = run.cloud.world().formation.stacks[1].id.clone();
    let log = run.cloud.log();
    let gone = log.iter().rposition(|line| *line == format!("DescribeStacks {id}"));
    assert!(gone < log.iter().position(|line| line == "DeleteStack acme-dev-network"));
    // Once more: there is nothing left.
    let (report, error) = destroyed(&run, &pair(30, 30)).await.expect("destroy");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(statuses(&report), [("efs", "absent"), ("network", "absent")]);
    assert_eq!(run.cloud.count("DeleteStack"), 2);
}

#[tokio::test]
async fn one_protected_stack_protects_all() {
    let run = Run::with(&pair(30, 30));
    run.cloud.world().formation.stacks[0].protected = true;
    let error = destroyed(&run, &pair(30, 30)).await.expect_err("protected");
    assert_eq!(error.message(), "protected against deletion: network");
    assert!(run.cloud.mutations().is_empty());
}

#[tokio::test]
async fn a_deletion_that_fails_tells_its_cause_and_stops() {
    let run = Run::with(&pair(30, 30));
    let failed = happened("Files", "DELETE_FAILED", "it is in use by somebody");
    let moments = [moment("DELETE_IN_PROGRESS", [failed]), moment("DELETE_FAILED", [])];
    run.cloud.world().formation.operation("acme-dev-efs", moments);
    let (report, error) = destroyed(&run, &pair(30, 30)).await.expect("a result");
    assert_eq!(
        error.expect("failed").message(),
        "stack acme-dev-efs is DELETE_FAILED: Files (AWS::SQS::Queue) failed: \
         it is in use by somebody"
    );
    assert_eq!(statuses(&report), [("efs", "failed"), ("network", "skipped")]);
    assert_eq!(run.cloud.mutations(), ["DeleteStack acme-dev-efs"]);
    let deleted = ("cloudformation:DeleteStack".to_owned(), Some(StepOutcome::Failed));
    assert_eq!(run.journaled(), [deleted]);
}

#[tokio::test]
async fn an_interruption_ends_the_following_and_starts_nothing() {
    let run = Run::with(&pair(30, 30));
    let canceller = std::sync::Arc::clone(&run.canceller);
    run.cloud.hook("cloudformation:DeleteStack", "acme-dev-efs", move |_| {
        canceller.cancel();
        None
    });
    let (_, error) = destroyed(&run, &pair(30, 30)).await.expect("a result");
    assert_eq!(error.expect("interrupted").kind(), Kind::Interrupted);
    assert_eq!(run.cloud.mutations(), ["DeleteStack acme-dev-efs"]);
    let deleted = ("cloudformation:DeleteStack".to_owned(), Some(StepOutcome::Interrupted));
    assert_eq!(run.journaled(), [deleted]);
}
