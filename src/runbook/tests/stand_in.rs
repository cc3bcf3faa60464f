//! Carries out nothing, and remembers everything.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::Barrier;

use crate::error::{Error, Result};
use crate::event::Events;
use crate::journal::{self, Journal, Mask, Record, RunStart};
use crate::runbook::{
    Abandon, Call, Choices, Effect, History, Loaded, Performed, Performer, Prepared, Reply,
    Request, Run, Work, parse,
};
use crate::signal::Cancel;

/// What a call comes to.
pub(super) enum Comes {
    /// This output.
    To(Value),
    /// An error.
    ToNothing,
    /// Nothing, for that long.
    Late(Duration),
    /// An empty output, once as many calls have come as this waits for.
    Together(Arc<Barrier>),
}

/// Carries out nothing, and remembers everything.
#[derive(Default)]
pub(super) struct StandIn {
    pub calls: Mutex<Vec<String>>,
    /// What the next calls of a step come to; then `{"n": calls so far}`.
    pub answers: Mutex<BTreeMap<String, VecDeque<Comes>>>,
    pub replies: Mutex<BTreeMap<String, Reply>>,
    pub asked: Mutex<Vec<Request>>,
    pub abandon: Mutex<Option<Abandon>>,
    pub again: Option<bool>,
}

impl StandIn {
    pub(super) fn answers(self, step: &str, comes: impl IntoIterator<Item = Comes>) -> Self {
        self.answers.lock().unwrap().insert(step.to_owned(), comes.into_iter().collect());
        self
    }

    pub(super) fn fails(self, step: &str, times: usize) -> Self {
        self.answers(step, (0..times).map(|_| Comes::ToNothing))
    }

    pub(super) fn reply(&self, step: &str, reply: Reply) {
        self.replies.lock().unwrap().insert(step.to_owned(), reply);
    }

    pub(super) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

/// Granted by an administrator, now.
pub(super) fn granted() -> Reply {
    Reply {
        granted: true,
        by: "ada@ops".into(),
        roles: vec!["Platform.Admin".into()],
        at: "2026-11-20T09:41:07Z".into(),
        evidence: Some("ticket 7".into()),
    }
}

impl Performer for StandIn {
    /// Verbs `read …` read, verbs `change …` are gone on with, and of others nobody can tell.
    fn prepare(&self, path: &str, arguments: &Value) -> Result<Prepared> {
        let effect = match path.split(' ').nth(usize::from(path.starts_with("ops "))) {
            Some("read") => Effect::Reads,
            Some("change") => Effect::Resumes,
            Some("blind") => Effect::Unknown,
            _ => return Err(Error::usage(format!("there is no verb `platformctl {path}`"))),
        };
        let text = arguments.as_str().map_or_else(|| arguments.to_string(), str::to_owned);
        let arguments = vec![text];
        let work =
            Work::Verb { path: path.to_owned(), arguments, rehearses: path.contains("shows") };
        Ok(Prepared { work, effect })
    }

    async fn perform(&self, work: &Work, call: &Call<'_>) -> Result<Performed> {
        let rehearsal = if call.rehearse { " (rehearsal)" } else { "" };
        let line =
            format!("{}: {}{rehearsal}", call.step, work.shown().replace("platformctl ", ""));
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(line);
            calls.len()
        };
        let comes = self.answers.lock().unwrap().get_mut(call.step).and_then(VecDeque::pop_front);
        let output = match comes {
            None => json!({ "n": number }),
            Some(Comes::To(output)) => output,
            Some(Comes::ToNothing) => return Err(Error::failed("it broke")),
            Some(Comes::Together(all)) => {
                all.wait().await;
                json!({})
            }
            Some(Comes::Late(time)) => {
                tokio::select! {
                    () = tokio::time::sleep(time) => json!({}),
                    () = call.cancel.cancelled() => return Err(call.cancel.error()),
                }
            }
        };
        Ok(Performed { output, run: None })
    }

    async fn ask(&self, request: &Request) -> Result<Option<Reply>> {
        self.asked.lock().unwrap().push(request.clone());
        Ok(self.replies.lock().unwrap().get(&request.step).cloned())
    }

    async fn again(&self, _: &str, _: &str) -> Result<Option<bool>> {
        Ok(self.again)
    }

    async fn abandoned(&self) -> Result<Option<Abandon>> {
        Ok(self.abandon.lock().unwrap().clone())
    }

    fn say(&self, _: &str) {}
}

/// A runbook with these steps.
pub(super) fn runbook(steps: &str) -> Loaded {
    let head = "version: 1\nid: drill\ntitle: A drill\ninputs:\n  who: { type: string, default: acme }\nsteps:\n";
    parse("drill.yaml", &format!("{head}{steps}")).expect("a runbook")
}

pub(super) fn scope() -> Value {
    let mut inputs = Map::new();
    inputs.insert("who".into(), "acme".into());
    json!({ "inputs": inputs, "config": { "region": "eu-west-2" }, "run": { "reason": "a drill" } })
}

/// A folder with the journal of one run.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(super) fn path(&self) -> std::path::PathBuf {
        let runs = journal::list(self.0.path()).expect("runs");
        runs.first().expect("a run").path.clone()
    }

    pub(super) fn records(&self) -> Vec<Record> {
        journal::read(&self.path()).expect("records")
    }

    /// Begins a run, or goes on with the one that there is.
    pub(super) async fn go(&self, loaded: &Loaded, hands: &StandIn) -> Result<()> {
        self.go_with(loaded, hands, Choices::default(), &Cancel::never()).await
    }

    pub(super) async fn go_with(
        &self,
        loaded: &Loaded,
        hands: &StandIn,
        choices: Choices,
        cancel: &Cancel,
    ) -> Result<()> {
        let existing = journal::list(self.0.path()).expect("runs").into_iter().next();
        let (journal, history) = match existing {
            Some(run) => {
                let resumed = Journal::resume(&run.path, Mask::default(), "me@here");
                let (journal, records) = resumed.expect("a journal");
                (journal, History::of(&records))
            }
            None => {
                let journal = Journal::begin(self.0.path(), Mask::default(), start());
                (journal.expect("a journal"), History::default())
            }
        };
        let events = Events::none();
        let mut run = Run::new(loaded, hands, &journal, (&events, cancel), scope(), history);
        run.choices = choices;
        run.go().await
    }
}

fn start() -> RunStart {
    RunStart {
        verb: "runbook drill".into(),
        arguments: json!({}),
        account: None,
        region: "eu-west-2".into(),
        project: "acme".into(),
        environment: "dev".into(),
        local: true,
        by: "me@here".into(),
        reason: Some("a drill".into()),
        version: "0.1.0".into(),
    }
}
