//! The platform stack: tables, buckets, queues, functions and the API.

mod api;
mod buckets;
mod firewall;
mod functions;
mod plans;
mod queues;
mod tables;
mod web;

use std::collections::BTreeMap;

use runtime_core::functions::Function;
use runtime_core::tenant::Tier;

use crate::cfn::{Naming, Published, Stack, Value, select};
use crate::construct::function::Surroundings;
use crate::construct::watch::Watch;
use crate::identity::Keys;
use crate::network::Network;
use crate::spec::{Architecture, IssuerSpec, PlatformSpec, TierSpec};

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
    /// Name of the bucket of the web application's pages.
    pub web_bucket: Published<String>,
    /// Id of the distribution: pages that change have to be taken out of its cache.
    pub distribution_id: Published<String>,
    /// Where pages and API are, such as `https://app.acme.example`; paths of the API
    /// begin with `/v1/`.
    pub url: Published<String>,
    /// Id of the REST API.
    pub api_id: Published<String>,
    /// Name of the API's stage.
    pub api_stage: Published<String>,
    /// ARNs of the aliases of the functions that are deployed.
    pub functions: BTreeMap<Function, Published<String>>,
    /// What is to be watched.
    pub watched: Vec<Watch>,
    /// The stack itself.
    pub stack: Stack,
}

/// What the parts of the stack share.
#[derive(Debug)]
struct Common<'a> {
    spec: &'a PlatformSpec,
    /// Who signs users in.
    issuers: &'a [IssuerSpec],
    /// What each tier has.
    tiers: &'a BTreeMap<Tier, TierSpec>,
    /// For what tenants own.
    data_key: Value<String>,
    /// For what is the platform's.
    config_key: Value<String>,
    logs_key: Value<String>,
}

/// For whom the platform is.
#[derive(Debug, Clone, Copy)]
pub struct Users<'a> {
    /// What each tier gives its tenants.
    pub tiers: &'a BTreeMap<Tier, TierSpec>,
    /// Who signs users in.
    pub issuers: &'a [IssuerSpec],
    /// What the provisioner makes the stacks of tenants from, as JSON.
    pub tenancy: &'a str,
}

/// Everything that tenants share.
pub fn platform(
    naming: &Naming,
    spec: &PlatformSpec,
    users: &Users<'_>,
    architecture: Architecture,
    network: &Network,
    keys: &Keys,
) -> Platform {
    let mut stack = Stack::new("platform", naming);
    stack.describe("Tables, buckets, queues, functions and the API");
    let common = Common {
        spec,
        issuers: users.issuers,
        tiers: users.tiers,
        data_key: stack.import(&keys.tenant_data),
        config_key: stack.import(&keys.platform_config),
        logs_key: stack.import(&keys.logs),
    };
    let mut watched = Vec::new();
    let (tables, watch) = tables::tables(&mut stack, &common);
    watched.extend(watch);
    let buckets = buckets::buckets(&mut stack, &common);
    let (queues, watch) = queues::queues(&mut stack, &common);
    watched.extend(watch);
    let (bus, watch) = queues::bus(&mut stack, &common);
    watched.extend(watch);
    let parts = functions::Parts {
        common: &common,
        naming,
        tenancy: users.tenancy,
        tables: &tables,
        buckets: &buckets,
        queues: &queues,
        bus: &bus,
    };
    let functions = match surroundings(&mut stack, spec, architecture, network, keys) {
        Some(around) => functions::functions(&mut stack, &parts, &around),
        None => BTreeMap::new(),
    };
    watched.extend(functions.values().flat_map(|function| function.watched.clone()));
    let api = api::api(&mut stack, &common, &functions);
    let web = web::web(&mut stack, &common, &api);
    let (stage, watch) = api.stage(&mut stack, &common, web.origin.clone());
    watched.push(watch);
    firewall::firewall(&mut stack, &common, api.stage_arn(&stage), &web.secret);
    let usage_plans = plans::plans(&mut stack, users.tiers, &api.rest, &stage);
    Platform {
        usage_plans,
        results_bucket: stack.publish("results-bucket", buckets.results.id()),
        audit_bucket: stack.publish("audit-bucket", buckets.audit.id()),
        event_bus: stack.publish("event-bus", bus.id()),
        web_bucket: stack.publish("web-bucket", web.pages.id()),
        distribution_id: stack.publish("distribution-id", web.distribution.id()),
        url: stack.publish("url", web.origin),
        api_id: stack.publish("api-id", api.rest.id()),
        api_stage: stack.publish("api-stage", stage.id()),
        functions: functions
            .iter()
            .map(|(function, deployed)| {
                let name = format!("{}-arn", function.name());
                (*function, stack.publish(&name, deployed.alias.id()))
            })
            .collect(),
        watched,
        stack,
    }
}

/// What the authoriser is told of issuers. It reads no parameters: a decision would wait
/// for them, and a former version of the function would have the present ones.
pub(crate) fn issuers(specs: &[IssuerSpec]) -> String {
    let all: Vec<_> = specs.iter().map(IssuerSpec::authoriser).collect();
    serde_json::json!(all).to_string()
}

/// What functions have around them, if there are any: a stack that imports what it does
/// not use would wait for it.
fn surroundings(
    stack: &mut Stack,
    spec: &PlatformSpec,
    architecture: Architecture,
    network: &Network,
    keys: &Keys,
) -> Option<Surroundings> {
    if !spec.functions.keys().copied().any(functions::is_here) {
        return None;
    }
    let subnets = stack.import(&network.private_subnets);
    let subnets = (0..network.zones).map(|zone| select(zone, &subnets)).collect();
    let group = stack.import(&network.lambda_group);
    Some(Surroundings::new(stack, architecture, subnets, group, keys))
}
