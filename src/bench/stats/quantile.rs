//! Quantiles, and intervals for them from order statistics.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF as _};

use super::{CONFIDENCE, real};

/// A number, and the interval in which the true one lies with [`CONFIDENCE`].
///
/// A bound that the samples do not give is `None`: of 50 samples, no one is above the 95th
/// percentile with enough certainty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// The lower end of its interval.
    pub low: Option<f64>,
    /// The upper end of its interval.
    pub high: Option<f64>,
}

/// The `share`-quantile of sorted values, interpolated linearly between neighbours (type 7 of
/// Hyndman and Fan, 1996, as in R and `NumPy`). `NaN` for no values.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = share.clamp(0.0, 1.0) * real(last);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to last")]
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    let part = place - real(below);
    sorted[below] + (sorted[above] - sorted[below]) * part
}

impl Estimate {
    /// The `share`-quantile of sorted values, with its interval. The number of samples at or
    /// below the true quantile has a binomial distribution, whatever the samples' own is:
    /// two order statistics thus enclose it with at least the wanted probability.
    pub fn of_quantile(sorted: &[f64], share: f64) -> Self {
        let value = quantile(sorted, share);
        let (low, high) = bounds(sorted, share);
        Self { value, low, high }
    }
}

fn bounds(sorted: &[f64], share: f64) -> (Option<f64>, Option<f64>) {
    let Ok(below) = Binomial::new(share, sorted.len() as u64) else { return (None, None) };
    let tail = (1.0 - CONFIDENCE) / 2.0;
    // P(all ranks < r) = P(count of samples at or below the quantile < r), ranks from 1. The
    // distribution is monotone: both ends are found by bisection.
    let cumulated = |count: u64| below.cdf(count);
    let total = sorted.len() as u64;
    // The greatest rank of which P(count < rank) is at most the tail.
    let low = last(total, |rank| cumulated(rank - 1) <= tail);
    // The least rank of which P(count < rank) is at least the rest.
    let high = last(total, |rank| cumulated(rank - 1) < 1.0 - tail).map_or(1, |rank| rank + 1);
    let at = |rank: u64| usize::try_from(rank - 1).ok().and_then(|index| sorted.get(index));
    (low.and_then(at).copied(), at(high).copied())
}

/// The greatest of 1 to `most` of which `holds` is true, where it is true up to some number
/// and false from there.
fn last(most: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut known, mut beyond) = (0, most + 1);
    while beyond - known > 1 {
        let middle = known + (beyond - known) / 2;
        if holds(middle) { known = middle } else { beyond = middle }
    }
    (known > 0).then_some(known)
}
