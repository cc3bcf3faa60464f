//! How far work came.

/// How far the work for a tenant came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There was nothing to do, or somebody else did it meanwhile.
    Nothing,
    /// It is done.
    Done,
    /// It is under way; the next call goes on with it.
    UnderWay,
    /// It cannot be done; the reason is recorded.
    Failed(String),
}

/// How far a stack came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is as it should be.
    Done,
    /// It is under way.
    UnderWay,
    /// It cannot be so; the first failure.
    Failed(String),
}
