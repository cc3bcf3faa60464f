//! A trace as a picture of characters.

use super::{Part, Trace};

/// Columns of the bars.
const WIDTH: usize = 44;
/// Eighths of a block, from none to a whole one.
const EIGHTHS: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// One line for each part: its name, its time as a bar on the trace's axis, and how long
/// it took.
pub fn timeline(trace: &Trace) -> String {
    let label = |part: &Part| format!("{}{}", "  ".repeat(part.depth), name(part));
    let wide = trace.parts.iter().map(|part| label(part).chars().count()).max().unwrap_or(0);
    let mut lines = String::new();
    for part in &trace.parts {
        let failed = part.failed.map(|it| format!("  {it}")).unwrap_or_default();
        let took = part.duration_ms.map_or_else(|| "goes on".to_owned(), milliseconds);
        let bar = bar(part, trace.duration_ms);
        lines.push_str(&format!("{:wide$} │{bar}│ {took:>10}{failed}\n", label(part)));
    }
    lines
}

fn name(part: &Part) -> String {
    match part.origin.as_deref() {
        // Lambda writes two segments of one name.
        Some(origin) => format!("{} ({origin})", part.name),
        None => part.name.clone(),
    }
}

/// A time for people: three digits that count.
fn milliseconds(time: f64) -> String {
    match time {
        time if time >= 1000.0 => format!("{:.2} s", time / 1000.0),
        time if time >= 100.0 => format!("{time:.0} ms"),
        time if time >= 10.0 => format!("{time:.1} ms"),
        time => format!("{time:.2} ms"),
    }
}

/// From its beginning to its end on the axis of `whole` milliseconds. What is shorter than
/// a column still shows.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to WIDTH * 8")]
#[expect(clippy::cast_precision_loss, reason = "a constant below 1,000")]
fn bar(part: &Part, whole: f64) -> String {
    let all = (WIDTH * 8) as f64;
    let place = |time: f64| if whole > 0.0 { (time / whole * all).clamp(0.0, all) } else { 0.0 };
    let start = place(part.start_ms) as usize;
    let end = part.duration_ms.map_or(all, |took| place(part.start_ms + took)) as usize;
    let start = (start / 8).min(WIDTH - 1);
    // To whole columns at the left, to eighths at the right.
    let eighths = (end.saturating_sub(start * 8)).max(1);
    let mut bar = " ".repeat(start);
    bar.extend(std::iter::repeat_n(EIGHTHS[8], eighths / 8));
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8]);
    }
    let used = bar.chars().count();
    bar.push_str(&" ".repeat(WIDTH.saturating_sub(used)));
    bar
}
