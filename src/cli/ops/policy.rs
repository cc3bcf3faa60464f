use serde_json::Value;

use super::super::Ctx;
use crate::deploy::audit_bucket;
use crate::error::Result;
use crate::ops::policy::{Place, operator_policy};
use crate::ui::{Block, Report};

/// Print the IAM policy of whoever operates the platform
///
/// It allows what works while the API is down: dead letters, locks, the runtime region,
/// calls of functions, traces, a look at the stacks. It deploys nothing: that takes what
/// `bootstrap --print-policy` prints.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl ops policy > operator.json\n  aws iam create-policy --policy-name acme-dev-operator --policy-document file://operator.json"
)]
pub struct PolicyArgs {}

/// A policy document.
#[derive(Debug)]
pub struct PolicyReport(Value);

/// Runs `ops policy`.
pub fn run(ctx: &Ctx, _: &PolicyArgs) -> Result<PolicyReport> {
    let settings = ctx.settings()?;
    let account = settings.config.account.clone().unwrap_or_else(|| "*".to_owned());
    if settings.config.account.is_none() {
        ctx.events.warn("no `account` in platform.yaml: ARNs in this policy name any account");
    }
    let archive = audit_bucket(&settings.config.spec().naming(), &account);
    Ok(PolicyReport(operator_policy(&Place {
        project: settings.config.project.clone(),
        environment: settings.config.environment.clone(),
        account,
        home: settings.config.region.clone(),
        archive,
    })))
}

impl Report for PolicyReport {
    fn value(&self) -> Value {
        self.0.clone()
    }

    fn is_content(&self) -> bool {
        true
    }

    fn blocks(&self) -> Vec<Block> {
        vec![Block::Text(serde_json::to_string_pretty(&self.0).unwrap_or_default())]
    }
}
