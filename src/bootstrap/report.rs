//! The audit report of a bootstrap: what was done, to what, proved how.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::steps::Step;
use crate::deploy::DeployedStack;
use crate::journal::StepOutcome;

/// Version of the report's schema.
pub const REPORT_VERSION: u32 = 1;

/// Its name, in the state folder and in the artefact bucket.
pub const REPORT_FILE: &str = "bootstrap-report.json";

/// One step in the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Its name.
    pub step: String,
    /// How it ended.
    pub outcome: StepOutcome,
    /// Duration in seconds.
    pub seconds: f64,
    /// One line for people.
    pub summary: String,
    /// Its data.
    pub detail: Value,
}

impl StepReport {
    /// A finished step.
    pub fn new(
        step: &Step,
        outcome: StepOutcome,
        took: Duration,
        summary: &str,
        detail: Value,
    ) -> Self {
        Self {
            step: step.to_string(),
            outcome,
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
            summary: summary.to_owned(),
            detail,
        }
    }
}

/// The whole report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BootstrapReport {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// Version of platformctl.
    pub platformctl: String,
    /// The run.
    pub run: String,
    /// Who ran it.
    pub by: String,
    /// When the report was written: RFC 3339, UTC.
    pub at: String,
    /// Account.
    pub account: String,
    /// Home region.
    pub region: String,
    /// Every region with stacks, home first.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Project.
    pub project: String,
    /// Environment.
    pub environment: String,
    /// Whether on the local platform.
    pub local: bool,
    /// Whether anything changed.
    pub changed: bool,
    /// The steps before the report itself, in order.
    pub steps: Vec<StepReport>,
    /// The stacks, in the order of their deploy.
    pub stacks: Vec<DeployedStack>,
    /// Number of rules that the templates were proved with.
    pub rules: usize,
    /// Findings that an exemption covers, as `rule: stack / resource: reason`.
    pub exempted: Vec<String>,
    /// SHA-256 of each function's zip.
    pub functions: BTreeMap<String, String>,
    /// Resource types that the local platform only records.
    pub recorded_only: Vec<String>,
    /// Where the report lies, a path and an S3 URI.
    pub written_to: Vec<String>,
}
