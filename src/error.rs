//! The one error type of the CLI, and the published exit codes.
//!
//! An [`Error`] says what happened, where (file, line, column, field), what was
//! expected and what to do next (hints). Messages are lowercase fragments that
//! read well after `error: `.

use std::fmt;

/// Process exit codes. A public contract: codes are added, never changed.
pub mod exit {
    /// Success; also a deploy that found nothing to change.
    pub const OK: u8 = 0;
    /// The work was tried and failed.
    pub const FAILED: u8 = 1;
    /// Wrong flags, or a platform.yaml that does not make sense.
    pub const USAGE: u8 = 2;
    /// Changes are present; only with `--detailed-exitcode`.
    pub const CHANGES: u8 = 3;
    /// A policy rule was violated.
    pub const POLICY: u8 = 4;
    /// Another run holds the lock.
    pub const LOCKED: u8 = 5;
    /// A run waits for an approval.
    pub const WAITING: u8 = 6;
    /// Part of the work was done; `platformctl resume` goes on.
    pub const PARTIAL: u8 = 7;
    /// The live state differs from the template that made it.
    pub const DRIFT: u8 = 8;
    /// A benchmark missed an exit criterion.
    pub const CRITERION: u8 = 9;
    /// Interrupted by a signal; the journal is complete up to that point.
    pub const INTERRUPTED: u8 = 130;
}

/// What kind of failure this is; decides the exit code and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The work was tried and failed.
    Failed,
    /// The command line or a file given to it is wrong.
    Usage,
    /// A policy rule was violated.
    Policy,
    /// Another run holds a lock that this one needs.
    Locked,
    /// Part of the work was done and can be resumed.
    Partial,
    /// A run waits for an approval.
    Waiting,
    /// A signal ended the work.
    Interrupted,
}

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where in a user's file an error is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it.
    pub file: String,
    /// Line, from 1; 0 when unknown.
    pub line: usize,
    /// Column, from 1; 0 when unknown.
    pub column: usize,
    /// The field's path in the file (`network.cidr`), or empty.
    pub field: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        Ok(())
    }
}

/// An error as an operator reads it.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    place: Option<Place>,
    hints: Vec<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with a lowercase message without a final stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), place: None, hints: Vec::new(), source: None }
    }

    /// The work was tried and failed (exit 1).
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The command line or a file is wrong (exit 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Adds where in a user's file the error is.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Adds something the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds the underlying error; its text is shown as `caused by`.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The message without place, cause and hints.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where in a user's file the error is, if it is in one.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// What the user can do, in the order it was added.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// The causes, outermost first, each as one line and without repetition.
    pub fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        let mut next = std::error::Error::source(self);
        while let Some(error) = next {
            let text = error.to_string();
            let repeated = causes.last().is_some_and(|last| last.contains(&text));
            if !repeated && !text.is_empty() {
                causes.push(text);
            }
            next = error.source();
        }
        causes
    }

    /// The process exit code of this error.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Failed => exit::FAILED,
            Kind::Usage => exit::USAGE,
            Kind::Policy => exit::POLICY,
            Kind::Locked => exit::LOCKED,
            Kind::Partial => exit::PARTIAL,
            Kind::Waiting => exit::WAITING,
            Kind::Interrupted => exit::INTERRUPTED,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}", self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Adds a message to an I/O or library error on the way up.
pub trait Context<T> {
    /// Wraps the error as [`Kind::Failed`] with `message`.
    fn context(self, message: impl Into<String>) -> Result<T>;
    /// As [`Context::context`], with the message made only on failure.
    fn with_context(self, message: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: std::error::Error + Send + Sync + 'static> Context<T> for std::result::Result<T, E> {
    fn context(self, message: impl Into<String>) -> Result<T> {
        self.map_err(|error| Error::failed(message).caused_by(error))
    }

    fn with_context(self, message: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::failed(message()).caused_by(error))
    }
}
