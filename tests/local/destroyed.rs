//! The end of a platform, and a new beginning.

use std::collections::BTreeSet;

use platformctl::journal::RunState;

use crate::platform::{Platform, block_on};

const REASON: [&str; 4] = ["destroy", "--yes", "--reason", "the test is over"];

#[test]
fn a_destroyed_platform_can_be_made_again() {
    let platform = Platform::new();
    platform.local(&["bootstrap"]).exits(0);
    let stacks = platform.stacks();
    platform.local(&["destroy", "--yes"]).exits(2).complains("--reason");
    platform.local(&["destroy", "--reason", "no"]).exits(2).complains("--yes");
    platform.local(&["destroy", "nothing", "--yes", "--reason", "no"]).exits(2);
    platform.local(&["destroy", "--dry-run"]).exits(0).prints("nothing was deleted");
    assert_eq!(platform.stacks(), stacks);
    assert_eq!(platform.runs().len(), 1);

    platform.local(&REASON).exits(0).prints("deleted").prints("FileSystem");
    let (run, journal) = platform.newest();
    assert_eq!(run.state, RunState::Succeeded);
    assert_eq!(run.start.reason.as_deref(), Some("the test is over"));
    let deleted: Vec<String> = journal.is_gapless().mutations();
    let position = |stack: &str| {
        let wanted = format!("cloudformation:DeleteStack acme-dev-{stack}");
        deleted.iter().position(|it| *it == wanted).unwrap_or_else(|| panic!("{deleted:?}"))
    };
    assert!(position("efs") < position("network"), "{deleted:?}");
    assert_eq!(deleted.len(), platform.names().len() - 1, "{deleted:?}");
    assert_eq!(platform.stacks().into_keys().collect::<Vec<_>>(), ["artefacts"]);
    platform.local(&REASON).exits(0).prints("nothing to delete");
    assert_eq!(platform.runs().len(), 2);

    // What holds data kept its name, and nothing is deployed over it.
    for verb in ["deploy", "bootstrap"] {
        let refused = platform.local(&[verb]).exits(1);
        let refused = refused.complains("what an earlier destroy kept");
        refused.complains("acme-dev-audit-000000000000-eu-west-2").complains("local reset");
        assert_eq!(platform.stacks().into_keys().collect::<Vec<_>>(), ["artefacts"]);
    }
    platform.forget_kept();
    platform.local(&["bootstrap"]).exits(0).prints("The platform is up and smoke-tested.");
    let again = platform.stacks();
    assert_eq!(again["artefacts"], stacks["artefacts"]);
    for (name, stack) in &again {
        assert_eq!(stack.status, "CREATE_COMPLETE", "{name}");
    }
    platform.local(&["bootstrap"]).exits(0).prints("Nothing to change");
}

#[test]
fn one_stack_goes_with_those_that_need_it() {
    let platform = Platform::new();
    platform.local(&["deploy"]).exits(0);
    let all: BTreeSet<String> = platform.names().into_iter().collect();
    let there = || platform.stacks().into_keys().collect::<BTreeSet<_>>();
    platform.local(&["destroy", "network", "--yes", "--reason", "test"]).exits(0);
    let gone: BTreeSet<_> = all.difference(&there()).cloned().collect();
    assert_eq!(gone, BTreeSet::from(["efs", "network", "observability"].map(str::to_owned)));
    // With what it needs.
    platform.local(&["deploy", "observability"]).exits(0);
    assert_eq!(there(), all);
    // The bucket goes with its own stack, and with no other.
    let named = ["destroy", "artefacts", "--yes", "--reason", "test"];
    platform.local(&named).exits(2).complains("--with-artefacts");
    let other = ["destroy", "budget", "--with-artefacts", "--yes", "--reason", "test"];
    platform.local(&other).exits(0);
    let bucket = "acme-dev-artefacts-000000000000-eu-west-2";
    assert!(block_on(platform.aws().s3.head_bucket().bucket(bucket).send()).is_ok());
    let gone: Vec<_> = all.difference(&there()).cloned().collect();
    assert_eq!(gone, ["budget"]);
}

#[test]
fn what_is_protected_is_not_destroyed() {
    let platform = Platform::new();
    platform.edit("protect: false", "protect: true");
    platform.local(&["deploy"]).exits(0);
    let stacks = platform.stacks();
    platform.local(&REASON).exits(1).complains("protected against deletion").complains("efs");
    assert_eq!(platform.stacks(), stacks);
    let status = platform.local(&["status", "-o", "json"]).exits(0).json();
    assert!(status["stacks"].as_array().unwrap().iter().all(|row| row["protected"] == true));

    platform.edit("protect: true", "protect: false");
    let diff = platform.local(&["diff", "--detailed-exitcode"]).exits(3);
    diff.prints("TerminationProtection true → false");
    platform.local(&["deploy"]).exits(0).prints("updated");
    platform.local(&["diff", "--detailed-exitcode"]).exits(0);
    platform.local(&REASON).exits(0);
    assert_eq!(platform.stacks().len(), 1);
}

#[test]
fn the_artefact_bucket_goes_on_request_and_comes_back() {
    let platform = Platform::new();
    platform.local(&["bootstrap"]).exits(0);
    let request = [&REASON[..], &["--with-artefacts"]].concat();
    let bucket = "acme-dev-artefacts-000000000000-eu-west-2";
    platform.local(&request).exits(0).prints(&format!("bucket {bucket} deleted"));
    assert!(platform.stacks().is_empty());
    let aws = platform.aws();
    assert!(block_on(aws.s3.head_bucket().bucket(bucket).send()).is_err());
    let (_, journal) = platform.newest();
    let deleted: Vec<String> = journal.is_gapless().mutations();
    assert_eq!(deleted.last().unwrap(), &format!("s3:DeleteBucket s3://{bucket}"));

    platform.forget_kept();
    platform.local(&["bootstrap"]).exits(0).prints("The platform is up and smoke-tested.");
    assert!(block_on(aws.s3.head_bucket().bucket(bucket).send()).is_ok());
}

#[test]
fn a_destroy_that_was_cut_off_at_its_end_is_finished() {
    let platform = Platform::new();
    platform.local(&["bootstrap"]).exits(0);
    let mut destroy = vec!["destroy", "--local", "--yes", "--with-artefacts"];
    destroy.extend(["--reason", "the test is over"]);
    let held = platform.hold("destroy.bucket.eu-west-2", &destroy);
    held.kill();
    let (run, _) = platform.newest();
    assert_eq!(run.state, RunState::Crashed);
    platform.run(&["resume", &run.run]).exits(0);
    let (again, _) = platform.newest();
    assert_eq!((again.run, again.state), (run.run, RunState::Succeeded));
    let bucket = "acme-dev-artefacts-000000000000-eu-west-2";
    assert!(block_on(platform.aws().s3.head_bucket().bucket(bucket).send()).is_err());
    platform.forget_kept();
    platform.local(&["bootstrap"]).exits(0).prints("The platform is up and smoke-tested.");
}
