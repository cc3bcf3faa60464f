//! Runbooks on the local platform: all rehearsed; a tenant suspended and a deploy put back
//! for real, with the run killed at every place in turn.

use std::fs;

use platformctl::failpoint;
use platformctl::journal::{self, Entry, RunState, RunSummary, StepOutcome};

use crate::platform::{Done, Platform, block_on, eventually};

/// Every runbook that needs no agents, with the inputs it needs. 001 moves agents, and is
/// rehearsed where there are some: `runbooks_killed`.
const ALL: [(&str, &[&str]); 9] = [
    ("000", &[]),
    ("002", &[]),
    ("003", &["tenant=acme", "from=2026-11-01", "to=2026-11-02"]),
    ("004", &["tenant=acme", "monthly_usd=80"]),
    ("005", &["queue=jobs"]),
    ("006", &["tenant=acme"]),
    ("007", &["stack=efs"]),
    ("008", &["developer=ada@acme.example", "tenant=ada-sandbox"]),
    ("009", &["operator=grace@acme.example", "tenant=globex"]),
];

/// Arguments that run a runbook on the local platform.
pub(crate) fn run<'a>(id: &'a str, inputs: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let inputs = inputs.iter().flat_map(|input| ["--input", input]);
    ["runbook", "run", id, "--local"]
        .into_iter()
        .chain(inputs)
        .chain(more.iter().copied())
        .collect()
}

/// Starts it, kills it when it is at `place`.
pub(crate) fn killed_at(platform: &Platform, place: &str, arguments: &[&str]) {
    let file = platform.path("held");
    let _ = fs::remove_file(&file);
    let mut command = platform.command(arguments);
    command.env(failpoint::VARIABLE, place).env(failpoint::HELD, &file);
    let mut started = platform.start(command);
    eventually(place, || {
        started.still_runs();
        file.exists()
    });
    started.kill();
}

/// The newest run of a runbook.
pub(crate) fn newest(platform: &Platform) -> RunSummary {
    let mut runs = platform.runs().into_iter();
    runs.find(|run| run.start.verb.starts_with("runbook ")).unwrap()
}

pub(crate) fn of_verb(platform: &Platform, verb: &str) -> Vec<RunSummary> {
    platform.runs().into_iter().filter(|run| run.start.verb == verb).collect()
}

/// The steps that a run did, in order, each once.
pub(crate) fn done(run: &RunSummary) -> Vec<String> {
    let records = journal::read(&run.path).unwrap();
    let numbers: Vec<u64> = records.iter().map(|record| record.seq).collect();
    assert_eq!(numbers, (1..=records.len() as u64).collect::<Vec<_>>());
    let steps = records.into_iter().filter_map(|record| match record.entry {
        Entry::StepFinished { step, outcome: StepOutcome::Done, .. } => Some(step),
        _ => None,
    });
    steps.collect()
}

pub(crate) fn approve(platform: &Platform, run: &str, step: &str) -> Done {
    platform.run(&["runbook", "approve", run, step, "--evidence", "ticket 7"]).exits(0)
}

fn is(platform: &Platform, tenant: &str, status: &str) {
    let shown = platform.local(&["tenant", "show", tenant, "-o", "json"]).exits(0).json();
    assert_eq!(shown["status"], status);
}

/// The template of a stack, as it is deployed.
fn template(platform: &Platform, stack: &str) -> String {
    let get = platform.aws().cloudformation.get_template().stack_name(stack).send();
    block_on(get).unwrap().template_body().unwrap().to_owned()
}

#[test]
fn runbooks_rehearse_and_change_nothing_and_what_fails_is_undone() {
    let platform = Platform::with_api();
    // Nothing is there yet: what would come first is shown all the same.
    platform.run(&run("000", &[], &["--dry-run"])).exits(0);
    platform.local(&["bootstrap"]).exits(0);
    platform.run(&["runbook", "lint"]).exits(0).prints("10 runbooks: nothing is wrong");
    let before = platform.runs().len();
    for (id, inputs) in ALL {
        let done = platform.run(&run(id, inputs, &["--dry-run", "-o", "json"])).exits(0).json();
        assert_eq!((done["runbook"].as_str(), &done["dry_run"]), (Some(id), &true.into()));
        for step in done["steps"].as_array().unwrap() {
            assert_ne!(step["fate"], "failed", "{id}: {step}");
        }
    }
    // Where there are no agents, a rehearsal says so.
    let region = ["region=eu-west-2"];
    let refused = platform.run(&run("001", &region, &["--dry-run", "-o", "json"])).exits(1);
    let switch = &refused.json()["steps"][4];
    assert_eq!((&switch["step"], &switch["fate"]), (&"switch".into(), &"failed".into()));
    assert_eq!(switch["note"], "no agents run on this platform, so none can be moved");
    assert_eq!(platform.runs().len(), before);
    platform.local(&["diff", "--detailed-exitcode"]).exits(0);
    is(&platform, "acme", "active");

    // One that fails after it changed something.
    let drill = "version: 1\nid: drill\ntitle: A drill\nsteps:\n\
        \x20 - id: suspend\n\
        \x20   ops: { suspend-tenant: { tenant: acme, reason: '{{ run.reason }}' } }\n\
        \x20   undo: { ops: { reinstate-tenant: { tenant: acme, reason: undone } } }\n\
        \x20 - id: read\n\
        \x20   verb: { tenant show: nobody-there }\n\
        \x20   on_failure: undo\n";
    fs::create_dir(platform.path("runbooks")).unwrap();
    fs::write(platform.path("runbooks/drill.yaml"), drill).unwrap();
    platform
        .run(&run("drill", &[], &["--reason", "a drill"]))
        .exits(1)
        .complains("step read: ")
        .complains("what was done is undone");
    is(&platform, "acme", "active");
    assert_eq!(done(&newest(&platform)), ["suspend", "undo suspend", "undo"]);
    let (suspended, reinstated) =
        (of_verb(&platform, "tenant suspend"), of_verb(&platform, "tenant reinstate"));
    assert_eq!((suspended.len(), reinstated.len()), (1, 1));

    // Given up before anything is done: another file may not be gone on with.
    fs::write(
        platform.path("runbooks/drill.yaml"),
        drill.replace(
            "  - id: suspend",
            "  - id: leave\n    approval: { from: [Platform.Admin], within: 1h }\n  - id: suspend",
        ),
    )
    .unwrap();
    let done =
        platform.run(&run("drill", &[], &["--reason", "again", "-o", "json"])).exits(6).json();
    let name = done["run"].as_str().unwrap();
    fs::write(platform.path("runbooks/drill.yaml"), drill).unwrap();
    platform.run(&["runbook", "resume", name]).exits(2).complains("is another than when run");
    platform.run(&["runbook", "abort", name, "--reason", "a drill"]).exits(0).prints("is aborted");
    platform.run(&["runbook", "resume", name]).exits(2).complains("was aborted");
    assert_eq!(newest(&platform).state, RunState::Aborted);
}

#[test]
fn a_tenant_is_suspended_once_however_often_the_run_is_killed() {
    let platform = Platform::with_api();
    platform.local(&["bootstrap"]).exits(0);
    let begin = run("006", &["tenant=acme"], &["--reason", "budget alert"]);
    killed_at(&platform, "runbook.before", &begin);
    let name = newest(&platform).run;
    let resume = ["runbook", "resume", &name];
    let kill = |places: &[&str]| {
        for place in places {
            killed_at(&platform, &format!("runbook.{place}"), &resume);
            assert_eq!(newest(&platform).state, RunState::Crashed, "{place}");
        }
    };
    kill(&["before.begun", "before.performed", "before.done", "leave", "leave.asked"]);
    let waiting = platform.run(&resume).exits(6);
    waiting.prints("runbook approve");
    assert_eq!(newest(&platform).state, RunState::Waiting);
    platform.run(&["runbook", "approve", &name, "tell"]).exits(2).complains("waits for nobody");
    approve(&platform, &name, "leave");
    kill(&["leave.done", "suspend", "suspend.begun"]);
    is(&platform, "acme", "active");
    // In the middle of the verb itself.
    killed_at(&platform, "tenant.ask", &resume);
    is(&platform, "acme", "active");
    kill(&[
        "suspend.performed",
        "suspend.done",
        "suspended",
        "suspended.done",
        "notice.begun",
        "notice.performed",
        "notice.done",
        "tell",
        "tell.asked",
    ]);
    is(&platform, "acme", "suspended");
    let evidence = platform.run(&["runbook", "approve", &name, "tell"]).exits(2);
    evidence.complains("needs evidence");
    approve(&platform, &name, "tell");
    kill(&["tell.done"]);
    // By the verb that goes on with any run.
    platform.run(&["resume", &name]).exits(0).prints("succeeded");

    let run = newest(&platform);
    assert_eq!((run.run.as_str(), run.state), (name.as_str(), RunState::Succeeded));
    assert_eq!(
        done(&run),
        ["before", "usage", "sessions", "leave", "suspend", "suspended", "notice", "tell"]
    );
    let suspended = of_verb(&platform, "tenant suspend");
    assert_eq!((suspended.len(), suspended[0].state), (1, RunState::Succeeded));
    let report = platform.run(&["runbook", "report", &name]).exits(0);
    let report = report.prints("ticket 7").prints("Tenant acme").prints(&suspended[0].run);
    assert!(!report.stdout.contains("planted"), "{}", report.stdout);
    let page = platform.run(&["runbook", "report", &name, "--format", "html"]).exits(0);
    let page = page.prints("<!doctype html>").prints("ticket 7");
    assert!(!page.stdout.contains("<script") && !page.stdout.contains("src="));
}

#[test]
fn a_deploy_is_put_back_once_however_often_the_run_is_killed() {
    let platform = Platform::new();
    platform.local(&["bootstrap"]).exits(0);
    let stack = || template(&platform, "acme-dev-efs");
    let before = stack();
    platform.edit("memory_mb: 512", "memory_mb: 1024");
    platform.local(&["deploy", "efs"]).exits(0);
    assert_ne!(stack(), before);
    let begin = run("007", &["stack=efs"], &["--reason", "reads fail"]);
    killed_at(&platform, "runbook.leave", &begin);
    let name = newest(&platform).run;
    let resume = ["runbook", "resume", &name];
    platform.run(&resume).exits(6);
    approve(&platform, &name, "leave");
    let places = [
        "runbook.leave.done",
        "runbook.put_back",
        "runbook.put_back.begun",
        "rollback.chosen",
        "deploy.efs",
        "deploy.efs.executed",
        "runbook.put_back.performed",
        "runbook.put_back.done",
        "runbook.at_rest",
        "runbook.answers.begun",
        "runbook.answers.performed",
        "runbook.answers.done",
        "runbook.freeze.asked",
    ];
    for place in places {
        killed_at(&platform, place, &resume);
        assert_eq!(newest(&platform).state, RunState::Crashed, "{place}");
    }
    approve(&platform, &name, "freeze");
    platform.run(&resume).exits(0);
    let run = newest(&platform);
    assert_eq!(run.state, RunState::Succeeded);
    let steps = ["before", "alive", "leave", "put_back", "at_rest", "answers", "freeze"];
    assert_eq!(done(&run), steps);
    assert_eq!(stack(), before);
    let rolled_back = of_verb(&platform, "rollback");
    assert_eq!((rolled_back.len(), rolled_back[0].state), (1, RunState::Succeeded));
    // The one before that is not there, and what was put back is not wanted back.
    platform
        .local(&["rollback", "efs", "--reason", "x"])
        .exits(1)
        .complains("nothing earlier is kept");
    let kept = platform.local(&["rollback", "efs", "--list", "-o", "json"]).exits(0).json();
    let newest = kept["kept"][0]["digest"].as_str().unwrap().to_owned();
    assert_eq!(kept["kept"][0]["why"], "rollback");
    // Unless somebody says so.
    platform.local(&["rollback", "efs", "--to", &newest[..6], "--reason", "it was good"]).exits(0);
    assert_ne!(stack(), before);
    platform.local(&["diff", "efs", "--detailed-exitcode"]).exits(0);
}
