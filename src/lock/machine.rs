//! The machine that the protocol runs on: its clocks and its dice.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use runtime_core::model::{LockWrite, Timestamp, WriteId};

/// A moment on a machine's own monotonic clock, since an arbitrary beginning. Moments of
/// two machines have nothing to do with each other.
pub type Moment = Duration;

/// What the protocol needs of the machine that it runs on.
pub trait Machine: Send + Sync {
    /// Now, on the machine's own monotonic clock.
    fn now(&self) -> Moment;

    /// Returns at `moment` or later.
    fn sleep_until(&self, moment: Moment) -> impl Future<Output = ()> + Send;

    /// A write that is like no other. Its time is for people.
    fn write(&self) -> LockWrite;

    /// Between nothing and `most`, at random: so that those who wait do not ask in step.
    fn jitter(&self, most: Duration) -> Duration;
}

/// This machine.
///
/// Its clock may stand still while a laptop sleeps. Then the holder believes longer than
/// it should that the lease is its own: that is what fencing tokens are for.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

/// When the clock began, for everybody in this process: a moment that one part of it noted
/// is the same for all others.
fn begun() -> Instant {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    *BEGUN.get_or_init(Instant::now)
}

impl Machine for System {
    fn now(&self) -> Moment {
        begun().elapsed()
    }

    async fn sleep_until(&self, moment: Moment) {
        tokio::time::sleep_until((begun() + moment).into()).await;
    }

    fn write(&self) -> LockWrite {
        LockWrite { id: WriteId::generate(), at: Timestamp::now() }
    }

    fn jitter(&self, most: Duration) -> Duration {
        most.mul_f64(rand::random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_of_a_process_have_one_clock() {
        let first = System.now();
        std::thread::sleep(Duration::from_millis(2));
        // A lease that is taken by one part and kept by another runs out when it should.
        assert!(System.now() > first);
    }
}
