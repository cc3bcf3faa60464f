//! One call, measured.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Why a call failed, in kinds that can be counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind, such as `throttled`, `timed out`, `function error`, `busy`.
    pub kind: String,
    /// One line for people, without secrets.
    pub message: String,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into() }
    }
}

/// What a call's own side says of it. All of it may be missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inside {
    /// How long the function ran, in milliseconds.
    pub duration_ms: Option<f64>,
    /// What is charged, in milliseconds.
    pub billed_ms: Option<f64>,
    /// How long a new execution environment took to start, in milliseconds.
    pub init_ms: Option<f64>,
    /// The most memory that the environment has used so far, in MB.
    pub memory_mb: Option<f64>,
    /// Its own steps, in milliseconds.
    pub steps_ms: BTreeMap<String, f64>,
}

/// One call, measured. Times are milliseconds, rounded to microseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// What was called.
    pub operation: String,
    /// When it was due, since the phase began to measure.
    pub at_ms: f64,
    /// From when it was due until it was answered, as the caller sees it.
    pub wall_ms: f64,
    /// How much later than due it was sent; only where calls have fixed times.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub late_ms: f64,
    /// How long the function ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// What is charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed_ms: Option<f64>,
    /// How long a new execution environment took to start. Without it, the call was warm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_ms: Option<f64>,
    /// The most memory that the environment has used so far, in MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<f64>,
    /// The function's own steps.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub steps_ms: BTreeMap<String, f64>,
    /// Why it failed. The times of failed calls are in no statistics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

/// A time as it is kept: milliseconds, to the microsecond.
pub fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 1000.0).round() / 1000.0
}

impl Sample {
    /// Puts what the call's own side said beside what the caller saw.
    pub fn with(mut self, inside: Inside) -> Self {
        let Inside { duration_ms, billed_ms, init_ms, memory_mb, steps_ms } = inside;
        self.duration_ms = duration_ms;
        self.billed_ms = billed_ms;
        self.init_ms = init_ms;
        self.memory_mb = memory_mb;
        self.steps_ms = steps_ms;
        self
    }
}
