//! The platform stack: tables, buckets, queues, functions and the API.

mod plans;

use std::collections::BTreeMap;

use runtime_core::tenant::Tier;

use crate::cfn::aws::{events, s3};
use crate::cfn::{Naming, Options, Published, Stack, sub};
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
    /// Name of the event bus.
    pub event_bus: Published<String>,
    /// What is to be watched.
    pub watched: Vec<Watch>,
    /// The stack itself.
    pub stack: Stack,
}

/// Everything that tenants share.
pub fn platform(
    naming: &Naming,
    spec: &PlatformSpec,
    tiers: &BTreeMap<Tier, TierSpec>,
    network: &Network,
    keys: &Keys,
) -> Platform {
    let _ = (spec, network);
    let mut stack = Stack::new("platform", naming);
    stack.describe("Tables, buckets, queues, functions and the API");
    let key = stack.import(&keys.tenant_data);
    let usage_plans = plans::plans(&mut stack, tiers);
    let bucket = stack.add_with(
        "ResultsBucket",
        s3::Bucket::new().bucket_name(sub(naming.name("results-${AWS::AccountId}-${AWS::Region}"))),
        Options::new().retain(),
    );
    let bus =
        stack.add("EventBus", events::EventBus::new(naming.name("events")).kms_key_identifier(key));
    Platform {
        usage_plans,
        results_bucket: stack.publish("results-bucket", bucket.id()),
        event_bus: stack.publish("event-bus", bus.id()),
        watched: Vec::new(),
        stack,
    }
}
