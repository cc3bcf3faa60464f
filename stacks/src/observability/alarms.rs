//! How an alarm is made: what it looks at, what is too much, and whom it tells.

use super::topics::Topics;
use crate::cfn::aws::cloudwatch::{self, alarm};
use crate::cfn::{Handle, Stack, Value, camel};

/// Seconds between two looks.
pub(super) const PERIOD: u32 = 60;

/// A number that CloudWatch knows.
#[derive(Debug, Clone)]
pub(super) struct Metric {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) dimensions: Vec<(&'static str, String)>,
    /// `Sum`, `Maximum`, `p99` and so on.
    pub(super) statistic: &'static str,
}

impl Metric {
    /// A metric of an AWS service.
    pub(super) fn of(
        service: &str,
        name: &str,
        statistic: &'static str,
        dimensions: &[(&'static str, &str)],
    ) -> Self {
        Self {
            namespace: format!("AWS/{service}"),
            name: name.to_owned(),
            dimensions: dimensions.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
            statistic,
        }
    }

    /// A metric of the platform's own.
    pub(super) fn ours(namespace: &str, name: &str, statistic: &'static str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions: Vec::new(),
            statistic,
        }
    }

    fn query(&self, id: &str) -> alarm::MetricDataQuery {
        let metric = alarm::Metric::new()
            .namespace(&self.namespace)
            .metric_name(&self.name)
            .dimensions(self.dimensions());
        alarm::MetricDataQuery::new(id)
            .metric_stat(alarm::MetricStat::new(metric, PERIOD, self.statistic))
            .return_data(false)
    }

    fn dimensions(&self) -> Vec<alarm::Dimension> {
        self.dimensions.iter().map(|(name, value)| alarm::Dimension::new(*name, value)).collect()
    }
}

/// What an alarm looks at.
#[derive(Debug, Clone)]
pub(super) enum Look {
    /// One metric.
    At(Metric),
    /// The sum of some; those without data count as nothing.
    AtAll(Vec<Metric>),
    /// One in percent of another.
    AtShare(Metric, Metric),
}

/// An alarm to be.
pub(super) struct Alarm {
    /// The service that fails, such as `bridge`.
    pub(super) service: String,
    /// What fails, such as `error-rate`.
    pub(super) what: String,
    /// For whoever is woken: what it means and what to do first.
    pub(super) means: String,
    pub(super) look: Look,
    /// Above this it fails.
    pub(super) above: f64,
    /// Minutes looked at, and how many of them have to be bad.
    pub(super) minutes: (u8, u8),
}

/// An alarm that was made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) service: String,
    pub(super) name: String,
    pub(super) handle: Handle<cloudwatch::Alarm>,
}

/// The alarms of the stack.
pub(super) struct Alarms<'a> {
    pub(super) stack: &'a mut Stack,
    notices: Value<String>,
    pub(super) made: Vec<Made>,
}

impl<'a> Alarms<'a> {
    pub(super) fn new(stack: &'a mut Stack, topics: &Topics) -> Self {
        Self { stack, notices: topics.notices.id(), made: Vec::new() }
    }

    /// Adds an alarm. By itself it is a notice; the composite alarm of its service
    /// wakes people.
    pub(super) fn add(&mut self, wanted: Alarm) {
        let Alarm { service, what, means, look, above, minutes: (bad, of) } = wanted;
        let name = self.stack.naming().name(&format!("{service}-{what}"));
        let alarm = cloudwatch::Alarm::new()
            .alarm_name(&name)
            .alarm_description(means)
            .comparison_operator(alarm::ComparisonOperator::GreaterThanThreshold)
            .threshold(above)
            .evaluation_periods(of)
            .datapoints_to_alarm(bad)
            // Nothing happens, nothing fails; what must always happen has its own metric.
            .treat_missing_data(alarm::TreatMissingData::NotBreaching)
            .alarm_actions([&self.notices])
            .ok_actions([&self.notices]);
        let alarm = look.on(alarm);
        let handle = self.stack.add(format!("{}{}", camel(&service), camel(&what)), alarm);
        self.made.push(Made { service, name, handle });
    }
}

impl Look {
    fn on(self, alarm: cloudwatch::Alarm) -> cloudwatch::Alarm {
        match self {
            Self::At(metric) => {
                let alarm =
                    alarm.namespace(&metric.namespace).metric_name(&metric.name).period(PERIOD);
                let alarm = match metric.dimensions() {
                    none if none.is_empty() => alarm,
                    dimensions => alarm.dimensions(dimensions),
                };
                match metric.statistic {
                    "Sum" => alarm.statistic(alarm::Statistic::Sum),
                    "Maximum" => alarm.statistic(alarm::Statistic::Maximum),
                    percentile => alarm.extended_statistic(percentile),
                }
            }
            Self::AtAll(metrics) => {
                let ids: Vec<String> = (1..=metrics.len()).map(|n| format!("m{n}")).collect();
                let sum: Vec<String> = ids.iter().map(|id| format!("FILL({id}, 0)")).collect();
                let sum = alarm::MetricDataQuery::new("sum").expression(sum.join(" + "));
                let parts = ids.iter().zip(&metrics).map(|(id, metric)| metric.query(id));
                alarm.metrics(parts.chain([sum]).collect::<Vec<_>>())
            }
            Self::AtShare(part, whole) => {
                let share = alarm::MetricDataQuery::new("share")
                    .expression("100 * FILL(part, 0) / whole")
                    .label("Percent");
                alarm.metrics([part.query("part"), whole.query("whole"), share])
            }
        }
    }
}
