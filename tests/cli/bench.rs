//! What was measured, looked at again: nothing here is sent anywhere.

use serde_json::{Value, json};

use super::env::TestEnv;

/// A stored run of `bench efs` whose reads took about so long.
fn run(id: &str, started: &str, milliseconds: f64) -> Value {
    let phase = |name: &str, title: &str, operations: Value, samples: Vec<Value>| {
        json!({
            "phase": {
                "name": name, "title": title, "operations": operations, "count": samples.len(),
                "warm_up": 0, "load": { "kind": "closed", "in_flight": 1 }, "pages": 1,
            },
            "started": started, "seconds": 1.5, "complete": true, "warm_up": [], "samples": samples,
        })
    };
    let sample = |operation: &str, number: u32, wall: f64| {
        json!({
            "operation": operation, "at_ms": f64::from(number) * 20.0, "wall_ms": wall,
            "duration_ms": wall / 2.0, "billed_ms": wall.ceil(), "memory_mb": 12.0,
            "steps_ms": { "head": 0.05, "read": 0.2 },
        })
    };
    let reads = (0..30).map(|it| sample("read", it, milliseconds + f64::from(it * 7 % 30) / 10.0));
    let mut mixed: Vec<Value> = (0..8)
        .map(|it| sample(if it % 2 == 0 { "read" } else { "write" }, it, 30.0 + f64::from(it)))
        .collect();
    mixed[7]["error"] = json!({ "kind": "busy", "message": "other writers won" });
    json!({
        "schema": 1, "id": id, "suite": "efs", "state": "complete", "started": started,
        "finished": started, "version": "0.1.0", "commit": null,
        "machine": { "host": "here", "os": "linux", "arch": "x86_64", "cpus": 2, "load": 0.5 },
        "place": { "region": "eu-west-2", "environment": "acme-dev", "local": true },
        "function": {
            "name": "acme-dev-git-store", "memory_mb": 512, "timeout_seconds": 30,
            "architecture": "x86_64", "runtime": "provided.al2023", "code_sha256": "abc=",
        },
        "seed": 1, "parameters": { "reads": 30 },
        "prepared": [{ "what": "wiki bench-1: 1 pages, 0 of them written now", "seconds": 0.1 }],
        "left_behind": ["wiki bench-1"],
        "phases": [
            phase("warm-read-1", "warm reads, 1 page", json!(["read"]), reads.collect()),
            phase("concurrent-mixed-1", "1 read and 1 write at once", json!(["read", "write"]), mixed),
        ],
        "criteria": [
            { "name": "warm_read_p95_ms", "limit": 500.0, "measured": milliseconds + 2.8, "passed": true, "detail": "worst in warm-read-1" },
            { "name": "concurrent_errors", "limit": 0.0, "measured": 1.0, "passed": false, "detail": "1 busy in 8 calls" },
        ],
    })
}

fn env() -> TestEnv {
    let env = TestEnv::new();
    let text = |run: Value| run.to_string();
    env.write(
        "../state/bench/2026-03-04-k3f9.json",
        &text(run("2026-03-04-k3f9", "2026-03-04T10:00:00Z", 10.0)),
    );
    env.write(
        "../state/bench/2026-03-05-j81c.json",
        &text(run("2026-03-05-j81c", "2026-03-05T10:00:00Z", 14.0)),
    );
    env
}

#[test]
fn runs_are_listed_newest_first() {
    let env = env();
    insta::assert_snapshot!(env.run(&["bench", "history"]).text);
    insta::assert_json_snapshot!(env.json(&["bench", "history", "-o", "json"]));
    assert_eq!(env.json(&["bench", "history", "--suite", "lock", "-o", "json"]), json!([]));
    insta::assert_snapshot!(TestEnv::new().run(&["bench", "history"]).text);
}

#[test]
fn a_run_is_shown_in_numbers() {
    let env = env();
    insta::assert_snapshot!(env.run(&["bench", "show", "k3f9"]).text);
    let mut shown = env.json(&["bench", "show", "k3f9", "-o", "json"]);
    shown["file"] = "FILE".into();
    insta::assert_json_snapshot!(shown);
    insta::assert_snapshot!(env.run(&["bench", "show", "zzzz"]).text);
}

#[test]
fn a_change_is_claimed_where_distributions_separate_and_nowhere_else() {
    let env = env();
    insta::assert_snapshot!(env.run(&["bench", "compare", "k3f9", "j81c"]).text);
    let compared = env.json(&["bench", "compare", "k3f9", "j81c", "-o", "json"]);
    insta::assert_json_snapshot!(compared);
    let same = env.run(&["bench", "compare", "k3f9", "k3f9", "--all"]);
    assert!(same.stdout.contains("no difference shown in"), "{}", same.text);
    assert_eq!(same.code, 0);
}

#[test]
fn a_report_is_a_note_a_page_or_the_whole_result() {
    let env = env();
    insta::assert_snapshot!(env.run(&["bench", "report", "k3f9"]).text);
    let page = env.run(&["bench", "report", "k3f9", "--format", "html", "--out", "bench.html"]);
    assert_eq!((page.code, page.stdout.as_str()), (0, "wrote bench.html\n"));
    let page = std::fs::read_to_string(env.path("bench.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("<svg"));
    let whole = env.json(&["bench", "report", "k3f9", "--format", "json"]);
    assert_eq!(whole["phases"][0]["samples"].as_array().map(Vec::len), Some(30));
    insta::assert_snapshot!(env.run(&["bench", "report", "k3f9", "--note", "platform"]).text);
}

#[test]
fn synthesis_is_measured_in_this_process() {
    let env = TestEnv::new();
    let result = env.json(&["bench", "synth", "--count", "2", "--warm-up", "0", "-o", "json"]);
    let names: Vec<_> =
        result["phases"].as_array().unwrap().iter().map(|it| it["name"].as_str()).collect();
    assert_eq!(names, [Some("synth"), Some("check")]);
    assert_eq!((&result["state"], &result["suite"]), (&json!("complete"), &json!("synth")));
    let stored = env.json(&["bench", "history", "-o", "json"]);
    assert_eq!(stored[0]["id"], result["id"]);
}
