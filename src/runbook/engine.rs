//! Carries a runbook out: step after step, each recorded before and after, so that a run
//! that is cut off anywhere is gone on with.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use serde_json::{Value, json};

use super::Loaded;
use super::action::Action;
use super::express;
use super::model::{OnFailure, Step};
use super::performer::{Abandon, Performer};
use super::state::{History, Settled};
use crate::error::{Error, Kind, Result};
use crate::event::{Events, Outcome};
use crate::failpoint;
use crate::journal::{Entry, Journal, StepOutcome};
use crate::signal::Cancel;

/// What is to become of steps that were interrupted where nobody can tell whether they
/// were done.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// They are done again.
    pub repeat: BTreeSet<String>,
    /// They are left out.
    pub skip: BTreeSet<String>,
}

/// A run of a runbook.
pub struct Run<'a, P> {
    /// The runbook.
    pub loaded: &'a Loaded,
    /// Whoever does what it says.
    pub performer: &'a P,
    /// The run's journal.
    pub journal: &'a Journal,
    /// Where progress goes.
    pub events: &'a Events,
    /// Whether to stop.
    pub cancel: &'a Cancel,
    /// What expressions read of inputs, configuration and run: `inputs`, `config`, `run`.
    pub scope: Value,
    /// What is to become of interrupted steps.
    pub choices: Choices,
    history: Mutex<History>,
}

impl<P> std::fmt::Debug for Run<'_, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("runbook", &self.loaded.runbook.id).finish_non_exhaustive()
    }
}

impl<'a, P: Performer> Run<'a, P> {
    /// A run with what its journal says so far.
    pub fn new(
        loaded: &'a Loaded,
        performer: &'a P,
        journal: &'a Journal,
        (events, cancel): (&'a Events, &'a Cancel),
        scope: Value,
        history: History,
    ) -> Self {
        let choices = Choices::default();
        let history = Mutex::new(history);
        Self { loaded, performer, journal, events, cancel, scope, choices, history }
    }

    /// Runs it to its end, or goes on with it.
    pub async fn go(&self) -> Result<()> {
        let (undoing, undone, abandoned) = {
            let history = self.history();
            (history.undoing, history.undone, history.abandoned)
        };
        if undone || abandoned {
            let what = if undone { "was undone" } else { "was aborted" };
            let id = &self.loaded.runbook.id;
            return Err(Error::usage(format!("this run {what}; there is nothing to go on with"))
                .hint(format!("begin again with `platformctl runbook run {id}`")));
        }
        if undoing {
            self.undo_all().await?;
            return Err(Error::failed("a step had failed, and what was done is undone"));
        }
        self.sequence(&self.loaded.runbook.steps).await
    }

    async fn sequence(&self, steps: &[Step]) -> Result<()> {
        for step in steps {
            self.cancel.check()?;
            if let Some(told) = self.performer.abandoned().await? {
                return Err(self.give_up(&told).await?);
            }
            let Err(error) = self.one(step).await else { continue };
            if error.kind() == Kind::Waiting
                && let Some(told) = self.performer.abandoned().await?
            {
                return Err(self.give_up(&told).await?);
            }
            if step.on_failure != OnFailure::Undo || stays_open(&error) {
                return Err(error);
            }
            self.undo_all().await?;
            return Err(Error::new(Kind::Failed, format!("{error}; what was done is undone")));
        }
        Ok(())
    }

    /// Records that the run is given up, and undoes it if that is wanted; the error that it
    /// ends with.
    pub async fn give_up(&self, told: &Abandon) -> Result<Error> {
        let Abandon { by, reason, undo } = told;
        let (by, reason) = (by.clone(), reason.clone());
        if *undo {
            self.undo_all().await?;
        }
        let message = format!("aborted by {by}: {reason}");
        self.journal.write(Entry::RunAborted { by, reason })?;
        self.history().abandoned = true;
        Ok(Error::failed(message))
    }

    /// One step to its end. A failure after which the run goes on is no error.
    async fn one(&self, step: &Step) -> Result<()> {
        let id = &step.id;
        let (settled, closed) = {
            let history = self.history();
            (history.settled(id).cloned(), history.is_closed(id))
        };
        if let Some(settled) = settled {
            // Cut off between its work and its end.
            if !closed && let Settled::Done(output) = settled {
                self.finish(id, StepOutcome::Done, json!({ "output": output }))?;
            }
            return Ok(());
        }
        let task = format!("runbook.{id}");
        let label =
            if step.title.is_empty() { id.clone() } else { format!("{id}: {}", step.title) };
        match self.is_wanted(step) {
            Ok(true) => {}
            Ok(false) => {
                self.events.started(&task, label, None);
                let detail = json!({ "skipped": step.when });
                self.finish(id, StepOutcome::Unchanged, detail)?;
                self.settle(id, Settled::Skipped);
                self.events.finished(&task, Outcome::Skipped, "left out");
                return Ok(());
            }
            Err(error) => return self.failed(step, &task, error),
        }
        self.journal.write(Entry::StepStarted { step: id.clone() })?;
        failpoint::hit(&task, self.cancel).await;
        self.events.started(&task, label, None);
        match self.act(step).await {
            Ok(output) => {
                // That of work and of people is in the journal already.
                let detail = match step.kind() {
                    "wait" | "parallel" => json!({ "output": output }),
                    _ => json!({}),
                };
                self.settle(id, Settled::Done(output));
                self.finish(id, StepOutcome::Done, detail)?;
                self.events.finished(&task, Outcome::Done, "");
                failpoint::hit(&format!("{task}.done"), self.cancel).await;
                Ok(())
            }
            Err(error) => self.failed(step, &task, error),
        }
    }

    fn is_wanted(&self, step: &Step) -> Result<bool> {
        let Some(when) = &step.when else { return Ok(true) };
        express::holds(when, &self.scope_now()).map_err(|fault| {
            Error::failed(format!("`when` of step {}: {}", step.id, fault.message))
        })
    }

    async fn act(&self, step: &Step) -> Result<Value> {
        let Ok((_, action)) = step.action() else {
            return Err(Error::usage(format!("step {} does not do one thing", step.id)));
        };
        match &action {
            Action::Parallel(steps) => self.at_once(steps).await.map(|()| json!({})),
            Action::Approval(approval) => self.approval(&step.id, approval).await,
            Action::Manual(manual) => self.manual(&step.id, manual).await,
            Action::Wait(wait) => self.wait(step, wait).await,
            Action::Verb { .. } | Action::Http(_) => self.work(&step.id, &action, step).await,
        }
    }

    /// Several steps at once; all come to an end, whatever becomes of the others.
    async fn at_once(&self, steps: &[Step]) -> Result<()> {
        type Boxed<'f> = Pin<Box<dyn Future<Output = Result<()>> + 'f>>;
        let mut futures: Vec<Option<Boxed<'_>>> =
            steps.iter().map(|step| Some(Box::pin(self.one(step)) as Boxed<'_>)).collect();
        let mut errors: Vec<Error> = Vec::new();
        std::future::poll_fn(|context| {
            for slot in &mut futures {
                if let Some(future) = slot
                    && let Poll::Ready(result) = future.as_mut().poll(context)
                {
                    errors.extend(result.err());
                    *slot = None;
                }
            }
            if futures.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        // Whoever waits for people waits; what failed for good is said first.
        errors.sort_by_key(stays_open);
        errors.into_iter().next().map_or(Ok(()), Err)
    }

    /// Records that a step failed; no error when the run goes on.
    fn failed(&self, step: &Step, task: &str, error: Error) -> Result<()> {
        let id = &step.id;
        if error.kind() == Kind::Waiting {
            self.events.finished(task, Outcome::Skipped, "waits");
            return Err(error);
        }
        let goes_on = step.on_failure == OnFailure::Continue && !stays_open(&error);
        let outcome = StepOutcome::of(&error);
        let causes = error.causes();
        let detail = json!({ "error": error.to_string(), "causes": causes, "continued": goes_on });
        self.finish(id, outcome, detail)?;
        self.events.finished(task, Outcome::Failed, error.message());
        if goes_on {
            self.settle(id, Settled::Continued);
            return Ok(());
        }
        Err(within(&error, &format!("step {id}")))
    }

    pub(super) fn finish(&self, step: &str, outcome: StepOutcome, detail: Value) -> Result<()> {
        self.journal.write(Entry::StepFinished { step: step.to_owned(), outcome, detail })
    }

    pub(super) fn settle(&self, step: &str, settled: Settled) {
        self.history().settle(step, settled);
    }

    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        // It is a value without invariants between two of its fields.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What expressions read now.
    pub(super) fn scope_now(&self) -> Value {
        let mut scope = self.scope.clone();
        let (steps, outcomes) = self.history().scope();
        scope["steps"] = steps;
        scope["outcomes"] = outcomes;
        scope
    }
}

/// Whether a step that ended so has not ended: it is gone on with, whatever its
/// `on_failure` says.
fn stays_open(error: &Error) -> bool {
    matches!(error.kind(), Kind::Interrupted | Kind::Waiting | Kind::Partial)
}

/// The same error, with what it happened in before it.
fn within(error: &Error, what: &str) -> Error {
    // A wrong argument of a step is no wrong argument of the run.
    let kind = match error.kind() {
        Kind::Usage => Kind::Failed,
        kind => kind,
    };
    let mut outer = Error::new(kind, format!("{what}: {error}"));
    for hint in error.hints() {
        outer = outer.hint(hint.clone());
    }
    let causes = error.causes();
    if causes.is_empty() { outer } else { outer.caused_by(causes.join("\n")) }
}
