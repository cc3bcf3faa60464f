//! So many messages a second, and no more.

use std::time::Duration;

/// Spreads messages over time. Workers share one.
#[derive(Debug)]
pub struct Pace {
    /// Milliseconds for one message; none: as fast as can be.
    each: Option<f64>,
    /// When the next message may go, in milliseconds.
    next: f64,
}

impl Pace {
    /// `rate` messages a second at most.
    pub fn new(rate: Option<f64>) -> Self {
        Self { each: rate.map(|rate| 1000.0 / rate), next: 0.0 }
    }

    /// Asks for `count` messages. Returns how long to wait before they may go.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit for 200,000 years")]
    pub fn take(&mut self, count: u64, now_ms: u64) -> Duration {
        let Some(each) = self.each else { return Duration::ZERO };
        let now = now_ms as f64;
        let begin = self.next.max(now);
        self.next = begin + each * count as f64;
        Duration::from_secs_f64((begin - now) / 1000.0)
    }

    /// Gives back what was asked for and not needed.
    #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
    pub fn give_back(&mut self, count: u64) {
        if let Some(each) = self.each {
            self.next -= each * count as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_go_than_may() {
        let mut pace = Pace::new(Some(20.0));
        let mut now = 1_000_000;
        let mut waited = Duration::ZERO;
        for _ in 0..11 {
            let pause = pace.take(10, now);
            waited += pause;
            now += u64::try_from(pause.as_millis()).expect("small");
        }
        // 110 messages, of which the first ten may go at once.
        assert_eq!(waited, Duration::from_secs(5));
        pace.give_back(10);
        assert_eq!(pace.take(10, now), Duration::ZERO);
        // Nobody saves up for later.
        assert_eq!(pace.take(1, now + 3_600_000), Duration::ZERO);
        assert_eq!(pace.take(10, now + 3_600_000), Duration::from_millis(50));
    }

    #[test]
    fn without_a_rate_nobody_waits() {
        let mut pace = Pace::new(None);
        assert_eq!(pace.take(1_000_000, 0), Duration::ZERO);
        assert_eq!(pace.take(1, 0), Duration::ZERO);
    }
}
