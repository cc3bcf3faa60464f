//! The end of a platform, and a new beginning.

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
    assert_eq!(deleted.len(), 3, "{deleted:?}");
    assert_eq!(platform.stacks().into_keys().collect::<Vec<_>>(), ["artefacts"]);
    platform.local(&REASON).exits(0).prints("nothing to delete");
    assert_eq!(platform.runs().len(), 2);

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
    platform.local(&["destroy", "network", "--yes", "--reason", "test"]).exits(0);
    assert_eq!(platform.stacks().into_keys().collect::<Vec<_>>(), ["artefacts", "budget"]);
    platform.local(&["deploy", "efs"]).exits(0);
    assert_eq!(platform.stacks().len(), 4);
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
    platform.local(&["deploy"]).exits(0);
    platform.local(&REASON).exits(0);
    assert_eq!(platform.stacks().len(), 1);
}

#[test]
fn the_artefacts_stack_goes_on_request() {
    let platform = Platform::new();
    platform.local(&["bootstrap"]).exits(0);
    platform
        .local(&[&REASON[..], &["--with-artefacts"]].concat())
        .exits(0)
        .prints("ArtefactBucket");
    assert!(platform.stacks().is_empty());
    // The bucket, and the reports in it, outlive their stack. While it is there no new
    // stack can have it.
    let aws = platform.aws();
    let bucket = "acme-dev-artefacts-000000000000-eu-west-2";
    let objects = block_on(aws.s3.list_objects_v2().bucket(bucket).send()).unwrap();
    assert!(objects.contents().iter().any(|it| it.key().unwrap().starts_with("reports/")));
    platform.local(&["bootstrap"]).exits(1).complains("acme-dev-artefacts");
    for object in objects.contents() {
        block_on(aws.s3.delete_object().bucket(bucket).key(object.key().unwrap()).send()).unwrap();
    }
    let versions = block_on(aws.s3.list_object_versions().bucket(bucket).send()).unwrap();
    let deleted = versions.delete_markers().iter().map(|it| (it.key(), it.version_id()));
    for (key, version) in
        versions.versions().iter().map(|it| (it.key(), it.version_id())).chain(deleted)
    {
        let call =
            aws.s3.delete_object().bucket(bucket).key(key.unwrap()).version_id(version.unwrap());
        block_on(call.send()).unwrap();
    }
    block_on(aws.s3.delete_bucket().bucket(bucket).send()).unwrap();
    platform.local(&["bootstrap"]).exits(0).prints("The platform is up and smoke-tested.");
}
