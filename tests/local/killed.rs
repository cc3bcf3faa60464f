//! `kill -9` of platformctl, wherever it is.
//!
//! Two runs are cut off at a sample of places in turn: one is resumed each time, the
//! other begun again. `PLATFORMCTL_TEST_FULL=1` takes every place there is, and adds a
//! platform of its own for each place and each way to go on, which takes many minutes.

use platformctl::bootstrap::{Step, order};
use platformctl::journal::{Entry, RunState};

use crate::platform::Platform;

/// A sample: the last step before anything changes, each moment of a stack's deploy, the
/// first and the last stack, and the steps after them.
const PLACES: [&str; 7] = [
    "step.plan",
    "deploy.artefacts.executed",
    "deploy.platform",
    "deploy.platform.executed",
    "deploy.tenant-globex.executed",
    "step.seed",
    "step.report",
];

/// Every step of a bootstrap, and the moments of every stack's deploy.
fn all_places(platform: &Platform) -> Vec<String> {
    let mut places = Vec::new();
    for step in order(&platform.names()) {
        places.push(format!("step.{step}"));
        if let Step::Deploy(stack) = step {
            places.extend([format!("deploy.{stack}"), format!("deploy.{stack}.executed")]);
        }
    }
    places
}

/// Whether everything is tested, however long it takes.
fn full() -> bool {
    std::env::var_os("PLATFORMCTL_TEST_FULL").is_some()
}

/// How a run is gone on with.
#[derive(Debug, Clone, Copy)]
enum Way {
    Resume,
    Again,
}

impl Way {
    /// The command, for the run called `run`.
    fn command(self, run: &str) -> Vec<&str> {
        match self {
            // Where it acts is in the journal.
            Self::Resume => vec!["resume", run],
            Self::Again => vec!["bootstrap", "--local"],
        }
    }
}

fn short(run: &str) -> &str {
    run.rsplit('-').next().unwrap()
}

/// The next verb says that the run was cut off, where, and how to go on.
fn is_noticed(platform: &Platform, run: &str, place: &str) {
    let hint = format!("`platformctl resume {}`", short(run));
    let status = platform.local(&["status"]).exits(0).complains("was cut off").complains(&hint);
    if let Some(step) = place.strip_prefix("step.") {
        assert!(status.stderr.contains(&format!("during {step}")), "{}", status.stderr);
    }
    let (summary, journal) = platform.newest();
    assert_eq!((summary.run.as_str(), summary.state), (run, RunState::Crashed));
    journal.is_gapless();
    let unfinished = platform.run(&["runs", "--unfinished", "-o", "json"]).exits(0).json();
    assert_eq!(unfinished[0]["run"], run);
}

/// One run was all that there was, gone on with `times`, and is over.
fn is_over(platform: &Platform, run: &str, times: usize) {
    assert_eq!(platform.runs().len(), 1);
    let (summary, journal) = platform.newest();
    assert_eq!((summary.run.as_str(), summary.state), (run, RunState::Succeeded));
    assert_eq!(journal.is_gapless().resumed(), times);
    assert!(matches!(journal.last(), Entry::RunFinished { exit_code: 0, error: None }));
    platform.is_complete();
    let status = platform.local(&["status", "-o", "json"]).exits(0);
    assert!(!status.stderr.contains("cut off"), "{}", status.stderr);
    assert_eq!(status.json()["unfinished_runs"], serde_json::json!([]));
    platform.local(&["diff", "--detailed-exitcode"]).exits(0);
}

/// Cuts one run off at every place in turn.
fn cut_off_everywhere(way: Way) {
    let platform = Platform::new();
    let places = if full() { all_places(&platform) } else { PLACES.map(str::to_owned).to_vec() };
    let mut run = String::new();
    for (number, place) in places.iter().enumerate() {
        let bootstrap = ["bootstrap", "--local"];
        let name = short(&run).to_owned();
        let command = if number == 0 { bootstrap.to_vec() } else { way.command(&name) };
        platform.hold(place, &command).kill();
        if number == 0 {
            run = platform.newest().0.run;
        }
        is_noticed(&platform, &run, place);
    }
    let done = platform.run(&way.command(short(&run))).exits(0);
    if matches!(way, Way::Again) {
        assert!(done.stderr.contains("was cut off during report; going on"), "{}", done.stderr);
    }
    is_over(&platform, &run, places.len());
}

#[test]
fn a_run_cut_off_everywhere_and_resumed_ends_as_if_nothing_had_been() {
    cut_off_everywhere(Way::Resume);
}

#[test]
fn a_run_cut_off_everywhere_and_begun_again_ends_as_if_nothing_had_been() {
    cut_off_everywhere(Way::Again);
}

/// Cuts a run off at each place, each on a platform of its own.
fn cut_off_at_each(way: Way) {
    if !full() {
        return;
    }
    for place in all_places(&Platform::new()) {
        let platform = Platform::new();
        platform.hold(&place, &["bootstrap", "--local"]).kill();
        let run = platform.newest().0.run;
        is_noticed(&platform, &run, &place);
        platform.run(&way.command(short(&run))).exits(0);
        is_over(&platform, &run, 1);
    }
}

#[test]
fn a_run_cut_off_once_and_resumed_ends_as_if_nothing_had_been() {
    cut_off_at_each(Way::Resume);
}

#[test]
fn a_run_cut_off_once_and_begun_again_ends_as_if_nothing_had_been() {
    cut_off_at_each(Way::Again);
}

#[test]
fn an_update_that_was_cut_off_is_finished() {
    let platform = Platform::new();
    platform.local(&["bootstrap"]).exits(0);
    platform.edit("memory_mb: 512", "memory_mb: 1024");
    platform.edit("owner: platform-team", "owner: another-team");
    for place in ["step.deploy artefacts", "deploy.network.executed", "deploy.efs", "step.seed"] {
        platform.hold(place, &["bootstrap", "--local"]).kill();
    }
    platform.local(&["bootstrap"]).exits(0);
    assert_eq!(platform.runs().len(), 2);
    assert_eq!(platform.newest().1.is_gapless().resumed(), 4);
    platform.is_complete();
    platform.local(&["diff", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_deploy_and_a_destroy_that_were_cut_off_are_finished() {
    let platform = Platform::new();
    platform.hold("deploy.efs.executed", &["deploy", "--local"]).kill();
    let deploy = platform.newest().0;
    platform.local(&["outputs"]).exits(0);
    platform.run(&["resume", short(&deploy.run)]).exits(0);
    assert_eq!(platform.newest().0.state, RunState::Succeeded);
    assert_eq!(platform.stacks().len(), platform.names().len());

    // One at a time, so that there is one step that was under way.
    let destroy = ["destroy", "--local", "--yes", "--reason", "test", "--concurrency", "1"];
    platform.hold("destroy.network", &destroy).kill();
    let run = platform.newest().0;
    is_noticed(&platform, &run.run, "step.destroy.network");
    platform.run(&["resume", short(&run.run)]).exits(0);
    let (run, journal) = platform.newest();
    assert_eq!((run.state, journal.is_gapless().resumed()), (RunState::Succeeded, 1));
    assert_eq!(platform.stacks().into_keys().collect::<Vec<_>>(), ["artefacts"]);
}
