//! Carries phases out: who calls what is a trait, so that this is tested without a platform.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep_until};

use super::plan::{Load, Phase};
use super::result::Measured;
use super::sample::{Failure, Inside, Sample, rounded};
use crate::error::{Error, Kind, Result};
use crate::event::{Events, Outcome};
use crate::signal::Cancel;

/// With calls at fixed times, so many are under way at most; the next waits, and is late.
const MOST_IN_FLIGHT: usize = 1_000;

/// One call that is to be made.
#[derive(Debug, Clone)]
pub struct Call {
    /// The phase that it is part of.
    pub phase: Arc<Phase>,
    /// Its number in the phase, from 0; warm-up and measured calls are numbered apart.
    pub index: usize,
    /// Whether it is before what is measured.
    pub warm_up: bool,
}

impl Call {
    /// What it does.
    pub fn operation(&self) -> &str {
        self.phase.operation(self.index)
    }
}

/// Makes calls.
pub trait Executor: Send + Sync + 'static {
    /// What has to be done before a phase, such as another memory size; not measured.
    fn begin(&self, phase: &Phase) -> impl Future<Output = Result<()>> + Send;

    /// What has to be done before one call, such as a new execution environment; not
    /// measured. Not called in phases that are not [`cold`](Phase::cold).
    fn chill(&self, call: &Call) -> impl Future<Output = Result<()>> + Send;

    /// Makes one call. The time from here to the answer is what is measured.
    fn execute(&self, call: &Call) -> impl Future<Output = Result<Inside, Failure>> + Send;
}

/// Carries phases out, and reports how far they are.
#[derive(Debug)]
pub struct Runner<E> {
    /// Who calls.
    pub executor: Arc<E>,
    /// Who is told.
    pub events: Events,
    /// When to stop.
    pub cancel: Cancel,
}

/// Calls under way, shared by those who make them.
struct Batch<E> {
    executor: Arc<E>,
    events: Events,
    cancel: Cancel,
    phase: Arc<Phase>,
    warm_up: bool,
    calls: usize,
    begun: Instant,
    next: AtomicUsize,
    stopped: AtomicBool,
    done: Mutex<(Vec<Sample>, Option<Error>)>,
}

impl<E: Executor> Runner<E> {
    /// Carries one phase out. What was measured is returned even when it fails or is
    /// interrupted; then it is not complete, and the error says why.
    pub async fn run(&self, phase: &Phase) -> (Measured, Option<Error>) {
        let id = format!("bench.{}", phase.name);
        self.events.started(&id, &phase.title, Some(phase.calls() as u64));
        let started = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
        let begun = Instant::now();
        let mut measured = Measured::of(phase.clone(), started);
        let error = self.measure(&mut measured).await.err();
        measured.complete = error.is_none();
        measured.seconds = rounded(begun.elapsed().as_secs_f64());
        let failed = measured.samples.iter().filter(|it| it.error.is_some()).count();
        let (outcome, detail) = match &error {
            Some(error) => (Outcome::Failed, error.message().to_owned()),
            None => (Outcome::Done, summary(&measured, failed)),
        };
        self.events.finished(&id, outcome, detail);
        (measured, error)
    }

    async fn measure(&self, measured: &mut Measured) -> Result<()> {
        let phase = Arc::new(measured.phase.clone());
        self.cancel.check()?;
        self.executor.begin(&phase).await?;
        let (samples, error) = self.batch(&phase, true).await;
        measured.warm_up = samples;
        error.map_or(Ok(()), Err)?;
        let (samples, error) = self.batch(&phase, false).await;
        measured.samples = samples;
        error.map_or(Ok(()), Err)
    }

    async fn batch(&self, phase: &Arc<Phase>, warm_up: bool) -> (Vec<Sample>, Option<Error>) {
        let calls = if warm_up { phase.warm_up } else { phase.count };
        let batch = Arc::new(Batch {
            executor: Arc::clone(&self.executor),
            events: self.events.clone(),
            cancel: self.cancel.clone(),
            phase: Arc::clone(phase),
            warm_up,
            calls,
            begun: Instant::now(),
            next: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            done: Mutex::default(),
        });
        match phase.load {
            Load::Closed { in_flight } => batch.closed(in_flight).await,
            // Before it measures, the same environments are called as fast as they answer.
            Load::Open { .. } if warm_up => batch.closed(1).await,
            Load::Open { per_second } => batch.open(per_second).await,
        }
        let mut done = batch.done.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut samples, mut error) = std::mem::take(&mut *done);
        if error.is_none() && samples.len() < calls {
            error = Some(self.cancel.error());
        }
        samples.sort_by(|left, right| left.at_ms.total_cmp(&right.at_ms));
        (samples, error)
    }
}

fn summary(measured: &Measured, failed: usize) -> String {
    let walls: Vec<f64> = measured.answered().map(|it| it.wall_ms).collect();
    let median = super::stats::quantile(&super::stats::sorted(&walls), 0.5);
    match (walls.is_empty(), failed) {
        (true, _) => format!("all {failed} calls failed"),
        (false, 0) => format!("median {median:.1} ms"),
        (false, _) => format!("median {median:.1} ms, {failed} failed"),
    }
}

impl<E: Executor> Batch<E> {
    async fn closed(self: &Arc<Self>, in_flight: usize) {
        let mut callers = JoinSet::new();
        for _ in 0..in_flight.max(1).min(self.calls) {
            let batch = Arc::clone(self);
            callers.spawn(async move {
                while let Some(index) = batch.take() {
                    if !batch.call(index, None).await {
                        return;
                    }
                }
            });
        }
        self.all(callers).await;
    }

    async fn open(self: &Arc<Self>, per_second: f64) {
        let mut callers = JoinSet::new();
        while let Some(index) = self.take() {
            #[expect(clippy::cast_precision_loss, reason = "counts of calls are small")]
            let due = self.begun + Duration::from_secs_f64(index as f64 / per_second);
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.cancel.cancelled() => break,
            }
            if callers.len() >= MOST_IN_FLIGHT {
                callers.join_next().await;
            }
            let batch = Arc::clone(self);
            callers.spawn(async move {
                batch.call(index, Some(due)).await;
            });
        }
        self.all(callers).await;
    }

    async fn all(&self, mut callers: JoinSet<()>) {
        while let Some(ended) = callers.join_next().await {
            if let Err(error) = ended {
                self.fail(Error::failed("a measurement broke off").caused_by(error));
            }
        }
    }

    /// The number of the next call; none once all were made or work is to stop.
    fn take(&self) -> Option<usize> {
        if self.cancel.is_cancelled() || self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        (index < self.calls).then_some(index)
    }

    /// Makes one call, which was due at a time, or is due now. Says whether to go on.
    async fn call(&self, index: usize, due: Option<Instant>) -> bool {
        let call = Call { phase: Arc::clone(&self.phase), index, warm_up: self.warm_up };
        if self.phase.cold
            && let Err(error) = self.executor.chill(&call).await
        {
            self.fail(error);
            return false;
        }
        let sent = Instant::now();
        let due = due.unwrap_or(sent);
        let answered = self.executor.execute(&call).await;
        let milliseconds = |time: Duration| rounded(time.as_secs_f64() * 1000.0);
        let sample = Sample {
            operation: call.operation().to_owned(),
            at_ms: milliseconds(due - self.begun),
            wall_ms: milliseconds(due.elapsed()),
            late_ms: milliseconds(sent - due),
            ..Sample::default()
        };
        let sample = match answered {
            Ok(inside) => sample.with(inside),
            Err(failure) => Sample { error: Some(failure), ..sample },
        };
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.0.push(sample);
        let before = if self.warm_up { 0 } else { self.phase.warm_up };
        let (id, count) = (format!("bench.{}", self.phase.name), done.0.len());
        drop(done);
        let of = self.phase.calls();
        self.events.progress(&id, (before + count) as u64, format!("{} of {of}", before + count));
        true
    }

    fn fail(&self, error: Error) {
        self.stopped.store(true, Ordering::Relaxed);
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        // What the user stopped is an interruption, whatever else came of it.
        if done.1.as_ref().is_none_or(|known| known.kind() != Kind::Interrupted) {
            done.1.get_or_insert(error);
        }
    }
}
