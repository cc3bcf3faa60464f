//! What the tenant may cost a month, and who hears when it does.

use runtime_core::names::TAG_TENANT;
use serde_json::json;

use super::parameters;
use crate::cfn::aws::budgets::{self, budget};
use crate::cfn::{Stack, Value, join};

/// When mail is sent: of what was spent, and of what the month is forecast to cost,
/// in percent of the budget.
const ALERTS: [(&str, u32); 3] = [("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)];

/// A cost budget of everything that has the tenant's tag. AWS counts a tag once it is
/// activated as a cost allocation tag, under Billing.
pub(super) fn budget(stack: &mut Stack, email: &Value<String>, monthly_usd: Value<i64>) {
    let tag = join("$", [format!("user:{TAG_TENANT}").into(), parameters::id()]);
    let spend = budget::Spend::new(monthly_usd.assume::<f64>(), "USD");
    // It has no name of its own: another address replaces a budget, and its successor
    // could not be created under the same name.
    let limit = budget::BudgetData::new("COST", "MONTHLY")
        .budget_limit(spend)
        .cost_filters(json!({ "TagKeyValue": [tag.into_json()] }));
    let alerts: Vec<_> = ALERTS
        .iter()
        .map(|(kind, percent)| {
            let notification = budget::Notification::new("GREATER_THAN", *kind, *percent)
                .threshold_type("PERCENTAGE");
            let subscriber = budget::Subscriber::new(email, "EMAIL");
            budget::NotificationWithSubscribers::new(notification, [subscriber])
        })
        .collect();
    stack.add("Budget", budgets::Budget::new(limit).notifications_with_subscribers(alerts));
}
