//! A machine's clocks: one that only goes forward, at its own pace, and one on the wall
//! that shows something else.

use std::time::Duration;

use platformctl::lock::Moment;

/// Clocks, as seen from outside of the world.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    /// The pace, where 1 is right.
    pace: f64,
    /// When the pace last changed: in the world, and on the clock.
    since: (Duration, Moment),
    /// How far the clock on the wall is ahead of the year 2026.
    wall: Duration,
}

impl Clock {
    pub(super) fn new(pace: f64, shows: Moment, wall: Duration) -> Self {
        Self { pace, since: (Duration::ZERO, shows), wall }
    }

    /// What it shows.
    pub(super) fn shows(&self, world: Duration) -> Moment {
        self.since.1 + world.saturating_sub(self.since.0).mul_f64(self.pace)
    }

    /// When it will show `moment`, if its pace stays.
    pub(super) fn at(&self, moment: Moment) -> Duration {
        let left = moment.saturating_sub(self.since.1).as_secs_f64() / self.pace;
        // Rounded up, or it would not be there yet.
        self.since.0 + Duration::from_secs_f64(left) + Duration::from_micros(1)
    }

    /// Goes on with another pace.
    pub(super) fn drift(&mut self, world: Duration, pace: f64) {
        self.since = (world, self.shows(world));
        self.pace = pace;
    }

    /// Stands still until `until`, as while a laptop sleeps.
    pub(super) fn stop(&mut self, world: Duration, until: Duration) {
        self.since = (until, self.shows(world));
    }

    /// What the clock on the wall shows, in seconds since 1970.
    pub(super) fn wall(&self, world: Duration) -> i64 {
        const YEAR_2026: i64 = 1_767_225_600;
        let ahead = self.wall + world.mul_f64(self.pace);
        YEAR_2026 + i64::try_from(ahead.as_secs()).unwrap_or(0)
    }
}
