//! The platform stack: tables, buckets, queues, functions and the API.

mod buckets;
mod plans;
mod queues;
mod tables;

use std::collections::BTreeMap;

use runtime_core::tenant::Tier;

use crate::cfn::{Naming, Published, Stack, Value};
use crate::construct::watch::Watch;
use crate::identity::Keys;
use crate::network::Network;
use crate::spec::{PlatformSpec, TierSpec};

/// What the stack gives to others.
#[derive(Debug)]
pub struct Platform {
    /// Ids of the usage plans, by tier.
    pub usage_plans: BTreeMap<Tier, Published<String>>,
    /// Name of the bucket of jobs' results: one prefix a tenant.
    pub results_bucket: Published<String>,
    /// Name of the bucket of the audit trail.
    pub audit_bucket: Published<String>,
    /// Name of the event bus.
    pub event_bus: Published<String>,
    /// What is to be watched.
    pub watched: Vec<Watch>,
    /// The stack itself.
    pub stack: Stack,
}

/// What the parts of the stack share.
#[derive(Debug)]
struct Common<'a> {
    spec: &'a PlatformSpec,
    /// For what tenants own.
    data_key: Value<String>,
    /// For what is the platform's.
    config_key: Value<String>,
}

/// Everything that tenants share.
pub fn platform(
    naming: &Naming,
    spec: &PlatformSpec,
    tiers: &BTreeMap<Tier, TierSpec>,
    network: &Network,
    keys: &Keys,
) -> Platform {
    let _ = network;
    let mut stack = Stack::new("platform", naming);
    stack.describe("Tables, buckets, queues, functions and the API");
    let common = Common {
        spec,
        data_key: stack.import(&keys.tenant_data),
        config_key: stack.import(&keys.platform_config),
    };
    let mut watched = Vec::new();
    let (_tables, watch) = tables::tables(&mut stack, &common);
    watched.extend(watch);
    let buckets = buckets::buckets(&mut stack, &common);
    let (_queues, watch) = queues::queues(&mut stack, &common);
    watched.extend(watch);
    let (bus, watch) = queues::bus(&mut stack, &common);
    watched.extend(watch);
    let usage_plans = plans::plans(&mut stack, tiers);
    Platform {
        usage_plans,
        results_bucket: stack.publish("results-bucket", buckets.results.id()),
        audit_bucket: stack.publish("audit-bucket", buckets.audit.id()),
        event_bus: stack.publish("event-bus", bus.id()),
        watched,
        stack,
    }
}
