//! One line of progress for work on more stacks than can be shown one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::event::{Events, Outcome};

/// How far many stacks have come; says nothing when they are few. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Overall(Option<Arc<Counted>>);

#[derive(Debug)]
struct Counted {
    events: Events,
    task: String,
    total: usize,
    done: AtomicUsize,
}

impl Overall {
    /// Begins to count up to `total`, when that is more than `shown` at once.
    pub(super) fn begin(events: &Events, verb: &str, total: usize, shown: usize) -> Self {
        if total <= shown {
            return Self(None);
        }
        let task = format!("{verb}.all");
        events.started(&task, format!("{verb} {total} stacks"), Some(total as u64));
        let done = AtomicUsize::new(0);
        Self(Some(Arc::new(Counted { events: events.clone(), task, total, done })))
    }

    /// Another stack came to its end.
    pub(super) fn one_more(&self) {
        if let Some(counted) = &self.0 {
            let done = counted.done.fetch_add(1, Ordering::Relaxed) + 1;
            let words = format!("{done} of {}", counted.total);
            counted.events.progress(&counted.task, done as u64, words);
        }
    }

    /// No more will come.
    pub(super) fn end(&self) {
        if let Some(counted) = &self.0 {
            let done = counted.done.load(Ordering::Relaxed);
            let outcome = if done == counted.total { Outcome::Done } else { Outcome::Failed };
            counted.events.finished(&counted.task, outcome, format!("{done} of {}", counted.total));
        }
    }
}
