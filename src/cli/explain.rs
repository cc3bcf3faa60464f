use serde_json::{Value, json};

use super::Ctx;
use crate::error::{Error, Result};
use crate::guard::{RuleInfo, rules};
use crate::ui::{Align, Block, Report, Table};

/// Say what a rule wants, why, and how to satisfy it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl explain                       list every rule\n  platformctl explain efs-encrypted-at-rest"
)]
pub struct ExplainArgs {
    /// The rule's id; default: list all
    #[arg(value_name = "RULE")]
    rule: Option<String>,
}

/// Rules to explain.
#[derive(Debug)]
pub struct Explained {
    rules: Vec<RuleInfo>,
    one: bool,
}

/// Runs `explain`.
pub fn run(_: &Ctx, args: &ExplainArgs) -> Result<Explained> {
    let all = rules();
    let Some(id) = &args.rule else { return Ok(Explained { rules: all, one: false }) };
    let nearest = all
        .iter()
        .max_by(|left, right| {
            strsim::jaro_winkler(id, &left.id).total_cmp(&strsim::jaro_winkler(id, &right.id))
        })
        .map(|rule| rule.id.clone());
    let found: Vec<RuleInfo> = all.into_iter().filter(|rule| rule.id == *id).collect();
    if found.is_empty() {
        let error = Error::usage(format!("there is no rule {id}"));
        return Err(match nearest {
            Some(nearest) => {
                error.hint(format!("did you mean `{nearest}`? `platformctl explain` lists all"))
            }
            None => error,
        });
    }
    Ok(Explained { rules: found, one: true })
}

impl Report for Explained {
    fn value(&self) -> Value {
        json!(self.rules)
    }

    fn blocks(&self) -> Vec<Block> {
        if let (true, Some(rule)) = (self.one, self.rules.first()) {
            let RuleInfo { id, title, why, fix, file, .. } = rule;
            return vec![
                Block::Heading(format!("{id}: {title}")),
                Block::Text(format!("{why}\n\nFix: {fix}\n\nDefined in guard/{file}")),
            ];
        }
        let mut table = Table::new(&[("rule", Align::Left), ("title", Align::Left)]);
        for rule in &self.rules {
            table.row([rule.id.clone(), rule.title.clone()]);
        }
        vec![Block::Table(table)]
    }
}
