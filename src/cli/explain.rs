use serde_json::{Value, json};

use super::Ctx;
use crate::error::Result;
use crate::guard::{self, Examples, RuleInfo};
use crate::ui::{Align, Block, Report, Table};

/// Say what a rule wants, why, what it costs to break it, and how to satisfy it
///
/// With a template that passes and one that fails, from the rule's own tests.
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
pub enum Explained {
    /// Every rule.
    All(Vec<RuleInfo>),
    /// One of them, with its examples.
    One(Box<RuleInfo>, Examples),
}

/// Runs `explain`.
pub fn run(_: &Ctx, args: &ExplainArgs) -> Result<Explained> {
    let all = guard::catalogue();
    let Some(id) = &args.rule else { return Ok(Explained::All(all)) };
    match all.iter().find(|rule| rule.id == *id) {
        Some(rule) => Ok(Explained::One(Box::new(rule.clone()), guard::examples(rule))),
        None => Err(guard::unknown_rule(id, all.iter().map(|rule| rule.id.as_str()))),
    }
}

impl Report for Explained {
    fn value(&self) -> Value {
        match self {
            Self::All(rules) => json!(rules),
            // A list, as without an id.
            Self::One(rule, examples) => {
                let mut value = json!(rule);
                value["examples"] = json!(examples);
                json!([value])
            }
        }
    }

    /// It comes from the binary itself, and holds no secret of anybody's.
    fn is_content(&self) -> bool {
        true
    }

    fn blocks(&self) -> Vec<Block> {
        match self {
            Self::All(rules) => {
                let columns =
                    [("rule", Align::Left), ("severity", Align::Left), ("title", Align::Left)];
                let mut table = Table::new(&columns);
                for rule in rules {
                    table.row([rule.id.clone(), rule.severity.to_string(), rule.title.clone()]);
                }
                vec![Block::Table(table)]
            }
            Self::One(rule, examples) => one(rule, examples),
        }
    }
}

fn one(rule: &RuleInfo, examples: &Examples) -> Vec<Block> {
    let RuleInfo { id, title, reason, why, fix, file, line, severity, .. } = rule;
    let mut parts = Vec::new();
    if !reason.is_empty() {
        parts.push(format!("Why: {reason}"));
    }
    parts.push(format!("What it costs to break it: {why}"));
    parts.push(format!("Fix: {fix}"));
    parts.push(format!("Severity: {severity}. Defined in {file}:{line}"));
    let mut blocks =
        vec![Block::Heading(format!("{id}: {title}")), Block::Text(parts.join("\n\n"))];
    for (verb, example) in [("Passes", &examples.passes), ("Fails", &examples.fails)] {
        if let Some(example) = example {
            blocks.push(Block::Heading(format!("{verb}: {}", example.name)));
            let indented = example.template.lines().map(|line| format!("  {line}\n"));
            blocks.push(Block::Text(indented.collect()));
        }
    }
    blocks
}
