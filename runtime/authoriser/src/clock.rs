//! What time it is, and how long ago something was.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use runtime_core::model::Timestamp;
use time::OffsetDateTime;

/// A moment, by two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970: what tokens speak of.
    pub wall: i64,
    /// Since some beginning, and never backwards: what caches go by.
    pub steady: Duration,
}

impl Moment {
    /// As stored items have it.
    pub(crate) fn timestamp(self) -> Option<Timestamp> {
        OffsetDateTime::from_unix_timestamp(self.wall).ok().map(Timestamp::from)
    }
}

/// A clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Moment;
}

/// The clocks of the machine.
#[derive(Debug, Clone, Copy)]
pub struct MachineClock(Instant);

impl Default for MachineClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Moment {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment { wall: i64::try_from(wall.as_secs()).unwrap_or(i64::MAX), steady: self.0.elapsed() }
    }
}
