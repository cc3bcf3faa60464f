//! The permissions that a bootstrap needs.

use serde_json::Value as Json;
use stacks::StackTemplate;
use stacks::cfn::Value;
use stacks::permissions::{Account, Holder, Scope, policies};

use crate::config::Config;

/// The least-privilege policies for deploying `templates` to `account` (12 digits, or
/// `*` when it is not known), each small enough for a managed policy. They belong
/// together; a role takes up to ten.
pub fn deploy_policies(templates: &[StackTemplate], config: &Config, account: &str) -> Vec<Json> {
    let account = Account::Known(account.to_owned());
    let scope = Scope::new(&config.spec().naming(), templates, account);
    let policies = policies(templates, &scope, &Holder::Operator);
    policies.into_iter().map(|policy| Value::from(policy).into_json()).collect()
}
