//! Where operations go.

use std::future::Future;
use std::pin::Pin;

use super::error::BackendError;
use super::objects::{ObjectOperation, ObjectReply};
use super::operation::{Operation, Reply};

/// What comes back, some time.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// Tables: those of `DynamoDB`, or some in memory. It does what it is asked; whether
/// that may be asked has been looked at before.
pub trait Backend: Send + Sync {
    /// Does it.
    fn run<'a>(&'a self, operation: &'a Operation) -> Pending<'a, Reply>;
}

/// A bucket: one of S3, or one in memory.
pub trait ObjectBackend: Send + Sync {
    /// Does it.
    fn run<'a>(&'a self, operation: &'a ObjectOperation) -> Pending<'a, ObjectReply>;
}
