use std::path::PathBuf;

use clap::ValueEnum;
use runtime_core::names::GIT_STORE;
use serde_json::{Value, json};

use super::common;
use crate::bench::export;
use crate::bench::lambda::Function;
use crate::cli::Ctx;
use crate::config::LambdaPrices;
use crate::error::{Context as _, Error, Result};
use crate::ui::{Block, Format, Report};

/// Write what a run measured as a document
///
/// The page (html) has everything in one file: plots as SVG, no scripts, nothing loaded from
/// elsewhere. The note (markdown) can be written to a page of a wiki, through the page store.
/// json is the stored result with all samples.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl bench report k3f9 --format html --out bench.html\n  platformctl bench report k3f9 > note.md\n  platformctl bench report k3f9 --note platform/benchmarks/latest.md"
)]
pub struct ReportArgs {
    /// The run's name, its last four letters, or a file
    #[arg(value_name = "ID")]
    id: String,
    /// What it is written as
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "markdown")]
    format: Document,
    /// Write it to a file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the note to this page of this wiki of the environment
    #[arg(long, value_name = "WIKI/PATH", value_parser = note, conflicts_with_all = ["out", "format"])]
    note: Option<(String, String)>,
}

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Document {
    /// One page with plots.
    Html,
    /// A note.
    Markdown,
    /// The stored result, with all samples.
    Json,
}

fn note(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('/').filter(|(wiki, path)| !wiki.is_empty() && !path.is_empty());
    parts
        .map(|(wiki, path)| (wiki.to_owned(), path.to_owned()))
        .ok_or_else(|| "expected a wiki and a page, such as platform/benchmarks/latest.md".into())
}

/// A document.
#[derive(Debug)]
pub struct Written {
    value: Value,
    text: String,
}

pub(super) async fn run(ctx: &Ctx, args: &ReportArgs) -> Result<Written> {
    let run = common::folder(ctx).load(&args.id)?;
    if let Some((wiki, path)) = &args.note {
        let commit = keep(ctx, wiki, path, &export::markdown(&run), &run.id).await?;
        let value = json!({ "id": run.id, "wiki": wiki, "path": path, "commit": commit });
        return Ok(Written { value, text: format!("wrote {path} of wiki {wiki}: {commit}") });
    }
    // Documents of an environment that is not at hand have list prices.
    let prices =
        ctx.settings().map_or_else(|_| LambdaPrices::default(), |it| it.config.bench.prices);
    let text = match args.format {
        Document::Html => export::html(&run, &prices),
        Document::Markdown => export::markdown(&run),
        Document::Json => {
            serde_json::to_string_pretty(&run).context("cannot serialize the result")?
        }
    };
    let format = args.format.to_possible_value().map(|it| it.get_name().to_owned());
    let Some(file) = &args.out else {
        let value = match args.format {
            Document::Json => json!(run),
            _ => json!({ "id": run.id, "format": format, "text": text }),
        };
        return Ok(Written { value, text });
    };
    std::fs::write(file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    let value = json!({ "id": run.id, "format": format, "file": file });
    Ok(Written { value, text: format!("wrote {}", file.display()) })
}

/// Writes the note to a wiki. The same note twice is one commit.
async fn keep(ctx: &Ctx, wiki: &str, path: &str, text: &str, id: &str) -> Result<String> {
    let settings = ctx.settings()?;
    let connection = ctx.connect(&settings).await?;
    ctx.show_place(&settings, &connection.identity.account);
    let name = settings.physical_name(GIT_STORE);
    let (store, _) = Function::find(connection.aws.home(), &name).await?;
    let ask = async |request: Value| {
        let answer = store.call(&request).await;
        let (answer, _) = answer.map_err(|it| Error::failed(it.message))?;
        match answer.get("ok") {
            Some(ok) => Ok(ok.clone()),
            None => {
                let why = answer["error"]["message"].as_str().unwrap_or("no reason given");
                Err(Error::failed(format!("{name} did not write {path} of wiki {wiki}"))
                    .caused_by(why.to_owned()))
            }
        }
    };
    ask(json!({ "operation": "init", "wiki": wiki })).await?;
    let written = ask(json!({
        "operation": "write", "wiki": wiki, "path": path, "body": text,
        "author": { "name": "platformctl bench", "email": "bench@platformctl.invalid" },
        "message": format!("Benchmark {id}"),
    }))
    .await?;
    Ok(written["commit"].as_str().unwrap_or_default().to_owned())
}

impl Report for Written {
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
