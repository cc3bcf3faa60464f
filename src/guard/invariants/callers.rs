//! Functions and who calls them.

use serde_json::Value;
use stacks::cfn::ResourceView;

use super::resolve::Environment;
use super::{CALLER, about};
use crate::guard::Finding;

const FUNCTION: &str = "AWS::Lambda::Function";

/// What belongs to a function and does not call it.
const ITS_OWN: [&str; 6] = [
    FUNCTION,
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Version",
    "AWS::Logs::LogGroup",
];

/// Findings about functions that nothing names. To be published counts as being called:
/// operators and other accounts do that.
pub(super) fn callers(environment: &Environment<'_>) -> Vec<Finding> {
    // Every text of everything that could call.
    let mut texts: Vec<String> = Vec::new();
    for (at, stack) in environment.stacks() {
        for resource in stack.template.resources() {
            if !ITS_OWN.contains(&resource.type_name) {
                for value in calling(&resource) {
                    collect(environment, at, value, &mut texts);
                }
            }
        }
    }
    let mut findings = Vec::new();
    for (at, stack) in environment.stacks() {
        for resource in stack.template.resources().filter(|it| it.type_name == FUNCTION) {
            let name = environment.name(at, resource.id);
            let marked = format!("function:{name}");
            let named = |text: &String| {
                *text == name
                    || text.split_once(&marked).is_some_and(|(_, rest)| {
                        !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "-_".contains(c))
                    })
            };
            if !texts.iter().any(named) {
                let place = (resource.id, FUNCTION);
                findings.push(about(
                    CALLER,
                    stack,
                    place,
                    "FunctionName",
                    "nobody calls it",
                    "a caller",
                ));
            }
        }
    }
    findings
}

/// The part of a resource that could call: of a role, what it may do, without the denials
/// and the logs that name the function, too.
fn calling<'a>(resource: &ResourceView<'a>) -> Vec<&'a Value> {
    if resource.type_name != "AWS::IAM::Role" {
        return vec![resource.properties()];
    }
    let policies = resource.properties()["Policies"].as_array().into_iter().flatten();
    let statements =
        policies.flat_map(|it| it["PolicyDocument"]["Statement"].as_array().into_iter().flatten());
    let invokes = statements.filter(|statement| {
        statement["Effect"] == "Allow" && statement["Action"].to_string().contains("lambda:Invoke")
    });
    invokes.map(|statement| &statement["Resource"]).collect()
}

fn collect(environment: &Environment<'_>, at: usize, value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            let intrinsic =
                map.len() == 1 && map.keys().all(|key| key == "Ref" || key.starts_with("Fn::"));
            if intrinsic {
                texts.extend(environment.texts(at, value));
            } else {
                map.values().for_each(|it| collect(environment, at, it, texts));
            }
        }
        Value::Array(items) => items.iter().for_each(|it| collect(environment, at, it, texts)),
        Value::String(text) => texts.push(text.clone()),
        _ => {}
    }
}
