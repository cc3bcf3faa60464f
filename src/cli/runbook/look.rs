//! Looks at runbooks: lists, shows, proves and draws them. Nothing is sent anywhere.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::hands::Hands;
use super::library;
use crate::cli::Ctx;
use crate::error::{Context as _, Result, exit};
use crate::runbook::{self, Drawing, Finding, Input, Loaded, Step};
use crate::ui::{Align, Block, Format, Report, Table};

/// List the runbooks
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl runbook list\n  platformctl runbook list -o json --query '[].id'"
)]
pub struct ListArgs {}

/// Show a runbook: what it is for, what it asks, and what it does
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl runbook show 006\n  platformctl runbook show our-runbooks/drill.yaml"
)]
pub struct ShowArgs {
    /// The runbook's id, or a file
    #[arg(value_name = "RUNBOOK")]
    runbook: String,
}

/// Prove runbooks without running them: fields, expressions, verbs and their flags
///
/// Exit code 2 when something is wrong.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl runbook lint\n  platformctl runbook lint our-runbooks/drill.yaml -o json"
)]
pub struct LintArgs {
    /// Ids or files; default: all runbooks
    #[arg(value_name = "RUNBOOK")]
    runbooks: Vec<String>,
}

/// Draw a runbook
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl runbook graph 001\n  platformctl runbook graph 001 --format svg --out failover.svg"
)]
pub struct GraphArgs {
    /// The runbook's id, or a file
    #[arg(value_name = "RUNBOOK")]
    runbook: String,
    /// What the drawing is written as
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "mermaid")]
    format: Drawing,
    /// Write it to a file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Print the JSON Schema of runbooks, for editors
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  platformctl runbook schema > runbook.schema.json")]
pub struct SchemaArgs {}

/// The runbooks.
#[derive(Debug)]
pub struct Listed(Vec<Loaded>);

pub(super) fn list(ctx: &Ctx, _: &ListArgs) -> Result<Listed> {
    let library = library(ctx)?;
    for error in &library.broken {
        ctx.events.warn(error.to_string());
    }
    Ok(Listed(library.runbooks))
}

/// Each step with those in it, first to last.
fn flat(steps: &[Step]) -> Vec<&Step> {
    steps
        .iter()
        .flat_map(|step| {
            let inner = step.parallel.as_deref().map(flat).unwrap_or_default();
            std::iter::once(step).chain(inner)
        })
        .collect()
}

fn origin(loaded: &Loaded) -> &str {
    if loaded.embedded { "platformctl" } else { &loaded.file }
}

impl Report for Listed {
    fn value(&self) -> Value {
        let runbooks = self.0.iter().map(|loaded| {
            let steps = flat(&loaded.runbook.steps);
            let steps: Vec<Value> = steps
                .into_iter()
                .map(|step| json!({ "id": step.id, "kind": step.kind(), "title": step.title }))
                .collect();
            json!({
                "id": loaded.runbook.id,
                "title": loaded.runbook.title,
                "steps": steps,
                "inputs": loaded.runbook.inputs.keys().collect::<Vec<_>>(),
                "from": origin(loaded),
                "digest": loaded.digest,
            })
        });
        Value::Array(runbooks.collect())
    }

    fn blocks(&self) -> Vec<Block> {
        let mut table = Table::new(&[
            ("id", Align::Left),
            ("title", Align::Left),
            ("steps", Align::Right),
            ("from", Align::Left),
        ]);
        for loaded in &self.0 {
            table.row([
                loaded.runbook.id.clone(),
                loaded.runbook.title.clone(),
                flat(&loaded.runbook.steps).len().to_string(),
                origin(loaded).to_owned(),
            ]);
        }
        vec![Block::Table(table)]
    }
}

/// A runbook to read.
#[derive(Debug)]
pub struct Shown(Loaded);

pub(super) fn show(ctx: &Ctx, args: &ShowArgs) -> Result<Shown> {
    library(ctx)?.get(&args.runbook).map(Shown)
}

impl Report for Shown {
    fn value(&self) -> Value {
        json!(self.0.runbook)
    }

    fn is_content(&self) -> bool {
        true
    }

    fn blocks(&self) -> Vec<Block> {
        let runbook = &self.0.runbook;
        let mut blocks = vec![Block::Heading(format!("{} · {}", runbook.id, runbook.title))];
        if !runbook.about.trim().is_empty() {
            blocks.push(Block::Text(runbook.about.trim().to_owned()));
        }
        if !runbook.inputs.is_empty() {
            let mut table = Table::new(&[
                ("input", Align::Left),
                ("type", Align::Left),
                ("default", Align::Left),
                ("what", Align::Left),
            ]);
            for (name, input) in &runbook.inputs {
                table.row([name.clone(), kind(input), default(input), input.about.clone()]);
            }
            blocks.push(Block::Table(table));
        }
        let mut table =
            Table::new(&[("step", Align::Left), ("kind", Align::Left), ("what", Align::Left)]);
        for step in &runbook.steps {
            table.row(row(step, ""));
            for inner in step.parallel.iter().flatten() {
                table.row(row(inner, "  "));
            }
        }
        blocks.push(Block::Table(table));
        let inputs: String = runbook
            .inputs
            .iter()
            .filter(|(_, input)| input.default.is_none() && !input.optional)
            .map(|(name, _)| format!(" --input {name}=…"))
            .collect();
        let reason = if runbook::needs_reason(&self.0) { " --reason '…'" } else { "" };
        let id = if self.0.embedded { &runbook.id } else { &self.0.file };
        blocks.push(Block::Next(vec![format!(
            "platformctl runbook run {id}{inputs}{reason} --dry-run"
        )]));
        blocks
    }
}

fn row(step: &Step, indent: &str) -> [String; 3] {
    let title = &step.title;
    let what = match &step.when {
        Some(when) => format!("{title} (when {when})").trim().to_owned(),
        None => title.clone(),
    };
    [format!("{indent}{}", step.id), step.kind().to_owned(), what]
}

fn kind(input: &Input) -> String {
    if !input.choices.is_empty() {
        return input.choices.join(" | ");
    }
    let kind = serde_json::to_value(input.kind).unwrap_or_default();
    kind.as_str().unwrap_or_default().to_owned()
}

fn default(input: &Input) -> String {
    match &input.default {
        Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        None if input.optional => "none".to_owned(),
        None => "needed".to_owned(),
    }
}

/// What is wrong with runbooks.
#[derive(Debug)]
pub struct Linted {
    proved: usize,
    found: Vec<Finding>,
}

pub(super) fn lint(ctx: &Ctx, args: &LintArgs) -> Result<Linted> {
    let library = library(ctx)?;
    let hands = Hands::to_prove(ctx);
    let mut found = Vec::new();
    let runbooks = if args.runbooks.is_empty() {
        for error in &library.broken {
            let place = error.place().cloned().unwrap_or_else(|| crate::error::Place {
                file: String::new(),
                line: 0,
                column: 0,
                field: String::new(),
            });
            let (message, hint) = (error.message().to_owned(), error.hints().join("; "));
            found.push(Finding { place, message, hint });
        }
        library.runbooks
    } else {
        args.runbooks.iter().map(|name| library.get(name)).collect::<Result<_>>()?
    };
    for loaded in &runbooks {
        found.extend(runbook::lint(loaded, &hands));
    }
    Ok(Linted { proved: runbooks.len(), found })
}

impl Report for Linted {
    fn exit_code(&self) -> u8 {
        if self.found.is_empty() { exit::OK } else { exit::USAGE }
    }

    fn value(&self) -> Value {
        let found = self.found.iter().map(|Finding { place, message, hint }| {
            json!({
                "file": place.file, "line": place.line, "column": place.column,
                "field": place.field, "message": message, "hint": hint,
            })
        });
        json!({ "runbooks": self.proved, "findings": found.collect::<Vec<_>>() })
    }

    fn blocks(&self) -> Vec<Block> {
        let plural = if self.proved == 1 { "" } else { "s" };
        if self.found.is_empty() {
            return vec![Block::Text(format!("{} runbook{plural}: nothing is wrong", self.proved))];
        }
        let lines = self.found.iter().map(|Finding { place, message, hint }| {
            let hint = if hint.is_empty() { String::new() } else { format!("\n  {hint}") };
            format!("{place}: {message}{hint}")
        });
        vec![Block::Text(lines.collect::<Vec<_>>().join("\n"))]
    }
}

/// A document to print.
#[derive(Debug)]
pub struct Document {
    value: Value,
    text: String,
}

impl Document {
    /// A text that is printed as it is, and its data.
    pub(super) fn new(value: Value, text: String) -> Self {
        Self { value, text }
    }
}

pub(super) fn graph(ctx: &Ctx, args: &GraphArgs) -> Result<Document> {
    let loaded = library(ctx)?.get(&args.runbook)?;
    let text = runbook::draw(&loaded, args.format);
    let steps = flat(&loaded.runbook.steps);
    let value = json!(
        steps
            .into_iter()
            .map(|step| json!({
                "id": step.id, "kind": step.kind(), "title": step.title, "when": step.when,
            }))
            .collect::<Vec<_>>()
    );
    match &args.out {
        None => Ok(Document { value, text }),
        Some(file) => {
            write(file, &text)?;
            Ok(Document { value, text: format!("wrote {}", file.display()) })
        }
    }
}

/// Writes a file, and the folders above it.
pub(super) fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

pub(super) fn schema(_: &SchemaArgs) -> Result<Document> {
    let value = runbook::json_schema();
    let text = serde_json::to_string_pretty(&value).context("cannot write JSON")?;
    Ok(Document { value, text })
}

impl Report for Document {
    fn value(&self) -> Value {
        self.value.clone()
    }

    fn is_content(&self) -> bool {
        true
    }

    fn special(&self, format: Format) -> Option<String> {
        (format == Format::Text).then(|| format!("{}\n", self.text.trim_end()))
    }

    fn blocks(&self) -> Vec<Block> {
        vec![Block::Text(self.text.clone())]
    }
}
