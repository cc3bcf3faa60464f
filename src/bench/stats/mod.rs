//! Numbers about samples, with how sure one can be of them. Pure: no clock, no randomness.
//!
//! Latencies are skewed and have tails, so nothing here assumes a normal distribution:
//! intervals come from order statistics, comparisons from ranks. Outliers are counted and
//! shown, never dropped: a slow answer is an answer.

mod histogram;
mod quantile;
mod ranks;
mod summary;
#[cfg(test)]
mod tests;

pub use histogram::{Bin, Histogram};
pub use quantile::{Estimate, quantile};
pub use ranks::{Difference, Shift, cliffs_delta, difference, hodges_lehmann, mann_whitney};
pub use summary::{Fences, Summary};

/// The confidence of every interval.
pub const CONFIDENCE: f64 = 0.95;

/// The finite numbers, sorted.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = values.iter().copied().filter(|it| it.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// A count as a number of the statistics: exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no run has 2^53 samples")]
pub(super) fn real(count: usize) -> f64 {
    count as f64
}
