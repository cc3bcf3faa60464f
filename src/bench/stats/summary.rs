//! The usual numbers about a set of samples.

use serde::{Deserialize, Serialize};

use super::{Estimate, quantile, real, sorted};

/// Tukey's fences: what is beyond them is an outlier, which is shown and not dropped.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fences {
    /// First quartile less 1.5 times the distance of the quartiles.
    pub low: f64,
    /// Third quartile plus 1.5 times the distance of the quartiles.
    pub high: f64,
    /// Third quartile plus 3 times the distance of the quartiles.
    pub far: f64,
}

/// What one says of a set of samples, all in the samples' own unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many there are.
    pub count: usize,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The arithmetic mean.
    pub mean: f64,
    /// The standard deviation of the samples (n - 1); 0 for one sample.
    pub deviation: f64,
    /// The 50th percentile.
    pub p50: Estimate,
    /// The 90th percentile.
    pub p90: Estimate,
    /// The 95th percentile.
    pub p95: Estimate,
    /// The 99th percentile.
    pub p99: Estimate,
    /// Tukey's fences.
    pub fences: Fences,
    /// How many samples are beyond the fences.
    pub outliers: usize,
    /// How many of them are beyond the far fence.
    pub far_outliers: usize,
}

impl Summary {
    /// Of values in any order; `None` when no value is finite.
    pub fn of(values: &[f64]) -> Option<Self> {
        let sorted = sorted(values);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let count = sorted.len();
        let mean = sorted.iter().sum::<f64>() / real(count);
        let squares: f64 = sorted.iter().map(|it| (it - mean).powi(2)).sum();
        let deviation = if count > 1 { (squares / real(count - 1)).sqrt() } else { 0.0 };
        let fences = Fences::of(&sorted);
        let beyond = |it: &&f64| **it < fences.low || **it > fences.high;
        let at = |share| Estimate::of_quantile(&sorted, share);
        Some(Self {
            count,
            min,
            max,
            mean,
            deviation,
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            fences,
            outliers: sorted.iter().filter(beyond).count(),
            far_outliers: sorted.iter().filter(|it| **it > fences.far).count(),
        })
    }
}

impl Fences {
    /// Of sorted values.
    pub fn of(sorted: &[f64]) -> Self {
        let (first, third) = (quantile(sorted, 0.25), quantile(sorted, 0.75));
        let distance = third - first;
        Self {
            low: first - 1.5 * distance,
            high: third + 1.5 * distance,
            far: third + 3.0 * distance,
        }
    }
}
