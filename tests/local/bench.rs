//! Benchmarks of the local platform: they run to their end, keep what was measured, and put
//! back what they changed.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use platformctl::bench::lambda::VARIABLE;
use platformctl::failpoint;
use serde_json::{Value, json};

use crate::platform::{Platform, Started, artefacts, block_on, eventually};

const STORE: &str = "acme-dev-git-store";

/// Few calls, but as many as the criteria need.
const SHORT: [&str; 9] = [
    "bench",
    "efs",
    "--pages=1,30",
    "--reads=20",
    "--writes=20",
    "--concurrent=15",
    "--cold=5",
    "--warm-up=2",
    "--no-progress",
];

fn up() -> Platform {
    let platform = Platform::new();
    platform.local(&["bootstrap"]).exits(0);
    platform
}

/// Starts a benchmark that waits once it measured a phase.
fn held(platform: &Platform, phase: &str, arguments: &[&str]) -> Started {
    let file = platform.path("held");
    let _ = fs::remove_file(&file);
    let mut command = platform.command(arguments);
    command.env(failpoint::VARIABLE, format!("bench:{phase}")).env(failpoint::HELD, &file);
    let mut started = platform.start(command);
    eventually(phase, || {
        started.still_runs();
        file.exists()
    });
    started
}

/// The store's memory, and whether the benchmark's variable is in its environment.
fn configuration(platform: &Platform) -> (i32, bool) {
    let aws = platform.aws();
    let known = block_on(aws.lambda.get_function_configuration().function_name(STORE).send());
    let known = known.unwrap();
    let variables = known.environment().and_then(|it| it.variables());
    let set = variables.is_some_and(|it| it.contains_key(VARIABLE));
    (known.memory_size().unwrap(), set)
}

#[test]
fn the_page_store_is_measured_within_its_limits_and_left_as_it_was() {
    let platform = up();
    let before = configuration(&platform);
    let begun = Instant::now();
    let done = platform.local(&[&SHORT[..], &["-o", "json"]].concat()).exits(0);
    // The default sizes keep this limit too; the first time most of it goes to making pages.
    assert!(begun.elapsed().as_secs() < 180, "{:?}", begun.elapsed());
    let result = done.json();
    assert_eq!(result["state"], "complete");
    assert_eq!(result["criteria"].as_array().unwrap().len(), 5);
    assert!(result["criteria"].as_array().unwrap().iter().all(|it| it["passed"] == true));
    let phases = result["phases"].as_array().unwrap();
    let phase = |name: &str| phases.iter().find(|it| it["name"] == name).unwrap();
    let series = |name: &str, metric: &str| {
        let all = phase(name)["series"].as_array().unwrap();
        all.iter().find(|it| it["metric"] == metric).cloned().unwrap_or(Value::Null)
    };
    assert_eq!(phases.len(), 11);
    assert_eq!(series("warm-read-1", "wall_ms")["summary"]["count"], 20);
    // What Lambda reports, and what the store says of its own steps.
    assert_eq!(series("warm-read-30", "duration_ms")["summary"]["count"], 20);
    assert!(
        series("warm-write-30", "step write_objects_ms")["summary"]["mean"].as_f64() > Some(0.0)
    );
    // Every forced start was one, and took longer inside than what it answered.
    assert_eq!(series("cold-read-30", "init_ms")["summary"]["count"], 5);
    assert!(series("cold-read-30", "memory_mb")["summary"]["min"].as_f64() > Some(1.0));
    assert_eq!(configuration(&platform), before);
    assert!(!before.1);

    let id = result["id"].as_str().unwrap();
    let history = platform.run(&["bench", "history", "-o", "json"]).exits(0).json();
    assert_eq!((history[0]["id"].as_str(), &history[0]["criteria"]), (Some(id), &json!("passed")));
    platform.run(&["bench", "show", id]).exits(0).prints("warm_read_p95_ms");
    platform.run(&["bench", "report", id, "--format", "html"]).exits(0).prints("<svg");
    let note = ["bench", "report", id, "--note", "platform/benchmarks/latest.md"];
    platform.local(&note).exits(0).prints("wrote benchmarks/latest.md");
    let read = r#"{"operation": "read", "wiki": "platform", "path": "benchmarks/latest.md"}"#;
    let read = ["invoke", "git-store", "--payload", read, "--query", "ok.body"];
    platform.local(&read).exits(0).prints("# Benchmark efs of").prints(id);
    // A run against itself.
    let compared = platform.run(&["bench", "compare", id, id, "-o", "json"]).exits(0).json();
    assert_eq!(compared["changed"], json!([]));
}

/// Stands between a function and the Runtime API, and holds back each answer for 700 ms.
const SLOW: &str = r#"#!/usr/bin/env python3
import http.client, http.server, os, signal, subprocess, threading, time

REAL = os.environ["AWS_LAMBDA_RUNTIME_API"]

class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("/response"):
            time.sleep(0.7)
        real = http.client.HTTPConnection(REAL)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length", "transfer-encoding")}
        real.request(self.command, self.path, body or None, headers)
        answer = real.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
threading.Thread(target=server.serve_forever, daemon=True).start()
here = os.path.dirname(os.path.abspath(__file__))
environment = dict(os.environ, AWS_LAMBDA_RUNTIME_API="127.0.0.1:%d" % server.server_port)
function = subprocess.Popen([os.path.join(here, "real")], env=environment)
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: function.kill())
os._exit(function.wait() and 1)
"#;

/// The functions' zips, but for a store that is slow: the real program, with answers that come
/// late.
fn slow_artefacts(folder: &Path) {
    for entry in fs::read_dir(artefacts()).unwrap().flatten() {
        fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let file = folder.join("git-store.zip");
    let mut real = zip::ZipArchive::new(fs::File::open(&file).unwrap()).unwrap();
    let mut program = Vec::new();
    std::io::Read::read_to_end(&mut real.by_name("bootstrap").unwrap(), &mut program).unwrap();
    let mut slow = zip::ZipWriter::new(fs::File::create(&file).unwrap());
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    slow.start_file("bootstrap", options).unwrap();
    slow.write_all(SLOW.as_bytes()).unwrap();
    slow.start_file("real", options).unwrap();
    slow.write_all(&program).unwrap();
    slow.finish().unwrap();
}

#[test]
fn a_store_made_slow_is_found_out_and_the_criterion_is_named() {
    let platform = Platform::new();
    let folder = tempfile::tempdir().unwrap();
    slow_artefacts(folder.path());
    let slow = |arguments: &[&str]| {
        let mut command = platform.command(arguments);
        command.env("PLATFORMCTL_ARTEFACTS", folder.path());
        platform.start(command).end()
    };
    slow(&["bootstrap", "--local"]).exits(0);
    let done = slow(&[
        "bench",
        "efs",
        "--local",
        "--pages=1",
        "--reads=20",
        "--writes=0",
        "--concurrent=0",
        "--cold=0",
        "--warm-up=1",
    ]);
    let done = done.exits(9);
    let line =
        done.stdout.lines().find(|line| line.trim().starts_with("warm_read_p95_ms: measured"));
    let line = line.unwrap_or_else(|| panic!("{}", done.stdout));
    assert!(line.contains("limit 500"), "{line}");
    // The result is stored, and says it too.
    let stored = platform.run(&["bench", "history", "-o", "json"]).exits(0).json();
    assert_eq!(stored[0]["criteria"], "missed");
    // The run can be looked at, and its exit code is in its journal.
    let runs = platform.run(&["runs", "-o", "json"]).exits(0).json();
    assert_eq!(runs[0]["exit_code"], 9, "{runs}");
}

#[test]
fn a_killed_sweep_is_gone_on_with_and_the_memory_is_as_before() {
    let platform = up();
    let before = configuration(&platform);
    let sweep = [
        "bench",
        "invoke",
        "git-store",
        "--memory",
        "128,256,640",
        "--count",
        "3",
        "--payload",
        r#"{"operation": "ping"}"#,
        "--local",
    ];
    let held = held(&platform, "memory-256", &sweep);
    held.kill();
    assert_eq!(configuration(&platform).0, 256);
    let history = platform.run(&["bench", "history", "-o", "json"]).exits(0).json();
    assert_eq!((&history[0]["state"], &history[0]["phases"]), (&json!("running"), &json!(2)));
    let id = history[0]["id"].as_str().unwrap().to_owned();
    platform.run(&["resume", &id]).exits(0).prints("memory is 512 MB again");
    assert_eq!(configuration(&platform), before);
    let result = platform.run(&["bench", "show", &id, "-o", "json"]).exits(0).json();
    assert_eq!(
        (&result["state"], result["phases"].as_array().unwrap().len()),
        (&json!("complete"), 3)
    );
}

#[test]
fn an_interruption_keeps_the_phases_and_puts_everything_back() {
    let platform = up();
    let started = held(
        &platform,
        "cold-read-1",
        &[
            "bench",
            "efs",
            "--local",
            "--pages=1",
            "--reads=20",
            "--writes=0",
            "--concurrent=0",
            "--cold=5",
            "--warm-up=1",
        ],
    );
    assert!(configuration(&platform).1, "a cold start was forced");
    started.signal("INT");
    // All was measured before it was held: it comes to its end, and cleans up. Without writes,
    // not every criterion is proved.
    started.end().exits(9).prints("warm_write_p95_ms: not measured");
    assert!(!configuration(&platform).1);
    let early = held(&platform, "warm-read-1", &SHORT_LOCAL);
    early.signal("INT");
    early.end().exits(130).complains("platformctl resume");
    let history = platform.run(&["bench", "history", "-o", "json"]).exits(0).json();
    assert_eq!(
        (&history[0]["state"], history[0]["calls"].as_u64()),
        (&json!("interrupted"), Some(20))
    );
    let id = history[0]["id"].as_str().unwrap().to_owned();
    platform.run(&["resume", &id]).exits(0).prints("complete");
}

const SHORT_LOCAL: [&str; 9] = [
    "bench",
    "efs",
    "--local",
    "--pages=1",
    "--reads=20",
    "--writes=20",
    "--concurrent=8",
    "--cold=5",
    "--warm-up=1",
];

#[test]
fn locks_and_redrives_are_measured_and_leave_nothing_behind() {
    let platform = up();
    let lock = platform.local(&["bench", "lock", "--count", "5", "-o", "json"]).exits(0).json();
    let phases = lock["phases"].as_array().unwrap();
    assert!(phases.iter().all(|it| it["errors"] == json!({}) && it["calls"] == 5), "{lock}");
    let redrive = ["bench", "redrive", "--messages", "50", "--rounds", "2", "-o", "json"];
    let redrive = platform.local(&redrive).exits(0).json();
    assert!(redrive["messages_per_second"].as_f64() > Some(0.0), "{redrive}");
    assert_eq!(redrive["phases"][0]["errors"], json!({}));
    let aws = platform.aws();
    let queues = block_on(aws.sqs.list_queues().queue_name_prefix("acme-dev-bench").send());
    assert_eq!(queues.unwrap().queue_urls().len(), 0);
}

#[test]
fn a_runbook_can_measure_and_a_missed_criterion_stops_it() {
    let platform = up();
    let book = |criteria: &str| {
        platform.edit("version: 1\n", &format!("version: 1\n{criteria}"));
        fs::write(
            platform.path("measure.yaml"),
            "version: 1\nid: measure\ntitle: Measure\nsteps:\n  - id: store\n    bench:\n      efs: { pages: [1], reads: 20, writes: 20, concurrent: 8, cold: 5 }\n",
        )
        .unwrap();
        let file = platform.path("measure.yaml").display().to_string();
        platform.run(&["runbook", "lint", &file]).exits(0);
        platform.local(&["runbook", "run", &file, "--dry-run"]).exits(0);
        platform.local(&["runbook", "run", &file, "--yes"])
    };
    book("").exits(0);
    let missed = "bench:\n  efs:\n    criteria: { warm_read_p95_ms: 0 }\n";
    let done = book(missed);
    assert_ne!(done.code, Some(0));
    assert!(format!("{}{}", done.stdout, done.stderr).contains("warm_read_p95_ms"), "{done:?}");
}

#[test]
fn the_latency_of_efs_is_simulated_and_a_killed_simulation_is_cleared_away() {
    // Where FUSE is missing the verb says so, and there is nothing to see.
    let available = simulated_efs::SimulatedEfs::available().is_ok();
    let platform = up();
    if !available {
        let refused = platform.local(&["bench", "efs", "--simulate-latency=efs-regional"]);
        refused.exits(1).complains("cannot simulate EFS's latency on this machine");
        return;
    }
    let run =
        ["bench", "efs", "--pages=1", "--writes=5", "--reads=5", "--cold=0", "--concurrent=5"];
    let plain = platform.local(&[&run[..], &["-o", "json"]].concat()).json();
    let slow = ["--simulate-latency=efs-regional", "-o", "json"];
    let done = platform.local(&[&run[..], &slow].concat());
    let slow = done.json();
    assert_eq!(slow["parameters"]["simulate_latency"], "efs-regional");
    assert!(done.stderr.contains("the file system was asked"), "{}", done.stderr);
    assert_eq!(configuration(&platform), (512, false));
    // Two writes that wait for each other, of 2.7 ms each, at the very least.
    let least = |run: &Value| {
        let phases = run["phases"].as_array().unwrap();
        let writes = phases.iter().find(|it| it["name"] == "warm-write-1").unwrap();
        let series = writes["series"].as_array().unwrap();
        let inside = series.iter().find(|it| it["metric"] == "duration_ms").unwrap();
        inside["summary"]["min"].as_f64().unwrap()
    };
    assert!(least(&slow) > 5.4, "{} ms; {} ms before", least(&slow), least(&plain));

    let held = held(
        &platform,
        "warm-read-1",
        &[&run[..], &["--local", "--simulate-latency=efs-one-zone"]].concat(),
    );
    held.kill();
    let again = platform.local(&run).complains("was killed; its mount was removed");
    again.exits(9).prints("criteria missed");
    assert_eq!(configuration(&platform), (512, false), "what the killed run changed, too");
}
