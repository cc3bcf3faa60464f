//! The overview on a screen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Paragraph, Wrap};

use super::model::{Known, Mood, Overview, Panel, Row};

/// Draws it.
pub fn draw(overview: &Overview, frame: &mut Frame<'_>) {
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(3), Constraint::Length(2)])
            .areas(frame.area());
    let state = match overview.reading() {
        0 => String::new(),
        reading => format!(" · reading {reading}"),
    };
    let first = Line::from(format!("{}{state}", overview.place)).style(Modifier::BOLD);
    frame.render_widget(first, top);
    let panels = overview.panels.iter().zip(places(middle, overview.panels.len())).enumerate();
    for (index, (panel, place)) in panels {
        draw_panel(panel, index == overview.focus(), place, frame);
    }
    let keys = "q quit · tab panel · ↑↓ row · enter leave with the command · r refresh";
    let command = overview.command().map(|it| format!("$ {it}")).unwrap_or_default();
    let lines = vec![Line::from(command), Line::from(keys).style(dim())];
    frame.render_widget(Paragraph::new(lines), bottom);
}

/// Two columns where there is room for them.
fn places(area: Rect, count: usize) -> Vec<Rect> {
    const WIDE: u16 = 100;
    let columns = if area.width >= WIDE { 2 } else { 1 };
    let rows = count.div_ceil(columns);
    let part = |count: usize| vec![Constraint::Fill(1); count];
    let lines = Layout::vertical(part(rows)).split(area);
    let mut places = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        // The last line may have room for itself.
        let here = columns.min(count - index * columns);
        places.extend(Layout::horizontal(part(here)).split(*line).iter());
    }
    places
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn draw_panel(panel: &Panel, focused: bool, place: Rect, frame: &mut Frame<'_>) {
    let kind = if focused { BorderType::Thick } else { BorderType::Rounded };
    let at = Some(panel.read_at.as_str()).filter(|at| !at.is_empty());
    let by_hand = panel.by_hand && panel.known != Known::Asked;
    let by_hand = by_hand.then_some("r reads again");
    let title = [Some(panel.title.as_str()), at, by_hand].into_iter().flatten();
    let title = format!(" {} ", title.collect::<Vec<_>>().join(" · "));
    let block = Block::bordered().border_type(kind).title(title);
    let inside = block.inner(place);
    let mut lines = Vec::new();
    if let Known::Failed(error, _) = &panel.known {
        lines.push(Line::from(format!("! {error}")).style(Color::Red));
    }
    match &panel.known {
        Known::Asked => lines.push(Line::from("…").style(dim())),
        Known::Rows(rows) if rows.is_empty() => {
            lines.push(Line::from(panel.nothing.as_str()).style(dim()));
        }
        Known::Rows(_) | Known::Failed(..) => {}
    }
    let selected = panel.selected().filter(|_| focused);
    let room = usize::from(inside.height).saturating_sub(lines.len());
    // The selected row stays in sight.
    let first = selected.map_or(0, |at| (at + 1).saturating_sub(room));
    let block = match out_of_sight(panel.rows(), first, room) {
        Some(more) => block.title_bottom(more.right_aligned()),
        None => block,
    };
    frame.render_widget(block, place);
    let widths = widths(panel.rows());
    for (at, row) in panel.rows().iter().enumerate().skip(first).take(room) {
        let sign = if selected == Some(at) { "▸ " } else { "  " };
        let cells = row.cells.iter().zip(&widths);
        let text = cells.map(|(cell, width)| format!("{cell:width$}")).collect::<Vec<_>>();
        let line = format!("{sign}{}", text.join("  "));
        lines.push(Line::from(line.trim_end().to_owned()).style(style(row.mood)));
    }
    let wraps = panel.rows().is_empty();
    let text = Paragraph::new(lines);
    // A long error is read whole where nothing else wants the room.
    frame.render_widget(if wraps { text.wrap(Wrap { trim: true }) } else { text }, inside);
}

/// What is said of rows for which there is no room: nothing bad goes unseen.
fn out_of_sight(rows: &[Row], first: usize, room: usize) -> Option<Line<'static>> {
    let hidden = rows.iter().take(first).chain(rows.iter().skip(first + room));
    let (mut count, mut bad) = (0, 0);
    for row in hidden {
        count += 1;
        bad += usize::from(row.mood == Mood::Bad);
    }
    match (count, bad) {
        (0, _) => None,
        (count, 0) => Some(Line::from(format!(" {count} more "))),
        (count, bad) => Some(Line::from(format!(" {count} more, {bad} bad ")).style(Color::Red)),
    }
}

/// The widest cell of each column, in characters.
fn widths(rows: &[Row]) -> Vec<usize> {
    let columns = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.cells.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    (0..columns).map(width).collect()
}

fn style(mood: Mood) -> Style {
    match mood {
        Mood::Plain => Style::new(),
        Mood::Good => Style::new().fg(Color::Green),
        Mood::Busy => Style::new().fg(Color::Yellow),
        Mood::Bad => Style::new().fg(Color::Red),
    }
}
