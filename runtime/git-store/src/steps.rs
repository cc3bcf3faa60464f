//! The steps of an operation: to be observed, and to be timed.

use std::time::{Duration, Instant};

use runtime_core::pages::Timings;
use tracing::{Span, info_span};

/// A point in a write's protocol, or in that of maintenance, that has just been passed.
/// What is on disk at each of them decides what a crash there leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// The head was found; nothing is written yet.
    HeadFound,
    /// The pack of the commit's objects has its name and durable bytes. Git ignores it,
    /// as it has no index yet.
    PackWritten,
    /// The pack's index is durable, under a temporary name.
    IndexWritten,
    /// The file that will be the reference is durable.
    ReferencePrepared,
    /// The pack's name is durable, too: this store can read all objects.
    ObjectsDurable,
    /// The index has its name, so that git sees the pack.
    Indexed,
    /// The claim exists: the commit is part of the history.
    Claimed,
    /// The claim is durable: the write can no longer be lost.
    ClaimDurable,
    /// The reference names the new commit.
    Published,
    /// Maintenance: a pack of many commits is durable, with its index.
    Consolidated,
    /// Maintenance: the catalogue lists that pack.
    Catalogued,
    /// Maintenance: a file that is not needed any more was removed.
    Removed,
}

/// Watches an operation pass its [`Step`]s, on the thread that takes it:
/// [`Step::IndexWritten`], [`Step::ReferencePrepared`] and [`Step::Indexed`] (which comes
/// before or after the claim) have threads of their own. Tests use it to stop a writer at each point, or to kill it there.
pub trait Observer: Send + Sync {
    /// `step` has been passed.
    fn reached(&self, step: Step);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unobserved;

impl Observer for Unobserved {
    fn reached(&self, _: Step) {}
}

/// A part of an operation: a field of [`Timings`], and a span within that of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Open,
    Head,
    Read,
    WriteObjects,
    MoveReference,
    Wait,
}

impl Part {
    fn of(self, timings: &mut Timings) -> &mut u64 {
        match self {
            Self::Open => &mut timings.open,
            Self::Head => &mut timings.head,
            Self::Read => &mut timings.read,
            Self::WriteObjects => &mut timings.write_objects,
            Self::MoveReference => &mut timings.move_reference,
            Self::Wait => &mut timings.wait,
        }
    }

    /// The names of subsegments, as traces show them.
    fn span(self) -> Span {
        match self {
            Self::Open => info_span!("open"),
            Self::Head => info_span!("find head"),
            Self::Read => info_span!("read"),
            Self::WriteObjects => info_span!("write objects"),
            Self::MoveReference => info_span!("move reference"),
            Self::Wait => info_span!("wait"),
        }
    }
}

/// Measures the parts of one operation.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    started: Instant,
    timings: Timings,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), timings: Timings::default() }
    }

    /// Goes on with a measurement that has come to `timings`.
    pub(crate) fn resume(timings: Timings) -> Self {
        let started = Instant::now();
        let before = Duration::from_micros(timings.total);
        Self { started: started.checked_sub(before).unwrap_or(started), timings }
    }

    /// Runs `work` as `part`, and adds its duration to it.
    pub(crate) fn time<T>(&mut self, part: Part, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = part.span().in_scope(work);
        *part.of(&mut self.timings) += micros(started.elapsed());
        result
    }

    /// Ends the measurement.
    pub(crate) fn stop(self) -> Timings {
        Timings { total: micros(self.started.elapsed()), ..self.timings }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
