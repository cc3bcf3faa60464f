//! The observability stack: who hears when something fails, and where people look.

mod alarms;
mod budget;
mod dashboard;
mod failures;
mod logs;
mod services;
mod topics;
mod traces;

use crate::cfn::{Naming, Published, Stack};
use crate::construct::watch::Watch;
use crate::identity::Keys;
use crate::spec::ObservabilitySpec;
use alarms::Alarms;

/// What the stack gives to others.
#[derive(Debug)]
pub struct Observability {
    /// ARN of the topic for what cannot wait.
    pub pages: Published<String>,
    /// ARN of the topic for what can wait until morning.
    pub notices: Published<String>,
    /// The stack itself.
    pub stack: Stack,
}

/// Alarms, dashboards and traces of everything in `watched`, which is in `stacks`.
///
/// ```
/// use runtime_core::functions::Function;
/// use stacks::cfn::Naming;
/// use stacks::construct::watch::Watch;
/// use stacks::identity::identity;
/// use stacks::observability::observability;
/// use stacks::spec::{IdentitySpec, ObservabilitySpec};
///
/// let naming = Naming::new("acme", "dev", "eu-west-2");
/// let keys = identity(&naming, &IdentitySpec::default()).keys;
/// let dead_letters = Watch::DeadLetters { queue: "acme-dev-jobs-dead-letters".into(), of: "jobs".into() };
/// let made = observability(&naming, &ObservabilitySpec::default(), &keys, &[dead_letters], &["platform"]);
/// assert!(made.stack.finish().template.resource("JobsDeadLetters").is_some());
/// # let _ = Function::Jobs;
/// ```
pub fn observability(
    naming: &Naming,
    spec: &ObservabilitySpec,
    keys: &Keys,
    watched: &[Watch],
    stacks: &[&str],
) -> Observability {
    let mut stack = Stack::new("observability", naming);
    stack.describe("Alarms, dashboards and traces");
    for name in stacks {
        stack.depends_on(name);
    }

    let key = stack.import(&keys.platform_config);
    let topics = topics::topics(&mut stack, spec, &key);

    logs::filters(&mut stack, watched);
    let mut alarms = Alarms::new(&mut stack, &topics);
    failures::alarms(&mut alarms, spec, watched);
    let made = alarms.made;
    services::composites(&mut stack, &topics, &made);

    dashboard::operations(&mut stack, watched, &made);
    traces::groups(&mut stack, watched);
    traces::sampling(&mut stack, spec.traced_percent);
    budget::by_tag(&mut stack, spec, &topics);

    Observability {
        pages: stack.publish("pages-topic", topics.pages.id()),
        notices: stack.publish("notices-topic", topics.notices.id()),
        stack,
    }
}

/// The same in the runtime region, when that is another one: an alarm sees the metrics
/// of its own region only.
pub fn runtime_observability(
    naming: &Naming,
    spec: &ObservabilitySpec,
    keys: &Keys,
    watched: &[Watch],
    stacks: &[&str],
) -> Observability {
    let mut stack = Stack::new("runtime-observability", naming);
    stack.describe("Alarms of the region in which agents run");
    for name in stacks {
        stack.depends_on(name);
    }
    let key = stack.import(&keys.platform_config);
    let topics = topics::topics(&mut stack, spec, &key);
    logs::filters(&mut stack, watched);
    let mut alarms = Alarms::new(&mut stack, &topics);
    failures::of_things(&mut alarms, watched);
    let made = alarms.made;
    services::composites(&mut stack, &topics, &made);
    Observability {
        pages: stack.publish("pages-topic", topics.pages.id()),
        notices: stack.publish("notices-topic", topics.notices.id()),
        stack,
    }
}
