//! Tenants and tiers.

use std::collections::HashMap;

use runtime_core::names::TAG_TENANT;
use runtime_core::tenant::{Isolation, Tier};

use super::{Check, is_email};
use crate::spec::StackSpec;
use crate::tenant::RUNTIME_SUFFIX;

/// Requests a second that an account may make of API Gateway in a region, and at once.
/// A plan that promises more promises what AWS does not keep.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
const MOST_REQUESTS_PER_SECOND: u32 = 10_000;
const MOST_AT_ONCE: u32 = 5_000;

/// A quota of a usage plan is a signed number of 32 bits.
const MOST_MONTHLY_REQUESTS: u32 = i32::MAX.unsigned_abs();

/// 50 tags a resource, less `project`, `environment`, `stack` and `tenant`.
const MOST_TAGS: usize = 46;

impl Check {
    pub(super) fn tiers(&mut self, spec: &StackSpec) {
        for tier in Tier::ALL {
            let field = |name: &str| format!("tiers.{}.{name}", tier.name());
            let Some(limits) = spec.tiers.get(&tier) else {
                let message = format!("the tier {} is not described", tier.name());
                self.that(false, &format!("tiers.{}", tier.name()), message, "describe every tier");
                continue;
            };
            let rate = limits.requests_per_second;
            self.range(&field("requests_per_second"), rate, 1..=MOST_REQUESTS_PER_SECOND, "");
            self.range(&field("burst"), limits.burst, 1..=MOST_AT_ONCE, "");
            let monthly = limits.monthly_requests;
            self.range(&field("monthly_requests"), monthly, 1..=MOST_MONTHLY_REQUESTS, "");
            self.not_nothing(&field("monthly_usd"), limits.monthly_usd);
        }
    }

    pub(super) fn tenants(&mut self, spec: &StackSpec) {
        let tagged = spec.tags.contains_key(TAG_TENANT);
        let message = "costs of a tenant are counted by this tag, on what is the tenant's alone";
        let field = format!("tags.{TAG_TENANT}");
        self.that(!tagged, &field, message.to_owned(), "choose another key");
        let tags = spec.tags.len();
        let fits = tags <= MOST_TAGS || spec.siloed().next().is_none();
        let message = format!("{tags} tags are too many for what belongs to a tenant");
        let hint = format!("keep to {MOST_TAGS}: AWS allows 50, and four are ours");
        self.that(fits, "tags", message, &hint);

        let mut known = HashMap::new();
        for (index, tenant) in spec.tenants.iter().enumerate() {
            let field = |name: &str| format!("tenants[{index}].{name}");
            let first = *known.entry(&tenant.id).or_insert(index);
            let message =
                format!("the tenant {} is listed already, as tenants[{first}]", tenant.id);
            self.that(first == index, &field("id"), message, "remove one, or give it another id");
            let siloed =
                spec.tiers.get(&tenant.tier).is_some_and(|tier| tier.isolation == Isolation::Silo);
            let taken = siloed && tenant.id.as_str().ends_with(RUNTIME_SUFFIX);
            let message =
                format!("`{}` ends as names of stacks of the runtime region do", tenant.id);
            let hint = format!("choose an id that does not end with {RUNTIME_SUFFIX}");
            self.that(!taken, &field("id"), message, &hint);
            let message = format!("`{}` is not a mail address", tenant.email);
            let hint = "write one such as ops@acme.example";
            self.that(is_email(&tenant.email), &field("email"), message, hint);
            self.not_nothing(&field("monthly_usd"), tenant.monthly_usd.unwrap_or(1));
        }
    }

    fn not_nothing(&mut self, field: &str, monthly_usd: u32) {
        let message = "a budget of nothing is always exceeded".to_owned();
        self.that(monthly_usd > 0, field, message, "choose at least 1 US dollar");
    }
}
