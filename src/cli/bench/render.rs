//! A run as data with a stable shape, and as tables.

use serde_json::{Value, json};

use crate::bench::digest::{self, Digest};
use crate::bench::plan::{Load, Plan};
use crate::bench::result::{Measured, Run};
use crate::bench::stats::Estimate;
use crate::ui::{Align, Block, Table, Tone, sparkline};

/// The run in numbers; all samples are in its file.
pub(super) fn value(run: &Run, file: &str) -> Value {
    let phases = run.phases.iter().map(|measured| {
        let digests: Vec<Digest> =
            digest::of_phase(measured).iter().filter_map(digest::Series::digest).collect();
        json!({
            "name": measured.phase.name,
            "title": measured.phase.title,
            "pages": measured.phase.pages,
            "memory_mb": measured.phase.memory_mb,
            "load": measured.phase.load,
            "complete": measured.complete,
            "calls": measured.samples.len(),
            "warm_up_calls": measured.warm_up.len(),
            "errors": measured.errors(),
            "per_second": measured.throughput(),
            "series": digests,
        })
    });
    json!({
        "id": run.id,
        "suite": run.suite,
        "state": run.state,
        "started": run.started,
        "finished": run.finished,
        "version": run.version,
        "commit": run.commit,
        "machine": run.machine,
        "place": run.place,
        "function": run.function,
        "seed": run.seed,
        "parameters": run.parameters,
        "prepared": run.prepared,
        "left_behind": run.left_behind,
        "phases": phases.collect::<Vec<_>>(),
        "criteria": run.criteria,
        "error": run.error,
        "file": file,
    })
}

/// The run as people read it.
pub(super) fn blocks(run: &Run) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(heading(run))];
    let walls = wall_times(run);
    if walls.is_empty() {
        blocks.push(Block::Text("nothing was measured yet".to_owned()));
    } else {
        blocks.push(Block::Table(walls));
        blocks.push(Block::Text(
            "milliseconds as the caller sees them; in brackets where the percentile lies with 95 % certainty (… not bounded by so few calls)".to_owned(),
        ));
    }
    let inside = inside(run);
    if !inside.is_empty() {
        blocks.push(Block::Table(inside));
    }
    if !run.criteria.is_empty() {
        blocks.push(Block::Table(criteria(run)));
    }
    if let Some(error) = &run.error {
        blocks.push(Block::Text(format!("{}: {error}", run.state.name())));
    }
    if !run.left_behind.is_empty() {
        let kept = run.left_behind.join(", ");
        blocks.push(Block::Text(format!("left behind, to be used again: {kept}")));
    }
    blocks
}

/// One line about the whole run.
pub(super) fn heading(run: &Run) -> String {
    let place = if run.place.local { "local platform" } else { &run.place.region };
    let subject = run.function.as_ref().map(super::common::described);
    let subject = subject.map(|it| format!(" · {it}")).unwrap_or_default();
    format!("bench {} {} · {}{subject} · {place}", run.suite, run.id, run.state.name())
}

pub(super) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn estimate(it: &Estimate) -> String {
    let end = |end: Option<f64>| end.map_or_else(|| "…".to_owned(), number);
    match (it.low, it.high) {
        (None, None) => number(it.value),
        (low, high) => format!("{} [{}–{}]", number(it.value), end(low), end(high)),
    }
}

fn wall_times(run: &Run) -> Table {
    let mut table = Table::new(&[
        ("phase", Align::Left),
        ("calls", Align::Right),
        ("failed", Align::Right),
        ("a second", Align::Right),
        ("median", Align::Right),
        ("p95", Align::Right),
        ("max", Align::Right),
        ("outliers", Align::Right),
        ("spread", Align::Left),
    ]);
    for measured in &run.phases {
        let mut walls: Vec<_> = digest::of_phase(measured)
            .into_iter()
            .filter(|series| series.metric == "wall_ms")
            .collect();
        if walls.is_empty() && measured.failed(None) > 0 {
            walls.push(digest::Series {
                phase: measured.phase.name.clone(),
                operation: None,
                metric: "wall_ms".to_owned(),
                values: Vec::new(),
            });
        }
        for series in walls {
            let failed = measured.failed(series.operation.as_deref());
            let tone = if failed > 0 { Tone::Bad } else { Tone::Plain };
            let digest = series.digest();
            let of = |say: &dyn Fn(&Digest) -> String| digest.as_ref().map(say).unwrap_or_default();
            let plain = |text: String| (text, Tone::Plain);
            table.toned_row([
                plain(named(measured, series.operation.as_deref())),
                plain(series.values.len().to_string()),
                (failed.to_string(), tone),
                plain(number(measured.throughput())),
                plain(of(&|it| estimate(&it.summary.p50))),
                plain(of(&|it| estimate(&it.summary.p95))),
                plain(of(&|it| number(it.summary.max))),
                plain(of(&|it| it.summary.outliers.to_string())),
                plain(of(&|it| sparkline(&it.histogram.counts()))),
            ]);
        }
    }
    table
}

fn named(measured: &Measured, operation: Option<&str>) -> String {
    let cut = if measured.complete { "" } else { " (cut off)" };
    match operation {
        Some(operation) => format!("{}: {operation}{cut}", measured.phase.title),
        None => format!("{}{cut}", measured.phase.title),
    }
}

/// What the called side says: nothing where it says nothing.
fn inside(run: &Run) -> Table {
    let mut table = Table::new(&[
        ("inside", Align::Left),
        ("ran, median", Align::Right),
        ("p95", Align::Right),
        ("start, median", Align::Right),
        ("memory, MB", Align::Right),
        ("steps, median", Align::Left),
    ]);
    for measured in &run.phases {
        let series = digest::of_phase(measured);
        let mut operations: Vec<_> = series.iter().map(|it| it.operation.clone()).collect();
        operations.dedup();
        for operation in operations {
            let digests: Vec<Digest> = series
                .iter()
                .filter(|it| it.operation == operation)
                .filter_map(digest::Series::digest)
                .collect();
            let of = |metric: &str| digests.iter().find(|it| it.metric == metric);
            let steps: Vec<String> = digests
                .iter()
                .filter_map(|it| {
                    let step = it.metric.strip_prefix("step ")?.strip_suffix("_ms")?;
                    let median = it.summary.p50.value;
                    let shown = step != "total" && median >= 0.005;
                    shown.then(|| format!("{} {}", step.replace('_', " "), number(median)))
                })
                .collect();
            if of("duration_ms").is_none() && steps.is_empty() {
                continue;
            }
            let median = |metric| of(metric).map(|it| number(it.summary.p50.value));
            table.row([
                named(measured, operation.as_deref()),
                median("duration_ms").unwrap_or_default(),
                of("duration_ms").map(|it| number(it.summary.p95.value)).unwrap_or_default(),
                median("init_ms").unwrap_or_default(),
                of("memory_mb").map(|it| format!("{:.0}", it.summary.max)).unwrap_or_default(),
                steps.join(" · "),
            ]);
        }
    }
    table
}

fn criteria(run: &Run) -> Table {
    let mut table = Table::new(&[
        ("criterion", Align::Left),
        ("measured", Align::Right),
        ("limit", Align::Right),
        ("kept", Align::Left),
        ("where", Align::Left),
    ]);
    for it in &run.criteria {
        let (kept, tone) = if it.passed { ("yes", Tone::Good) } else { ("MISSED", Tone::Bad) };
        table.toned_row([
            (it.name.clone(), Tone::Plain),
            (it.measured.map(number).unwrap_or_default(), tone),
            (it.limit.to_string(), Tone::Plain),
            (kept.to_owned(), tone),
            (it.detail.clone(), Tone::Plain),
        ]);
    }
    table
}

/// A plan as a table.
pub(super) fn planned(plan: &Plan) -> Block {
    let mut table = Table::new(&[
        ("phase", Align::Left),
        ("calls", Align::Right),
        ("before", Align::Right),
        ("load", Align::Left),
    ]);
    for phase in &plan.phases {
        let load = match phase.load {
            Load::Closed { in_flight: 1 } => "one after another".to_owned(),
            Load::Closed { in_flight } => format!("{in_flight} at a time"),
            Load::Open { per_second } => format!("{per_second} a second"),
        };
        let cold = if phase.cold { ", each in a new environment" } else { "" };
        table.row([
            phase.title.clone(),
            phase.count.to_string(),
            phase.warm_up.to_string(),
            format!("{load}{cold}"),
        ]);
    }
    Block::Table(table)
}
