//! One alarm a service: it wakes people once, whatever of the service fails.

use std::collections::BTreeMap;

use super::alarms::Made;
use super::topics::Topics;
use crate::cfn::aws::cloudwatch::CompositeAlarm;
use crate::cfn::{Options, Stack, camel};

/// A composite alarm for every service that has alarms.
pub(super) fn composites(stack: &mut Stack, topics: &Topics, alarms: &[Made]) {
    let mut services: BTreeMap<&str, Vec<&Made>> = BTreeMap::new();
    for alarm in alarms {
        services.entry(&alarm.service).or_default().push(alarm);
    }
    for (service, parts) in services {
        let rule: Vec<String> =
            parts.iter().map(|alarm| format!("ALARM(\"{}\")", alarm.name)).collect();
        let composite = CompositeAlarm::new(rule.join(" OR "))
            .alarm_name(stack.naming().name(service))
            .alarm_description(format!("Something of {service} fails: see which of its alarms"))
            .actions_enabled(true)
            .alarm_actions([topics.pages.id()])
            .ok_actions([topics.pages.id()]);
        let after = Options::new().depends_on_all(parts.iter().map(|alarm| &alarm.handle));
        stack.add_with(format!("{}Service", camel(service)), composite, after);
    }
}
