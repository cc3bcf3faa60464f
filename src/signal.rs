//! Ctrl-C: the first one stops starting work, so that the journal is complete
//! and the resume command can be shown; the second aborts at once.

use tokio::sync::watch;

use crate::error::{Error, Kind};

/// Tells engines that the user wants to stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cancel(watch::Receiver<bool>);

/// Raises a [`Cancel`].
#[derive(Debug)]
pub struct Canceller(watch::Sender<bool>);

impl Cancel {
    /// A signal and the handle that raises it.
    pub fn new() -> (Canceller, Self) {
        let (sender, receiver) = watch::channel(false);
        (Canceller(sender), Self(receiver))
    }

    /// A signal that is never raised.
    pub fn never() -> Self {
        Self::new().1
    }

    /// Whether the user wants to stop.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the user wants to stop.
    pub async fn cancelled(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|raised| *raised).await.is_err() {
            // The handle is gone: nobody can raise it any more.
            std::future::pending::<()>().await;
        }
    }

    /// The error that an interrupted engine returns (exit 130).
    pub fn error(&self) -> Error {
        Error::new(Kind::Interrupted, "interrupted")
    }

    /// An error if the user wants to stop.
    pub fn check(&self) -> crate::error::Result<()> {
        if self.is_cancelled() { Err(self.error()) } else { Ok(()) }
    }
}

impl Canceller {
    /// Tells every clone of the signal.
    pub fn cancel(&self) {
        self.0.send_replace(true);
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

/// Ends the process at once. Journals are fsynced line by line, and locks are
/// files: both are in order without any clean-up.
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
    async fn a_signal_without_a_handle_is_never_raised() {
        let cancel = Cancel::never();
        let waited =
            tokio::time::timeout(std::time::Duration::from_millis(5), cancel.cancelled()).await;
        assert!(waited.is_err());
    }
}
