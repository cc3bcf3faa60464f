//! Work at the same time: on a network file system most of it is waiting.

use std::thread;

/// Work on a thread beside, or its result if there could be no thread.
pub(crate) enum Beside<'scope, T> {
    Thread(thread::ScopedJoinHandle<'scope, T>),
    Done(T),
}

/// Does `work` beside what the caller goes on with.
pub(crate) fn beside<'scope, 'env, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, 'env>,
    work: impl FnOnce() -> T + Send + Clone + 'scope,
) -> Beside<'scope, T> {
    match thread::Builder::new().spawn_scoped(scope, work.clone()) {
        Ok(handle) => Beside::Thread(handle),
        Err(error) => {
            tracing::warn!(%error, "failed to start a thread; going on without");
            Beside::Done(work())
        }
    }
}

impl<T> Beside<'_, T> {
    /// Its result. A panic goes on here.
    pub(crate) fn wait(self) -> T {
        match self {
            Self::Thread(handle) => {
                handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }
            Self::Done(result) => result,
        }
    }
}
