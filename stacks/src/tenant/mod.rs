//! The stacks of siloed tenants: one template a tier, one stack a tenant.
//!
//! What tells tenants apart is in parameters, so that a thousand of them share a few
//! templates: each is made and proved once. Tenants of pooled tiers are rows of a table
//! and have no stack.
//!
//! Whoever deploys a template without platformctl gives `TenantId`, `Email` and
//! `MonthlyUsd` (of the runtime region's, `TenantId` alone) and the capability
//! `CAPABILITY_NAMED_IAM`; every other parameter has as its default the path of an SSM
//! parameter that the environment's stacks in that region publish. So CloudFormation
//! `StackSets` take the templates as they are. A stack set has one stack an account and
//! region: it is for tenants with accounts of their own, with the tenant's values as
//! the account's parameter overrides.

mod access;
mod dashboard;
mod limits;
mod parameters;
mod store;
mod tenancy;

pub use tenancy::Tenancy;

use std::collections::BTreeMap;

use runtime_core::auth::usage_key;
use runtime_core::names::{TAG_STACK, TAG_TENANT};
use runtime_core::tenant::{TenantId, Tier};

use crate::cfn::aws::apigateway::{self, usage_plan_key};
use crate::cfn::aws::ssm::{self, parameter::Type};
use crate::cfn::{Naming, Published, Stack, StackTemplate, Value, camel, sub};
use crate::identity::Keys;
use crate::platform::Platform;
use crate::spec::{StackSpec, TenantSpec};

/// What the short names of stacks of the runtime region end with.
pub(crate) const RUNTIME_SUFFIX: &str = "-runtime";

/// The templates that the siloed tenants of a tier share.
#[derive(Debug, Clone)]
pub struct Templates {
    /// Of the home region.
    pub home: StackTemplate,
    /// Of the region in which agents run, when that is another one.
    pub runtime: Option<StackTemplate>,
}

/// One stack for each siloed tenant, and a second one when agents run in another
/// region. `runtime_keys` are the keys of that region; the home region's when it is
/// the same.
///
/// The work for a tenant is its names and its values: templates are made once a tier.
pub fn stacks(
    spec: &StackSpec,
    platform: &Platform,
    keys: &Keys,
    runtime_keys: &Keys,
) -> Vec<StackTemplate> {
    let home = spec.naming();
    let mut templates: BTreeMap<Tier, Templates> = BTreeMap::new();
    let mut stacks = Vec::new();
    for (tenant, tier) in spec.siloed() {
        let Some(plan) = platform.usage_plans.get(&tenant.tier) else { continue };
        let templates = templates.entry(tenant.tier).or_insert_with(|| {
            self::templates(spec, tenant.tier, plan, platform, keys, runtime_keys)
        });
        let monthly_usd = tenant.monthly_usd.unwrap_or(tier.monthly_usd);
        stacks.extend(templates.stacks(&home, tenant, monthly_usd));
    }
    stacks
}

/// The templates of every tier, whether there are tenants yet: those who were siloed when
/// they were made stay so, whatever their tier says later.
pub(crate) fn all(
    spec: &StackSpec,
    platform: &Platform,
    keys: &Keys,
    runtime_keys: &Keys,
) -> Vec<StackTemplate> {
    spec.tiers
        .keys()
        .filter_map(|tier| {
            let plan = platform.usage_plans.get(tier)?;
            Some(templates(spec, *tier, plan, platform, keys, runtime_keys))
        })
        .flat_map(|made| [Some(made.home), made.runtime].into_iter().flatten())
        .collect()
}

/// The templates of a tier. `plan` is the id of its usage plan.
pub fn templates(
    spec: &StackSpec,
    tier: Tier,
    plan: &Published<String>,
    platform: &Platform,
    keys: &Keys,
    runtime_keys: &Keys,
) -> Templates {
    let naming = tagged(&spec.naming(), "");
    let runtime = tagged(&spec.naming().in_region(&spec.runtime_region), RUNTIME_SUFFIX);
    Templates {
        home: home(&naming, &runtime, tier, plan, platform, keys),
        runtime: spec.two_regions().then(|| elsewhere(&runtime, tier, runtime_keys)),
    }
}

impl Templates {
    /// The stacks of a tenant.
    fn stacks(
        &self,
        naming: &Naming,
        tenant: &TenantSpec,
        monthly_usd: u32,
    ) -> impl Iterator<Item = StackTemplate> {
        let id = tenant.id.as_str();
        let name = stack_name(&tenant.id);
        let values = [
            (parameters::TENANT_ID, id.to_owned()),
            (parameters::EMAIL, tenant.email.clone()),
            (parameters::MONTHLY_USD, monthly_usd.to_string()),
        ];
        let home = self.home.instance(&name, naming, values);
        let runtime = self.runtime.as_ref().map(|template| {
            let values = [(parameters::TENANT_ID, id.to_owned())];
            let runtime = format!("{name}{RUNTIME_SUFFIX}");
            let mut stack = template.instance(&runtime, naming, values);
            // It lets the role, which the first stack makes, into the memory.
            stack.depends_on.push(name);
            stack
        });
        [home].into_iter().chain(runtime)
    }
}

/// The short name of a tenant's stack in the home region.
///
/// ```
/// let globex = "globex".parse()?;
/// assert_eq!(stacks::tenant::stack_name(&globex), "tenant-globex");
/// # Ok::<(), runtime_core::tenant::InvalidTenantId>(())
/// ```
pub fn stack_name(tenant: &TenantId) -> String {
    format!("tenant-{tenant}")
}

/// Costs and clean-up go by tenant, and each tenant's stack has its own name.
fn tagged(naming: &Naming, suffix: &str) -> Naming {
    naming
        .clone()
        .with_tag(TAG_TENANT, parameters::id())
        .with_tag(TAG_STACK, sub(format!("tenant-${{TenantId}}{suffix}")))
}

fn home(
    naming: &Naming,
    runtime: &Naming,
    tier: Tier,
    plan: &Published<String>,
    platform: &Platform,
    keys: &Keys,
) -> StackTemplate {
    let mut stack = Stack::new(&format!("tenant-{}", tier.name()), naming);
    stack.describe(&format!("What a siloed tenant of the {} tier has to itself", tier.name()));
    parameters::tenant_id(&mut stack);
    let email = parameters::email(&mut stack);
    let monthly_usd = parameters::monthly_usd(&mut stack);
    let bucket = stack.import(&platform.results_bucket);
    let key = stack.import(&keys.tenant_data);
    let plan = stack.import(plan);

    let role = access::role(&mut stack, runtime.region(), &bucket, &key);
    let api_key = api_key(&mut stack, plan);
    publish(&mut stack, "tier", tier.name());
    publish(&mut stack, "role-arn", role.arn());
    publish(&mut stack, "api-key-id", api_key);
    if naming.region() == runtime.region() {
        store::memory(&mut stack, &key, role.id());
    }
    limits::budget(&mut stack, &email, monthly_usd);
    dashboard::dashboard(&mut stack, runtime.region());
    stack.finish()
}

/// What the tenant has in the region in which agents run, when that is not its home.
fn elsewhere(naming: &Naming, tier: Tier, keys: &Keys) -> StackTemplate {
    let mut stack = Stack::new(&format!("tenant-{}{RUNTIME_SUFFIX}", tier.name()), naming);
    stack.describe(&format!(
        "The memory of a siloed tenant of the {} tier, where its agents run",
        tier.name()
    ));
    parameters::tenant_id(&mut stack);
    let key = stack.import(&keys.tenant_data);
    let role = name(&stack);
    store::memory(&mut stack, &key, role);
    stack.finish()
}

/// A key of the gateway, on the plan of its tier: by it the tenant's requests are counted.
/// It is no secret and opens nothing: the gateway takes it from the authoriser alone.
fn api_key(stack: &mut Stack, plan: Value<String>) -> Value<String> {
    let name = name(stack);
    let value = sub(usage_key(&stack.naming().prefix(), "${TenantId}"));
    let key = apigateway::ApiKey::new()
        .name(name)
        .value(value)
        .description(sub("By it the requests of tenant ${TenantId} are counted"))
        .enabled(true);
    let key = stack.add("ApiKey", key);
    let on_plan = apigateway::UsagePlanKey::new(key.id(), usage_plan_key::KeyType::ApiKey, plan);
    stack.add("ApiKeyOnPlan", on_plan);
    key.id()
}

/// The physical name of what a tenant has one of.
fn name(stack: &Stack) -> Value<String> {
    sub(stack.naming().name("tenant-${TenantId}"))
}

/// Writes a value to the tenant's own SSM path, and shows it as an output.
fn publish(stack: &mut Stack, what: &str, value: impl Into<Value<String>>) {
    let value = value.into();
    let path = stack.naming().ssm_path("tenants", &format!("${{TenantId}}/{what}"));
    let parameter = ssm::Parameter::new(Type::String, &value).name(sub(path));
    stack.add(format!("{}Parameter", camel(what)), parameter);
    stack.output(&camel(what), value);
}
