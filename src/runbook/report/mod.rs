//! What a run did, for people who were not there: who, when, what, on whose leave, and with
//! which evidence. Made from the journal alone.

mod html;
mod markdown;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::model::Step;
use super::performer::Reply;
use super::{Loaded, UNDO};
use crate::error::{Context as _, Result};
use crate::journal::{Entry, Mask, Record, RunStart, RunSummary, StepOutcome};

pub use html::html;
pub use markdown::markdown;

/// What a run keeps of its runbook, so that it can be told when the file is another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    /// The runbook's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its file.
    pub file: String,
    /// Whether it came with platformctl.
    pub embedded: bool,
    /// SHA-256 of the file.
    pub digest: String,
    /// The inputs' values.
    pub inputs: Map<String, Value>,
    /// Its steps, in order.
    pub steps: Vec<Named>,
}

/// A step by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub title: String,
    /// What kind of step.
    pub kind: String,
}

impl Begun {
    /// What a run of `loaded` with these inputs keeps.
    pub fn of(loaded: &Loaded, inputs: Map<String, Value>) -> Self {
        let runbook = &loaded.runbook;
        let mut steps = Vec::new();
        named(&runbook.steps, &mut steps);
        Self {
            id: runbook.id.clone(),
            title: runbook.title.clone(),
            file: loaded.file.clone(),
            embedded: loaded.embedded,
            digest: loaded.digest.clone(),
            inputs,
            steps,
        }
    }
}

fn named(steps: &[Step], all: &mut Vec<Named>) {
    for step in steps {
        let (id, title, kind) = (step.id.clone(), step.title.clone(), step.kind().to_owned());
        all.push(Named { id, title, kind });
        named(step.parallel.as_deref().unwrap_or_default(), all);
    }
}

/// A step, as it went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// Its id, or `undo ID`.
    pub step: String,
    /// What it is for.
    pub title: String,
    /// What kind of step.
    pub kind: String,
    /// done, failed, skipped, interrupted, waiting, or open.
    pub outcome: String,
    /// When it began: RFC 3339.
    pub began: Option<String>,
    /// When it ended: RFC 3339.
    pub ended: Option<String>,
    /// How long it took, in seconds.
    pub seconds: Option<f64>,
    /// What was done, a try each.
    pub work: Vec<String>,
    /// The runs of their own that it had.
    pub runs: Vec<String>,
    /// What people were asked.
    pub asked: Option<String>,
    /// What they said.
    pub reply: Option<Reply>,
    /// Why it failed.
    pub error: Option<String>,
    /// What came of it.
    pub output: Value,
}

/// A run, as it went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Story {
    /// The run.
    pub run: String,
    /// What it keeps of its runbook.
    pub runbook: Begun,
    /// Where it stands, in a word.
    pub state: String,
    /// Who began it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// The environment, such as `acme-dev`.
    pub environment: String,
    /// The account, once it was known.
    pub account: Option<String>,
    /// The region.
    pub region: String,
    /// When it began.
    pub started: String,
    /// When it last wrote.
    pub last: String,
    /// The error it ended with.
    pub error: Option<String>,
    /// The steps, in the order of the runbook, then what was undone.
    pub steps: Vec<Told>,
    /// What happened, in order: when, and what.
    pub timeline: Vec<(String, String)>,
}

/// Tells a run by its journal. `begun` is what the run keeps of its runbook.
pub fn tell(
    summary: &RunSummary,
    records: &[Record],
    begun: Begun,
    state: &str,
    mask: &Mask,
) -> Result<Story> {
    let RunStart { by, reason, account, region, project, environment, .. } = &summary.start;
    let mut teller = Teller::new(&begun);
    for record in records {
        teller.hear(record);
    }
    let story = Story {
        run: summary.run.clone(),
        runbook: begun,
        state: state.to_owned(),
        by: by.clone(),
        reason: reason.clone(),
        environment: format!("{project}-{environment}"),
        account: account.clone(),
        region: region.clone(),
        started: summary.started.clone(),
        last: summary.last.clone(),
        error: summary.error.clone(),
        steps: teller.steps,
        timeline: teller.timeline,
    };
    // It was masked when it was recorded; what masks know has grown since.
    let masked = mask.value(serde_json::to_value(&story).context("cannot write the report")?);
    let text = |name: &str| masked[name].as_str().map(str::to_owned);
    let mut story = story;
    story.error = text("error");
    story.reason = text("reason");
    for (told, safe) in story.steps.iter_mut().zip(masked["steps"].as_array().into_iter().flatten())
    {
        told.output = safe["output"].clone();
        told.error = safe["error"].as_str().map(str::to_owned);
    }
    for (moment, safe) in
        story.timeline.iter_mut().zip(masked["timeline"].as_array().into_iter().flatten())
    {
        safe[1].as_str().unwrap_or_default().clone_into(&mut moment.1);
    }
    Ok(story)
}

struct Teller {
    steps: Vec<Told>,
    timeline: Vec<(String, String)>,
    intents: BTreeMap<u64, String>,
}

impl Teller {
    fn new(begun: &Begun) -> Self {
        let steps = begun.steps.iter().map(|it| told(&it.id, &it.title, &it.kind)).collect();
        Self { steps, timeline: Vec::new(), intents: BTreeMap::new() }
    }

    fn step(&mut self, id: &str) -> &mut Told {
        let at = match self.steps.iter().position(|it| it.step == id) {
            Some(at) => at,
            None => {
                self.steps.push(told(id, "", UNDO));
                self.steps.len() - 1
            }
        };
        &mut self.steps[at]
    }

    fn hear(&mut self, record: &Record) {
        let at = record.at.clone();
        let line = match &record.entry {
            Entry::RunStarted(start) => format!("{} began, by {}", start.verb, start.by),
            Entry::RunResumed { by } => format!("resumed by {by}"),
            Entry::StepStarted { step } if step == UNDO => "undoing begins".to_owned(),
            Entry::StepFinished { step, .. } if step == UNDO => "undoing ended".to_owned(),
            Entry::StepStarted { step } => {
                let told = self.step(step);
                told.began.get_or_insert_with(|| at.clone());
                "open".clone_into(&mut told.outcome);
                format!("{step} begins")
            }
            Entry::StepFinished { step, outcome, detail } => {
                let word = match outcome {
                    StepOutcome::Done => "done",
                    StepOutcome::Unchanged => "skipped",
                    StepOutcome::Failed => "failed",
                    StepOutcome::Interrupted => "interrupted",
                };
                let error = detail["error"].as_str().map(str::to_owned);
                let told = self.step(step);
                word.clone_into(&mut told.outcome);
                told.ended = Some(at.clone());
                told.seconds = seconds(told.began.as_deref(), &at);
                told.error.clone_from(&error);
                if !detail["output"].is_null() {
                    told.output = detail["output"].clone();
                }
                let error = error.map(|error| format!(": {error}")).unwrap_or_default();
                format!("{step} {word}{error}")
            }
            Entry::Intent { id, action, target, detail } if action.starts_with("runbook:") => {
                self.intents.insert(*id, target.clone());
                let told = self.step(target);
                if action == "runbook:ask" {
                    told.asked = detail["text"].as_str().map(str::to_owned);
                    "waiting".clone_into(&mut told.outcome);
                    let until = detail["until"].as_str();
                    let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
                    format!("{target} waits for somebody{until}")
                } else {
                    let work = detail["work"].as_str().unwrap_or_default().to_owned();
                    told.work.push(work.clone());
                    format!("{target}: {work}")
                }
            }
            Entry::Outcome { id, outcome, detail } => {
                let Some(step) = self.intents.remove(id) else { return };
                let told = self.step(&step);
                if *outcome == StepOutcome::Done {
                    told.output = detail["output"].clone();
                    told.reply = serde_json::from_value(detail["output"].clone()).ok();
                }
                told.runs.extend(detail["run"].as_str().map(str::to_owned));
                match (&told.reply, detail["error"].as_str(), detail["run"].as_str()) {
                    (Some(reply), _, _) => format!("{step}: granted by {}", reply.by),
                    (_, Some(error), _) => format!("{step}: {error}"),
                    (_, _, Some(run)) => format!("{step}: done, in run {run}"),
                    _ => return,
                }
            }
            Entry::Note { text } => text.clone(),
            Entry::RunAborted { by, reason } => format!("aborted by {by}: {reason}"),
            Entry::RunFinished { exit_code, error } => {
                let error = error.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
                format!("ended with exit code {exit_code}{error}")
            }
            Entry::Intent { .. } => return,
        };
        self.timeline.push((at, line));
    }
}

fn told(step: &str, title: &str, kind: &str) -> Told {
    Told {
        step: step.to_owned(),
        title: title.to_owned(),
        kind: kind.to_owned(),
        outcome: "not begun".to_owned(),
        began: None,
        ended: None,
        seconds: None,
        work: Vec::new(),
        runs: Vec::new(),
        asked: None,
        reply: None,
        error: None,
        output: Value::Null,
    }
}

fn seconds(began: Option<&str>, ended: &str) -> Option<f64> {
    let time = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    Some((time(ended)? - time(began?)?).as_seconds_f64())
}

/// The time of day of an RFC 3339 text, in UTC.
fn clock(at: &str) -> String {
    at.get(..19).unwrap_or(at).replace('T', " ")
}

/// What there is to say at the top.
fn facts(story: &Story) -> Vec<(&'static str, String)> {
    let Story { run, runbook, state, by, reason, environment, account, region, .. } = story;
    let mut facts = vec![
        ("Run", run.clone()),
        ("State", state.clone()),
        ("Environment", format!("{environment} · {region}")),
    ];
    facts.extend(account.clone().map(|account| ("Account", account)));
    facts.push(("By", by.clone()));
    facts.extend(reason.clone().map(|reason| ("Reason", reason)));
    facts.push(("Began", clock(&story.started)));
    facts.push(("Last entry", clock(&story.last)));
    for (name, value) in &runbook.inputs {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        facts.push(("Input", format!("{name} = {value}")));
    }
    facts.push(("File", format!("{} (SHA-256 {})", runbook.file, runbook.digest)));
    facts.extend(story.error.clone().map(|error| ("Error", error)));
    facts
}
