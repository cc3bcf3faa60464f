use super::{html, markdown};
use crate::bench::plan::Phase;
use crate::bench::result::{Measured, Run};
use crate::bench::sample::{Failure, Sample};
use crate::config::LambdaPrices;

fn sample(operation: &str, at_ms: f64, wall_ms: f64) -> Sample {
    Sample {
        operation: operation.to_owned(),
        at_ms,
        wall_ms,
        duration_ms: Some(wall_ms / 2.0),
        billed_ms: Some(wall_ms.ceil()),
        steps_ms: [("head".to_owned(), 0.1), ("read".to_owned(), wall_ms / 4.0)].into(),
        ..Sample::default()
    }
}

fn run() -> Run {
    let text = include_str!("tests.json");
    let mut run: Run = serde_json::from_str(text).unwrap();
    let add = |run: &mut Run, phase: Phase, samples: Vec<Sample>| {
        let mut measured = Measured::of(phase, "2026-11-21T10:00:00Z".to_owned());
        measured.complete = true;
        measured.samples = samples;
        run.phases.push(measured);
    };
    let walls = (0..20).map(|it| 5.0 + f64::from(it * 7 % 20) / 4.0);
    let warm = walls
        .enumerate()
        .map(|(at, wall)| sample("read", 10.0 * f64::from(u32::try_from(at).unwrap()), wall));
    let warm: Vec<Sample> = warm.collect();
    let phase = Phase::sequential("warm-read-1", "warm reads, 1 page", "read", 20).on_pages(1);
    add(&mut run, phase, warm);
    let mut mixed =
        Phase::sequential("concurrent-mixed-1", "1 read and 1 write <at once>", "read", 4);
    mixed.operations.push("write".to_owned());
    let mut samples: Vec<Sample> = [("read", 0.0), ("write", 1.0), ("read", 8.0), ("write", 9.0)]
        .map(|(operation, at)| sample(operation, at, 7.5))
        .to_vec();
    samples[3].error = Some(Failure::new("busy", "other writers won"));
    add(&mut run, mixed.on_pages(1), samples);
    let cold = Phase::sequential("cold-read-1", "cold starts, 1 page", "read", 5).on_pages(1);
    let cold_samples = (0..5).map(|it| {
        let wall = 120.0 + f64::from(it);
        Sample { init_ms: Some(100.0), duration_ms: Some(10.0), ..sample("read", 0.0, wall) }
    });
    add(&mut run, cold.forced_cold(), cold_samples.collect());
    run
}

#[test]
fn a_note_has_all_numbers_and_criteria() {
    insta::assert_snapshot!(markdown(&run()));
}

#[test]
fn a_page_is_whole_by_itself_and_has_a_plot_of_each_kind() {
    let page = html(&run(), &LambdaPrices::default());
    for heading in [
        "Latency, 1 page",
        "Cold against warm",
        "Steps",
        "Timeline: 1 read and 1 write &lt;at once&gt;",
    ] {
        assert!(page.contains(&format!("<h2>{heading}</h2>")), "no {heading}");
    }
    assert_eq!(page.matches("<svg ").count(), 4);
    for foreign in ["<script", "src=", "href=", "@import", "<at once>"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("class=\"missed\""));
    if let Some(folder) = std::env::var_os("PLATFORMCTL_TEST_PAGES") {
        std::fs::write(std::path::Path::new(&folder).join("bench.html"), page).unwrap();
    }
}

#[test]
fn a_run_that_measured_nothing_is_a_page_too() {
    let text = include_str!("tests.json");
    let empty: Run = serde_json::from_str(text).unwrap();
    assert!(!html(&empty, &LambdaPrices::default()).contains("<svg"));
    assert!(markdown(&empty).contains("# Benchmark efs"));
}
