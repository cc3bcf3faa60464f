//! Ctrl-C.

use platformctl::journal::{Entry, RunState, StepOutcome};

use crate::platform::{Platform, eventually, signal};

#[test]
fn ctrl_c_leaves_a_run_that_resume_finishes() {
    let platform = Platform::new();
    let places = [("deploy.efs", "deploy"), ("step.guard", "bootstrap")];
    for (place, verb) in places {
        let held = platform.hold(place, &[verb, "--local"]);
        held.signal("INT");
        let done = held.end().exits(130);
        let (run, journal) = platform.newest();
        let short = run.run.rsplit('-').next().unwrap();
        let done = done
            .complains("interrupted: finishing what cannot be left half done; again to abort")
            .complains(&format!("platformctl resume {short}"));
        assert_eq!(done.stdout, "");
        assert_eq!(run.state, RunState::Failed);
        journal.is_gapless();
        assert!(matches!(journal.last(), Entry::RunFinished { exit_code: 130, .. }));
        let interrupted = journal.attempt().iter().any(|record| {
            matches!(record.entry, Entry::StepFinished { outcome: StepOutcome::Interrupted, .. })
        });
        assert!(interrupted);
        platform.run(&["resume", short]).exits(0);
        let (resumed, journal) = platform.newest();
        assert_eq!((&resumed.run, resumed.state), (&run.run, RunState::Succeeded));
        assert_eq!(journal.is_gapless().resumed(), 1);
    }
    platform.is_complete();
}

#[test]
fn ctrl_c_while_a_change_set_is_executed_lets_it_end() {
    let platform = Platform::new();
    let held = platform.hold("deploy.network.executed", &["deploy", "--local"]);
    held.signal("INT");
    held.end().exits(130).complains("platformctl resume");
    let (run, journal) = platform.newest();
    assert!(matches!(journal.is_gapless().last(), Entry::RunFinished { exit_code: 130, .. }));
    platform.run(&["resume", &run.run]).exits(0).prints("run ");
    assert_eq!(platform.stacks().len(), platform.names().len());
    platform.local(&["diff", "--detailed-exitcode"]).exits(0);
}

#[test]
fn sigterm_is_ctrl_c() {
    let platform = Platform::new();
    let held = platform.hold("deploy.network", &["deploy", "--local"]);
    held.signal("TERM");
    held.end().exits(130).complains("platformctl resume");
}

#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let platform = Platform::new();
    platform.local(&["deploy", "artefacts"]).exits(0);
    let run = platform.newest().0.run;
    let pid = platform.running().pid;
    // Between two requests, so that it waits for an answer that does not come.
    let mut started = platform.start(platform.command(&["deploy", "--local"]));
    eventually("another run", || {
        started.still_runs();
        platform.newest().0.run != run
    });
    signal(pid, "STOP");
    started.signal("INT");
    started.says("again to abort");
    started.signal("INT");
    let done = started.end();
    signal(pid, "CONT");
    done.exits(130);
    let (cut_off, journal) = platform.newest();
    assert_ne!(cut_off.run, run);
    journal.is_gapless();
    platform.run(&["resume", &cut_off.run]).exits(0);
    platform.newest().1.is_gapless();
    assert_eq!(platform.stacks().len(), platform.names().len());
}
