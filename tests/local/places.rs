//! Where a run acts: on the local platform whatever the environment says, at an
//! endpoint of the user's, and never in one environment twice at a time.

use std::process::Command;

use platformctl::aws::{Aws, Place, Regional};
use platformctl::journal::RunState;

use crate::platform::{self, Platform, REGION, block_on, eventually};

#[test]
fn two_runs_do_not_meet_in_one_environment() {
    let platform = Platform::new();
    let mut first = platform.hold("deploy.network", &["deploy", "--local"]);
    let (run, _) = platform.newest();
    assert_eq!(run.state, RunState::Running);
    let second = platform.local(&["deploy"]).exits(5);
    second.complains("locked by another run").complains(&run.run).complains("deploy");
    platform.local(&["bootstrap"]).exits(5).complains(&run.run);
    platform.run(&["resume", &run.run]).exits(5).complains("still under way");
    // It is no run that was cut off, and whoever only looks is let through.
    let status = platform.local(&["status"]).exits(0);
    assert!(!status.stderr.contains("cut off"), "{}", status.stderr);
    platform.run(&["runs"]).exits(0).prints("running");
    // Another environment is another lock.
    platform.local(&["deploy", "budget", "--env", "test"]).exits(0);
    first.still_runs();
    first.kill();
    platform.local(&["deploy"]).exits(0).complains("was cut off");
}

/// The environment of a user of another emulator, or of AWS.
fn away(platform: &Platform, command: &mut Command) {
    command
        .env("AWS_ENDPOINT_URL", platform.running().endpoint)
        .env("AWS_ACCESS_KEY_ID", "111122223333")
        .env("AWS_SECRET_ACCESS_KEY", "dummy")
        .env_remove("AWS_SESSION_TOKEN")
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
}

#[test]
fn an_endpoint_of_the_users_is_deployed_to() {
    let platform = Platform::new();
    platform.run(&["local", "up"]).exits(0);
    let run = |arguments: &[&str]| {
        let mut command = platform.command(arguments);
        away(&platform, &mut command);
        platform.start(command).end()
    };
    let endpoint = platform.running().endpoint;
    // Nobody to ask: nothing is done.
    run(&["deploy"]).exits(2).complains("--yes");
    let done = run(&["deploy", "--yes"]).exits(0).prints("created");
    done.complains("account 111122223333").complains(&format!("endpoint {endpoint}"));
    // Nothing of it is in the local platform's own account.
    assert!(platform.stacks().is_empty());
    let config = clients_of(&endpoint);
    let function = config.lambda.get_function_configuration().function_name("acme-dev-git-store");
    let function = block_on(function.send()).unwrap();
    assert_eq!(function.architectures()[0].as_str(), "arm64");
    run(&["diff", "--detailed-exitcode"]).exits(0);
    run(&["bootstrap", "--yes"]).exits(0).prints("The platform is up and smoke-tested.");
    run(&["bootstrap", "--yes"]).exits(0).prints("Nothing to change");
    run(&["status"]).exits(0).prints("CREATE_COMPLETE");

    // An account that platform.yaml does not allow.
    platform.edit("region: eu-west-2", "region: eu-west-2\naccount: \"999999999999\"");
    run(&["deploy", "--yes"]).exits(2).complains("111122223333").complains("platform.yaml");
}

#[test]
fn a_profile_that_was_named_wins_over_credentials_in_the_environment() {
    let platform = Platform::new();
    platform.run(&["local", "up"]).exits(0);
    let profiles = tempfile::NamedTempFile::new().unwrap();
    let text = "[p]\naws_access_key_id = 222222222222\naws_secret_access_key = dummy\n";
    std::fs::write(profiles.path(), text).unwrap();
    let account = |arguments: &[&str]| {
        let mut command = platform.command(arguments);
        away(&platform, &mut command);
        command.env("AWS_SHARED_CREDENTIALS_FILE", profiles.path());
        platform.start(command).end()
    };
    account(&["status", "--query", "account"]).exits(0).prints("111122223333");
    account(&["status", "--query", "account", "--profile", "p"]).exits(0).prints("222222222222");
    // A profile that is not there is no reason to take other credentials.
    account(&["status", "--profile", "q"]).exits(1).complains("the profile q");
}

fn clients_of(endpoint: &str) -> Regional {
    let place = Place::Local { endpoint: endpoint.to_owned(), account: "111122223333".to_owned() };
    block_on(Aws::connect(&place)).in_region(REGION)
}

#[test]
fn a_run_is_resumed_where_it_was_or_not_at_all() {
    let platform = Platform::new();
    platform.run(&["local", "up"]).exits(0);
    let mut command = platform.command(&["deploy", "--yes"]);
    away(&platform, &mut command);
    command.env(platformctl::failpoint::VARIABLE, "deploy.network");
    let started = platform.start(command);
    eventually("deploy.network", || {
        !platform.runs().is_empty() && platform.is_held_at("deploy.network")
    });
    started.kill();
    let run = platform.newest().0.run;
    let resume = |account: &str, region: &str| {
        let mut command = platform.command(&["resume", &run]);
        away(&platform, &mut command);
        command.env("AWS_ACCESS_KEY_ID", account).env("AWS_REGION", region);
        platform.start(command).end()
    };
    resume("999988887777", "eu-west-2").exits(2).complains("account 111122223333, not");
    resume("111122223333", "us-east-1").exits(2).complains("region eu-west-2, not us-east-1");
    platform.edit("environment: dev", "environment: test");
    resume("111122223333", "eu-west-2").exits(2).complains("environment dev, not test");
    platform.edit("environment: test", "environment: dev");
    resume("111122223333", "eu-west-2").exits(0).prints("created");
}

#[test]
fn a_run_is_resumed_from_another_folder() {
    let platform = Platform::new();
    let folder = platform.path("elsewhere");
    std::fs::create_dir(&folder).unwrap();
    let zip = platform::artefacts().join("git-store.zip");
    std::fs::copy(zip, platform.path("git-store.zip")).unwrap();
    let arguments = ["deploy", "--local", "-c", "platform.yaml", "--artefacts", "."];
    platform.hold("deploy.efs", &arguments).kill();
    let run = platform.newest().0.run;
    let mut command = platform.command(&["resume", &run]);
    command
        .current_dir(folder)
        .env_remove("PLATFORMCTL_CONFIG")
        .env_remove("PLATFORMCTL_ARTEFACTS");
    platform.start(command).end().exits(0).prints("created");
}

#[test]
fn local_listens_to_nothing_that_points_elsewhere() {
    let platform = Platform::new();
    // Every command of these tests has such an environment; here one that would work.
    let other = Platform::new();
    other.run(&["local", "up"]).exits(0);
    let mut command = platform.command(&["deploy", "budget", "--local"]);
    command
        .env("AWS_ENDPOINT_URL", other.running().endpoint)
        .env("AWS_ENDPOINT_URL_CLOUDFORMATION", other.running().endpoint)
        .env("AWS_ACCESS_KEY_ID", "000000000000")
        .env_remove("AWS_PROFILE");
    platform.start(command).end().exits(0).complains("local platform");
    assert!(platform.stacks().contains_key("budget"));
    assert!(other.stacks().is_empty());
}
