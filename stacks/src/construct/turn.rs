//! A function that is called again and again.

use serde_json::Value as Json;

use crate::cfn::aws::scheduler::schedule;
use crate::cfn::aws::{iam, scheduler};
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Stack, Value, camel, pseudo};
use crate::construct::function::Deployed;
use crate::construct::role::encrypt;

/// What a function does at regular times.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The function's short name.
    pub function: &'static str,
    /// What is done, in one word: part of physical names and of logical ids.
    pub name: &'static str,
    /// How often, as `EventBridge` Scheduler has it, such as `rate(15 minutes)`.
    pub rate: &'static str,
    /// What the function is called with.
    pub input: Json,
    /// Why.
    pub description: &'static str,
}

impl Turn {
    /// Adds the schedule and the role with which it calls the function's alias. A turn that
    /// was missed is not made up for: the next one comes soon.
    pub fn add(self, stack: &mut Stack, deployed: &Deployed, data_key: &Value<String>) {
        let name = stack.naming().name(self.name);
        let trust = Statement::allow(["sts:AssumeRole"])
            .principal(Principal::service("scheduler.amazonaws.com"))
            .when(Operator::StringEquals, "aws:SourceAccount", pseudo::account_id());
        let invoke =
            Statement::allow(["lambda:InvokeFunction"]).sid("Invoke").resource(deployed.alias.id());
        let lost = Statement::allow(["sqs:SendMessage"])
            .sid("DeadLetters")
            .resource(deployed.dead_letters.arn());
        let policy = PolicyDocument::new([invoke, lost, encrypt(data_key)]);
        let role = iam::Role::new(PolicyDocument::new([trust]))
            .description(format!("Lets the schedule call the {}", self.function))
            .policies([iam::role::Policy::new(policy, "invoke")]);
        let role = stack.add(format!("{}Role", camel(self.name)), role);
        let group = stack.add("ScheduleGroup", scheduler::ScheduleGroup::new().name(&name));
        let retry = schedule::RetryPolicy::new()
            .maximum_retry_attempts(1)
            .maximum_event_age_in_seconds(300);
        let target = schedule::Target::new(deployed.alias.id(), role.arn())
            .input(self.input.to_string())
            .dead_letter_config(schedule::DeadLetterConfig::new().arn(deployed.dead_letters.arn()))
            .retry_policy(retry);
        let window = schedule::FlexibleTimeWindow::new(schedule::FlexibleTimeWindowMode::Off);
        let schedule = scheduler::Schedule::new(window, self.rate, target)
            .name(name)
            .group_name(group.id())
            .description(self.description);
        stack.add(format!("{}Schedule", camel(self.function)), schedule);
    }
}
