use std::path::PathBuf;

use serde_json::{Map, Value, json};
use stacks::StackTemplate;

use super::Ctx;
use super::context::choose;
use crate::error::{Context as _, Result};
use crate::plan;
use crate::ui::{Align, Block, Format, Report, Table};

/// Synthesize the stacks to CloudFormation templates
///
/// Without --out the templates go to stdout. Nothing is sent anywhere: same
/// platform.yaml, same bytes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl synth network                 one template as YAML\n  platformctl synth -o json                 all templates, as one JSON object\n  platformctl synth --out build --format json"
)]
pub struct SynthArgs {
    /// Stacks to synthesize; default: all
    #[arg(value_name = "STACK")]
    stacks: Vec<String>,
    /// Write one file a stack into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Format of the files, and of stdout in text output
    #[arg(long, value_enum, default_value = "yaml")]
    format: TemplateFormat,
}

/// How templates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TemplateFormat {
    /// YAML with short-form intrinsics
    Yaml,
    /// JSON
    Json,
}

/// Synthesized templates, and where they were written.
#[derive(Debug)]
pub struct SynthReport {
    templates: Vec<StackTemplate>,
    files: Vec<PathBuf>,
    format: TemplateFormat,
}

/// Runs `synth`.
pub fn run(ctx: &Ctx, args: &SynthArgs) -> Result<SynthReport> {
    let all = ctx.settings()?.synthesize()?;
    let templates = if args.stacks.is_empty() {
        all
    } else {
        // Only what was named: a reader asked for one template, not for its needs.
        choose(all, &args.stacks)?
            .into_iter()
            .filter(|stack| args.stacks.contains(&stack.name))
            .collect()
    };
    let mut files = Vec::new();
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        for stack in &templates {
            let extension = if args.format == TemplateFormat::Json { "json" } else { "yaml" };
            let file = out.join(format!("{}.{extension}", stack.name));
            std::fs::write(&file, text(stack, args.format))
                .with_context(|| format!("cannot write {}", file.display()))?;
            files.push(file);
        }
    }
    Ok(SynthReport { templates, files, format: args.format })
}

fn text(stack: &StackTemplate, format: TemplateFormat) -> String {
    match format {
        TemplateFormat::Json => stack.template.to_json(),
        TemplateFormat::Yaml => stack.template.to_yaml(),
    }
}

impl Report for SynthReport {
    fn value(&self) -> Value {
        if self.files.is_empty() {
            let bodies = self
                .templates
                .iter()
                .map(|stack| (stack.name.clone(), stack.template.as_value().clone()));
            return Value::Object(bodies.collect::<Map<_, _>>());
        }
        let rows = self.templates.iter().zip(&self.files).map(|(stack, file)| {
            json!({
                "stack": stack.name,
                "stack_name": stack.stack_name,
                "region": stack.region,
                "file": file,
                "resources": stack.template.resources().count(),
                "sha256": plan::digest(&stack.template.to_json()),
            })
        });
        json!({ "stacks": rows.collect::<Vec<_>>() })
    }

    fn special(&self, format: Format) -> Option<String> {
        if format != Format::Text || !self.files.is_empty() {
            return None;
        }
        let documents: Vec<String> =
            self.templates.iter().map(|stack| text(stack, self.format)).collect();
        match (self.format, documents.as_slice()) {
            (_, [one]) => Some(one.clone()),
            // Several JSON texts are one object, by stack.
            (TemplateFormat::Json, _) => {
                serde_json::to_string_pretty(&self.value()).ok().map(|text| text + "\n")
            }
            (TemplateFormat::Yaml, _) => {
                let named = self.templates.iter().zip(&documents);
                Some(
                    named
                        .map(|(stack, text)| {
                            format!("---\n# {} in {}\n{text}", stack.stack_name, stack.region)
                        })
                        .collect(),
                )
            }
        }
    }

    fn is_content(&self) -> bool {
        true
    }

    fn blocks(&self) -> Vec<Block> {
        let mut table = Table::new(&[
            ("stack", Align::Left),
            ("region", Align::Left),
            ("resources", Align::Right),
            ("file", Align::Left),
        ]);
        for (stack, file) in self.templates.iter().zip(&self.files) {
            let resources = stack.template.resources().count().to_string();
            table.row([
                stack.name.clone(),
                stack.region.clone(),
                resources,
                file.display().to_string(),
            ]);
        }
        vec![Block::Table(table)]
    }
}
