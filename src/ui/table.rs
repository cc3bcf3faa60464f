//! Tables, on a terminal and in Markdown.

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{CellAlignment, ContentArrangement};

/// On which side of its column a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Left: words.
    Left,
    /// Right: numbers.
    Right,
}

/// A table of texts.
#[derive(Debug, Clone, Default)]
pub struct Table {
    headers: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(headers: &[(&str, Align)]) -> Self {
        let headers = headers.iter().map(|(name, align)| ((*name).to_owned(), *align)).collect();
        Self { headers, rows: Vec::new() }
    }

    /// Adds a row, with as many cells as there are columns.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn as_text(&self) -> String {
        let text = self.build(NOTHING).to_string();
        text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    pub(super) fn as_markdown(&self) -> String {
        self.build(ASCII_MARKDOWN).to_string() + "\n"
    }

    fn build(&self, preset: &str) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.load_preset(preset).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.headers.iter().map(|(name, _)| name.to_uppercase()));
        table.add_rows(self.rows.iter());
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
