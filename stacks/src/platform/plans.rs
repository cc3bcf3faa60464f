//! How much a tenant of each tier may ask of the API.

use std::collections::BTreeMap;

use runtime_core::tenant::Tier;

use crate::cfn::aws::apigateway::{self, usage_plan};
use crate::cfn::{Handle, Published, Stack, camel};
use crate::spec::TierSpec;

/// One usage plan a tier, for the stage of the API.
pub(super) fn plans(
    stack: &mut Stack,
    tiers: &BTreeMap<Tier, TierSpec>,
    api: &Handle<apigateway::RestApi>,
    stage: &Handle<apigateway::Stage>,
) -> BTreeMap<Tier, Published<String>> {
    let plan = |(tier, limits): (&Tier, &TierSpec)| {
        let name = stack.naming().name(tier.name());
        let plan = apigateway::UsagePlan::new()
            .usage_plan_name(name)
            .description(format!("What a {} tenant may ask of the API", tier.name()))
            .api_stages([usage_plan::ApiStage::new().api_id(api.id()).stage(stage.id())])
            .throttle(
                usage_plan::ThrottleSettings::new()
                    .rate_limit(limits.requests_per_second)
                    .burst_limit(limits.burst),
            )
            .quota(usage_plan::QuotaSettings::new().limit(limits.monthly_requests).period("MONTH"));
        let plan = stack.add(format!("{}UsagePlan", camel(tier.name())), plan);
        (*tier, stack.publish(&format!("usage-plan-{}", tier.name()), plan.id()))
    };
    tiers.iter().map(plan).collect()
}
