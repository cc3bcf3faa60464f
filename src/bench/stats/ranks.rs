//! Whether two sets of samples differ, and by how much, by their ranks alone.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF as _, Normal};

use super::{CONFIDENCE, real, sorted};

/// Up to so many samples in both sets together, probabilities are counted out exactly.
const EXACT: usize = 40;

/// Of each set, so many samples at most make the pairs of [`hodges_lehmann`].
const PAIRED: usize = 1_000;

/// By how much the second set is shifted against the first, in the samples' unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// The median of all differences, second less first.
    pub value: f64,
    /// The lower end of its interval; `None` where there are too few samples for one.
    pub low: Option<f64>,
    /// The upper end of its interval.
    pub high: Option<f64>,
}

/// How two sets of samples differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The probability of ranks at least as uneven, were both sets from one distribution
    /// (two-sided Mann-Whitney U test).
    pub p: f64,
    /// Cliff's delta: how much oftener a sample of the second set is above one of the first
    /// than below, from -1 to 1.
    pub delta: f64,
    /// The shift between the sets.
    pub shift: Shift,
}

/// How `second` differs from `first`; `None` when one of them has no finite value.
pub fn difference(first: &[f64], second: &[f64]) -> Option<Difference> {
    let (first, second) = (sorted(first), sorted(second));
    if first.is_empty() || second.is_empty() {
        return None;
    }
    Some(Difference {
        p: mann_whitney(&first, &second),
        delta: cliffs_delta(&first, &second),
        shift: hodges_lehmann(&first, &second),
    })
}

/// The ranks of both sets together, from 1, doubled so that the shared ranks of equal values
/// are whole; and the sizes of the groups of equal values.
struct Ranked {
    doubled: Vec<u64>,
    /// The sum of the first set's.
    first: u64,
    ties: Vec<usize>,
}

fn ranked(first: &[f64], second: &[f64]) -> Ranked {
    let of = |set: &[f64], is_first: bool| {
        set.iter().map(move |value| (*value, is_first)).collect::<Vec<_>>()
    };
    let mut all = of(first, true);
    all.extend(of(second, false));
    all.sort_by(|left, right| left.0.total_cmp(&right.0));
    let mut ranked = Ranked { doubled: Vec::with_capacity(all.len()), first: 0, ties: Vec::new() };
    let mut before = 0_u64;
    // Ties are values that are the very same number.
    for group in all.chunk_by(|left, right| left.0.total_cmp(&right.0).is_eq()) {
        let size = group.len() as u64;
        // Ranks before+1 to before+size: twice their mean.
        let doubled = 2 * before + size + 1;
        ranked.doubled.extend(group.iter().map(|_| doubled));
        ranked.first += doubled * group.iter().filter(|(_, is_first)| *is_first).count() as u64;
        ranked.ties.push(group.len());
        before += size;
    }
    ranked
}

/// The two-sided p-value of the Mann-Whitney U test (Wilcoxon's rank-sum test): counted out
/// over all ways to share the ranks, ties included, for up to 40 samples together, and from
/// the normal distribution with corrections for ties and continuity above.
///
/// Written here because `statrs` (0.19) has it wrong for small sets of which the first is the
/// smaller, and does not count out ties.
pub fn mann_whitney(first: &[f64], second: &[f64]) -> f64 {
    let total = first.len() + second.len();
    if first.is_empty() || second.is_empty() {
        return 1.0;
    }
    let ranked = ranked(first, second);
    if total <= EXACT { exact(&ranked, first.len()) } else { approximate(&ranked, first.len()) }
}

/// The share of all choices of `size` ranks whose sum is as far from the expected one.
fn exact(ranked: &Ranked, size: usize) -> f64 {
    let sum: u64 = ranked.doubled.iter().sum();
    let most = usize::try_from(sum).unwrap_or(usize::MAX);
    // ways[k][s]: choices of k ranks with the sum s.
    let mut ways = vec![vec![0.0_f64; most + 1]; size + 1];
    ways[0][0] = 1.0;
    for rank in &ranked.doubled {
        let rank = usize::try_from(*rank).unwrap_or(usize::MAX);
        for k in (1..=size).rev() {
            let (fewer, more) = ways.split_at_mut(k);
            let (fewer, more) = (&fewer[k - 1], &mut more[0]);
            for s in rank..=most {
                more[s] += fewer[s - rank];
            }
        }
    }
    // Compared in whole numbers: s·n against sum·k.
    let n = ranked.doubled.len() as u64;
    let expected = sum * size as u64;
    let far = (ranked.first * n).abs_diff(expected);
    let (mut as_far, mut all) = (0.0, 0.0);
    for (s, count) in ways[size].iter().enumerate() {
        all += count;
        if (s as u64 * n).abs_diff(expected) >= far {
            as_far += count;
        }
    }
    (as_far / all).clamp(0.0, 1.0)
}

fn approximate(ranked: &Ranked, size: usize) -> f64 {
    let n = real(ranked.doubled.len());
    let (first, second) = (real(size), n - real(size));
    #[expect(clippy::cast_precision_loss, reason = "sums of ranks are far below 2^53")]
    let sum = ranked.first as f64 / 2.0;
    let u = sum - first * (first + 1.0) / 2.0;
    let ties: f64 = ranked.ties.iter().map(|size| real(*size).powi(3) - real(*size)).sum();
    let variance = first * second / 12.0 * ((n + 1.0) - ties / (n * (n - 1.0)));
    if variance <= 0.0 {
        // All alike.
        return 1.0;
    }
    let distance = ((u - first * second / 2.0).abs() - 0.5).max(0.0);
    let z = distance / variance.sqrt();
    (2.0 * Normal::standard().sf(z)).clamp(0.0, 1.0)
}

/// Cliff's delta of sets that are not empty: the share of pairs in which the second set's is
/// greater, less the share in which it is smaller.
pub fn cliffs_delta(first: &[f64], second: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "sums of ranks are far below 2^53")]
    let sum = ranked(first, second).first as f64 / 2.0;
    let (n, m) = (real(first.len()), real(second.len()));
    let u = sum - n * (n + 1.0) / 2.0;
    1.0 - 2.0 * u / (n * m)
}

/// The shift of the second set against the first (Hodges and Lehmann, 1963), with an interval
/// from the distribution of U. Both are sorted and not empty. Of larger sets, 1,000 values at
/// even distances of rank stand for all.
pub fn hodges_lehmann(first: &[f64], second: &[f64]) -> Shift {
    let (first, second) = (thinned(first), thinned(second));
    let pairs = second.iter().flat_map(|right| first.iter().map(move |left| right - left));
    let mut differences: Vec<f64> = pairs.collect();
    differences.sort_by(f64::total_cmp);
    let (n, m) = (real(first.len()), real(second.len()));
    let z = Normal::standard().inverse_cdf(f64::midpoint(1.0, CONFIDENCE));
    let rank = (n * m / 2.0 - z * (n * m * (n + m + 1.0) / 12.0).sqrt()).floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to n·m / 2")]
    let bounds = (rank >= 1.0).then(|| {
        let rank = rank as usize;
        (differences[rank - 1], differences[differences.len() - rank])
    });
    Shift {
        value: super::quantile(&differences, 0.5),
        low: bounds.map(|(low, _)| low),
        high: bounds.map(|(_, high)| high),
    }
}

fn thinned(sorted: &[f64]) -> Vec<f64> {
    if sorted.len() <= PAIRED {
        return sorted.to_vec();
    }
    (0..PAIRED).map(|index| sorted[(2 * index + 1) * sorted.len() / (2 * PAIRED)]).collect()
}

/// The exact and the approximate p-value of the same sets.
#[cfg(test)]
pub(super) fn tests_only(first: &[f64], second: &[f64]) -> (f64, f64) {
    let ranked = ranked(first, second);
    (exact(&ranked, first.len()), approximate(&ranked, first.len()))
}
