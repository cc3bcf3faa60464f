//! Tables, on a terminal and in Markdown.

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{Cell, CellAlignment, Color, ContentArrangement};

/// On which side of its column a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Left: words.
    Left,
    /// Right: numbers.
    Right,
}

/// How a cell looks where there are colours. They say nothing that the text does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// As any text.
    #[default]
    Plain,
    /// All is well.
    Good,
    /// Something is under way, or wants attention.
    Busy,
    /// Something is wrong.
    Bad,
}

/// A table of texts.
#[derive(Debug, Clone, Default)]
pub struct Table {
    headers: Vec<(String, Align)>,
    rows: Vec<Vec<(String, Tone)>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(headers: &[(&str, Align)]) -> Self {
        let headers = headers.iter().map(|(name, align)| ((*name).to_owned(), *align)).collect();
        Self { headers, rows: Vec::new() }
    }

    /// Adds a row, with as many cells as there are columns.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.toned_row(cells.into_iter().map(|cell| (cell, Tone::Plain)));
    }

    /// Adds a row whose cells have tones.
    pub fn toned_row(&mut self, cells: impl IntoIterator<Item = (String, Tone)>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn as_text(&self) -> String {
        let text = self.build(NOTHING, console::colors_enabled()).to_string();
        text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    pub(super) fn as_markdown(&self) -> String {
        self.build(ASCII_MARKDOWN, false).to_string() + "\n"
    }

    fn build(&self, preset: &str, coloured: bool) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.load_preset(preset).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.headers.iter().map(|(name, _)| name.to_uppercase()));
        // Whether to colour was decided already, and not by what this process sees.
        if coloured {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        for row in &self.rows {
            table.add_row(row.iter().map(|(text, tone)| match tone {
                Tone::Plain => Cell::new(text),
                Tone::Good => Cell::new(text).fg(Color::Green),
                Tone::Busy => Cell::new(text).fg(Color::Yellow),
                Tone::Bad => Cell::new(text).fg(Color::Red),
            }));
        }
        for (index, (_, align)) in self.headers.iter().enumerate() {
            if let (Some(column), Align::Right) = (table.column_mut(index), align) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_no_line_ends_in_blanks() {
        let mut table = Table::new(&[("stack", Align::Left), ("resources", Align::Right)]);
        table.row(["network".to_owned(), "7".to_owned()]);
        table.row(["efs".to_owned(), "12".to_owned()]);
        insta::assert_snapshot!(table.as_text());
        insta::assert_snapshot!(table.as_markdown());
    }
}
