//! Two topics: one wakes people, the other waits until they look.

use crate::cfn::aws::sns;
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Handle, Stack, Value, pseudo};
use crate::spec::ObservabilitySpec;

/// The topics.
pub(super) struct Topics {
    /// What cannot wait.
    pub(super) pages: Handle<sns::Topic>,
    /// What can.
    pub(super) notices: Handle<sns::Topic>,
}

pub(super) fn topics(stack: &mut Stack, spec: &ObservabilitySpec, key: &Value<String>) -> Topics {
    Topics {
        pages: topic(stack, "Pages", "What cannot wait", &spec.pages, key),
        notices: topic(stack, "Notices", "What can wait until morning", &spec.notices, key),
    }
}

fn topic(
    stack: &mut Stack,
    id: &str,
    what: &str,
    subscribers: &[String],
    key: &Value<String>,
) -> Handle<sns::Topic> {
    let name = stack.naming().name(&id.to_lowercase());
    let topic = stack.add(
        format!("{id}Topic"),
        sns::Topic::new().topic_name(name).display_name(what).kms_master_key_id(key),
    );
    stack.add(format!("{id}Policy"), sns::TopicPolicy::new(policy(&topic), [topic.id()]));
    for (number, endpoint) in (1..).zip(subscribers) {
        let protocol = if endpoint.starts_with("https://") { "https" } else { "email" };
        let subscription = sns::Subscription::new(protocol, topic.id()).endpoint(endpoint);
        stack.add(format!("{id}Subscriber{number}"), subscription);
    }
    topic
}

/// Alarms and budgets of this account publish; nobody does without TLS.
fn policy(topic: &Handle<sns::Topic>) -> PolicyDocument {
    let alarms = Statement::allow(["sns:Publish"])
        .sid("AlarmsAndBudgets")
        .principal(Principal::service("budgets.amazonaws.com"))
        .principal(Principal::service("cloudwatch.amazonaws.com"))
        .resource(topic.id())
        .when(Operator::StringEquals, "aws:SourceAccount", pseudo::account_id());
    let tls = Statement::deny(["sns:Publish", "sns:Subscribe"])
        .sid("TlsOnly")
        .principal(Principal::anyone())
        .resource(topic.id())
        .when(Operator::Bool, "aws:SecureTransport", "false");
    PolicyDocument::new([alarms, tls])
}
