//! What an operator looks at first.

use runtime_core::metrics::{
    CONCURRENT_SESSIONS, ERRORS_LOGGED, NAMESPACE, RUNTIME_UNAVAILABLE, TENANT_ACCESS_VIOLATIONS,
    WEBHOOK_DELIVERIES_EXHAUSTED,
};
use serde_json::{Value as Json, json};

use super::alarms::Made;
use crate::cfn::aws::cloudwatch::Dashboard;
use crate::cfn::{Stack, sub};
use crate::construct::watch::Watch;

/// Width of the grid, and of one graph on it.
const COLUMNS: usize = 24;
const WIDTH: usize = 8;
const HEIGHT: usize = 6;

/// Alarms on top, then a graph for every kind of thing that is watched.
pub(super) fn operations(stack: &mut Stack, watched: &[Watch], alarms: &[Made]) {
    let namespace = stack.naming().name(NAMESPACE);
    let arn = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:";
    let arns: Vec<String> = alarms.iter().map(|alarm| format!("{arn}{}", alarm.name)).collect();
    let mut widgets = vec![json!({
        "type": "alarm", "x": 0, "y": 0, "width": COLUMNS, "height": HEIGHT,
        "properties": { "title": "Alarms", "alarms": arns },
    })];
    let functions = |metric: &str| -> Vec<Json> {
        names(watched, |watch| match watch {
            Watch::Function { name, .. } => Some(name),
            _ => None,
        })
        .map(|name| json!(["AWS/Lambda", metric, "FunctionName", name]))
        .collect()
    };
    let queues = |metric: &str, dead: bool| -> Vec<Json> {
        names(watched, |watch| match watch {
            Watch::DeadLetters { queue, .. } if dead => Some(queue),
            Watch::Queue { queue, .. } if !dead => Some(queue),
            _ => None,
        })
        .map(|queue| json!(["AWS/SQS", metric, "QueueName", queue]))
        .collect()
    };
    let tables = |metric: &str| -> Vec<Json> {
        names(watched, |watch| match watch {
            Watch::Table { name } => Some(name),
            _ => None,
        })
        .map(|name| json!(["AWS/DynamoDB", metric, "TableName", name]))
        .collect()
    };
    let apis = |metric: &str| -> Vec<Json> {
        names(watched, |watch| match watch {
            Watch::Api { name, .. } => Some(name),
            _ => None,
        })
        .map(|name| json!(["AWS/ApiGateway", metric, "ApiName", name]))
        .collect()
    };
    let ours = |metrics: &[&str]| -> Vec<Json> {
        metrics.iter().map(|name| json!([namespace, name])).collect()
    };
    let graphs = [
        ("Requests", "Sum", apis("Count")),
        ("API: p99 latency (ms)", "p99", apis("Latency")),
        ("API: 5xx", "Sum", apis("5XXError")),
        ("Calls of functions", "Sum", functions("Invocations")),
        ("Functions: p99 duration (ms)", "p99", functions("Duration")),
        ("Failed calls of functions", "Sum", functions("Errors")),
        ("Concurrent executions", "Maximum", functions("ConcurrentExecutions")),
        ("Refused calls of functions", "Sum", functions("Throttles")),
        ("Errors logged", "Sum", ours(&[ERRORS_LOGGED])),
        ("Work waiting (s)", "Maximum", queues("ApproximateAgeOfOldestMessage", false)),
        ("Dead letters", "Maximum", queues("ApproximateNumberOfMessagesVisible", true)),
        ("Refused reads", "Sum", tables("ReadThrottleEvents")),
        ("Refused writes", "Sum", tables("WriteThrottleEvents")),
        ("Open sessions", "Maximum", ours(&[CONCURRENT_SESSIONS])),
        (
            "Should be nothing",
            "Sum",
            ours(&[RUNTIME_UNAVAILABLE, TENANT_ACCESS_VIOLATIONS, WEBHOOK_DELIVERIES_EXHAUSTED]),
        ),
    ];
    let graphs = graphs.into_iter().filter(|(_, _, metrics)| !metrics.is_empty());
    for (index, (title, statistic, metrics)) in graphs.enumerate() {
        widgets.push(json!({
            "type": "metric",
            "x": index * WIDTH % COLUMNS,
            "y": HEIGHT + index * WIDTH / COLUMNS * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
            "properties": {
                "title": title, "stat": statistic, "period": 60, "region": stack.naming().region(),
                "view": "timeSeries", "metrics": metrics,
            },
        }));
    }
    let body = json!({ "widgets": widgets }).to_string();
    let name = stack.naming().name("operations");
    stack.add("Operations", Dashboard::new(sub(body)).dashboard_name(name));
}

fn names<'a>(
    watched: &'a [Watch],
    pick: impl Fn(&'a Watch) -> Option<&'a String>,
) -> impl Iterator<Item = &'a String> {
    watched.iter().filter_map(pick)
}
