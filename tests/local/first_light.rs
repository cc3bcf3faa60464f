//! From nothing to a platform, again, changed, and looked at.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use platformctl::bootstrap::{BootstrapReport, order};
use platformctl::deploy::StackStatus;
use platformctl::journal::{Entry, RunState, StepOutcome};
use serde_json::{Value, json};

use crate::platform::{Platform, REGION, SECRETS, block_on};

/// The steps of a bootstrap before its report.
fn steps(platform: &Platform) -> Vec<String> {
    let mut steps: Vec<_> = order(&platform.names()).iter().map(ToString::to_string).collect();
    assert_eq!(steps.pop().as_deref(), Some("report"));
    steps
}

const BUCKET: &str = "acme-dev-artefacts-000000000000-eu-west-2";

/// The report of the newest run, which is the same in the state folder and in the bucket.
fn report(platform: &Platform) -> BootstrapReport {
    let (run, _) = platform.newest();
    let file = platform.state("reports").join(&run.run).join("bootstrap-report.json");
    let here = fs::read(&file).unwrap();
    let key = format!("reports/{}/bootstrap-report.json", run.run);
    let aws = platform.aws();
    let there = block_on(async {
        let object = aws.s3.get_object().bucket(BUCKET).key(&key).send();
        object.await.unwrap().body.collect().await.unwrap().into_bytes()
    });
    assert_eq!(here, there);
    let report: BootstrapReport = serde_json::from_slice(&here).unwrap();
    assert_eq!(report.run, run.run);
    assert_eq!(report.written_to, [file.display().to_string(), format!("s3://{BUCKET}/{key}")]);
    report
}

#[test]
fn nothing_becomes_a_platform_and_a_second_bootstrap_changes_nothing() {
    let platform = Platform::new();
    let done =
        platform.local(&["bootstrap"]).exits(0).prints("The platform is up and smoke-tested.");
    let stacks = platform.names();
    assert!(stacks.len() >= 8 && stacks.contains(&"tenant-globex".to_owned()), "{stacks:?}");
    for stack in &stacks {
        let row = done.stdout.lines().find(|line| line.trim_start().starts_with(stack)).unwrap();
        assert!(row.contains("created"), "{row}");
    }
    platform.is_complete();

    let first = report(&platform);
    let done: Vec<_> = first.steps.iter().map(|step| step.step.clone()).collect();
    assert_eq!(done, steps(&platform));
    assert!(first.steps.iter().all(|step| step.seconds >= 0.0 && !step.summary.is_empty()));
    assert_eq!((first.version, first.platformctl.as_str()), (1, env!("CARGO_PKG_VERSION")));
    assert_eq!((first.account.as_str(), first.region.as_str()), ("000000000000", REGION));
    assert_eq!((first.project.as_str(), first.environment.as_str()), ("acme", "dev"));
    assert!(first.local && first.changed && first.rules > 0);
    assert!(first.by.contains('@') && first.at.ends_with('Z'));
    let names: Vec<_> = first.stacks.iter().map(|stack| stack.name.clone()).collect();
    assert_eq!(names, stacks);
    let stacks = platform.stacks();
    let templates = platform.templates();
    for stack in &first.stacks {
        assert_eq!(stack.status, StackStatus::Created);
        assert!(stack.id.starts_with("arn:aws:cloudformation:eu-west-2:000000000000:stack/"));
        assert_eq!(stack.resources, templates[&stack.name]["Resources"].as_object().unwrap().len());
        assert_eq!(stack.outputs, stacks[&stack.name].outputs);
        assert_eq!(stack.template_digest.len(), 64);
    }
    let digest = first.functions["git-store"].clone();
    let key = format!("functions/git-store/{digest}.zip");
    block_on(platform.aws().s3.head_object().bucket(BUCKET).key(key).send()).unwrap();
    // The types that the emulator only records, as it says itself.
    let recorded = platform.emulator().recorded_only_types().unwrap();
    assert!(first.recorded_only.contains(&"AWS::XRay::Group".to_owned()));
    assert_eq!(first.recorded_only.iter().cloned().collect::<BTreeSet<_>>(), recorded);

    let head = platform.wiki("platform").head();
    platform.local(&["bootstrap"]).exits(0).prints("Nothing to change");
    assert_eq!(platform.stacks(), stacks);
    assert_eq!(platform.wiki("platform").head(), head);
    platform.is_complete();
    let second = report(&platform);
    assert!(!second.changed);
    assert!(second.stacks.iter().all(|stack| stack.status == StackStatus::Unchanged));
    assert!(second.steps.iter().all(|step| step.outcome == StepOutcome::Unchanged));
    let (run, journal) = platform.newest();
    let upload = format!("s3:PutObject s3://{BUCKET}/reports/{}/bootstrap-report.json", run.run);
    assert_eq!(journal.is_gapless().mutations(), [upload]);
    platform.local(&["diff", "--detailed-exitcode"]).exits(0).prints("no changes");
    assert_eq!(platform.stacks(), stacks);
    a_call_is_traced(&platform);
}

/// From the caller's header through the function's own parts to the picture.
fn a_call_is_traced(platform: &Platform) {
    let read = r#"{"operation": "read", "wiki": "platform", "path": "home.md"}"#;
    let called = platform.local(&["invoke", "git-store", "--trace", "--payload", read]).exits(0);
    let id = called.stderr.split("platformctl trace ").nth(1).unwrap();
    let id = id.split_whitespace().next().unwrap();
    let trace = platform.local(&["trace", id, "--wait", "-o", "json"]).exits(0).json();
    let parts = trace["parts"].as_array().unwrap();
    let name = "acme-dev-git-store";
    let outer: Vec<_> = parts[..2].iter().map(|it| (&it["name"], &it["origin"])).collect();
    let origins = [json!("AWS::Lambda"), json!("AWS::Lambda::Function")];
    assert_eq!(outer, [(&json!(name), &origins[0]), (&json!(name), &origins[1])]);
    let own = parts.iter().find(|it| it["name"] == "request").unwrap();
    assert_eq!((&own["depth"], &own["annotations"]["cold_start"]), (&json!(2), &json!(false)));
    let operation = parts.iter().find(|it| it["name"] == "pages").unwrap();
    assert_eq!(operation["annotations"], json!({"operation": "read"}));
    for step in ["open", "find head", "read"] {
        let of = parts.iter().find(|it| it["name"] == step).unwrap();
        assert_eq!(of["depth"], 4, "{step}");
    }
    platform.local(&["trace", id]).exits(0).prints("find head");
    platform.local(&["trace", "--since", "1h"]).exits(0).prints(id);
    let nobodys = "1-5759e988-bd862e3fe1be46a994272793";
    platform.local(&["trace", nobodys]).exits(1).complains("has no trace");
    platform.local(&["trace", "nonsense"]).exits(2).complains("not a trace's id");
}

/// Another function in the place of `git-store`.
fn another_function(platform: &Platform) {
    let program = "import sys; from everything import package; \
                   open(sys.argv[1], 'wb').write(package('another'))";
    let folder = platform.path("other");
    fs::create_dir(&folder).unwrap();
    let status = Command::new("python3")
        .args(["-B", "-c", program])
        .arg(folder.join("git-store.zip"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/local"))
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn what_changes_is_shown_deployed_and_then_there() {
    let platform = Platform::new();
    platform.local(&["deploy"]).exits(0).prints("created");
    let memory = |platform: &Platform| {
        let client = platform.aws().lambda;
        let call = client.get_function_configuration().function_name("acme-dev-git-store");
        block_on(call.send()).unwrap().memory_size()
    };
    assert_eq!(memory(&platform), Some(512));

    platform.edit("memory_mb: 512", "memory_mb: 1024");
    let before = platform.stacks();
    platform.local(&["diff", "--detailed-exitcode"]).exits(3).prints("MemorySize 512 → 1024");
    let dry = platform.local(&["deploy", "--dry-run"]).exits(0);
    dry.complains("MemorySize 512 → 1024").prints("nothing was deployed");
    assert_eq!(platform.stacks(), before);
    platform.local(&["deploy"]).exits(0).prints("updated").complains("MemorySize 512 → 1024");
    assert_eq!(memory(&platform), Some(1024));
    let after = platform.stacks();
    assert_eq!(after["efs"].status, "UPDATE_COMPLETE");
    assert_eq!(after["network"], before["network"]);
    platform.local(&["diff", "--detailed-exitcode"]).exits(0);

    another_function(&platform);
    let invoke = ["invoke", "git-store", "--payload", r#"{"operation": "ping"}"#];
    platform.local(&invoke).exits(0).prints(r#""operation": "ping""#);
    let other = platform.path("other");
    let other = ["--artefacts", other.to_str().unwrap()];
    platform.local(&[&["diff", "--detailed-exitcode"], &other[..]].concat()).exits(3);
    platform.local(&[&["deploy"], &other[..]].concat()).exits(0).prints("updated");
    platform.local(&invoke).exits(0).prints(r#""release": "another""#);
    platform.local(&["deploy"]).exits(0).prints("updated");
    platform.local(&invoke).exits(0).prints(r#""operation": "ping""#);
    platform.local(&["deploy"]).exits(0).prints("nothing to change");
}

#[test]
fn a_run_can_be_looked_at_and_holds_no_secret() {
    let platform = Platform::new();
    platform.local(&["status"]).exits(0).prints("not deployed");
    platform.run(&["runs"]).exits(0).prints("no run was recorded yet");
    platform.local(&["bootstrap"]).exits(0);
    let (bootstrap, journal) = platform.newest();
    assert!(matches!(journal.last(), Entry::RunFinished { exit_code: 0, .. }));
    let short = bootstrap.run.rsplit('-').next().unwrap().to_owned();

    let status = platform.local(&["status", "-o", "json"]).exits(0).json();
    assert_eq!(status["account"], "000000000000");
    assert_eq!(status["unfinished_runs"], json!([]));
    for row in status["stacks"].as_array().unwrap() {
        assert_eq!(row["status"], "CREATE_COMPLETE", "{row}");
    }
    let outputs = platform.local(&["outputs", "-o", "json"]).exits(0).json();
    for (name, stack) in platform.stacks() {
        assert_eq!(outputs[&name], json!(stack.outputs));
    }
    platform
        .local(&["outputs", "efs", "--query", "efs.GitStoreName"])
        .exits(0)
        .prints("acme-dev-git-store");

    let events = platform.run(&["events", &short, "-o", "json"]).exits(0).json();
    let events = events.as_array().unwrap();
    assert_eq!(events.first().unwrap()["entry"]["kind"], "run_started");
    assert_eq!(events.last().unwrap()["entry"]["kind"], "run_finished");
    let shown = platform.run(&["events", &bootstrap.run]).exits(0);
    for step in steps(&platform) {
        assert!(shown.stdout.contains(&format!("■ {step} ")), "{step}");
    }
    platform.run(&["events", &short, "--follow"]).exits(0).prints("ended with exit code 0");
    platform.run(&["events", "zzzz"]).exits(2).complains(&bootstrap.run);
    platform.run(&["resume", &short]).exits(2).complains("nothing to go on with");

    // Secrets in the environment, and one that the user types.
    let reason = "rotate planted/secret/access/key and AKIAPLANTEDPLANTED00";
    platform.local(&["destroy", "--yes", "--reason", reason]).exits(0);
    let runs = platform.run(&["runs", "-o", "json"]).exits(0).json();
    let verbs: Vec<_> = runs.as_array().unwrap().iter().map(|run| &run["start"]["verb"]).collect();
    assert_eq!(verbs, ["destroy", "bootstrap"]);
    assert!(platform.runs().iter().all(|run| run.state == RunState::Succeeded));
    let kept = runs[0]["start"]["reason"].as_str().unwrap();
    assert_eq!(kept, "rotate *** and ***");
    // Functions inherit the emulator's environment.
    let environment = format!("/proc/{}/environ", platform.running().pid);
    if cfg!(target_os = "linux") {
        assert_eq!(secret_in(&fs::read(environment).unwrap()), None);
    }
    platform.run(&["local", "down"]).exits(0);
    holds_no_secret(&platform.state(""));
    assert_eq!(runs[1]["start"]["arguments"]["scope"]["profile"], Value::Null);
}

fn holds_no_secret(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holds_no_secret(&path);
            continue;
        }
        // Claims of the page store are links that say something and lead nowhere.
        let text = match fs::read_link(&path) {
            Ok(link) => link.into_os_string().into_encoded_bytes(),
            Err(_) => fs::read(&path).unwrap(),
        };
        let found = secret_in(&text);
        assert_eq!(found, None, "in {}", path.display());
    }
}

/// The variable whose planted value is in `bytes`.
fn secret_in(bytes: &[u8]) -> Option<&'static str> {
    let holds = |secret: &str| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
    SECRETS.iter().find(|(_, secret)| holds(secret)).map(|(name, _)| *name)
}
