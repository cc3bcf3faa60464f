use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;

use serde_json::Value;
use time::OffsetDateTime;

use super::Ctx;
use crate::error::{Result, exit};
use crate::guard::template::{self, Template};
use crate::guard::{self, Baseline, CheckReport, Exemptions, RuleSet};
use crate::ui::{Block, Format, Report};

/// Prove templates with the embedded rules, and yours
///
/// Reads platform.yaml, synthesizes every stack, and evaluates the rules in memory.
/// With --template it checks any CloudFormation template, JSON or YAML, and needs no
/// platform.yaml. Nothing is sent anywhere.
///
/// Exit code 4 when a rule is violated, 2 when a template or a file of yours cannot be used.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl check\n  platformctl check --template web.yaml db.json --skip tags-required\n  cdk synth | platformctl check --template -\n  platformctl check -o sarif > check.sarif\n  platformctl check -o gitlab > gl-code-quality-report.json\n  platformctl check --write-baseline known.yaml     accept what is there now\n  platformctl check --baseline known.yaml           fail on what is new\n  platformctl check --rules our-rules/ --exemptions exemptions.yaml"
)]
pub struct CheckArgs {
    /// Check these CloudFormation templates instead of platform.yaml's stacks; - is stdin
    #[arg(long, value_name = "FILE", num_args = 1..)]
    template: Vec<PathBuf>,
    /// Check these rules only
    #[arg(long, value_name = "RULE", num_args = 1.., value_delimiter = ',')]
    only: Vec<String>,
    /// Leave these rules out
    #[arg(long, value_name = "RULE", num_args = 1.., value_delimiter = ',')]
    skip: Vec<String>,
    /// Let the findings in this file pass; new ones fail
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the findings of this check into a file for --baseline
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// Folder with further *.guard files
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// File with further exemptions
    #[arg(long, value_name = "FILE")]
    exemptions: Option<PathBuf>,
}

/// What was found.
#[derive(Debug)]
pub struct Checked(CheckReport);

/// Runs `check`.
pub fn run(ctx: &Ctx, args: &CheckArgs) -> Result<Checked> {
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?;
    let (rules, exemptions) = ctx.rules(args.rules.as_deref(), args.exemptions.as_deref())?;
    let rules = rules.choose(&args.only, &args.skip)?;
    let mut report = if args.template.is_empty() {
        synthesized(ctx, &rules, &exemptions)?
    } else {
        foreign(args, &rules)?
    };
    if let Some(path) = &args.write_baseline {
        let written = Baseline::of(&report);
        written.write(path)?;
        written.apply(&mut report);
        let number = written.all().len();
        ctx.ui.status(&format!("wrote {} with {number} known findings", path.display()));
    } else if let Some(baseline) = baseline {
        baseline.apply(&mut report);
    }
    Ok(Checked(report))
}

/// The stacks of platform.yaml.
fn synthesized(ctx: &Ctx, rules: &RuleSet, exemptions: &Exemptions) -> Result<CheckReport> {
    let templates = ctx.settings()?.synthesize()?;
    let inputs: Vec<_> =
        templates.iter().map(|stack| (stack.name.as_str(), stack.template.as_value())).collect();
    let between = guard::invariants::invariants(&templates);
    guard::check_with(&inputs, rules, exemptions, OffsetDateTime::now_utc().date(), between)
}

/// Templates that come from elsewhere.
fn foreign(args: &CheckArgs, rules: &RuleSet) -> Result<CheckReport> {
    // The embedded exemptions answer for our stacks, not for others of the same name.
    let exemptions = match &args.exemptions {
        Some(file) => Exemptions::default().with_file(file)?,
        None => Exemptions::default(),
    };
    let templates =
        template::load(&args.template, &|| Box::new(std::io::stdin()) as Box<dyn Read>)?;
    let inputs: Vec<_> = templates.iter().map(|it| (it.name.as_str(), &it.value)).collect();
    let unseen = templates.iter().flat_map(Template::unseen).collect();
    let today = OffsetDateTime::now_utc().date();
    let mut report = guard::check_with(&inputs, rules, &exemptions, today, unseen)?;
    let by_name: HashMap<&str, &Template> =
        templates.iter().map(|it| (it.name.as_str(), it)).collect();
    report.locate(|finding| {
        let template = by_name.get(finding.stack.as_str())?;
        (!finding.rule.starts_with("exemption-")).then(|| template.source_of(finding))
    });
    Ok(report)
}

impl Report for Checked {
    fn value(&self) -> Value {
        // The report's own JSON has a version; it is what `-o json` promises.
        serde_json::from_str(&self.0.json()).unwrap_or_default()
    }

    fn exit_code(&self) -> u8 {
        if self.0.passed() { exit::OK } else { exit::POLICY }
    }

    fn special(&self, format: Format) -> Option<String> {
        match format {
            Format::Text => Some(self.0.text()),
            Format::Jsonl => Some(self.0.jsonl()),
            Format::Markdown => Some(self.0.markdown()),
            Format::Sarif => Some(self.0.sarif()),
            Format::Junit => Some(self.0.junit()),
            Format::Gitlab => Some(self.0.gitlab()),
            Format::Json | Format::Yaml => None,
        }
    }

    fn blocks(&self) -> Vec<Block> {
        vec![Block::Text(self.0.text())]
    }
}
