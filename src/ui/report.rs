//! A result as a value: data for programs, blocks for people.

use serde_json::Value;

use super::{Format, Table};

/// What a verb returns.
pub trait Report {
    /// The result as data.
    fn value(&self) -> Value;

    /// The result for people.
    fn blocks(&self) -> Vec<Block>;

    /// The exit code that goes with it.
    fn exit_code(&self) -> u8 {
        crate::error::exit::OK
    }

    /// Whether the result is text of its own, such as a page or a template: then only
    /// known secrets are taken out of it, not what happens to look like one.
    fn is_content(&self) -> bool {
        false
    }

    /// A format of its own, such as SARIF, or text that needs no blocks.
    fn special(&self, _format: Format) -> Option<String> {
        None
    }
}

/// A part of a result for people.
#[derive(Debug, Clone)]
pub enum Block {
    /// A heading.
    Heading(String),
    /// Lines as they are.
    Text(String),
    /// A table.
    Table(Table),
    /// Things to try, each a command or a sentence.
    Next(Vec<String>),
}

pub(super) fn as_text(blocks: &[Block]) -> String {
    let mut text = String::new();
    for block in blocks {
        if !text.is_empty() {
            text.push('\n');
        }
        match block {
            Block::Heading(words) => {
                text.push_str(&console::Style::new().bold().apply_to(words).to_string());
                text.push('\n');
            }
            Block::Text(words) => {
                text.push_str(words.trim_end());
                text.push('\n');
            }
            Block::Table(table) => text.push_str(&table.as_text()),
            Block::Next(lines) => {
                text.push_str("Next:\n");
                text.extend(lines.iter().map(|line| format!("  {line}\n")));
            }
        }
    }
    text
}

pub(super) fn as_markdown(blocks: &[Block]) -> String {
    let parts: Vec<String> = blocks
        .iter()
        .map(|block| match block {
            Block::Heading(words) => format!("## {words}\n"),
            Block::Text(words) => format!("```\n{}\n```\n", words.trim_end()),
            Block::Table(table) => table.as_markdown(),
            Block::Next(lines) => lines.iter().map(|line| format!("- `{line}`\n")).collect(),
        })
        .collect();
    parts.join("\n")
}
