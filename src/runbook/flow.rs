//! A runbook as a drawing: its steps from the first to the last.

use super::Loaded;
use super::model::{OnFailure, Step};

/// What a drawing is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Drawing {
    /// A Mermaid flowchart, as Markdown pages show it
    Mermaid,
    /// Graphviz
    Dot,
    /// A picture
    Svg,
}

/// A box: one step, or those that are done at once in one row.
struct Row<'a> {
    steps: Vec<&'a Step>,
}

/// Draws a runbook.
pub fn draw(loaded: &Loaded, drawing: Drawing) -> String {
    let steps = &loaded.runbook.steps;
    let rows: Vec<Row<'_>> = steps
        .iter()
        .map(|step| match &step.parallel {
            Some(inner) => Row { steps: inner.iter().collect() },
            None => Row { steps: vec![step] },
        })
        .collect();
    match drawing {
        Drawing::Mermaid => mermaid(&rows),
        Drawing::Dot => dot(loaded, &rows),
        Drawing::Svg => svg(loaded, &rows),
    }
}

/// What is written in a box: its lines.
fn lines(step: &Step) -> Vec<String> {
    let mut lines = vec![format!("{} · {}", step.id, step.kind())];
    if !step.title.is_empty() {
        lines.push(step.title.clone());
    }
    lines.extend(step.when.as_ref().map(|when| format!("when {when}")));
    let mut notes = Vec::new();
    notes.extend(step.retry.map(|retry| format!("{} retries", retry.times)));
    match step.on_failure {
        OnFailure::Stop => {}
        OnFailure::Continue => notes.push("goes on when it fails".to_owned()),
        OnFailure::Undo => notes.push("undoes all when it fails".to_owned()),
    }
    if step.undo.is_some() {
        notes.push("can be undone".to_owned());
    }
    if !notes.is_empty() {
        lines.push(notes.join(", "));
    }
    lines
}

fn is_person(step: &Step) -> bool {
    step.approval.is_some() || step.manual.is_some()
}

/// The arrows between rows: every step of one to every step of the next.
fn arrows(rows: &[Row<'_>]) -> Vec<(usize, usize)> {
    let mut first = 0;
    let mut arrows = Vec::new();
    for pair in rows.windows(2) {
        let next = first + pair[0].steps.len();
        for from in first..next {
            for to in next..next + pair[1].steps.len() {
                arrows.push((from, to));
            }
        }
        first = next;
    }
    arrows
}

fn mermaid(rows: &[Row<'_>]) -> String {
    let mut text = "flowchart TD\n".to_owned();
    for (number, step) in rows.iter().flat_map(|row| &row.steps).enumerate() {
        let label: Vec<String> = lines(step).iter().map(|line| coded(line)).collect();
        let (open, close) = if is_person(step) { ("([", "])") } else { ("[", "]") };
        text.push_str(&format!("  s{number}{open}\"{}\"{close}\n", label.join("<br/>")));
    }
    for (from, to) in arrows(rows) {
        text.push_str(&format!("  s{from} --> s{to}\n"));
    }
    text
}

/// `text` without a character that means something to Mermaid, HTML or Markdown.
fn coded(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " ·/:,()".contains(c);
    text.chars()
        .map(|c| if plain(c) { c.to_string() } else { format!("#{};", u32::from(c)) })
        .collect()
}

fn dot(loaded: &Loaded, rows: &[Row<'_>]) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let title = quoted(&loaded.runbook.title);
    let mut text = format!(
        "digraph runbook {{\n  label=\"{title}\";\n  node [shape=box, fontname=\"Helvetica\"];\n"
    );
    for (number, step) in rows.iter().flat_map(|row| &row.steps).enumerate() {
        let label: Vec<String> = lines(step).iter().map(|line| quoted(line)).collect();
        let shape = if is_person(step) { ", style=rounded" } else { "" };
        text.push_str(&format!("  s{number} [label=\"{}\"{shape}];\n", label.join("\\n")));
    }
    for (from, to) in arrows(rows) {
        text.push_str(&format!("  s{from} -> s{to};\n"));
    }
    text.push_str("}\n");
    text
}

/// Widths and heights of the picture, in its own units.
const MARGIN: usize = 24;
const GAP: usize = 32;
const LINE: usize = 20;
const PADDING: usize = 12;
/// A letter's width, on average, at 14 units.
const LETTER: usize = 8;
/// The longest line that is not cut, in letters.
const LONGEST: usize = 64;

const STYLE: &str = "\
text{font:14px system-ui,sans-serif;fill:#1f2328}text.id{font-weight:600}text.title{font-size:18px;font-weight:600}\
rect.step{fill:#f6f8fa;stroke:#8c959f}rect.person{fill:#fff8c5;stroke:#9a6700}path{stroke:#57606a;fill:none;stroke-width:1.5}\
rect.page{fill:#fff}marker path{fill:#57606a;stroke:none}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect.step{fill:#161b22;stroke:#6e7681}\
rect.person{fill:#2d2600;stroke:#d4a72c}path{stroke:#8b949e}rect.page{fill:#0d1117}marker path{fill:#8b949e}}";

struct Placed<'a> {
    step: &'a Step,
    lines: Vec<String>,
    x: usize,
    y: usize,
    w: usize,
    h: usize,
}

fn svg(loaded: &Loaded, rows: &[Row<'_>]) -> String {
    let title = format!("Runbook {}: {}", loaded.runbook.id, loaded.runbook.title);
    let cut = |line: &String| -> String {
        if line.chars().count() <= LONGEST {
            return line.clone();
        }
        line.chars().take(LONGEST - 1).chain(['…']).collect()
    };
    let mut placed: Vec<Placed<'_>> = Vec::new();
    let mut row_widths = Vec::new();
    let mut y = MARGIN + 40;
    for row in rows {
        let mut x = 0;
        let mut height = 0;
        for step in &row.steps {
            let lines: Vec<String> = lines(step).iter().map(cut).collect();
            let letters = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
            let (w, h) = (letters * LETTER + 2 * PADDING, lines.len() * LINE + 2 * PADDING);
            placed.push(Placed { step, lines, x, y, w, h });
            x += w + GAP;
            height = height.max(h);
        }
        row_widths.push(x.saturating_sub(GAP));
        y += height + GAP;
    }
    let letters = title.chars().count();
    let widest = row_widths.iter().copied().max().unwrap_or(0).max(letters * 10);
    let mut next = 0;
    for (row, width) in rows.iter().zip(&row_widths) {
        for _ in &row.steps {
            placed[next].x += MARGIN + (widest - width) / 2;
            next += 1;
        }
    }
    let (w, h) = (widest + 2 * MARGIN, y);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" aria-labelledby=\"drawing-title\">\n<title id=\"drawing-title\">{0}</title>\n<style>{STYLE}</style>\n<defs><marker id=\"tip\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L10 5L0 10z\"/></marker></defs>\n<rect class=\"page\" width=\"{w}\" height=\"{h}\"/>\n<text class=\"title\" x=\"{MARGIN}\" y=\"44\">{0}</text>\n",
        escaped(&title)
    );
    for (from, to) in arrows(rows) {
        let (from, to) = (&placed[from], &placed[to]);
        let (x1, y1, x2, y2) = (from.x + from.w / 2, from.y + from.h, to.x + to.w / 2, to.y);
        let middle = usize::midpoint(y1, y2);
        text.push_str(&format!(
            "<path d=\"M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}\" marker-end=\"url(#tip)\"/>\n"
        ));
    }
    for Placed { step, lines, x, y, w, h } in &placed {
        let (class, round) = if is_person(step) { ("person", 20) } else { ("step", 6) };
        text.push_str(&format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"{round}\"/>\n"
        ));
        for (number, line) in lines.iter().enumerate() {
            let class = if number == 0 { " class=\"id\"" } else { "" };
            let (x, y) = (x + PADDING, y + PADDING + number * LINE + 15);
            text.push_str(&format!("<text{class} x=\"{x}\" y=\"{y}\">{}</text>\n", escaped(line)));
        }
    }
    text.push_str("</svg>\n");
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
