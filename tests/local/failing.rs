//! A resource that cannot be made.

use platformctl::journal::RunState;
use serde_json::json;

use crate::platform::{Platform, block_on, eventually};

/// Another stack that holds the name of the last parameter of the efs stack.
const BLOCKER: &str = "blocker";

/// Takes the name of a parameter of the efs stack; returns its logical id.
fn block(platform: &Platform) -> String {
    platform.run(&["local", "up"]).exits(0);
    let templates = platform.templates();
    let resources = templates["efs"]["Resources"].as_object().unwrap();
    let (id, parameter) =
        resources.iter().rfind(|(_, it)| it["Type"] == "AWS::SSM::Parameter").unwrap();
    let body = json!({ "Resources": { "Taken": {
        "Type": "AWS::SSM::Parameter",
        "Properties": {
            "Name": parameter["Properties"]["Name"], "Type": "String", "Value": "taken",
        },
    } } });
    let client = platform.aws().cloudformation;
    let made = client.create_stack().stack_name(BLOCKER).template_body(body.to_string()).send();
    block_on(made).unwrap();
    settle(platform, "CREATE_COMPLETE");
    id.clone()
}

fn unblock(platform: &Platform) {
    let client = platform.aws().cloudformation;
    block_on(client.delete_stack().stack_name(BLOCKER).send()).unwrap();
    settle(platform, "DELETE_COMPLETE");
}

fn settle(platform: &Platform, wanted: &str) {
    let client = platform.aws().cloudformation;
    eventually(wanted, || match block_on(client.describe_stacks().stack_name(BLOCKER).send()) {
        Ok(answer) => answer.stacks()[0].stack_status().unwrap().as_str() == wanted,
        Err(_) => wanted == "DELETE_COMPLETE",
    });
}

#[test]
fn a_failed_stack_names_its_cause_and_is_made_anew_on_request() {
    let platform = Platform::new();
    let id = block(&platform);
    let failed = platform.local(&["deploy"]).exits(1);
    let cause = format!("acme-dev-efs is ROLLBACK_COMPLETE: {id} (AWS::SSM::Parameter) failed:");
    let failed =
        failed.complains(&cause).complains("already exists").complains("platformctl resume");
    assert!(!failed.stderr.contains("ancelled"), "{}", failed.stderr);
    assert_eq!(failed.stdout, "");
    let stacks = platform.stacks();
    assert_eq!(stacks["efs"].status, "ROLLBACK_COMPLETE");
    assert_eq!(stacks["network"].status, "CREATE_COMPLETE");
    let (run, journal) = platform.newest();
    assert_eq!((run.state, run.exit_code), (RunState::Failed, Some(1)));
    assert!(run.error.as_ref().unwrap().contains(&id), "{:?}", run.error);
    journal.is_gapless();
    let short = run.run.rsplit('-').next().unwrap();
    platform.run(&["events", short]).exits(0).prints(&id);
    platform.local(&["status"]).exits(0).prints("ROLLBACK_COMPLETE");

    platform
        .local(&["deploy"])
        .exits(1)
        .complains("is ROLLBACK_COMPLETE and can only be deleted")
        .complains("--recreate");
    // The cause is still there.
    platform.local(&["deploy", "--recreate"]).exits(1).complains(&id);
    unblock(&platform);
    platform.local(&["deploy", "--recreate"]).exits(0).prints("created");
    assert_eq!(platform.stacks()["efs"].status, "CREATE_COMPLETE");
    platform.local(&["diff", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_failed_deploy_is_resumed_after_the_fix() {
    let platform = Platform::new();
    let id = block(&platform);
    platform.local(&["deploy"]).exits(1);
    let run = platform.newest().0.run;
    platform.run(&["resume", &run]).exits(1).complains(&id);
    unblock(&platform);
    platform.run(&["resume", &run]).exits(0).prints("created");
    let (resumed, journal) = platform.newest();
    assert_eq!((resumed.run, resumed.state), (run, RunState::Succeeded));
    assert_eq!(journal.is_gapless().resumed(), 2);
    platform.local(&["diff", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_failed_bootstrap_is_resumed_after_the_fix() {
    let platform = Platform::new();
    let id = block(&platform);
    platform.local(&["bootstrap"]).exits(1).complains(&id).complains("already exists");
    let run = platform.newest().0.run;
    unblock(&platform);
    platform.run(&["resume", &run]).exits(0).prints("The platform is up and smoke-tested.");
    assert_eq!(platform.runs().len(), 1);
    assert_eq!(platform.newest().1.is_gapless().resumed(), 1);
    platform.local(&["bootstrap"]).exits(0).prints("Nothing to change");
}

#[test]
fn a_failed_update_is_rolled_back_and_explained() {
    let platform = Platform::new();
    platform.local(&["bootstrap"]).exits(0);
    let before = platform.stacks();
    // Not a zip: Lambda refuses it.
    let other = platform.path("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("git-store.zip"), "this is no zip").unwrap();
    let failed = platform.local(&["deploy", "--artefacts", other.to_str().unwrap()]).exits(1);
    failed.complains("GitStore (AWS::Lambda::Function) failed");
    let after = platform.stacks();
    assert_eq!(after["efs"].status, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(after["network"], before["network"]);
    platform.local(&["invoke", "git-store", "--payload", r#"{"operation": "ping"}"#]).exits(0);
    platform.local(&["deploy"]).exits(0);
    platform.local(&["bootstrap"]).exits(0).prints("Nothing to change");
}
