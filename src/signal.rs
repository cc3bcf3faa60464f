//! What stops an engine. Ctrl-C: the first one stops starting work, so that the journal
//! is complete and the resume command can be shown; the second aborts at once. And a lock
//! that was lost: what it guarded must not go on.

use tokio::sync::watch;

use crate::error::{Error, Kind};

/// Why engines are to stop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Raised {
    /// They are not.
    #[default]
    No,
    /// The user wants it.
    ByUser,
    /// They may not go on.
    Lost(String),
}

/// Tells engines to stop: the user wants it, or a lock was lost. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cancel(watch::Receiver<Raised>);

/// Raises a [`Cancel`]. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Canceller(watch::Sender<Raised>);

impl Cancel {
    /// A signal and the handle that raises it.
    pub fn new() -> (Canceller, Self) {
        let (sender, receiver) = watch::channel(Raised::No);
        (Canceller(sender), Self(receiver))
    }

    /// A signal that is never raised.
    pub fn never() -> Self {
        Self::new().1
    }

    /// A signal of its own that is raised with this one, and the handle that raises it
    /// alone.
    pub fn child(&self) -> (Canceller, Self) {
        let (canceller, child) = Self::new();
        let (parent, sender) = (self.clone(), canceller.0.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = parent.cancelled() => {
                    let why = parent.0.borrow().clone();
                    sender.send_if_modified(|raised| {
                        let first = *raised == Raised::No;
                        if first {
                            *raised = why;
                        }
                        first
                    });
                }
                () = sender.closed() => {}
            }
        });
        (canceller, child)
    }

    /// Whether to stop.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow() != Raised::No
    }

    /// Returns when work is to stop.
    pub async fn cancelled(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|raised| *raised != Raised::No).await.is_err() {
            // The handle is gone: nobody can raise it any more.
            std::future::pending::<()>().await;
        }
    }

    /// The error that an engine returns which was stopped (exit 130, or 7 when a lock was
    /// lost).
    pub fn error(&self) -> Error {
        match &*self.0.borrow() {
            Raised::Lost(why) => Error::new(Kind::Partial, why.clone()),
            Raised::No | Raised::ByUser => Error::new(Kind::Interrupted, "interrupted"),
        }
    }

    /// An error if work is to stop.
    pub fn check(&self) -> crate::error::Result<()> {
        if self.is_cancelled() { Err(self.error()) } else { Ok(()) }
    }
}

impl Canceller {
    /// Tells every clone of the signal.
    pub fn cancel(&self) {
        self.0.send_replace(Raised::ByUser);
    }

    /// Tells every clone of the signal that the work may not go on, and why: a lowercase
    /// fragment.
    pub fn lose(&self, why: impl Into<String>) {
        let why = why.into();
        self.0.send_if_modified(|raised| {
            let first = *raised == Raised::No;
            if first {
                *raised = Raised::Lost(why);
            }
            first
        });
    }
}

/// Raises `canceller` on the first SIGINT or SIGTERM, after `told(true)`; ends the
/// process on the second, after `told(false)`.
pub fn listen(canceller: Canceller, told: impl Fn(bool) + Send + 'static) {
    tokio::spawn(async move {
        wait_for_signal().await;
        told(true);
        canceller.cancel();
        wait_for_signal().await;
        told(false);
        abort();
    });
}

/// Ends the process at once. Journals are fsynced line by line, locks of the machine are
/// files, and leases run out: all are in order without any clean-up.
#[expect(clippy::exit, reason = "the user asked twice")]
fn abort() -> ! {
    std::process::exit(i32::from(crate::error::exit::INTERRUPTED))
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        std::future::pending::<()>().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_hears_it() {
        let (canceller, cancel) = Cancel::new();
        let clone = cancel.clone();
        assert!(cancel.check().is_ok());
        canceller.cancel();
        clone.cancelled().await;
        assert_eq!(clone.check().expect_err("cancelled").exit_code(), 130);
    }

    #[tokio::test]
    async fn a_lost_lock_stops_what_it_guards_alone_and_ctrl_c_stops_all() {
        let (canceller, parent) = Cancel::new();
        let (lock, guarded) = parent.child();
        lock.lose("the lock was lost");
        guarded.cancelled().await;
        let error = guarded.check().expect_err("lost");
        assert_eq!((error.exit_code(), error.message()), (7, "the lock was lost"));
        assert!(parent.check().is_ok());
        let (_lock, other) = parent.child();
        canceller.cancel();
        other.cancelled().await;
        assert_eq!(other.check().expect_err("cancelled").exit_code(), 130);
        // What came first counts.
        assert_eq!(guarded.check().expect_err("lost").exit_code(), 7);
    }

    #[tokio::test]
    async fn a_signal_without_a_handle_is_never_raised() {
        let cancel = Cancel::never();
        let waited =
            tokio::time::timeout(std::time::Duration::from_millis(5), cancel.cancelled()).await;
        assert!(waited.is_err());
    }
}
