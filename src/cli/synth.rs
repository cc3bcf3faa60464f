use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use stacks::StackTemplate;

use super::Ctx;
use super::context::{by_template, choose};
use crate::error::{Context as _, Result};
use crate::plan;
use crate::ui::{Align, Block, Format, Report, Table};

/// Where the parameters of stacks that share a template go, in the folder of `--out`:
/// out of the way of what lints all templates.
const PARAMETERS: &str = "parameters";

/// Synthesize the stacks to CloudFormation templates
///
/// Without --out the templates go to stdout. Nothing is sent anywhere: same
/// platform.yaml, same bytes.
///
/// Stacks that share a template, as the siloed tenants of a tier do, have one file
/// together, such as tenant-premium.yaml, and each a file with its own parameters, such
/// as parameters/tenant-globex.json, which `aws cloudformation create-stack
/// --parameters` and `create-stack-instances --parameter-overrides` take.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl synth network                 one template as YAML\n  platformctl synth tenant-globex           a tenant's template, and its parameters\n  platformctl synth -o json                 all templates, as one JSON object\n  platformctl synth --out build --format json"
)]
pub struct SynthArgs {
    /// Stacks to synthesize; default: all
    #[arg(value_name = "STACK")]
    stacks: Vec<String>,
    /// Write one file a template into this folder
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
    stacks: Vec<StackTemplate>,
    out: Option<PathBuf>,
    format: TemplateFormat,
}

/// Runs `synth`.
pub fn run(ctx: &Ctx, args: &SynthArgs) -> Result<SynthReport> {
    let all = ctx.settings()?.synthesize()?;
    let stacks = if args.stacks.is_empty() {
        all
    } else {
        // Only what was named: a reader asked for one template, not for its needs.
        let named: HashSet<&String> = args.stacks.iter().collect();
        let chosen = choose(all, &args.stacks)?.into_iter();
        chosen.filter(|stack| named.contains(&stack.name)).collect()
    };
    let report = SynthReport { stacks, out: args.out.clone(), format: args.format };
    if let Some(out) = &report.out {
        report.write(out)?;
    }
    Ok(report)
}

impl SynthReport {
    /// Writes each template once, and the values of every stack that has its own.
    fn write(&self, out: &Path) -> Result<()> {
        make_folder(out)?;
        for group in by_template(&self.stacks) {
            for first in group.iter().take(1) {
                write(&self.template_file(out, first), &self.text(first))?;
            }
            if group.iter().any(|stack| has_parameters(stack)) {
                make_folder(&out.join(PARAMETERS))?;
            }
            for stack in group.into_iter().filter(|stack| has_parameters(stack)) {
                let text = format!("{:#}\n", parameters(stack));
                write(&parameters_file(out, stack), &text)?;
            }
        }
        Ok(())
    }

    fn template_file(&self, out: &Path, stack: &StackTemplate) -> PathBuf {
        let extension = if self.format == TemplateFormat::Json { "json" } else { "yaml" };
        out.join(format!("{}.{extension}", stack.template_name))
    }

    fn text(&self, stack: &StackTemplate) -> String {
        match self.format {
            TemplateFormat::Json => stack.template.to_json(),
            TemplateFormat::Yaml => stack.template.to_yaml(),
        }
    }

    /// What each stack became, its template judged once for all that share it.
    fn rows(&self, out: &Path) -> Vec<Value> {
        let mut rows = Vec::new();
        for group in by_template(&self.stacks) {
            let Some(first) = group.first() else { continue };
            let file = self.template_file(out, first);
            let resources = first.template.resources().count();
            let sha256 = plan::digest(&first.template.to_json());
            for stack in group {
                let mut row = json!({
                    "stack": stack.name,
                    "stack_name": stack.stack_name,
                    "region": stack.region,
                    "file": file,
                    "resources": resources,
                    "sha256": sha256,
                });
                if has_parameters(stack) {
                    row["parameters"] = json!(parameters_file(out, stack));
                }
                rows.push(row);
            }
        }
        rows
    }
}

fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn has_parameters(stack: &StackTemplate) -> bool {
    stack.literals().next().is_some()
}

fn parameters_file(out: &Path, stack: &StackTemplate) -> PathBuf {
    out.join(PARAMETERS).join(format!("{}.json", stack.name))
}

/// The values that are the stack's own, as CloudFormation takes them from a file.
fn parameters(stack: &StackTemplate) -> Value {
    let parameter = |(name, value)| json!({ "ParameterKey": name, "ParameterValue": value });
    stack.literals().map(parameter).collect()
}

/// What a YAML document says before the template: nothing can go after it.
fn comment(group: &[&StackTemplate]) -> String {
    match group {
        [] => String::new(),
        [one] => {
            let values = one.literals().map(|(name, value)| format!("# {name}: {value}\n"));
            format!("# {} in {}\n{}", one.stack_name, one.region, values.collect::<String>())
        }
        [first, .., last] => format!(
            "# {} in {}, which {} stacks share: {} … {}\n",
            first.template_name,
            first.region,
            group.len(),
            first.stack_name,
            last.stack_name
        ),
    }
}

impl Report for SynthReport {
    fn value(&self) -> Value {
        if let Some(out) = &self.out {
            return json!({ "stacks": self.rows(out) });
        }
        // One body a template: of a shared one, under its own name.
        let groups = by_template(&self.stacks).into_iter();
        let bodies = groups.filter_map(|group| {
            let first = group.first()?;
            Some((first.template_name.clone(), first.template.as_value().clone()))
        });
        Value::Object(bodies.collect::<Map<_, _>>())
    }

    fn special(&self, format: Format) -> Option<String> {
        if format != Format::Text || self.out.is_some() {
            return None;
        }
        let groups = by_template(&self.stacks);
        match (self.format, groups.as_slice()) {
            (TemplateFormat::Yaml, [group]) => {
                let first = group.first()?;
                let comment = if has_parameters(first) { comment(group) } else { String::new() };
                Some(comment + &self.text(first))
            }
            (TemplateFormat::Json, [group]) => group.first().map(|first| self.text(first)),
            // Several JSON texts are one object, by template.
            (TemplateFormat::Json, _) => {
                serde_json::to_string_pretty(&self.value()).ok().map(|text| text + "\n")
            }
            (TemplateFormat::Yaml, groups) => {
                let document = |group: &Vec<&StackTemplate>| {
                    let first = group.first()?;
                    Some(format!("---\n{}{}", comment(group), self.text(first)))
                };
                groups.iter().map(document).collect()
            }
        }
    }

    fn is_content(&self) -> bool {
        true
    }

    fn blocks(&self) -> Vec<Block> {
        let Some(out) = &self.out else { return Vec::new() };
        let mut table = Table::new(&[
            ("stack", Align::Left),
            ("region", Align::Left),
            ("resources", Align::Right),
            ("file", Align::Left),
        ]);
        let mut own = 0;
        for group in by_template(&self.stacks) {
            let Some(first) = group.first() else { continue };
            own += group.iter().filter(|stack| has_parameters(stack)).count();
            let name = match group.len() {
                1 => first.name.clone(),
                many => format!("{} ({many} stacks)", first.template_name),
            };
            let file = self.template_file(out, first).display().to_string();
            let resources = first.template.resources().count().to_string();
            table.row([name, first.region.clone(), resources, file]);
        }
        let mut blocks = vec![Block::Table(table)];
        if own > 0 {
            let folder = out.join(PARAMETERS);
            let stacks = if own == 1 { "1 stack" } else { &format!("{own} stacks") };
            blocks.push(Block::Text(format!("Parameters of {stacks}: {}", folder.display())));
        }
        blocks
    }
}
