//! `kill -9` of the emulator, and its ordinary end, in the middle of things.

use std::fs;

use crate::platform::{Platform, block_on, eventually, signal};

/// Kills the emulator after it saved what it has now.
fn kill_saved(platform: &Platform) {
    let snapshot = platform.state("local/aws/snapshot.jsonl");
    let written = || fs::metadata(&snapshot).and_then(|file| file.modified()).ok();
    let before = written();
    // A change of no importance, so that there is something to save.
    let aws = platform.aws();
    let tag = aws_sdk_s3::types::Tagging::builder()
        .tag_set(aws_sdk_s3::types::Tag::builder().key("a").value(fresh()).build().unwrap())
        .build()
        .unwrap();
    let bucket = "acme-dev-artefacts-000000000000-eu-west-2";
    let call = aws.s3.put_bucket_tagging().bucket(bucket).tagging(tag).send();
    block_on(call).unwrap();
    eventually("a snapshot", || written() != before);
    kill(platform);
}

fn fresh() -> String {
    format!("{:?}", std::time::SystemTime::now())
}

fn kill(platform: &Platform) {
    let pid = platform.running().pid;
    signal(pid, "KILL");
    let status = || platform.run(&["local", "status", "-o", "json"]).exits(0).json();
    eventually("the end of the emulator", || status()["up"] == false);
}

#[test]
fn a_platform_outlives_its_emulator() {
    let platform = Platform::new();
    platform.local(&["bootstrap"]).exits(0);
    let stacks = platform.stacks();
    let head = platform.wiki("platform").head();

    kill_saved(&platform);
    // The next command starts another.
    platform.local(&["diff", "--detailed-exitcode"]).exits(0);
    let read = r#"{"operation": "read", "wiki": "platform", "path": "home.md"}"#;
    let read = ["invoke", "git-store", "--payload", read, "--query", "ok.body"];
    platform.local(&read).exits(0).prints("# acme dev");
    let resources = |platform: &Platform| {
        let stacks = platform.stacks();
        stacks.into_iter().map(|(name, stack)| (name, stack.resources)).collect::<Vec<_>>()
    };
    assert_eq!(platform.stacks(), stacks);

    let before = resources(&platform);
    platform.run(&["local", "down"]).exits(0).prints("its state is kept");
    platform.run(&["local", "down"]).exits(0).prints("was not up");
    platform.local(&["bootstrap"]).exits(0).prints("Nothing to change");
    assert_eq!(resources(&platform), before);
    assert_eq!(platform.wiki("platform").head(), head);
    platform.is_complete();

    platform.run(&["local", "reset"]).exits(2).complains("--yes");
    assert_eq!(platform.stacks(), stacks);
    platform.run(&["local", "reset", "--yes"]).exits(0).prints("its state is cleared");
    platform.local(&["status"]).exits(0).prints("not deployed");
    assert!(platform.stacks().is_empty());
    assert_eq!(fs::read_dir(platform.state("local/mounts")).unwrap().count(), 0);
    platform.local(&["bootstrap"]).exits(0).prints("created");
    platform.is_complete();
}

#[test]
fn a_bootstrap_goes_on_with_what_the_killed_emulator_saved() {
    let platform = Platform::new();
    let bootstrap = ["bootstrap", "--local"];
    let resume = |platform: &Platform| {
        let run = platform.newest().0.run;
        [String::from("resume"), run]
    };
    let held = platform.hold("step.deploy efs", &bootstrap);
    let network = platform.stacks()["network"].clone();
    kill_saved(&platform);
    held.kill();
    let [verb, run] = resume(&platform);
    let held = platform.hold("step.seed", &[&verb, &run]);
    assert_eq!(platform.stacks()["network"], network);
    kill_saved(&platform);
    held.kill();
    platform.run(&[&verb, &run]).exits(0);
    platform.is_complete();
    assert_eq!(platform.stacks()["network"], network);
}

#[test]
fn a_bootstrap_makes_again_what_the_killed_emulator_lost() {
    let platform = Platform::new();
    for place in
        ["deploy.network.executed", "step.deploy efs", "deploy.efs.executed", "step.report"]
    {
        let held = platform.hold(place, &["bootstrap", "--local"]);
        kill(&platform);
        held.kill();
    }
    platform.local(&["bootstrap"]).exits(0);
    assert_eq!(platform.runs().len(), 1);
    platform.newest().1.is_gapless();
    platform.local(&["diff", "--detailed-exitcode"]).exits(0);
    platform.has_complete_stacks();
}

#[test]
fn an_emulator_that_dies_under_a_run_is_an_error_that_can_be_resumed() {
    let platform = Platform::new();
    platform.local(&["deploy", "artefacts"]).exits(0);
    let pid = platform.running().pid;
    signal(pid, "STOP");
    let mut started = platform.start(platform.command(&["bootstrap", "--local"]));
    started.still_runs();
    signal(pid, "KILL");
    // It may have been waiting for an answer, or for the emulator to come up.
    let done = started.end();
    if done.code != Some(0) {
        let done = done.exits(1);
        assert!(done.stderr.contains("error:"), "{}", done.stderr);
    }
    platform.local(&["bootstrap"]).exits(0);
    platform.is_complete();
}
