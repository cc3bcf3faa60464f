//! Limits that a run has to keep, and what it measured.

use serde::{Deserialize, Serialize};

use super::result::{Measured, Run};
use super::stats::{quantile, real, sorted};
use crate::config::EfsCriteria;

/// A warm criterion needs so many calls, and a cold one so many.
const WARM: usize = 20;
const COLD: usize = 5;

/// One criterion after a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Its name in platform.yaml, such as `warm_read_p95_ms`.
    pub name: String,
    /// The most that is allowed, in the unit that the name says.
    pub limit: f64,
    /// The worst that was measured; none when nothing was.
    pub measured: Option<f64>,
    /// Whether it was kept.
    pub passed: bool,
    /// Where the worst was, or why nothing is proved.
    pub detail: String,
}

impl Checked {
    /// As one reads it when it was missed.
    pub fn line(&self) -> String {
        let Self { name, limit, measured, detail, .. } = self;
        match measured {
            Some(measured) => format!("{name}: measured {measured:.1}, limit {limit} ({detail})"),
            None => format!("{name}: not measured, limit {limit} ({detail})"),
        }
    }
}

/// The criteria of `bench efs`.
pub fn of_efs(criteria: &EfsCriteria, run: &Run) -> Vec<Checked> {
    let named = |start: &'static str| move |it: &&Measured| it.phase.name.starts_with(start);
    let concurrent = |it: &&Measured| it.phase.name.starts_with("concurrent-");
    let phases = |select: &dyn Fn(&&Measured) -> bool| -> Vec<&Measured> {
        run.phases.iter().filter(|it| select(it)).collect()
    };
    let [read, write, cold] = [named("warm-read"), named("warm-write"), named("cold-")];
    let alone = |it: &&Measured| !concurrent(it);
    vec![
        latency("warm_read_p95_ms", criteria.warm_read_p95_ms, WARM, &phases(&read)),
        latency("warm_write_p95_ms", criteria.warm_write_p95_ms, WARM, &phases(&write)),
        latency("cold_start_p95_ms", criteria.cold_start_p95_ms, COLD, &phases(&cold)),
        errors("concurrent_errors", criteria.concurrent_errors, &phases(&concurrent)),
        errors("sequential_errors", criteria.sequential_errors, &phases(&alone)),
    ]
}

/// The 95th percentile of the wall time: the worst of the phases.
fn latency(name: &str, limit: u32, needed: usize, phases: &[&Measured]) -> Checked {
    let limit = f64::from(limit);
    let mut worst: Option<(f64, String)> = None;
    let mut unproved = phases.is_empty().then(|| "no such phase was measured".to_owned());
    for measured in phases {
        let walls: Vec<f64> = measured.answered().map(|it| it.wall_ms).collect();
        let (count, phase) = (walls.len(), &measured.phase.name);
        if count < needed {
            unproved = Some(format!("{count} of at least {needed} calls in {phase}"));
        }
        let p95 = quantile(&sorted(&walls), 0.95);
        if worst.as_ref().is_none_or(|(known, _)| p95 > *known) && p95.is_finite() {
            worst = Some((p95, phase.clone()));
        }
    }
    let measured = worst.as_ref().map(|(value, _)| *value);
    let kept = measured.is_some_and(|value| value <= limit);
    let detail = match (unproved, worst) {
        (Some(why), _) => return checked(name, limit, measured, false, why),
        (None, Some((_, phase))) => format!("worst in {phase}"),
        (None, None) => String::new(),
    };
    checked(name, limit, measured, kept, detail)
}

fn errors(name: &str, limit: u32, phases: &[&Measured]) -> Checked {
    let limit = f64::from(limit);
    if phases.is_empty() {
        return checked(name, limit, None, false, "no such phase was measured".to_owned());
    }
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    let mut calls = 0;
    for measured in phases {
        calls += measured.samples.len();
        for (kind, count) in measured.errors() {
            *kinds.entry(kind).or_default() += count;
        }
    }
    let failed: usize = kinds.values().sum();
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let detail = match failed {
        0 => format!("{calls} calls"),
        _ => format!("{} in {calls} calls", kinds.join(", ")),
    };
    let failed = real(failed);
    checked(name, limit, Some(failed), failed <= limit, detail)
}

fn checked(name: &str, limit: f64, measured: Option<f64>, passed: bool, detail: String) -> Checked {
    Checked { name: name.to_owned(), limit, measured, passed, detail }
}
