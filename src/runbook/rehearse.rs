//! A dry run: every read is performed, every mutation is shown.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Loaded;
use super::action::Action;
use super::express::{self, Fault};
use super::model::{Step, Wait};
use super::performer::{Call, Effect, Performer, Prepared, Work};
use super::steps::{Ready, ready};
use crate::error::{Error, Result};
use crate::signal::Cancel;

/// What became of a step in a dry run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It reads, and was done.
    Read,
    /// It reads, and could not be done yet: what it reads would be changed before.
    NotYet,
    /// It changes something, and showed what.
    Rehearsed,
    /// It changes something, or needs a person, and was printed.
    Printed,
    /// It would be left out.
    Skipped,
    /// It failed.
    Failed,
}

/// A step in a dry run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rehearsed {
    /// Its id.
    pub step: String,
    /// What kind of step.
    pub kind: &'static str,
    /// What it does.
    pub work: String,
    /// What became of it.
    pub fate: Fate,
    /// What there is to say of it.
    pub note: String,
    /// What came of it.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub output: Value,
}

/// Rehearses a runbook. Nothing is changed, and nothing is recorded.
pub async fn rehearse<P: Performer>(
    loaded: &Loaded,
    performer: &P,
    scope: Value,
    cancel: &Cancel,
) -> Result<Vec<Rehearsed>> {
    let mut rehearsal = Rehearsal { performer, cancel, scope, changed: false, done: Vec::new() };
    rehearsal.scope["steps"] = json!({});
    rehearsal.scope["outcomes"] = json!({});
    rehearsal.steps(&loaded.runbook.steps).await?;
    Ok(rehearsal.done)
}

struct Rehearsal<'a, P> {
    performer: &'a P,
    cancel: &'a Cancel,
    scope: Value,
    /// Whether a step before would have changed something.
    changed: bool,
    done: Vec<Rehearsed>,
}

impl<P: Performer> Rehearsal<'_, P> {
    async fn steps(&mut self, steps: &[Step]) -> Result<()> {
        for step in steps {
            self.cancel.check()?;
            if let Some(inner) = &step.parallel
                && self.wanted(step).0
            {
                Box::pin(self.steps(inner)).await?;
                continue;
            }
            let done = self.one(step).await;
            let line = format!("{:>10}  {}: {}", word(done.fate), done.step, done.work);
            self.performer.say(line.trim_end());
            if !done.note.is_empty() {
                for line in done.note.lines() {
                    self.performer.say(&format!("{:>10}  {line}", ""));
                }
            }
            let outcome = if done.fate == Fate::Skipped { "skipped" } else { "done" };
            self.scope["outcomes"][&step.id] = outcome.into();
            if done.fate == Fate::Read {
                self.scope["steps"][&step.id] = done.output.clone();
            }
            self.done.push(done);
        }
        Ok(())
    }

    /// Whether a step would be done, and what there is to say about that.
    fn wanted(&self, step: &Step) -> (bool, String) {
        let Some(when) = &step.when else { return (true, String::new()) };
        match express::holds(when, &self.scope) {
            Ok(holds) => (holds, format!("when {when}")),
            Err(fault) => (true, format!("if {when}: {}", fault.message)),
        }
    }

    async fn one(&mut self, step: &Step) -> Rehearsed {
        let (wanted, condition) = self.wanted(step);
        let mut done = Rehearsed {
            step: step.id.clone(),
            kind: step.kind(),
            work: step.title.clone(),
            fate: Fate::Printed,
            note: String::new(),
            output: Value::Null,
        };
        if !wanted {
            done.fate = Fate::Skipped;
            done.note = format!("not {condition}");
            return done;
        }
        if condition.starts_with("if ") {
            done.note = condition;
        }
        let Ok((_, action)) = step.action() else {
            done.fate = Fate::Failed;
            "the step does not do one thing".clone_into(&mut done.note);
            return done;
        };
        match &action {
            Action::Approval(approval) => {
                let (from, within) = (approval.from.join(" or "), approval.within);
                done.work = format!("waits at most {within} for the leave of {from}");
                done.note = self.text(&approval.text);
            }
            Action::Manual(manual) => {
                done.work = format!("waits for somebody: {}", manual.evidence);
                done.note = self.text(&manual.text);
            }
            Action::Wait(wait) => self.wait(wait, &mut done).await,
            Action::Parallel(_) => {}
            Action::Verb { .. } | Action::Http(_) => self.work(&action, &mut done).await,
        }
        done
    }

    /// A text with its expressions filled in as far as that goes.
    fn text(&self, text: &str) -> String {
        let filled = express::render_text(text, &self.scope);
        filled.unwrap_or_else(|_| text.to_owned()).trim().to_owned()
    }

    async fn wait(&mut self, wait: &Wait, done: &mut Rehearsed) {
        if let Some(pause) = wait.pause {
            done.work = format!("waits {pause}");
            return;
        }
        let (Some(read), Some(until), Some(within)) = (&wait.read, &wait.until, wait.within) else {
            return;
        };
        let Ok((_, action)) = read.action() else { return };
        self.work(&action, done).await;
        done.work = format!("waits at most {within} until {until}: {}", done.work);
        if done.fate == Fate::Read {
            let mut scope = self.scope.clone();
            scope["result"] = done.output.clone();
            done.note = match express::holds(until, &scope) {
                Ok(true) => "it holds now".to_owned(),
                Ok(false) => "it does not hold now".to_owned(),
                Err(Fault { message, .. }) => message,
            };
        }
    }

    async fn work(&mut self, action: &Action, done: &mut Rehearsed) {
        let Prepared { work, effect } = match ready(self.performer, action, &self.scope) {
            Ok(prepared) => prepared,
            Err(Ready::Undefined(message)) => {
                done.work = described(action);
                done.note = format!("only the run itself will know: {message}");
                self.changed = true;
                return;
            }
            Err(Ready::Wrong(error)) => {
                done.work = described(action);
                done.fate = Fate::Failed;
                done.note = error.to_string();
                return;
            }
        };
        done.work = work.shown();
        let rehearses = matches!(&work, Work::Verb { rehearses: true, .. });
        if effect != Effect::Reads && !rehearses {
            self.changed = true;
            return;
        }
        let cancel = self.cancel.clone();
        let rehearse = effect != Effect::Reads;
        let call = Call { run: None, step: &done.step, begun: false, rehearse, cancel };
        let result = self.performer.perform(&work, &call).await;
        match result {
            Ok(performed) => {
                done.fate = if rehearse { Fate::Rehearsed } else { Fate::Read };
                done.output = performed.output;
            }
            Err(error) => {
                done.fate = if self.changed { Fate::NotYet } else { Fate::Failed };
                done.note = said(&error);
            }
        }
        self.changed |= rehearse;
    }
}

fn said(error: &Error) -> String {
    let causes = error.causes();
    let cause = causes.first().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

/// What is done, with its expressions as they are written.
fn described(action: &Action) -> String {
    match action {
        Action::Verb { path, arguments, .. } => {
            let arguments = match arguments {
                Value::Object(fields) => fields.clone(),
                Value::Null => Map::new(),
                other => [(String::new(), other.clone())].into_iter().collect(),
            };
            let shown = arguments.iter().map(|(key, value)| {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                if key.is_empty() { value } else { format!("{key}={value}") }
            });
            format!("platformctl {path} {}", shown.collect::<Vec<_>>().join(" ")).trim_end().into()
        }
        Action::Http(http) => Work::Http(http.clone()).shown(),
        _ => String::new(),
    }
}

/// As people read it.
pub fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::Read => "read",
        Fate::NotYet => "not yet",
        Fate::Rehearsed | Fate::Printed => "would do",
        Fate::Skipped => "left out",
        Fate::Failed => "failed",
    }
}
