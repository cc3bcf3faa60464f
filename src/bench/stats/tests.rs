//! The statistics are proved on data of known distributions, with fixed seeds.
//! `PLATFORMCTL_TEST_FULL=1` repeats everything ten times as often.

use super::*;

/// A small generator with a fixed sequence (`SplitMix64`), so that a failure repeats.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to 1, neither included.
    fn uniform(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits")]
        let number = (self.next() >> 11) as f64;
        (number + 0.5) / 9_007_199_254_740_992.0
    }

    fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// As latencies are: most alike, some far out.
    fn latency(&mut self) -> f64 {
        let normal =
            (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos();
        10.0 * (0.4 * normal).exp()
    }
}

/// The quantile of [`Random::latency`] at 0.5, 0.9, 0.95 and 0.99.
fn latency_quantile(share: f64) -> f64 {
    use statrs::distribution::{ContinuousCDF as _, Normal};
    10.0 * (0.4 * Normal::standard().inverse_cdf(share)).exp()
}

fn rounds(short: usize) -> usize {
    if std::env::var_os("PLATFORMCTL_TEST_FULL").is_some() { short * 10 } else { short }
}

#[test]
fn quantiles_are_those_of_r() {
    let values = [15.0, 20.0, 35.0, 40.0, 50.0];
    assert!((quantile(&values, 0.4) - 29.0).abs() < 1e-12);
    assert!((quantile(&values, 0.95) - 48.0).abs() < 1e-12);
    assert_eq!((quantile(&values, 0.0), quantile(&values, 1.0)), (15.0, 50.0));
    assert!((quantile(&[7.0], 0.99) - 7.0).abs() < 1e-12);
    assert!(quantile(&[], 0.5).is_nan());
}

#[test]
fn the_interval_of_a_median_is_the_table_s() {
    // Conover, Practical Nonparametric Statistics: of 20 samples the 6th and the 15th.
    let values: Vec<f64> = (1..=20).map(f64::from).collect();
    let median = Estimate::of_quantile(&values, 0.5);
    assert_eq!((median.value, median.low, median.high), (10.5, Some(6.0), Some(15.0)));
    // 0.5^5 is more than 2.5 %: five samples bound nothing.
    let few = Estimate::of_quantile(&values[..5], 0.5);
    assert_eq!((few.low, few.high), (None, None));
    // 0.95^50 is 7.7 %: fifty samples do not bound the 95th percentile from above.
    let fifty: Vec<f64> = (1..=50).map(f64::from).collect();
    let high = Estimate::of_quantile(&fifty, 0.95);
    assert!(high.low.is_some() && high.high.is_none(), "{high:?}");
}

#[test]
fn intervals_cover_the_true_quantile_as_often_as_they_say() {
    let mut random = Random(1);
    let rounds = rounds(1_000);
    for (size, share) in [(20, 0.5), (50, 0.5), (100, 0.9), (200, 0.95), (1_000, 0.99)] {
        let truth = [latency_quantile(share), -(1.0 - share).ln()];
        let mut covered = [0_usize; 2];
        for _ in 0..rounds {
            let samples = [
                (0..size).map(|_| random.latency()).collect::<Vec<_>>(),
                (0..size).map(|_| random.exponential()).collect::<Vec<_>>(),
            ];
            for (index, sample) in samples.iter().enumerate() {
                let estimate = Estimate::of_quantile(&sorted(sample), share);
                let low = estimate.low.is_none_or(|low| low <= truth[index]);
                let high = estimate.high.is_none_or(|high| truth[index] <= high);
                covered[index] += usize::from(low && high);
            }
        }
        for covered in covered {
            let coverage = real(covered) / real(rounds);
            // At least as often as said, but for chance (3.5 standard errors of 1,000
            // rounds), and not much wider than need be.
            assert!(coverage >= 0.926, "{size} samples, quantile {share}: {coverage}");
            assert!(coverage <= 0.995, "{size} samples, quantile {share}: {coverage}");
        }
    }
}

#[test]
fn the_test_agrees_with_tables_for_small_sets() {
    // All of one set below all of the other: 2 of C(7,3) = 35, and of C(10,5) = 252, ways.
    let p = mann_whitney(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0, 7.0]);
    assert!((p - 2.0 / 35.0).abs() < 1e-12, "{p}");
    let p = mann_whitney(&[6.0, 7.0, 8.0, 9.0, 10.0], &[1.0, 2.0, 3.0, 4.0, 5.0]);
    assert!((p - 2.0 / 252.0).abs() < 1e-12, "{p}");
    // scipy.stats.mannwhitneyu([19, 22, 16, 29, 24], [20, 11, 17, 12]): U = 17, p = 1/9.
    let p = mann_whitney(&[19.0, 22.0, 16.0, 29.0, 24.0], &[20.0, 11.0, 17.0, 12.0]);
    assert!((p - 1.0 / 9.0).abs() < 1e-9, "{p}");
    // Ties, counted out by hand: {1, 2} of {1, 2, 2, 3} has midranks 1 + 2.5 = 3.5, and the
    // expected sum is 5. Of the six choices four are as far away.
    let p = mann_whitney(&[1.0, 2.0], &[2.0, 3.0]);
    assert!((p - 4.0 / 6.0).abs() < 1e-12, "{p}");
    assert!((mann_whitney(&[5.0; 4], &[5.0; 6]) - 1.0).abs() < 1e-12);
    assert!((mann_whitney(&[5.0; 40], &[5.0; 60]) - 1.0).abs() < 1e-12);
    assert!((mann_whitney(&[], &[1.0]) - 1.0).abs() < 1e-12);
}

#[test]
fn the_approximation_meets_the_exact_numbers_where_they_meet() {
    let mut random = Random(2);
    for shift in [0.0, 0.3, 1.0] {
        for ties in [false, true] {
            let mut of = |shift: f64| {
                let value = random.exponential() + shift;
                if ties { (value * 4.0).round() } else { value }
            };
            let first: Vec<f64> = (0..20).map(|_| of(0.0)).collect();
            let second: Vec<f64> = (0..20).map(|_| of(shift)).collect();
            let ranked = super::ranks::tests_only(&first, &second);
            assert!((ranked.0 - ranked.1).abs() < 0.01, "{ranked:?}");
        }
    }
}

#[test]
fn a_difference_is_found_among_equals_as_often_as_the_level_says() {
    let mut random = Random(3);
    let rounds = rounds(2_000);
    // (sizes, rounded): small and exact, large and approximate, with ties.
    for (n, m, rounded) in [(10, 8, false), (12, 10, true), (50, 50, false), (30, 90, true)] {
        let mut below = [0_usize; 2];
        for _ in 0..rounds {
            let mut set = |size| -> Vec<f64> {
                let value = |random: &mut Random| {
                    let value = random.latency();
                    if rounded { value.round() } else { value }
                };
                (0..size).map(|_| value(&mut random)).collect()
            };
            let (first, second) = (set(n), set(m));
            let p = mann_whitney(&first, &second);
            below[0] += usize::from(p < 0.05);
            below[1] += usize::from(p < 0.01);
        }
        let rate = |index: usize| real(below[index]) / real(rounds);
        // The exact test of small sets is conservative: its p-values are few.
        assert!((0.025..=0.066).contains(&rate(0)), "{n} and {m}: {}", rate(0));
        assert!((0.003..=0.0185).contains(&rate(1)), "{n} and {m}: {}", rate(1));
    }
}

#[test]
fn a_shift_is_found_and_measured() {
    let mut random = Random(4);
    let rounds = rounds(300);
    let (mut found, mut covered) = (0, 0);
    for _ in 0..rounds {
        let first: Vec<f64> = (0..50).map(|_| random.latency()).collect();
        let second: Vec<f64> = (0..50).map(|_| random.latency() + 5.0).collect();
        let difference = difference(&first, &second).expect("both have values");
        found += usize::from(difference.p < 0.01 && difference.delta > 0.33);
        let Shift { low, high, .. } = difference.shift;
        covered += usize::from(low.is_some_and(|it| it <= 5.0) && high.is_some_and(|it| it >= 5.0));
    }
    assert!(real(found) / real(rounds) > 0.97, "{found} of {rounds}");
    assert!((0.90..=0.99).contains(&(real(covered) / real(rounds))), "{covered} of {rounds}");
}

#[test]
fn effect_sizes_are_shares_of_pairs() {
    assert!((cliffs_delta(&[1.0, 2.0], &[3.0, 4.0]) - 1.0).abs() < 1e-12);
    assert!((cliffs_delta(&[3.0, 4.0], &[1.0, 2.0]) + 1.0).abs() < 1e-12);
    assert!(cliffs_delta(&[1.0, 2.0], &[1.0, 2.0]).abs() < 1e-12);
    // Pairs: 1<2, 1<4, 3>2, 3<4.
    assert!((cliffs_delta(&[1.0, 3.0], &[2.0, 4.0]) - 0.5).abs() < 1e-12);
    let shift = hodges_lehmann(&[1.0, 2.0, 3.0], &[11.0, 12.0, 13.0]);
    assert_eq!((shift.value, shift.low), (10.0, None));
    let many: Vec<f64> = (0..5_000).map(f64::from).collect();
    let moved: Vec<f64> = many.iter().map(|it| it + 100.0).collect();
    assert!((hodges_lehmann(&many, &moved).value - 100.0).abs() < 1e-9);
}

#[test]
fn outliers_are_counted_and_stay_in_the_numbers() {
    let mut values = vec![10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0];
    values.push(21.5);
    values.push(90.0);
    let summary = Summary::of(&values).expect("values");
    assert_eq!((summary.count, summary.outliers, summary.far_outliers), (9, 1, 1));
    assert_eq!((summary.min, summary.max, summary.p50.value), (10.0, 90.0, 14.0));
    assert!(Summary::of(&[]).is_none() && Summary::of(&[f64::NAN]).is_none());
    let one = Summary::of(&[3.0]).expect("one");
    assert_eq!((one.mean, one.deviation, one.outliers), (3.0, 0.0, 0));
}

#[test]
fn every_sample_is_in_one_bin() {
    let mut random = Random(5);
    let values: Vec<f64> = (0..500).map(|_| random.latency()).collect();
    for bins in [1, 2, 7, 24] {
        let histogram = Histogram::of(&values, bins);
        assert_eq!(histogram.bins.iter().map(|bin| bin.count).sum::<usize>(), 500);
        for bin in &histogram.bins {
            let last = histogram.bins.last() == Some(bin);
            let inside = |it: &&f64| **it >= bin.from && (**it < bin.to || last);
            assert_eq!(values.iter().filter(inside).count(), bin.count, "{bin:?}");
        }
    }
    assert!(Histogram::of(&values, 24).logarithmic);
    assert!(!Histogram::of(&[10.0, 11.0], 4).logarithmic);
    assert_eq!(Histogram::of(&[3.0; 5], 8).bins.len(), 1);
    assert!(Histogram::of(&[], 8).bins.is_empty());
}
