//! The budget stack: what the account may cost a month, and who hears when it does.

use crate::cfn::aws::budgets::{self, budget};
use crate::cfn::{Naming, Stack};
use crate::spec::BudgetSpec;

/// What the stack gives to others: nothing.
#[derive(Debug)]
pub struct Budget {
    /// The stack itself.
    pub stack: Stack,
}

/// A monthly cost budget with alerts by mail.
///
/// ```
/// use stacks::{budget::budget, cfn::Naming, spec::BudgetSpec};
///
/// let spec = BudgetSpec { emails: vec!["ops@acme.example".into()], ..BudgetSpec::default() };
/// let template = budget(&Naming::new("acme", "dev", "eu-west-2"), &spec).stack.finish().template;
/// let limit = &template.resource("Budget").unwrap().properties()["Budget"]["BudgetLimit"];
/// assert_eq!(limit["Amount"], 50);
/// ```
pub fn budget(naming: &Naming, spec: &BudgetSpec) -> Budget {
    let mut stack = Stack::new("budget", naming);
    stack.describe("The monthly cost budget and its alerts");

    // It has no name of its own: a change of alerts replaces a budget, and its
    // successor could not be created under the same name.
    let limit = budget::BudgetData::new("COST", "MONTHLY")
        .budget_limit(budget::Spend::new(spec.monthly_usd, "USD"));
    let budget = budgets::Budget::new(limit);
    let budget = match alerts(spec) {
        alerts if alerts.is_empty() => budget,
        alerts => budget.notifications_with_subscribers(alerts),
    };
    let budget = stack.add("Budget", budget);
    stack.output("BudgetName", budget.id());
    Budget { stack }
}

/// One alert for each threshold; AWS takes none without a subscriber.
fn alerts(spec: &BudgetSpec) -> Vec<budget::NotificationWithSubscribers> {
    if spec.emails.is_empty() {
        return Vec::new();
    }
    let actual = spec.actual_thresholds.iter().map(|percent| ("ACTUAL", *percent));
    let forecast = spec.forecast_thresholds.iter().map(|percent| ("FORECASTED", *percent));
    let alert = |(kind, percent): (&str, u32)| {
        let notification =
            budget::Notification::new("GREATER_THAN", kind, percent).threshold_type("PERCENTAGE");
        let subscribers: Vec<_> =
            spec.emails.iter().map(|email| budget::Subscriber::new(email, "EMAIL")).collect();
        budget::NotificationWithSubscribers::new(notification, subscribers)
    };
    actual.chain(forecast).map(alert).collect()
}
