use serde_json::Value;

use super::Ctx;
use crate::config;
use crate::error::{Context as _, Result};
use crate::ui::{Block, Report};

/// Look at platform.yaml and its schema
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "Examples:\n  platformctl config schema > platform.schema.json\n  platformctl config show --env prod -o json"
)]
pub enum ConfigVerb {
    /// Print the JSON Schema of platform.yaml
    #[command(after_help = "Example:\n  platformctl config schema > platform.schema.json")]
    Schema,
    /// Print the configuration with defaults, flags and environment applied
    #[command(after_help = "Example:\n  platformctl config show -c examples/dev/platform.yaml")]
    Show,
}

/// A document to print.
#[derive(Debug)]
struct Document {
    value: Value,
    text: String,
}

/// Runs `config`.
pub fn run(ctx: &Ctx, verb: &ConfigVerb) -> Result<Box<dyn Report>> {
    let document = match verb {
        ConfigVerb::Schema => {
            let value = config::json_schema();
            let text = serde_json::to_string_pretty(&value).context("cannot write JSON")?;
            Document { value, text }
        }
        ConfigVerb::Show => {
            let settings = ctx.settings()?;
            settings.synthesize()?;
            let value = serde_json::to_value(&settings.config)
                .context("cannot serialize the configuration")?;
            let text = config::to_yaml(&settings.config)?;
            Document { value, text }
        }
    };
    Ok(Box::new(document))
}

impl Report for Document {
    fn value(&self) -> Value {
        self.value.clone()
    }

    fn is_content(&self) -> bool {
        true
    }

    fn blocks(&self) -> Vec<Block> {
        vec![Block::Text(self.text.clone())]
    }
}
