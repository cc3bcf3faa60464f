//! Where a run stands: what its journal says of each step.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::performer::Effect;
use crate::journal::{Entry, Record, StepOutcome};

/// The name of the step in the journal under which everything is undone.
pub const UNDO: &str = "undo";

/// The name in the journal of undoing a step.
pub fn undo_of(step: &str) -> String {
    format!("{UNDO} {step}")
}

/// How a step ended, for good.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// It was done, with this output.
    Done(Value),
    /// It was left out.
    Skipped,
    /// It failed, and the run went on.
    Continued,
}

impl Settled {
    /// As expressions see it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Skipped => "skipped",
            Self::Continued => "failed",
        }
    }
}

/// Something that was begun, and whose end nobody recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// What doing it twice comes to.
    pub effect: Effect,
    /// What it is, for people.
    pub work: String,
}

/// Where a run stands.
#[derive(Debug, Clone, Default)]
pub struct History {
    settled: BTreeMap<String, Settled>,
    /// Steps that were done, in that order.
    completed: Vec<String>,
    /// Steps whose end is in the journal.
    closed: BTreeSet<String>,
    open: BTreeMap<String, Open>,
    begun: BTreeSet<String>,
    /// Requests to people that have no answer: number of the intent, and until when.
    asked: BTreeMap<String, (u64, Option<String>)>,
    /// Whether undoing began, and whether it ended.
    pub undoing: bool,
    /// Whether everything was undone.
    pub undone: bool,
    /// Whether it was given up.
    pub abandoned: bool,
}

impl History {
    /// What the records of a run say.
    pub fn of(records: &[Record]) -> Self {
        let mut history = Self::default();
        let mut intents: BTreeMap<u64, String> = BTreeMap::new();
        for record in records {
            history.read(&record.entry, &mut intents);
        }
        history
    }

    fn read(&mut self, entry: &Entry, intents: &mut BTreeMap<u64, String>) {
        match entry {
            Entry::StepStarted { step } if step == UNDO => self.undoing = true,
            Entry::StepFinished { step, outcome, .. } if step == UNDO => {
                self.undone = *outcome == StepOutcome::Done;
            }
            Entry::StepFinished { step, outcome, detail } => {
                let settled = match outcome {
                    StepOutcome::Unchanged => Some(Settled::Skipped),
                    StepOutcome::Failed if detail["continued"] == true => Some(Settled::Continued),
                    StepOutcome::Done => Some(Settled::Done(detail["output"].clone())),
                    _ => None,
                };
                if let Some(settled) = settled {
                    self.closed.insert(step.clone());
                    self.settle(step, settled);
                }
            }
            Entry::Intent { id, action, target, detail } if action.starts_with("runbook:") => {
                intents.insert(*id, target.clone());
                let effect = serde_json::from_value(detail["effect"].clone());
                let work = detail["work"].as_str().unwrap_or_default().to_owned();
                if action == "runbook:ask" {
                    let until = detail["until"].as_str().map(str::to_owned);
                    self.asked.insert(target.clone(), (*id, until));
                } else {
                    self.begin(target, Open { effect: effect.unwrap_or(Effect::Unknown), work });
                }
            }
            Entry::Outcome { id, outcome, detail } => {
                let Some(step) = intents.remove(id) else { return };
                self.asked.remove(&step);
                let unsure = *outcome == StepOutcome::Interrupted || detail["unsure"] == true;
                if !unsure {
                    self.open.remove(&step);
                }
                if *outcome == StepOutcome::Done {
                    self.settle(&step, Settled::Done(detail["output"].clone()));
                }
            }
            Entry::RunAborted { .. } => self.abandoned = true,
            _ => {}
        }
    }

    /// Something was begun.
    pub fn begin(&mut self, step: &str, open: Open) {
        self.begun.insert(step.to_owned());
        self.open.insert(step.to_owned(), open);
    }

    /// Its end is known.
    pub fn close(&mut self, step: &str) {
        self.open.remove(step);
    }

    /// A step ended for good.
    pub fn settle(&mut self, step: &str, settled: Settled) {
        let done = matches!(settled, Settled::Done(_));
        // What the work itself came to says more than the end of the step after it.
        let known =
            matches!(self.settled.get(step), Some(Settled::Done(output)) if !output.is_null());
        if done && !self.completed.iter().any(|it| it == step) {
            self.completed.push(step.to_owned());
        }
        if !(done && known) {
            self.settled.insert(step.to_owned(), settled);
        }
    }

    /// How a step ended, if it did.
    pub fn settled(&self, step: &str) -> Option<&Settled> {
        self.settled.get(step)
    }

    /// Whether the journal has the end of a step, and not only that of its work.
    pub fn is_closed(&self, step: &str) -> bool {
        self.closed.contains(step)
    }

    /// What of a step was begun and has no end.
    pub fn open(&self, step: &str) -> Option<&Open> {
        self.open.get(step)
    }

    /// Whether a step's work was begun at any time.
    pub fn has_begun(&self, step: &str) -> bool {
        self.begun.contains(step)
    }

    /// A request to people that is open: number of its intent, and until when.
    pub fn asked(&self, step: &str) -> Option<(u64, Option<String>)> {
        self.asked.get(step).cloned()
    }

    /// Steps that wait for people.
    pub fn waiting(&self) -> impl Iterator<Item = &str> {
        self.asked.keys().map(String::as_str)
    }

    /// Steps that were done, the last first.
    pub fn completed(&self) -> Vec<String> {
        self.completed.iter().rev().cloned().collect()
    }

    /// The outputs and the ends of steps, as expressions see them.
    pub fn scope(&self) -> (Value, Value) {
        let mut steps = Map::new();
        let mut outcomes = Map::new();
        for (step, settled) in &self.settled {
            outcomes.insert(step.clone(), json!(settled.word()));
            if let Settled::Done(output) = settled {
                steps.insert(step.clone(), output.clone());
            }
        }
        (Value::Object(steps), Value::Object(outcomes))
    }
}
