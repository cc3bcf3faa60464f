//! Answers that wait until they are due, any number of them at the same time.

use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    fmt, io,
    num::NonZeroU64,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

/// Something to be done when it is due.
type Task = Box<dyn FnOnce() + Send>;

struct Due {
    at: Instant,
    /// Of two that are due at the same time, the one that came first goes first.
    number: u64,
    task: Task,
}

impl Due {
    fn key(&self) -> (Instant, u64) {
        (self.at, self.number)
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The earliest is the greatest, because a [`BinaryHeap`] gives the greatest first.
impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

#[derive(Default)]
struct Queue {
    waiting: BinaryHeap<Due>,
    next_number: u64,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        // By default Linux lets a sleep be 50 µs too long, a fifth of what a read takes. If
        // this is refused, delays are less precise, and never too short.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
        let mut queue = self.lock();
        loop {
            let Some(next) = queue.waiting.peek() else {
                if queue.closed {
                    return;
                }
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if let Some(left) = next.at.checked_duration_since(Instant::now())
                && !left.is_zero()
            {
                let waited = self.changed.wait_timeout(queue, left);
                queue = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            if let Some(due) = queue.waiting.pop() {
                drop(queue);
                (due.task)();
                queue = self.lock();
            }
        }
    }
}

/// A thread that does things when they are due. Dropped, it ends after the last of them.
pub(crate) struct DelayLine(Arc<Shared>);

impl DelayLine {
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let here = Arc::clone(&shared);
        thread::Builder::new().name("delays".to_owned()).spawn(move || here.run())?;
        Ok(Self(shared))
    }

    /// Does `task` at the time `at`, or as soon after as the system lets it.
    pub(crate) fn at(&self, at: Instant, task: impl FnOnce() + Send + 'static) {
        let mut queue = self.0.lock();
        let number = queue.next_number;
        queue.next_number += 1;
        queue.waiting.push(Due { at, number, task: Box::new(task) });
        let is_first = queue.waiting.peek().is_some_and(|first| first.number == number);
        drop(queue);
        if is_first {
            self.0.changed.notify_one();
        }
    }
}

impl fmt::Debug for DelayLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DelayLine").finish_non_exhaustive()
    }
}

impl Drop for DelayLine {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    #[test]
    fn tasks_run_in_the_order_of_their_times_and_never_early() {
        let line = DelayLine::start().unwrap();
        let (sender, receiver) = mpsc::channel();
        let started = Instant::now();
        let delays = [30, 5, 20, 0, 5, 10].map(Duration::from_millis);
        for delay in delays {
            let sender = sender.clone();
            line.at(started + delay, move || sender.send((delay, Instant::now())).unwrap());
        }
        // Also what is still waiting when the line goes.
        drop((line, sender));
        let ran: Vec<_> = receiver.iter().collect();
        let mut expected = delays;
        expected.sort_unstable();
        // What was due before the next was added may have run before it.
        let mut order: Vec<_> = ran.iter().map(|(delay, _)| *delay).collect();
        order.sort_unstable();
        assert_eq!(order, expected);
        for (delay, at) in ran {
            assert!(at >= started + delay);
        }
    }
}
