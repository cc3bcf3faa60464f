//! Plots as SVG, drawn by `plotters` with its SVG backend alone.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::bench::digest::{Series, of_phase};
use crate::bench::result::{Measured, Run};
use crate::bench::stats::{quantile, real, sorted};

/// Width and height of a plot.
const SIZE: (u32, u32) = (860, 360);

/// Colours that stay apart for the colour-blind (Okabe and Ito, 2008).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];

const FONT: (&str, u32) = ("sans-serif", 13);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}

/// A drawing as text; nothing when it cannot be drawn.
fn svg(height: u32, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Option<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (SIZE.0, height)).into_drawing_area();
        area.fill(&WHITE).ok()?;
        draw(&area).ok()?;
        area.present().ok()?;
    }
    Some(text)
}

fn walls(measured: &Measured) -> Vec<Series> {
    of_phase(measured).into_iter().filter(|it| it.metric == "wall_ms").collect()
}

/// The share of calls that were answered within a time, one line for each of these phases.
pub(super) fn distribution(phases: &[&Measured]) -> Option<String> {
    let series: Vec<Series> = phases.iter().flat_map(|it| walls(it)).collect();
    let all: Vec<f64> = sorted(&series.iter().flat_map(|it| it.values.clone()).collect::<Vec<_>>());
    let (least, most) = (all.first()?.max(0.01), all.last()?.max(0.02));
    svg(SIZE.1, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(48)
            .build_cartesian_2d((least * 0.9..most * 1.1).log_scale(), 0.0..1.0)?;
        chart
            .configure_mesh()
            .x_desc("milliseconds (logarithmic)")
            .y_desc("share of calls")
            .label_style(FONT)
            .light_line_style(TRANSPARENT)
            .x_label_formatter(&|it| super::number(*it))
            .y_label_formatter(&|it| format!("{:.0} %", it * 100.0))
            .draw()?;
        for (index, series) in series.iter().enumerate() {
            let sorted = sorted(&series.values);
            let count = real(sorted.len());
            let steps = sorted.iter().enumerate().flat_map(|(place, value)| {
                [(*value, real(place) / count), (*value, real(place + 1) / count)]
            });
            let style = colour(index).stroke_width(2);
            let name = series.operation.as_ref();
            let name =
                name.map_or_else(|| series.phase.clone(), |it| format!("{} {it}", series.phase));
            chart
                .draw_series(LineSeries::new(steps, style))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        legend(&mut chart)
    })
}

fn legend<'a, X, Y>(chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>) -> Drawn
where
    X: Ranged,
    Y: Ranged,
    SVGBackend<'a>: 'a,
{
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .label_font(FONT)
        .draw()?;
    Ok(())
}

/// Every call of a phase from when it was due until it was answered, in as few rows as keep
/// them apart.
pub(super) fn timeline(measured: &Measured) -> Option<String> {
    let samples = &measured.samples;
    let end = samples.iter().map(|it| it.at_ms + it.wall_ms).fold(0.0, f64::max);
    if samples.is_empty() || end <= 0.0 {
        return None;
    }
    let mut rows: Vec<f64> = Vec::new();
    let placed: Vec<(usize, &crate::bench::sample::Sample)> = samples
        .iter()
        .map(|sample| {
            let free = rows.iter().position(|until| *until <= sample.at_ms);
            let row = free.unwrap_or(rows.len());
            if free.is_none() {
                rows.push(0.0);
            }
            rows[row] = sample.at_ms + sample.wall_ms;
            (row, sample)
        })
        .collect();
    let mut kinds: Vec<&str> = measured.phase.operations.iter().map(String::as_str).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let height = u32::try_from(rows.len()).unwrap_or(50).min(50) * 22 + 90;
    svg(height, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(48)
            .build_cartesian_2d(0.0..end * 1.15, 0.0..real(rows.len()))?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc("milliseconds since the phase began to measure")
            .y_desc("calls under way")
            .label_style(FONT)
            .y_label_formatter(&|it| format!("{it:.0}"))
            .draw()?;
        for (index, kind) in kinds.iter().enumerate() {
            let of_kind = placed.iter().filter(|(_, sample)| sample.operation == *kind);
            let bars = of_kind.map(|(row, sample)| {
                let (from, row) = (sample.at_ms, real(*row));
                let failed = sample.error.is_some();
                let style = if failed { BLACK.filled() } else { colour(index).filled() };
                Rectangle::new([(from, row + 0.12), (from + sample.wall_ms, row + 0.88)], style)
            });
            let style = colour(index).filled();
            chart
                .draw_series(bars)?
                .label(*kind)
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 14, y + 5)], style));
        }
        legend(&mut chart)
    })
}

/// One bar for each row, made of parts that stand one behind another.
fn stacked(rows: &[(String, Vec<f64>)], parts: &[String], unit: &str) -> Option<String> {
    let longest = rows.iter().map(|(_, values)| values.iter().sum::<f64>()).fold(0.0, f64::max);
    if rows.is_empty() || longest <= 0.0 {
        return None;
    }
    let height = u32::try_from(rows.len()).unwrap_or(50).min(50) * 30 + 100;
    svg(height, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(190)
            .build_cartesian_2d(0.0..longest * 1.45, 0.5..real(rows.len()) + 0.5)?;
        let name = |at: &f64| {
            // Bars are around whole numbers, the first one on top.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a row")]
            let row = at.round() as usize;
            let exact = (at - at.round()).abs() < 1e-6;
            let name = rows.len().checked_sub(row).and_then(|index| rows.get(index));
            name.filter(|_| exact).map(|(name, _)| name.clone()).unwrap_or_default()
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc(unit)
            .y_labels(rows.len() + 1)
            .y_label_formatter(&name)
            .label_style(FONT)
            .draw()?;
        for (index, part) in parts.iter().enumerate() {
            let bars = rows.iter().enumerate().map(|(row, (_, values))| {
                let before: f64 = values.iter().take(index).sum();
                let middle = real(rows.len() - row);
                let end = before + values.get(index).copied().unwrap_or_default();
                let corners = [(before, middle - 0.3), (end, middle + 0.3)];
                Rectangle::new(corners, colour(index).filled())
            });
            let style = colour(index).filled();
            chart
                .draw_series(bars)?
                .label(part)
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 14, y + 5)], style));
        }
        legend(&mut chart)
    })
}

fn median(measured: &Measured, number: impl Fn(&crate::bench::sample::Sample) -> f64) -> f64 {
    let values: Vec<f64> = measured.answered().map(number).collect();
    let median = quantile(&sorted(&values), 0.5);
    if median.is_finite() { median } else { 0.0 }
}

/// The parts of the median call: start, inside the function, and the way there and back.
pub(super) fn cold_and_warm(run: &Run) -> Option<String> {
    if !run.phases.iter().any(|it| it.phase.cold) {
        return None;
    }
    let alone = run.phases.iter().filter(|it| !it.phase.name.starts_with("concurrent-"));
    let rows: Vec<(String, Vec<f64>)> = alone
        .map(|measured| {
            let start = median(measured, |it| it.init_ms.unwrap_or_default());
            let inside = median(measured, |it| it.duration_ms.unwrap_or_default());
            let rest = median(measured, |it| {
                it.wall_ms - it.init_ms.unwrap_or_default() - it.duration_ms.unwrap_or_default()
            });
            (measured.phase.title.clone(), vec![start, inside, rest.max(0.0)])
        })
        .collect();
    let parts = ["start", "function", "way there and back"].map(str::to_owned);
    stacked(&rows, &parts, "milliseconds, medians")
}

/// The store's own steps of the median call, by phase.
pub(super) fn steps(run: &Run) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for sample in run.phases.iter().flat_map(Measured::answered) {
        for step in sample.steps_ms.keys().filter(|step| *step != "total") {
            if !names.contains(step) {
                names.push(step.clone());
            }
        }
    }
    names.sort_unstable();
    let single =
        |it: &&Measured| it.phase.operations.iter().all(|op| *op == it.phase.operations[0]);
    let rows: Vec<(String, Vec<f64>)> = run
        .phases
        .iter()
        .filter(single)
        .map(|measured| {
            let of = |step: &String| {
                median(measured, |it| it.steps_ms.get(step).copied().unwrap_or_default())
            };
            (measured.phase.title.clone(), names.iter().map(of).collect())
        })
        .collect();
    let names: Vec<String> = names.iter().map(|it| it.replace('_', " ")).collect();
    stacked(&rows, &names, "milliseconds, medians of each step")
}

/// Time and cost by memory.
pub(super) fn memory(points: &[(u32, f64, f64)]) -> Option<String> {
    let bound =
        |number: fn(&(u32, f64, f64)) -> f64| points.iter().map(number).fold(0.0, f64::max) * 1.15;
    let (slowest, dearest) = (bound(|it| it.1), bound(|it| it.2));
    let (least, most) = (f64::from(points.first()?.0), f64::from(points.last()?.0));
    if points.len() < 2 || slowest <= 0.0 || dearest <= 0.0 {
        return None;
    }
    svg(SIZE.1, |area| {
        let x = least - (most - least) * 0.03..most + (most - least) * 0.03;
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(56)
            .right_y_label_area_size(64)
            .build_cartesian_2d(x.clone(), 0.0..slowest)?
            .set_secondary_coord(x, 0.0..dearest);
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc("memory in MB")
            .y_desc("median duration in milliseconds")
            .x_label_formatter(&|it| format!("{it:.0}"))
            .label_style(FONT)
            .draw()?;
        chart
            .configure_secondary_axes()
            .y_desc("US dollars for a million calls")
            .label_style(FONT)
            .draw()?;
        let time = points.iter().map(|it| (f64::from(it.0), it.1));
        let cost = points.iter().map(|it| (f64::from(it.0), it.2));
        let styles = [colour(0).stroke_width(2), colour(1).stroke_width(2)];
        chart
            .draw_series(LineSeries::new(time, styles[0]).point_size(4))?
            .label("duration")
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], styles[0]));
        chart
            .draw_secondary_series(LineSeries::new(cost, styles[1]).point_size(4))?
            .label("cost")
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], styles[1]));
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.85))
            .label_font(FONT)
            .draw()?;
        Ok(())
    })
}
