//! Flags that mean the same for every verb.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser};
use serde::{Deserialize, Serialize};

use super::verb::Verb;
use crate::config::Overrides;
use crate::ui::{Color, Format, Options, Ui};

/// Infrastructure as code and operations for an AI-agent platform on AWS
///
/// Typed stacks are synthesized to CloudFormation, proved by embedded rules, and
/// deployed with change sets in dependency order. Every run is journaled and can be
/// resumed.
///
/// Exit codes: 0 ok · 1 failed · 2 usage or config · 3 changes present (with
/// --detailed-exitcode) · 4 policy failed · 5 lock held · 6 waiting for approval ·
/// 7 partly done, resumable · 8 drift · 9 criterion missed · 130 interrupted.
#[derive(Debug, Parser)]
#[command(
    name = "platformctl",
    version,
    after_help = "Examples:\n  platformctl init                          write a commented platform.yaml\n  platformctl bootstrap --local             try everything on this machine\n  platformctl check                         prove the templates\n  platformctl diff                          see what a deploy would do\n  platformctl deploy efs                    deploy one stack and what it needs",
    propagate_version = true
)]
pub struct Cli {
    /// Flags of every verb.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Flags of every verb.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// platform.yaml to use; default: the nearest one from here upwards
    #[arg(short, long, global = true, value_name = "FILE", env = "PLATFORMCTL_CONFIG")]
    pub config: Option<PathBuf>,

    /// Environment, over the one in platform.yaml
    #[arg(long = "env", global = true, value_name = "NAME", env = "PLATFORMCTL_ENV")]
    pub environment: Option<String>,

    /// Region, over AWS_REGION and platform.yaml
    #[arg(long, global = true, value_name = "REGION", env = "PLATFORMCTL_REGION")]
    pub region: Option<String>,

    /// Credentials profile
    #[arg(long, global = true, value_name = "NAME", env = "PLATFORMCTL_PROFILE")]
    pub profile: Option<String>,

    /// Use the local platform; nothing can reach a real account
    #[arg(long, global = true)]
    pub local: bool,

    /// How the result is written
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT",
        env = "PLATFORMCTL_OUTPUT"
    )]
    pub output: Format,

    /// Pick from the result with a JMESPath expression
    #[arg(long, global = true, value_name = "JMESPATH")]
    pub query: Option<String>,

    /// Write nothing but the result and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Plain lines instead of a live display
    #[arg(
        long,
        global = true,
        env = "PLATFORMCTL_NO_PROGRESS",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    pub no_progress: bool,

    /// Whether to colour
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: Color,

    /// Log what happens inside, to stderr; twice for more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// What of [`Global`] decides where a run acts; kept in the journal, so that
/// `resume` acts in the same place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scope {
    config: Option<PathBuf>,
    environment: Option<String>,
    region: Option<String>,
    profile: Option<String>,
    local: bool,
}

impl Scope {
    /// The platform.yaml.
    pub(super) fn into_config(self) -> Option<PathBuf> {
        self.config
    }
}

impl Global {
    pub(super) fn ui_options(&self) -> Options {
        Options {
            format: self.output,
            query: self.query.clone(),
            quiet: self.quiet,
            no_progress: self.no_progress,
            color: self.color,
        }
    }

    pub(super) fn overrides(&self) -> Overrides {
        let aws = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        Overrides {
            environment: self.environment.clone(),
            region: self.region.clone(),
            aws_region: aws("AWS_REGION").or_else(|| aws("AWS_DEFAULT_REGION")),
            profile: self.profile.clone(),
            local: self.local,
            endpoint: aws("AWS_ENDPOINT_URL"),
        }
    }

    /// Where this run acts. The config's path is made absolute: `resume` may be
    /// called from another folder.
    pub(super) fn scope(&self, config: PathBuf) -> Scope {
        Scope {
            config: Some(std::path::absolute(&config).unwrap_or(config)),
            environment: self.environment.clone(),
            region: self.region.clone(),
            profile: self.profile.clone(),
            local: self.local,
        }
    }

    /// The same flags, acting where an earlier run did.
    pub(super) fn acting_in(&self, scope: Scope) -> Self {
        let Scope { config, environment, region, profile, local } = scope;
        Self { config, environment, region, profile, local, ..self.clone() }
    }
}

/// Logs of the libraries, for `-v`; without it nothing is logged.
pub(super) fn init_logging(verbose: u8, ui: &Ui) {
    let filter = match verbose {
        0 => return,
        1 => "info",
        _ => "debug",
    };
    let logs = ui.logs();
    let layer = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(ui.coloured())
        .with_writer(move || logs.clone());
    // A second initialisation, in tests, is no error worth reporting.
    let _ = layer.try_init();
}
