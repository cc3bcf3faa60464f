//! A note for a wiki or a merge request.

use super::number;
use crate::bench::digest::{Digest, Series, of_phase};
use crate::bench::result::Run;
use crate::bench::stats::Estimate;

/// The run as Markdown (`CommonMark` with tables).
pub fn markdown(run: &Run) -> String {
    let place = if run.place.local { "the local platform" } else { &run.place.region };
    let mut text = format!("# Benchmark {} of {}\n\n", run.suite, run.id);
    let mut facts = vec![
        ("State", run.state.name().to_owned()),
        ("Measured", run.started.clone()),
        ("Where", format!("{} in {place}", run.place.environment)),
        (
            "From",
            format!(
                "{}, {} {}, {} processors",
                run.machine.host, run.machine.os, run.machine.arch, run.machine.cpus
            ),
        ),
    ];
    if let Some(function) = &run.function {
        let memory = function.memory_mb.map(|mb| format!(", {mb} MB")).unwrap_or_default();
        facts.push(("Function", format!("{}{memory}", function.name)));
    }
    if let Some(commit) = &run.commit {
        facts.push(("Commit", commit.clone()));
    }
    for (name, fact) in facts {
        text.push_str(&format!("- {name}: {}\n", escaped(&fact)));
    }
    text.push_str("\n## As the caller sees it\n\nMilliseconds; in brackets where the percentile lies with 95 % certainty.\n\n");
    text.push_str("| Phase | Calls | Failed | Median | p95 | p99 | Max | Outliers |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for measured in &run.phases {
        for series in of_phase(measured).iter().filter(|it| it.metric == "wall_ms") {
            let failed = measured.failed(series.operation.as_deref());
            let Some(Digest { summary, .. }) = series.digest() else { continue };
            let name = match &series.operation {
                Some(operation) => format!("{}: {operation}", measured.phase.title),
                None => measured.phase.title.clone(),
            };
            text.push_str(&format!(
                "| {} | {} | {failed} | {} | {} | {} | {} | {} |\n",
                escaped(&name),
                summary.count,
                estimate(&summary.p50),
                estimate(&summary.p95),
                number(summary.p99.value),
                number(summary.max),
                summary.outliers
            ));
        }
    }
    inside(run, &mut text);
    criteria(run, &mut text);
    if let Some(error) = &run.error {
        text.push_str(&format!("\nIt could not go on: {}\n", escaped(error)));
    }
    text
}

fn inside(run: &Run, text: &mut String) {
    let all: Vec<Series> = run.phases.iter().flat_map(of_phase).collect();
    let inner: Vec<&Series> =
        all.iter().filter(|it| it.metric != "wall_ms" && it.metric != "billed_ms").collect();
    if inner.is_empty() {
        return;
    }
    text.push_str("\n## Inside\n\n| Series | Median | p95 | Max |\n| --- | ---: | ---: | ---: |\n");
    for series in inner {
        let Some(Digest { summary, .. }) = series.digest() else { continue };
        let [median, p95, max] = [summary.p50.value, summary.p95.value, summary.max].map(number);
        text.push_str(&format!("| {} | {median} | {p95} | {max} |\n", escaped(&series.name())));
    }
}

fn criteria(run: &Run, text: &mut String) {
    if run.criteria.is_empty() {
        return;
    }
    text.push_str("\n## Criteria\n\n| Criterion | Measured | Limit | Kept | Where |\n| --- | ---: | ---: | --- | --- |\n");
    for it in &run.criteria {
        let measured = it.measured.map(number).unwrap_or_default();
        let kept = if it.passed { "yes" } else { "**missed**" };
        let detail = escaped(&it.detail);
        text.push_str(&format!(
            "| {} | {measured} | {} | {kept} | {detail} |\n",
            it.name, it.limit
        ));
    }
}

fn estimate(it: &Estimate) -> String {
    let end = |end: Option<f64>| end.map_or_else(|| "…".to_owned(), number);
    match (it.low, it.high) {
        (None, None) => number(it.value),
        (low, high) => format!("{} ({}–{})", number(it.value), end(low), end(high)),
    }
}

/// What would be read as a mark-up.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut text, it| {
        if matches!(it, '|' | '*' | '_' | '`' | '<' | '[' | '\\') {
            text.push('\\');
        }
        text.push(if it.is_control() { ' ' } else { it });
        text
    })
}
