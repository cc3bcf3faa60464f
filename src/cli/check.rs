use std::path::PathBuf;

use serde_json::Value;
use time::OffsetDateTime;

use super::Ctx;
use crate::error::{Result, exit};
use crate::guard::{self, CheckReport};
use crate::ui::{Block, Format, Report};

/// Prove the templates with the embedded rules, and yours
///
/// Reads platform.yaml, synthesizes every stack, and evaluates the rules in memory.
/// Nothing is sent anywhere. Exit code 4 when a rule is violated.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl check\n  platformctl check -o sarif > check.sarif\n  platformctl check -o junit > check.xml\n  platformctl check --rules our-rules/ --exemptions exemptions.yaml"
)]
pub struct CheckArgs {
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
    let templates = ctx.settings()?.synthesize()?;
    let (rules, exemptions) = ctx.rules(args.rules.as_deref(), args.exemptions.as_deref())?;
    let inputs: Vec<_> =
        templates.iter().map(|stack| (stack.name.as_str(), stack.template.as_value())).collect();
    let today = OffsetDateTime::now_utc().date();
    let between = guard::invariants::invariants(&templates);
    Ok(Checked(guard::check_with(&inputs, &rules, &exemptions, today, between)?))
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
            Format::Sarif => Some(self.0.sarif()),
            Format::Junit => Some(self.0.junit()),
            _ => None,
        }
    }

    fn blocks(&self) -> Vec<Block> {
        vec![Block::Text(self.0.text())]
    }
}
