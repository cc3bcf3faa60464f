//! What the environment may cost, by its tags.

use runtime_core::names::{TAG_ENVIRONMENT, TAG_PROJECT};

use super::topics::Topics;
use crate::cfn::aws::budgets::{self, budget};
use crate::cfn::{Stack, Value};
use crate::spec::ObservabilitySpec;

/// A budget for everything that carries the environment's tags. Cost is known by tag
/// once the tags are activated in the payer's account.
/// <https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html>
pub(super) fn by_tag(stack: &mut Stack, spec: &ObservabilitySpec, topics: &Topics) {
    let naming = stack.naming();
    let tag = |(key, value): (&str, &str)| {
        let tag = budget::TagValues::new().key(key).values([value]).match_options(["EQUALS"]);
        budget::Expression::new().tags(tag)
    };
    let tags = [(TAG_PROJECT, naming.project()), (TAG_ENVIRONMENT, naming.environment())].map(tag);
    let limit = budget::BudgetData::new("COST", "MONTHLY")
        .budget_limit(budget::Spend::new(spec.monthly_usd, "USD"))
        .filter_expression(budget::Expression::new().and(tags));
    let tell = |percent: u32, topic: Value<String>| {
        budget::NotificationWithSubscribers::new(
            budget::Notification::new("GREATER_THAN", "ACTUAL", percent)
                .threshold_type("PERCENTAGE"),
            [budget::Subscriber::new(topic, "SNS")],
        )
    };
    let alerts = [tell(80, topics.notices.id()), tell(100, topics.pages.id())];
    stack.add("Budget", budgets::Budget::new(limit).notifications_with_subscribers(alerts));
}
