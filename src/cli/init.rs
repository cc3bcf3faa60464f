use std::path::PathBuf;

use serde_json::{Value, json};

use super::Ctx;
use crate::config::{self, Starter, starter_yaml};
use crate::error::{Context as _, Error, Result};
use crate::ui::{Block, Report};

/// Write a commented platform.yaml
///
/// On a terminal it asks for what no flag gives; elsewhere it takes the defaults.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl init\n  platformctl init --project acme --environment prod --email ops@example.com"
)]
pub struct InitArgs {
    /// Lowercase name of the company or product
    #[arg(long)]
    project: Option<String>,
    /// Lowercase environment name
    #[arg(long)]
    environment: Option<String>,
    /// The VPC's private address range
    #[arg(long)]
    cidr: Option<String>,
    /// Who is mailed about cost; can be repeated
    #[arg(long = "email")]
    emails: Vec<String>,
    /// The file to write
    #[arg(long, default_value = config::FILE_NAME, value_name = "FILE")]
    file: PathBuf,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

/// What was written.
#[derive(Debug)]
pub struct InitReport {
    file: PathBuf,
}

/// Runs `init`.
pub fn run(ctx: &Ctx, args: &InitArgs) -> Result<InitReport> {
    if args.file.exists() && !args.force {
        return Err(Error::usage(format!("{} exists", args.file.display()))
            .hint("overwrite it with `--force`, or write another with `--file FILE`"));
    }
    let ask = |given: &Option<String>, question: &str, default: &str| match given {
        Some(given) => Ok(given.clone()),
        None if ctx.ui.can_ask() => ctx.ui.ask(question, default),
        None => Ok(default.to_owned()),
    };
    let starter = Starter {
        project: ask(&args.project, "Project (lowercase)", "acme")?,
        environment: ask(
            &args.environment.clone().or_else(|| ctx.global.environment.clone()),
            "Environment",
            "dev",
        )?,
        region: ask(&ctx.global.region, "AWS region", "eu-west-2")?,
        cidr: ask(&args.cidr, "Address range of the VPC", "10.40.0.0/16")?,
        emails: match args.emails.as_slice() {
            [] if ctx.ui.can_ask() => {
                let mail = ctx.ui.ask("Mail address for cost alerts (none: leave empty)", "")?;
                if mail.is_empty() { Vec::new() } else { vec![mail] }
            }
            emails => emails.to_vec(),
        },
    };
    let text = starter_yaml(&starter);
    // What was typed is checked before anything is written.
    let loaded = config::parse(&args.file.display().to_string(), &text)?;
    stacks::synthesize(&loaded.config.spec()).map_err(|error| loaded.spec_error(error))?;
    std::fs::write(&args.file, text)
        .with_context(|| format!("cannot write {}", args.file.display()))?;
    Ok(InitReport { file: args.file.clone() })
}

impl Report for InitReport {
    fn value(&self) -> Value {
        json!({ "file": self.file })
    }

    fn blocks(&self) -> Vec<Block> {
        let file = self.file.display();
        vec![
            Block::Text(format!("wrote {file}")),
            Block::Next(vec![
                format!("platformctl check -c {file}"),
                format!("platformctl bootstrap --local -c {file}"),
            ]),
        ]
    }
}
