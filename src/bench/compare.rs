//! Whether two runs differ: only where their distributions separate.

use std::collections::BTreeSet;

use serde::Serialize;

use super::digest::{Series, of_run};
use super::result::Run;
use super::stats::{Difference, difference, quantile, sorted};

/// A change is claimed only below this p-value, after Holm's correction for the number of
/// series of the same metric: of many, some would differ by chance.
pub const LEVEL: f64 = 0.01;

/// And only at this effect at least: Cliff's delta of a "medium" effect (Romano and others,
/// 2006). What is certain but tiny is no change that anybody would feel.
pub const EFFECT: f64 = 0.33;

/// What is said of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The second run's numbers are lower.
    Lower,
    /// The second run's numbers are higher.
    Higher,
    /// No difference was shown. That is not the same as equality.
    NoneShown,
}

impl Verdict {
    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
            Self::NoneShown => "no difference shown",
        }
    }
}

/// One series of both runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The series, such as `warm-read-1000 wall_ms`.
    pub name: String,
    /// Its metric.
    pub metric: String,
    /// Samples of the first and of the second run.
    pub counts: [usize; 2],
    /// Medians of the first and of the second run.
    pub medians: [f64; 2],
    /// How they differ.
    pub difference: Difference,
    /// The p-value after Holm's correction.
    pub corrected_p: f64,
    /// What is said of it.
    pub verdict: Verdict,
}

/// Two runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The series that both have.
    pub series: Vec<Compared>,
    /// The series that only the first has.
    pub only_first: Vec<String>,
    /// The series that only the second has.
    pub only_second: Vec<String>,
    /// What else differs between the runs, such as machine or memory: it may be the reason.
    pub circumstances: Vec<String>,
}

/// Compares two runs, series by series. Memory and steps are compared like times.
pub fn compare(first: &Run, second: &Run) -> Comparison {
    let (left, right) = (of_run(first), of_run(second));
    let other = |series: &Series, among: &[Series]| -> Option<Series> {
        among.iter().find(|it| it.name() == series.name()).cloned()
    };
    let mut compared: Vec<Compared> =
        left.iter().filter_map(|series| one(series, &other(series, &right)?)).collect();
    let metrics: BTreeSet<String> = compared.iter().map(|it| it.metric.clone()).collect();
    for metric in metrics {
        correct(compared.iter_mut().filter(|it| it.metric == metric).collect());
    }
    let only = |these: &[Series], those: &[Series]| {
        these.iter().filter(|it| other(it, those).is_none()).map(Series::name).collect()
    };
    Comparison {
        series: compared,
        only_first: only(&left, &right),
        only_second: only(&right, &left),
        circumstances: circumstances(first, second),
    }
}

fn one(first: &Series, second: &Series) -> Option<Compared> {
    let difference = difference(&first.values, &second.values)?;
    let median = |values: &[f64]| quantile(&sorted(values), 0.5);
    Some(Compared {
        name: first.name(),
        metric: first.metric.clone(),
        counts: [first.values.len(), second.values.len()],
        medians: [median(&first.values), median(&second.values)],
        difference,
        corrected_p: difference.p,
        verdict: Verdict::NoneShown,
    })
}

/// Holm's correction, and what can be said after it.
fn correct(mut family: Vec<&mut Compared>) {
    family.sort_by(|left, right| left.difference.p.total_cmp(&right.difference.p));
    let (mut worst, count) = (0.0_f64, family.len());
    for (place, one) in family.into_iter().enumerate() {
        let remaining = super::stats::real(count - place);
        worst = worst.max((one.difference.p * remaining).min(1.0));
        one.corrected_p = worst;
        one.verdict = match one.difference.delta {
            _ if worst >= LEVEL => Verdict::NoneShown,
            delta if delta >= EFFECT => Verdict::Higher,
            delta if delta <= -EFFECT => Verdict::Lower,
            _ => Verdict::NoneShown,
        };
    }
}

fn circumstances(first: &Run, second: &Run) -> Vec<String> {
    let function = |run: &Run| run.function.clone().unwrap_or_default();
    let (left, right) = (function(first), function(second));
    let text = |value: Option<u32>| value.map_or_else(|| "unknown".to_owned(), |it| it.to_string());
    let pairs = [
        ("suite", first.suite.clone(), second.suite.clone()),
        ("machine", first.machine.host.clone(), second.machine.host.clone()),
        ("version of platformctl", first.version.clone(), second.version.clone()),
        ("region", first.place.region.clone(), second.place.region.clone()),
        ("local platform", first.place.local.to_string(), second.place.local.to_string()),
        ("memory in MB", text(left.memory_mb), text(right.memory_mb)),
        (
            "architecture",
            left.architecture.unwrap_or_default(),
            right.architecture.unwrap_or_default(),
        ),
        (
            "code of the function",
            left.code_sha256.unwrap_or_default(),
            right.code_sha256.unwrap_or_default(),
        ),
        ("parameters", format!("{:?}", first.parameters), format!("{:?}", second.parameters)),
    ];
    let differs = pairs.into_iter().filter(|(_, left, right)| left != right);
    differs
        .map(|(what, left, right)| match what {
            "parameters" => "the runs were told different parameters".to_owned(),
            _ => format!("{what}: {left}, then {right}"),
        })
        .collect()
}
