use std::path::PathBuf;

use serde_json::{Value, json};

use super::Ctx;
use super::engine::target;
use crate::bootstrap::functions_of;
use crate::build::{Builder, find_source};
use crate::deploy::Upload;
use crate::error::{Context as _, Result};
use crate::ui::{Align, Block, Report, Table};

/// Build the Lambda functions into reproducible zips
///
/// For AWS through cargo-zigbuild, for arm64 unless platform.yaml says otherwise;
/// with --local for this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  platformctl build --local\n  platformctl build --out dist")]
pub struct BuildArgs {
    /// Functions to build; default: all
    #[arg(value_name = "FUNCTION")]
    functions: Vec<String>,
    /// Folder for the zips
    #[arg(long, value_name = "DIR", default_value = "dist")]
    out: PathBuf,
    /// platformctl's source, with the Lambda crates; default: found from here
    #[arg(long, value_name = "DIR", env = "PLATFORMCTL_SOURCE")]
    source: Option<PathBuf>,
}

/// What was built.
#[derive(Debug)]
pub struct BuildReport(Vec<(String, Upload)>);

/// Runs `build`.
pub async fn run(ctx: &Ctx, args: &BuildArgs) -> Result<BuildReport> {
    let settings = ctx.settings()?;
    let known = functions_of(&settings.synthesize()?);
    if let Some(unknown) = args.functions.iter().find(|name| !known.contains(name)) {
        return Err(crate::error::Error::usage(format!("there is no function {unknown}"))
            .hint(format!("functions: {}", known.join(", "))));
    }
    let here = std::env::current_dir().context("cannot find the current folder")?;
    let builder = Builder {
        source: find_source(args.source.as_deref(), &here)?,
        out: args.out.clone(),
        target: target(&settings),
        events: ctx.events.clone(),
        cancel: ctx.cancel.clone(),
    };
    let mut built = Vec::new();
    for function in known {
        if args.functions.is_empty() || args.functions.contains(&function) {
            let zip = builder.function(&function).await?;
            built.push((function, zip));
        }
    }
    Ok(BuildReport(built))
}

impl Report for BuildReport {
    fn value(&self) -> Value {
        let rows = self.0.iter().map(|(function, zip)| {
            json!({ "function": function, "file": zip.path, "sha256": zip.sha256, "bytes": zip.bytes })
        });
        json!({ "functions": rows.collect::<Vec<_>>() })
    }

    fn blocks(&self) -> Vec<Block> {
        let mut table = Table::new(&[
            ("function", Align::Left),
            ("bytes", Align::Right),
            ("sha-256", Align::Left),
            ("file", Align::Left),
        ]);
        for (function, zip) in &self.0 {
            let digest = zip.sha256[..16].to_owned();
            table.row([
                function.clone(),
                zip.bytes.to_string(),
                digest,
                zip.path.display().to_string(),
            ]);
        }
        vec![Block::Table(table)]
    }
}
