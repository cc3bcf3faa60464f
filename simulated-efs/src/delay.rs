//! Waiting, precisely and without burning a processor.

use std::{
    cell::Cell,
    num::NonZeroU64,
    thread,
    time::{Duration, Instant},
};

/// Sleeps until `started + delay`. The thread's timer slack is set to the least there is
/// first: by default Linux lets a sleep be 50 µs too long, a fifth of what a read takes.
pub(crate) fn until(started: Instant, delay: Duration) {
    thread_local! {
        static PRECISE: Cell<bool> = const { Cell::new(false) };
    }
    if delay.is_zero() {
        return;
    }
    if !PRECISE.replace(true) {
        // Refused or unknown: the delay is then less precise and never too short.
        #[cfg(target_os = "linux")]
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
    }
    let end = started + delay;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) {
        thread::sleep(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_never_too_short() {
        for micros in [1, 250, 2_700] {
            let delay = Duration::from_micros(micros);
            let started = Instant::now();
            until(started, delay);
            assert!(started.elapsed() >= delay);
        }
    }

    #[test]
    fn what_has_passed_already_counts() {
        let started = Instant::now();
        thread::sleep(Duration::from_millis(5));
        let before = Instant::now();
        until(started, Duration::from_millis(1));
        assert!(before.duration_since(started) >= Duration::from_millis(5));
    }
}
