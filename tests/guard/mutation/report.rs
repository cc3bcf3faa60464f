//! How many mutants of each class were noticed, and by which rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::mutant::Mutant;

/// Counts by class and by rule.
#[derive(Default)]
pub(crate) struct Tally {
    /// Mutants and kills.
    classes: BTreeMap<&'static str, (usize, usize)>,
    /// Kills, and those that no other rule noticed.
    rules: BTreeMap<String, (usize, usize)>,
}

impl Tally {
    pub(crate) fn count(&mut self, class: &'static str, rules: &BTreeSet<String>) {
        let (mutants, killed) = self.classes.entry(class).or_default();
        *mutants += 1;
        *killed += usize::from(!rules.is_empty());
        for rule in rules {
            let (kills, alone) = self.rules.entry(rule.clone()).or_default();
            *kills += 1;
            *alone += usize::from(rules.len() == 1);
        }
    }

    pub(crate) fn text(&self, total: usize, known: &[&Mutant], unknown: &[&Mutant]) -> String {
        let killed: usize = self.classes.values().map(|(_, killed)| killed).sum();
        let mut text = String::new();
        let mut line = |columns: std::fmt::Arguments<'_>| {
            let _ = writeln!(text, "{columns}");
        };
        line(format_args!("{:24} {:>8} {:>8} {:>8}", "class", "mutants", "killed", "rate"));
        for (class, (mutants, killed)) in &self.classes {
            let rate = percent(*killed, *mutants);
            line(format_args!("{class:24} {mutants:>8} {killed:>8} {rate:>8}"));
        }
        let rate = percent(killed, total);
        line(format_args!("{:24} {total:>8} {killed:>8} {rate:>8}", "all"));
        line(format_args!("\n{:40} {:>8} {:>8}", "rule", "kills", "alone"));
        for (rule, (kills, alone)) in &self.rules {
            line(format_args!("{rule:40} {kills:>8} {alone:>8}"));
        }
        line(format_args!("\nsurvivors with a reason: {}\n{}", known.len(), lines(known)));
        line(format_args!("survivors without one: {}\n{}", unknown.len(), lines(unknown)));
        text
    }
}

/// `99.5 %`, rounded down: only all of them are 100 %.
fn percent(part: usize, whole: usize) -> String {
    let tenths = (part * 1000).checked_div(whole).unwrap_or(1000);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

pub(crate) fn lines(mutants: &[&Mutant]) -> String {
    let line = |mutant: &&Mutant| {
        let Mutant { stack, resource, kind, class, path, what, .. } = *mutant;
        format!("  {class}: {stack} / {resource} ({kind}) / {path}: {what}")
    };
    mutants.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Keeps the report beside the other products of the build.
pub(crate) fn write(text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutation.txt");
    std::fs::write(&path, text).expect("the report");
    path
}
