//! What steps do: verbs and requests, tried, timed and recorded; and waits.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::action::Action;
use super::engine::Run;
use super::express;
use super::model::{Http, Method, Retry, Step, Wait};
use super::performer::{Call, Effect, Performed, Performer, Prepared, Work};
use super::state::{Open, Settled, undo_of};
use crate::error::{Error, Kind, Result};
use crate::failpoint;
use crate::journal::StepOutcome;
use crate::signal::Cancel;

/// How long something that ran out of time has to come to an end in order.
const GRACE: Duration = Duration::from_secs(30);

/// The largest output that is kept, in bytes: it stands in the journal, which is read often.
const LARGEST: usize = 256 << 10;

/// The pause between two reads of a wait that does not say.
const PAUSE: Duration = Duration::from_secs(5);

/// What sending a request twice comes to, by its method (RFC 9110, 9.2).
pub(super) fn effect_of(http: &Http) -> Effect {
    match http.method {
        Method::Get | Method::Head => Effect::Reads,
        Method::Put | Method::Delete => Effect::Resumes,
        Method::Post | Method::Patch => Effect::Unknown,
    }
}

/// How a step's work is tried.
#[derive(Debug, Clone, Copy, Default)]
struct Patience {
    retry: Option<Retry>,
    timeout: Option<Duration>,
}

/// How a try ended that did not go well.
struct Missed {
    error: Error,
    /// Whether it may have been done all the same.
    unsure: bool,
}

/// A verb or a request with its expressions filled in.
pub(super) fn ready(
    performer: &impl Performer,
    action: &Action,
    scope: &Value,
) -> Result<Prepared, Ready> {
    let undefined = |fault: express::Fault| {
        if fault.undefined {
            Ready::Undefined(fault.message)
        } else {
            Ready::Wrong(Error::failed(fault.message))
        }
    };
    match action {
        Action::Verb { path, arguments, reads } => {
            let arguments = express::render_deep(arguments, scope).map_err(undefined)?;
            let mut prepared = performer.prepare(path, &arguments).map_err(Ready::Wrong)?;
            if *reads {
                prepared.effect = Effect::Reads;
            }
            Ok(prepared)
        }
        Action::Http(http) => {
            let filled = || -> Result<Http, express::Fault> {
                let text = |text: &String| express::render_text(text, scope);
                let mut http = http.clone();
                http.url = text(&http.url)?;
                for value in http.headers.values_mut() {
                    *value = text(value)?;
                }
                http.body = http.body.map(|it| express::render_deep(&it, scope)).transpose()?;
                Ok(http)
            };
            let http = filled().map_err(undefined)?;
            let effect = effect_of(&http);
            Ok(Prepared { work: Work::Http(http), effect })
        }
        _ => Err(Ready::Wrong(Error::usage("this is nothing that can be carried out"))),
    }
}

/// Why something is not ready to be done.
#[derive(Debug)]
pub(super) enum Ready {
    /// An expression reads what is not there.
    Undefined(String),
    /// It is wrong.
    Wrong(Error),
}

impl From<Ready> for Error {
    fn from(ready: Ready) -> Self {
        match ready {
            Ready::Undefined(message) => Self::failed(message),
            Ready::Wrong(error) => error,
        }
    }
}

impl<P: Performer> Run<'_, P> {
    /// A step's verb or request.
    pub(super) async fn work(&self, id: &str, action: &Action, step: &Step) -> Result<Value> {
        let patience = Patience { retry: step.retry, timeout: step.timeout.map(|span| span.0) };
        self.tried(id, action, patience).await
    }

    /// Undoes everything that was done and can be undone, the last first.
    pub(super) async fn undo_all(&self) -> Result<()> {
        use crate::journal::Entry;
        let step = super::state::UNDO.to_owned();
        self.journal.write(Entry::StepStarted { step: step.clone() })?;
        self.history().undoing = true;
        let completed = self.history().completed();
        let mut undone = 0;
        for id in completed {
            let Some(undo) = find(&self.loaded.runbook.steps, &id).and_then(|it| it.undo.as_ref())
            else {
                continue;
            };
            let name = undo_of(&id);
            undone += 1;
            if self.history().settled(&name).is_some() {
                continue;
            }
            let Ok((_, action)) = undo.action() else {
                return Err(Error::usage(format!("{name} does not do one thing")));
            };
            let task = format!("runbook.{name}");
            self.events.started(&task, name.clone(), None);
            self.journal.write(Entry::StepStarted { step: name.clone() })?;
            failpoint::hit(&task, self.cancel).await;
            let result = match &action {
                Action::Manual(manual) => self.manual(&name, manual).await,
                action => self.tried(&name, action, Patience::default()).await,
            };
            let shown = if result.is_ok() {
                crate::event::Outcome::Done
            } else {
                crate::event::Outcome::Failed
            };
            self.events.finished(&task, shown, "");
            match result {
                Ok(output) => {
                    self.settle(&name, Settled::Done(output.clone()));
                    self.finish(&name, StepOutcome::Done, json!({ "output": output }))?;
                }
                Err(error) if error.kind() == Kind::Waiting => return Err(error),
                Err(error) => {
                    let detail = json!({ "error": error.to_string(), "causes": error.causes() });
                    self.finish(&name, StepOutcome::of(&error), detail)?;
                    return Err(Error::new(Kind::Partial, format!("{name} failed: {error}"))
                        .caused_by(error.causes().join("\n"))
                        .hint("what was undone stays so; the rest is undone by a resume"));
                }
            }
        }
        self.finish(&step, StepOutcome::Done, json!({ "steps": undone }))?;
        self.history().undone = true;
        Ok(())
    }

    async fn tried(&self, id: &str, action: &Action, patience: Patience) -> Result<Value> {
        let Prepared { work, effect } = ready(self.performer, action, &self.scope_now())?;
        if !self.settle_interrupted(id, effect).await? {
            return Ok(Value::Null);
        }
        let tries = patience.retry.map_or(0, |retry| retry.times);
        let mut attempt = 0;
        loop {
            let Missed { error, unsure } =
                match self.attempt(id, &work, effect, attempt, patience.timeout).await? {
                    Ok(output) => return Ok(output),
                    Err(missed) => missed,
                };
            let blind = unsure && effect == Effect::Unknown;
            let again = !matches!(error.kind(), Kind::Usage | Kind::Interrupted | Kind::Waiting);
            if blind || !again || attempt >= tries {
                return Err(if blind { undecided(id, &error) } else { error });
            }
            attempt += 1;
            let every = patience.retry.map_or(Duration::ZERO, |retry| retry.every.0);
            self.events.progress(
                &format!("runbook.{id}"),
                u64::from(attempt),
                format!("try {attempt} of {tries} failed: {}", error.message()),
            );
            tokio::select! {
                () = sleep(every) => {}
                () = self.cancel.cancelled() => return Err(self.cancel.error()),
            }
        }
    }

    /// What is to become of what was interrupted: true, it is (or goes on being) done.
    async fn settle_interrupted(&self, id: &str, effect: Effect) -> Result<bool> {
        let open = self.history().open(id).cloned();
        let Some(open) =
            open.filter(|open| open.effect == Effect::Unknown && effect == Effect::Unknown)
        else {
            return Ok(true);
        };
        let repeat = if self.choices.repeat.contains(id) {
            Some(true)
        } else if self.choices.skip.contains(id) {
            Some(false)
        } else {
            self.performer.again(id, &open.work).await?
        };
        match repeat {
            Some(repeat) => {
                let what = if repeat { "is done again" } else { "is taken for done" };
                let text = format!("{id} was interrupted and {what}: {}", open.work);
                self.journal.write(crate::journal::Entry::Note { text })?;
                self.history().close(id);
                Ok(repeat)
            }
            None => {
                let error = Error::failed(format!("`{}` was interrupted", open.work));
                Err(undecided(id, &error))
            }
        }
    }

    async fn attempt(
        &self,
        id: &str,
        work: &Work,
        effect: Effect,
        attempt: u32,
        limit: Option<Duration>,
    ) -> Result<Result<Value, Missed>> {
        let begun = self.history().has_begun(id);
        let shown = self.journal.mask().text(&work.shown());
        let detail = json!({ "work": shown, "effect": effect, "attempt": attempt + 1 });
        let intent = self.journal.intent("runbook:do", id, detail)?;
        self.history().begin(id, Open { effect, work: shown });
        failpoint::hit(&format!("runbook.{id}.begun"), self.cancel).await;
        let run = self.journal.run().as_str();
        let (canceller, cancel) = Cancel::new();
        let call = Call { run: Some(run), step: id, begun, rehearse: false, cancel };
        let mut performing = std::pin::pin!(self.performer.perform(work, &call));
        let late = async {
            match limit {
                Some(limit) => sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let (result, unsure) = tokio::select! {
            result = &mut performing => (result, false),
            () = self.cancel.cancelled() => {
                canceller.cancel();
                // A second Ctrl-C ends it at once.
                let result = performing.await;
                let unsure = result.is_err();
                (result, unsure)
            }
            () = late => {
                canceller.cancel();
                let _ = timeout(GRACE, performing).await;
                let limit = humantime::format_duration(limit.unwrap_or_default());
                (Err(Error::failed(format!("took more than {limit}"))), true)
            }
        };
        failpoint::hit(&format!("runbook.{id}.performed"), self.cancel).await;
        match result {
            Ok(Performed { output, run }) => {
                let output = bounded(self.journal.mask().value(output));
                self.settle(id, Settled::Done(output.clone()));
                self.history().close(id);
                let detail = json!({ "output": output, "run": run });
                self.journal.outcome(intent, StepOutcome::Done, detail)?;
                Ok(Ok(output))
            }
            Err(error) => {
                if !unsure {
                    self.history().close(id);
                }
                let detail = json!({
                    "error": error.to_string(), "causes": error.causes(), "unsure": unsure,
                });
                self.journal.outcome(intent, StepOutcome::of(&error), detail)?;
                Ok(Err(Missed { error, unsure }))
            }
        }
    }

    /// Waits for a while, or until something is so.
    pub(super) async fn wait(&self, step: &Step, wait: &Wait) -> Result<Value> {
        if let Some(pause) = wait.pause {
            tokio::select! {
                () = sleep(pause.0) => return Ok(json!({ "waited": pause })),
                () = self.cancel.cancelled() => return Err(self.cancel.error()),
            }
        }
        let (Some(read), Some(until), Some(within)) = (&wait.read, &wait.until, wait.within) else {
            return Err(Error::usage("it is not clear what is waited for"));
        };
        let Ok((_, action)) = read.action() else {
            return Err(Error::usage("`read` does not do one thing"));
        };
        let every = wait.every.map_or(PAUSE, |span| span.0);
        let deadline = Instant::now() + within.0;
        loop {
            let last = match self.look(&step.id, &action).await {
                Ok(result) => {
                    let mut scope = self.scope_now();
                    scope["result"] = result.clone();
                    if express::holds(until, &scope).map_err(|it| Error::failed(it.message))? {
                        return Ok(result);
                    }
                    format!("`{until}` does not hold")
                }
                Err(error) if error.kind() == Kind::Interrupted => return Err(error),
                // What is waited for may not be there yet.
                Err(error) => error.to_string(),
            };
            if Instant::now() + every > deadline {
                let message = format!("waited {within} in vain: {last}");
                return Err(Error::failed(message));
            }
            self.events.progress(&format!("runbook.{}", step.id), 0, last);
            tokio::select! {
                () = sleep(every) => {}
                () = self.cancel.cancelled() => return Err(self.cancel.error()),
            }
        }
    }

    /// Reads once.
    async fn look(&self, id: &str, action: &Action) -> Result<Value> {
        let prepared = ready(self.performer, action, &self.scope_now())?;
        if prepared.effect != Effect::Reads {
            return Err(Error::usage("a wait only reads"));
        }
        let run = self.journal.run().as_str();
        let cancel = self.cancel.clone();
        let call = Call { run: Some(run), step: id, begun: false, rehearse: false, cancel };
        let performed = self.performer.perform(&prepared.work, &call).await?;
        Ok(bounded(self.journal.mask().value(performed.output)))
    }
}

/// The step of that id.
pub(super) fn find<'a>(steps: &'a [Step], id: &str) -> Option<&'a Step> {
    steps.iter().find_map(|step| {
        if step.id == id { Some(step) } else { find(step.parallel.as_deref()?, id) }
    })
}

fn bounded(output: Value) -> Value {
    let bytes = output.to_string().len();
    if bytes <= LARGEST { output } else { json!({ "too_large": true, "bytes": bytes }) }
}

/// Nobody can tell whether it was done.
fn undecided(id: &str, error: &Error) -> Error {
    Error::new(Kind::Partial, format!("nobody can tell whether it was done: {error}"))
        .hint(format!("look, and say so: `platformctl runbook resume RUN --repeat {id}` does it again, `--skip {id}` takes it for done"))
}
