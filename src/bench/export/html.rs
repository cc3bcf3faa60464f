//! One file with everything in it: no scripts, nothing loaded from elsewhere.

use super::{charts, number};
use crate::bench::digest::{Digest, of_phase};
use crate::bench::result::{Measured, Run};
use crate::bench::stats::Estimate;
use crate::bench::sweep;
use crate::config::LambdaPrices;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}\
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
th,td{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:right}\
th:first-child,td:first-child{text-align:left}\
.missed{color:#b00020;font-weight:600}.kept{color:#00664b}\
p.note{color:#555}svg{max-width:100%;height:auto}";

/// The run as a page, with plots.
pub fn html(run: &Run, prices: &LambdaPrices) -> String {
    let title = format!("Benchmark {} of {}", run.suite, run.id);
    let mut body = format!("<h1>{}</h1>\n<p>{}</p>\n", escaped(&title), escaped(&facts(run)));
    criteria(run, &mut body);
    body.push_str("<h2>As the caller sees it</h2>\n<p class=\"note\">Milliseconds; in brackets where the percentile lies with 95 % certainty. Warm-up calls are left out, and failed ones are counted apart; outliers are counted and left in.</p>\n");
    table(run, &mut body);
    let mut plot = |heading: &str, note: &str, drawn: Option<String>| {
        if let Some(drawn) = drawn {
            let note = escaped(note);
            body.push_str(&format!(
                "<h2>{}</h2>\n<p class=\"note\">{note}</p>\n{drawn}\n",
                escaped(heading)
            ));
        }
    };
    if run.suite == "invoke" {
        let points: Vec<_> = sweep::points(run, prices)
            .into_iter()
            .map(|it| (it.memory_mb, it.duration_ms, it.usd_per_million))
            .collect();
        let note = "Cost from billed time and the prices in platform.yaml.";
        plot("Memory, time and cost", note, charts::memory(&points));
    }
    for (heading, phases) in distributions(run) {
        let note = "The share of calls that were answered within a time.";
        plot(&heading, note, charts::distribution(&phases));
    }
    let note = "What the median call is made of.";
    plot("Cold against warm", note, charts::cold_and_warm(run));
    plot("Steps", "Where the function itself says its time goes.", charts::steps(run));
    for measured in run.phases.iter().filter(|it| {
        it.phase.name.starts_with("concurrent-mixed") || it.phase.name.starts_with("open-")
    }) {
        let heading = format!("Timeline: {}", measured.phase.title);
        let note = "Each call from when it was due until it was answered; black ones failed.";
        plot(&heading, note, charts::timeline(measured));
    }
    let title = escaped(&title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n{body}</html>\n"
    )
}

/// Phases that are compared in one plot: those of the same size, or all.
fn distributions(run: &Run) -> Vec<(String, Vec<&Measured>)> {
    let mut groups: Vec<(String, Vec<&Measured>)> = Vec::new();
    for measured in &run.phases {
        let heading = match measured.phase.pages {
            Some(1) => "Latency, 1 page".to_owned(),
            Some(pages) => format!("Latency, {pages} pages"),
            None => "Latency".to_owned(),
        };
        match groups.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, phases)) => phases.push(measured),
            None => groups.push((heading, vec![measured])),
        }
    }
    groups
}

fn facts(run: &Run) -> String {
    let place = if run.place.local { "the local platform" } else { &run.place.region };
    let function = run.function.as_ref().map(|it| {
        let memory = it.memory_mb.map(|mb| format!(" with {mb} MB")).unwrap_or_default();
        format!("{}{memory}", it.name)
    });
    let subject = function.unwrap_or_else(|| run.place.environment.clone());
    let commit = run.commit.as_ref().map(|it| format!(", commit {it}")).unwrap_or_default();
    let machine = &run.machine;
    format!(
        "{subject}, on {place}, measured {} from {} ({} {}, {} processors) with platformctl {}{commit}. State: {}.",
        run.started,
        machine.host,
        machine.os,
        machine.arch,
        machine.cpus,
        run.version,
        run.state.name()
    )
}

fn table(run: &Run, body: &mut String) {
    body.push_str("<table><tr><th>Phase</th><th>Calls</th><th>Failed</th><th>Median</th><th>p95</th><th>p99</th><th>Max</th><th>Outliers</th></tr>\n");
    for measured in &run.phases {
        for series in of_phase(measured).iter().filter(|it| it.metric == "wall_ms") {
            let failed = measured.failed(series.operation.as_deref());
            let Some(Digest { summary, .. }) = series.digest() else { continue };
            let name = match &series.operation {
                Some(operation) => format!("{}: {operation}", measured.phase.title),
                None => measured.phase.title.clone(),
            };
            let class = if failed > 0 { " class=\"missed\"" } else { "" };
            body.push_str(&format!(
                "<tr><td>{}</td><td>{}</td><td{class}>{failed}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
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
    body.push_str("</table>\n");
}

fn criteria(run: &Run, body: &mut String) {
    if run.criteria.is_empty() {
        return;
    }
    body.push_str("<h2>Criteria</h2>\n<table><tr><th>Criterion</th><th>Measured</th><th>Limit</th><th>Kept</th></tr>\n");
    for it in &run.criteria {
        let measured = it.measured.map(number).unwrap_or_default();
        let (class, kept) = if it.passed { ("kept", "yes") } else { ("missed", "missed") };
        body.push_str(&format!(
            "<tr><td>{} <span class=\"note\">{}</span></td><td>{measured}</td><td>{}</td><td class=\"{class}\">{kept}</td></tr>\n",
            escaped(&it.name),
            escaped(&it.detail),
            it.limit
        ));
    }
    body.push_str("</table>\n");
}

fn estimate(it: &Estimate) -> String {
    let end = |end: Option<f64>| end.map_or_else(|| "…".to_owned(), number);
    match (it.low, it.high) {
        (None, None) => number(it.value),
        (low, high) => format!("{} [{}–{}]", number(it.value), end(low), end(high)),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
