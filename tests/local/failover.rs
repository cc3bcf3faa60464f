//! Agents are moved to another region, and back when they cannot run there.

use std::fs;

use platformctl::journal::Entry;

use crate::platform::{Platform, block_on};

pub(crate) const HOME: &str = "eu-west-2";
const AWAY: &str = "eu-west-1";
const PARAMETER: &str = "/acme/stage/platform/runtime-region";

/// The platform of `examples/two-region`, with agents deployed in both regions.
pub(crate) fn platform() -> Platform {
    let platform = Platform::of("two-region");
    platform.edit("protect: true", "protect: false");
    // Agents need the same ways out at home.
    let ways =
        "  endpoints: platform\n  interface_endpoints: [bedrock-runtime, ecr.api, ecr.dkr]\n";
    let network = "  zones: 2\n  endpoints: platform\n  flow_logs";
    platform.edit(network, &format!("  zones: 2\n{ways}  flow_logs"));
    platform.local(&["deploy"]).exits(0);
    let file = platform.path("platform.yaml");
    let away = fs::read_to_string(&file).unwrap();
    let home = away.replace("runtime_region: eu-west-1", "runtime_region: eu-west-2");
    let home = home.replace("dkr.ecr.eu-west-1", "dkr.ecr.eu-west-2");
    fs::write(&file, home).unwrap();
    platform.local(&["deploy", "agentcore"]).exits(0);
    // Agents run in the one that platform.yaml names, until they are moved.
    let away = away.replace("dkr.ecr.eu-west-1", "dkr.ecr.eu-west-2");
    fs::write(&file, away).unwrap();
    platform
}

fn parameter(platform: &Platform) -> Option<String> {
    let ssm = platform.aws().ssm;
    let answer = block_on(ssm.get_parameter().name(PARAMETER).send()).ok()?;
    answer.parameter?.value
}

#[test]
fn agents_are_moved_under_the_lock_and_back_when_they_do_not_answer() {
    let platform = platform();
    let set = |region, more: &[&str]| {
        let all = [&["ops", "set-runtime-region", region][..], more].concat();
        platform.local(&all)
    };
    let status = || platform.local(&["ops", "failover-status", "-o", "json"]).exits(0).json();
    let before = status();
    assert_eq!((&before["runtime_region"], &before["decided"]), (&AWAY.into(), &().into()));

    // A region in which nothing is deployed is refused before anything is changed.
    let done = set("eu-central-1", &["--reason", "a test", "--yes"]).exits(1);
    let done = done.complains("nothing was changed");
    assert!(done.stderr.contains("agentcore is not deployed"), "{}", done.stderr);
    set(HOME, &["--dry-run"]).exits(0).prints("agents stay in eu-west-1");
    assert_eq!(parameter(&platform), None);

    let moved = set(HOME, &["--reason", "eu-west-1 is down", "--yes", "-o", "json"]).exits(0);
    let moved = moved.json();
    assert_eq!((&moved["outcome"], &moved["previous"]), (&"switched".into(), &AWAY.into()));
    assert_eq!(moved["calls"][0]["function"], "acme-stage-git-store");
    assert!(moved["checks"].as_array().unwrap().iter().all(|check| check["passed"] == true));
    assert_eq!(parameter(&platform).as_deref(), Some("eu-west-2@1"));
    let after = status();
    assert_eq!(after["runtime_region"], HOME);
    assert_eq!(after["previous_region"], AWAY);
    assert_eq!((&after["in_agreement"], &after["lock"]["held"]), (&true.into(), &false.into()));
    set(HOME, &["--reason", "again", "--yes"]).exits(0).prints("run in eu-west-2 already");

    // The lock is in the region that would be left: it would fail with it.
    let refused = set(AWAY, &["--reason", "back", "--yes"]).exits(2);
    refused.complains("the lock is in eu-west-2").complains("backend: s3");

    // With the lock elsewhere, agents go back: but what is called there does not exist.
    let s3 = platform.aws_in("us-east-1").s3;
    block_on(s3.create_bucket().bucket("acme-locks").send()).unwrap();
    let lock = "protect: false\nlock: {backend: s3, bucket: acme-locks, region: us-east-1}";
    platform.edit("protect: false", lock);
    platform.local(&["ops", "failover-lock-acquire", "--reason", "a drill"]).exits(0);
    set(HOME, &["--reason", "as it is", "--yes"]).exits(0);
    let nowhere = ["--reason", "back", "--yes", "--verify", "acme-stage-nothing={}"];
    let failed = set(AWAY, &nowhere).exits(1);
    failed.complains("they run in eu-west-2 again").complains("acme-stage-nothing");
    let after = status();
    assert_eq!(after["runtime_region"], HOME);
    assert_eq!(after["lock"]["held"], true, "it was taken to be kept");
    platform.local(&["ops", "failover-lock-release"]).exits(0).prints("given back");
}

#[test]
fn a_switch_that_was_cut_off_is_gone_on_with_and_a_wrong_copy_is_repaired() {
    let platform = platform();
    let set = ["ops", "set-runtime-region", HOME, "--local", "--reason", "a test", "--yes"];
    platform.hold("verify", &set).kill();
    // Decided and copied; not proved.
    assert_eq!(parameter(&platform).as_deref(), Some("eu-west-2@1"));
    let (summary, _) = platform.newest();
    let resumed = platform.run(&["resume", &summary.run, "-o", "json"]).exits(0).json();
    assert_eq!(resumed["previous"], AWAY);
    assert!(!resumed["calls"][0]["answer"]["ok"].is_null(), "{resumed}");
    assert_eq!(parameter(&platform).as_deref(), Some("eu-west-2@2"));
    platform.local(&["ops", "failover-status"]).exits(0);
    let (summary, journal) = platform.newest();
    assert_eq!(summary.exit_code, Some(0));
    assert!(matches!(journal.last(), Entry::RunFinished { exit_code: 0, .. }));

    // Somebody overwrote the copy, such as a former holder that was held up.
    let ssm = platform.aws().ssm;
    let put = ssm.put_parameter().name(PARAMETER).value("eu-west-1@1").overwrite(true);
    block_on(put.send()).unwrap();
    platform.local(&["ops", "failover-status"]).exits(1).prints("repair the parameter");
    platform.local(&set[..3]).exits(2).complains("--reason");
    let repair = ["ops", "set-runtime-region", HOME, "--reason", "repair", "--yes"];
    platform.local(&repair).exits(0);
    platform.local(&["ops", "failover-status"]).exits(0).prints("agents run in eu-west-2");
}
