//! Samples as series of numbers, by phase, operation and metric: what reports and comparisons
//! are made of.

use std::collections::BTreeSet;

use serde::Serialize;

use super::result::{Measured, Run};
use super::sample::Sample;
use super::stats::{Histogram, Summary};

/// Bins of the histograms in reports.
pub const BINS: usize = 24;

/// Numbers of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The phase.
    pub phase: String,
    /// The operation, in a phase with several; else none.
    pub operation: Option<String>,
    /// The metric: `wall_ms`, `duration_ms`, `init_ms`, or a step such as `step head_ms`.
    pub metric: String,
    /// The numbers, by when their calls were due.
    pub values: Vec<f64>,
}

/// A series in numbers that fit on a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Digest {
    /// The operation, in a phase with several.
    pub operation: Option<String>,
    /// The metric.
    pub metric: String,
    /// The numbers.
    pub summary: Summary,
    /// How they are spread.
    pub histogram: Histogram,
}

impl Series {
    /// As comparisons name it: `warm-read-1000 wall_ms`.
    pub fn name(&self) -> String {
        match &self.operation {
            Some(operation) => format!("{} {operation} {}", self.phase, self.metric),
            None => format!("{} {}", self.phase, self.metric),
        }
    }

    /// In numbers that fit on a page; nothing without values.
    pub fn digest(&self) -> Option<Digest> {
        Some(Digest {
            operation: self.operation.clone(),
            metric: self.metric.clone(),
            summary: Summary::of(&self.values)?,
            histogram: Histogram::of(&self.values, BINS),
        })
    }
}

/// The series of a phase: only of calls that did not fail, and without its warm-up.
pub fn of_phase(measured: &Measured) -> Vec<Series> {
    let kinds: BTreeSet<&str> = measured.phase.operations.iter().map(String::as_str).collect();
    let several = kinds.len() > 1;
    let mut series = Vec::new();
    for operation in kinds {
        let samples: Vec<&Sample> =
            measured.answered().filter(|it| it.operation == operation).collect();
        let mut add = |metric: String, values: Vec<f64>| {
            if !values.is_empty() {
                series.push(Series {
                    phase: measured.phase.name.clone(),
                    operation: several.then(|| operation.to_owned()),
                    metric,
                    values,
                });
            }
        };
        let of = |number: fn(&Sample) -> Option<f64>| -> Vec<f64> {
            samples.iter().filter_map(|it| number(it)).collect()
        };
        add("wall_ms".to_owned(), of(|it| Some(it.wall_ms)));
        add("duration_ms".to_owned(), of(|it| it.duration_ms));
        add("billed_ms".to_owned(), of(|it| it.billed_ms));
        add("init_ms".to_owned(), of(|it| it.init_ms));
        add("memory_mb".to_owned(), of(|it| it.memory_mb));
        let steps: BTreeSet<&String> = samples.iter().flat_map(|it| it.steps_ms.keys()).collect();
        for step in steps {
            // A step that did not happen took no time.
            let times = samples.iter().map(|it| it.steps_ms.get(step).copied().unwrap_or(0.0));
            add(format!("step {step}_ms"), times.collect());
        }
    }
    series
}

/// The series of all phases of a run.
pub fn of_run(run: &Run) -> Vec<Series> {
    run.phases.iter().flat_map(of_phase).collect()
}
