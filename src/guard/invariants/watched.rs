//! Queues and their dead letters, alarms and whom they tell.

use std::collections::BTreeSet;

use serde_json::Value;
use stacks::StackTemplate;

use super::resolve::Environment;
use super::{ALARM_ACTION, DEAD_LETTERS, DEAD_LETTERS_WATCHED, about};
use crate::guard::Finding;

const QUEUE: &str = "AWS::SQS::Queue";

/// Findings about queues and alarms.
pub(super) fn watched(environment: &Environment<'_>) -> Vec<Finding> {
    let dead = dead_letter_arns(environment);
    let alarms = alarms(environment);
    let mut findings = Vec::new();
    for (at, stack) in environment.stacks() {
        for resource in stack.template.resources().filter(|it| it.type_name == QUEUE) {
            let arn = environment.arn(at, resource.id).unwrap_or_default();
            if !dead.contains(&arn) {
                if resource.properties()["RedrivePolicy"].is_null() {
                    let place = (resource.id, QUEUE);
                    let wanted = "a dead-letter queue";
                    findings.push(about(
                        DEAD_LETTERS,
                        stack,
                        place,
                        "RedrivePolicy",
                        "nothing",
                        wanted,
                    ));
                }
                continue;
            }
            // An environment without any alarm is not one that is watched.
            let name = environment.name(at, resource.id);
            let watched = alarms.iter().any(|alarm| alarm.queues.contains(&name));
            if !alarms.is_empty() && !watched {
                let place = (resource.id, QUEUE);
                let wanted = "an alarm on its visible messages";
                findings.push(about(
                    DEAD_LETTERS_WATCHED,
                    stack,
                    place,
                    "QueueName",
                    "no alarm",
                    wanted,
                ));
            }
        }
    }
    let heard: Vec<&str> =
        alarms.iter().filter(|alarm| alarm.acts).map(|alarm| alarm.rule.as_str()).collect();
    for alarm in alarms.iter().filter(|alarm| !alarm.acts) {
        let quoted = [format!("\"{}\"", alarm.name), format!("({})", alarm.name)];
        if !heard.iter().any(|rule| quoted.iter().any(|name| rule.contains(name.as_str()))) {
            let place = (alarm.id.as_str(), alarm.type_name.as_str());
            let wanted = "an action, or a composite alarm with one";
            findings.push(about(
                ALARM_ACTION,
                alarm.stack,
                place,
                "AlarmActions",
                "nobody is told",
                wanted,
            ));
        }
    }
    findings
}

/// The ARNs of everything that takes what others could not handle.
fn dead_letter_arns(environment: &Environment<'_>) -> BTreeSet<String> {
    let mut arns = BTreeSet::new();
    for (at, stack) in environment.stacks() {
        for resource in stack.template.resources() {
            collect(environment, at, resource.properties(), &mut arns);
        }
    }
    arns
}

/// Queues under any key that names dead letters: `RedrivePolicy`, `DeadLetterConfig`,
/// `OnFailure` and the like.
fn collect(environment: &Environment<'_>, at: usize, value: &Value, arns: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let target = ["RedrivePolicy", "DeadLetterConfig", "DeadLetterQueue", "OnFailure"];
                if target.contains(&key.as_str()) {
                    let places = ["deadLetterTargetArn", "TargetArn", "Arn", "Destination"];
                    for place in places.iter().map(|place| &value[*place]) {
                        arns.extend(environment.texts(at, place));
                    }
                }
                collect(environment, at, value, arns);
            }
        }
        Value::Array(items) => items.iter().for_each(|it| collect(environment, at, it, arns)),
        _ => {}
    }
}

struct Alarm<'a> {
    stack: &'a StackTemplate,
    id: String,
    type_name: String,
    name: String,
    /// Whether it tells somebody.
    acts: bool,
    /// The queues whose metrics it looks at.
    queues: BTreeSet<String>,
    /// Of a composite alarm.
    rule: String,
}

fn alarms<'a>(environment: &Environment<'a>) -> Vec<Alarm<'a>> {
    let mut alarms = Vec::new();
    for (at, stack) in environment.stacks() {
        for resource in stack.template.resources() {
            let types = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"];
            if !types.contains(&resource.type_name) {
                continue;
            }
            let properties = resource.properties();
            let mut queues = BTreeSet::new();
            dimensions(environment, at, properties, &mut queues);
            let disabled = properties["ActionsEnabled"] == false;
            alarms.push(Alarm {
                stack,
                id: resource.id.to_owned(),
                type_name: resource.type_name.to_owned(),
                name: environment.name(at, resource.id),
                acts: !disabled && !environment.texts(at, &properties["AlarmActions"]).is_empty(),
                queues,
                rule: environment.text(at, &properties["AlarmRule"]),
            });
        }
    }
    alarms
}

/// The values of dimensions called `QueueName`, of one metric or of many.
fn dimensions(
    environment: &Environment<'_>,
    at: usize,
    value: &Value,
    found: &mut BTreeSet<String>,
) {
    match value {
        Value::Object(map) => {
            if map.get("Name").is_some_and(|name| name == "QueueName")
                && let Some(value) = map.get("Value")
            {
                found.insert(environment.text(at, value));
            }
            map.values().for_each(|it| dimensions(environment, at, it, found));
        }
        Value::Array(items) => items.iter().for_each(|it| dimensions(environment, at, it, found)),
        _ => {}
    }
}
