//! The ways in which the platform fails, and an alarm for each.

use runtime_core::functions::Function;
use runtime_core::metrics::{
    CONCURRENT_SESSIONS, DECISIONS_UNAVAILABLE, NAMESPACE, RUNTIME_UNAVAILABLE,
    TENANT_ACCESS_VIOLATIONS, WEBHOOK_DELIVERIES_EXHAUSTED,
};

use super::alarms::{Alarm, Alarms, Look, Metric};
use crate::construct::watch::Watch;
use crate::spec::ObservabilitySpec;

/// An integration of API Gateway ends after 29 seconds.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>
const API_TIMEOUT_SECONDS: u32 = 29;

/// At this share of its time limit, something is about to fail.
const LATE: f64 = 0.8;

/// Work that waits longer than this, in seconds, is not being done.
const OLD_MESSAGE: f64 = 900.0;

/// An alarm for every failure of the platform: of everything that is watched, and what
/// functions count.
pub(super) fn alarms(alarms: &mut Alarms<'_>, spec: &ObservabilitySpec, watched: &[Watch]) {
    of_things(alarms, watched);
    of_tenants_and_runtime(alarms, spec);
}

/// An alarm for every failure of everything that is watched.
pub(super) fn of_things(alarms: &mut Alarms<'_>, watched: &[Watch]) {
    for watch in watched {
        match watch {
            Watch::Function { function, name, timeout_seconds, .. } => {
                of_function(alarms, *function, name, *timeout_seconds);
            }
            Watch::DeadLetters { queue, of } => dead_letters(alarms, queue, of),
            Watch::Queue { queue, of } => waiting(alarms, queue, of),
            Watch::Table { name } => throttled(alarms, name),
            Watch::Api { name, stage } => api(alarms, name, stage),
        }
    }
}

fn of_function(alarms: &mut Alarms<'_>, function: Function, name: &str, timeout_seconds: u32) {
    let metric =
        |what: &str, statistic| Metric::of("Lambda", what, statistic, &[("FunctionName", name)]);
    let namespace = alarms.stack.naming().name(NAMESPACE);
    let service = || function.name().to_owned();
    let limit = f64::from(timeout_seconds) * 1000.0 * LATE;
    alarms.add(Alarm {
        service: service(),
        what: "duration".into(),
        means: format!(
            "The slowest calls of {name} take over 80 % of its {timeout_seconds} s. \
             Look at its traces before raising its timeout_seconds."
        ),
        look: Look::At(metric("Duration", "p99")),
        above: limit,
        minutes: (3, 5),
    });
    alarms.add(Alarm {
        service: service(),
        what: "throttled".into(),
        means: format!("Calls of {name} are refused: all its reserved concurrency is in use."),
        look: Look::At(metric("Throttles", "Sum")),
        above: 0.0,
        minutes: (3, 5),
    });
    let errors = match function {
        // Whoever is refused wrongly cannot work at all: one failure counts. Lambda's own
        // count is of no use here: an answer of 401 is an error to it, and anybody can
        // have one.
        Function::Authoriser => Alarm {
            service: service(),
            what: "errors".into(),
            means: format!("{name} fails: callers with good tokens are refused. Look at its log."),
            look: Look::At(Metric::ours(&namespace, DECISIONS_UNAVAILABLE, "Sum")),
            above: 0.0,
            minutes: (2, 3),
        },
        _ => Alarm {
            service: service(),
            what: "error-rate".into(),
            means: format!("More than 5 % of the calls of {name} fail. Look at its log."),
            look: Look::AtShare(metric("Errors", "Sum"), metric("Invocations", "Sum")),
            above: 5.0,
            minutes: (3, 5),
        },
    };
    alarms.add(errors);
}

fn dead_letters(alarms: &mut Alarms<'_>, queue: &str, of: &str) {
    // A service can have several: those of its function, those of its queue of work.
    let prefix = alarms.stack.naming().name(&format!("{of}-"));
    let what = queue.strip_prefix(&prefix).unwrap_or(queue).trim_end_matches(".fifo");
    alarms.add(Alarm {
        service: of.to_owned(),
        what: what.to_owned(),
        means: format!("{queue} holds what {of} could not handle. Inspect it, mend, redrive."),
        look: Look::At(Metric::of(
            "SQS",
            "ApproximateNumberOfMessagesVisible",
            "Maximum",
            &[("QueueName", queue)],
        )),
        above: 0.0,
        minutes: (1, 1),
    });
}

fn waiting(alarms: &mut Alarms<'_>, queue: &str, of: &str) {
    alarms.add(Alarm {
        service: of.to_owned(),
        what: "waiting".into(),
        means: format!("Work in {queue} has waited for over 15 minutes: nobody does it."),
        look: Look::At(Metric::of(
            "SQS",
            "ApproximateAgeOfOldestMessage",
            "Maximum",
            &[("QueueName", queue)],
        )),
        above: OLD_MESSAGE,
        minutes: (3, 5),
    });
}

fn throttled(alarms: &mut Alarms<'_>, table: &str) {
    let metric = |name: &str| Metric::of("DynamoDB", name, "Sum", &[("TableName", table)]);
    let prefix = alarms.stack.naming().name("");
    let short = table.strip_prefix(&prefix).unwrap_or(table);
    alarms.add(Alarm {
        service: "data".into(),
        what: format!("{short}-throttled"),
        means: format!("Reads or writes of {table} are refused: one key is too busy."),
        look: Look::AtAll(vec![metric("ReadThrottleEvents"), metric("WriteThrottleEvents")]),
        above: 0.0,
        minutes: (2, 5),
    });
}

fn api(alarms: &mut Alarms<'_>, name: &str, stage: &str) {
    let metric = |what: &str, statistic| {
        Metric::of("ApiGateway", what, statistic, &[("ApiName", name), ("Stage", stage)])
    };
    alarms.add(Alarm {
        service: "api".into(),
        what: "error-rate".into(),
        means: format!("More than 1 % of the requests to {name} get a 5xx."),
        look: Look::AtShare(metric("5XXError", "Sum"), metric("Count", "Sum")),
        above: 1.0,
        minutes: (3, 5),
    });
    alarms.add(Alarm {
        service: "api".into(),
        what: "latency".into(),
        means: format!("The slowest requests to {name} take over 80 % of the 29 s they may."),
        look: Look::At(metric("Latency", "p99")),
        above: f64::from(API_TIMEOUT_SECONDS) * 1000.0 * LATE,
        minutes: (3, 5),
    });
}

/// What functions count themselves. The alarms are there from the beginning: a metric
/// that nobody writes yet is no failure.
fn of_tenants_and_runtime(alarms: &mut Alarms<'_>, spec: &ObservabilitySpec) {
    let namespace = alarms.stack.naming().name(NAMESPACE);
    let ours = |name, statistic| Look::At(Metric::ours(&namespace, name, statistic));
    let quota = spec.session_quota;
    let counted = [
        Alarm {
            service: "runtime".into(),
            what: "unavailable".into(),
            means: "Agents cannot be reached: the runtime region may be down. See whether AWS \
                    says so, and fail over if it lasts."
                .into(),
            look: ours(RUNTIME_UNAVAILABLE, "Sum"),
            above: 0.0,
            minutes: (3, 3),
        },
        Alarm {
            service: "runtime".into(),
            what: "sessions".into(),
            means: format!("Over 70 % of the {quota} sessions that the account may have are open."),
            look: ours(CONCURRENT_SESSIONS, "Maximum"),
            above: f64::from(quota) * 0.7,
            minutes: (3, 5),
        },
        Alarm {
            service: "tenants".into(),
            what: "access-violation".into(),
            means: "A request reached for another tenant's data and was refused. Find out who, \
                    and suspend the tenant if it was no mistake."
                .into(),
            look: ours(TENANT_ACCESS_VIOLATIONS, "Sum"),
            above: 0.0,
            minutes: (1, 1),
        },
        Alarm {
            service: "webhooks".into(),
            what: "exhausted".into(),
            means: "Deliveries of a webhook were given up after the last attempt.".into(),
            look: ours(WEBHOOK_DELIVERIES_EXHAUSTED, "Sum"),
            above: 0.0,
            minutes: (1, 5),
        },
    ];
    for alarm in counted {
        alarms.add(alarm);
    }
}
