//! Journals as a process leaves them behind, written by hand.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::env::TestEnv;

/// A journal under the pen. Lines are ten seconds apart.
pub struct Journal {
    run: String,
    text: String,
    seq: u64,
}

impl Journal {
    /// A run of `verb`, begun on `day` of November 2026, called `letters`.
    pub fn of(verb: &str, day: u8, letters: &str) -> Self {
        let run = format!("2026-11-{day:02}-{letters}");
        let mut journal = Self { run, text: String::new(), seq: 0 };
        journal.line(&json!({
            "kind": "run_started",
            "verb": verb,
            "arguments": {
                "scope": { "config": null, "environment": null, "region": null, "profile": null, "local": false },
                "args": { "stacks": [], "yes": true, "dry_run": false, "recreate": false,
                    "print_policy": false, "with_artefacts": false, "reason": null,
                    "code": { "source": null, "artefacts": "." },
                    "rules": { "rules": null, "exemptions": null } },
            },
            "account": "111122223333",
            "region": "eu-west-2",
            "project": "acme",
            "environment": "dev",
            "local": false,
            "by": "ops@ci",
            "reason": null,
            "version": "0.1.0",
        }));
        journal
    }

    /// A step that ended well.
    pub fn done(&mut self, step: &str) -> &mut Self {
        self.line(&json!({ "kind": "step_started", "step": step }));
        self.line(
            &json!({ "kind": "step_finished", "step": step, "outcome": "done", "detail": {} }),
        )
    }

    /// A step that began, with a mutation that did not end.
    pub fn open(&mut self, step: &str) -> &mut Self {
        self.line(&json!({ "kind": "step_started", "step": step }));
        self.line(&json!({
            "kind": "intent", "id": 1, "action": "cloudformation:ExecuteChangeSet",
            "target": "acme-dev-efs", "detail": {},
        }))
    }

    /// The end of the run.
    pub fn ended(&mut self, code: u8, error: Option<&str>) -> &mut Self {
        self.line(&json!({ "kind": "run_finished", "exit_code": code, "error": error }))
    }

    /// What a crash in mid-write leaves.
    pub fn torn(&mut self) -> &mut Self {
        self.text.push_str(r#"{"v":1,"seq":9,"at":"2026-11"#);
        self
    }

    /// Any text at the end.
    pub fn raw(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Replaces text in what was written so far.
    pub fn replace(&mut self, from: &str, to: &str) -> &mut Self {
        assert!(self.text.contains(from), "{from} is not in {}", self.text);
        self.text = self.text.replace(from, to);
        self
    }

    /// Puts it where platformctl looks for journals.
    pub fn save(&self, env: &TestEnv) {
        std::fs::create_dir_all(env.runs()).expect("a folder");
        std::fs::write(env.runs().join(format!("{}.jsonl", self.run)), &self.text).expect("a file");
    }

    fn line(&mut self, entry: &Value) -> &mut Self {
        self.seq += 1;
        let day = &self.run[..10];
        let at = format!("{day}T09:{:02}:{:02}.5Z", self.seq / 6, self.seq % 6 * 10);
        let record = json!({ "v": 1, "seq": self.seq, "at": at, "run": self.run, "entry": entry });
        writeln!(self.text, "{record}").expect("a string");
        self
    }
}
