//! Which requests are traced, and how traces are grouped.
//!
//! Names of groups and rules have at most 32 characters, and a project and an
//! environment take up to 25 of them.
//! <https://docs.aws.amazon.com/xray/latest/api/API_CreateGroup.html>

use crate::cfn::Stack;
use crate::cfn::aws::xray::{self, group, sampling_rule};
use crate::construct::watch::Watch;

/// Traces of our functions that failed, and those that took long.
pub(super) fn groups(stack: &mut Stack, watched: &[Watch]) {
    let ours: Vec<String> = watched
        .iter()
        .filter_map(|watch| match watch {
            Watch::Function { name, .. } => Some(format!("service(\"{name}\")")),
            _ => None,
        })
        .collect();
    if ours.is_empty() {
        return;
    }
    let ours = ours.join(" OR ");
    for (id, name, what) in [
        ("FailedTraces", "failed", "(fault = true OR error = true)"),
        ("SlowTraces", "slow", "responsetime > 5"),
    ] {
        let insights = group::InsightsConfiguration::new().insights_enabled(true);
        let group = xray::Group::new(stack.naming().name(name))
            .filter_expression(format!("({ours}) AND {what}"))
            .insights_configuration(insights);
        stack.add(id, group);
    }
}

/// One request a second, and this percentage of the others.
pub(super) fn sampling(stack: &mut Stack, percent: u8) {
    let name = stack.naming().name("all");
    let ours = stack.naming().name("*");
    let rate = f64::from(percent) / 100.0;
    let rule = sampling_rule::SamplingRule::new(rate, "*", "*", 1000, 1, "*", ours, "*", "*")
        .rule_name(&name)
        .version(1);
    stack.add("Sampling", xray::SamplingRule::new().sampling_rule(rule));
}
