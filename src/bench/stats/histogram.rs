//! How samples are spread.

use serde::{Deserialize, Serialize};

use super::{real, sorted};

/// A range of values, and how many samples are in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Where it begins.
    pub from: f64,
    /// Where it ends; the last bin includes its end.
    pub to: f64,
    /// How many samples there are in it.
    pub count: usize,
}

/// Samples in bins of equal width, or of equal ratio where the greatest sample is more than
/// four times the least: a tail does not press everything else into one bin then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Whether the bins have equal ratios.
    pub logarithmic: bool,
    /// The bins, from the least.
    pub bins: Vec<Bin>,
}

impl Histogram {
    /// Of values in any order; those that are not finite are left out.
    pub fn of(values: &[f64], bins: usize) -> Self {
        let sorted = sorted(values);
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else {
            return Self { logarithmic: false, bins: Vec::new() };
        };
        let logarithmic = min > 0.0 && max / min > 4.0;
        // All alike: one bin around them.
        let bins = if min < max { bins.max(1) } else { 1 };
        let edge = |index: usize| {
            let part = real(index) / real(bins);
            let between = min + (max - min) * part;
            if logarithmic { min * (max / min).powf(part) } else { between }
        };
        let mut left = sorted.as_slice();
        let bins = (0..bins).map(|index| {
            let (from, to) = (edge(index), edge(index + 1));
            let inside =
                if index + 1 == bins { left.len() } else { left.partition_point(|it| *it < to) };
            left = &left[inside..];
            Bin { from, to, count: inside }
        });
        Self { logarithmic, bins: bins.collect() }
    }

    /// The counts alone.
    pub fn counts(&self) -> Vec<f64> {
        self.bins.iter().map(|bin| real(bin.count)).collect()
    }
}
