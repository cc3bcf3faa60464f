//! What tells one tenant's stack from another's. The constraints are those of
//! platform.yaml, for stacks that are made without it.

use runtime_core::tenant::{ID_PATTERN, LONGEST_ID, SHORTEST_ID};
use serde_json::json;

use crate::cfn::{Parameter, Stack, Value};

/// The tenant's id.
pub(super) const TENANT_ID: &str = "TenantId";
/// Who hears about costs.
pub(super) const EMAIL: &str = "Email";
/// The monthly budget in US dollars.
pub(super) const MONTHLY_USD: &str = "MonthlyUsd";

/// Longest mail address, in characters (RFC 5321, less the angle brackets).
pub(super) const LONGEST_EMAIL: usize = 254;

/// The id of the tenant whose stack it is.
pub(super) fn id() -> Value<String> {
    Value::raw(json!({ "Ref": TENANT_ID }))
}

pub(super) fn tenant_id(stack: &mut Stack) {
    let parameter = Parameter::string()
        .description("Id of the tenant")
        .allowed_pattern(ID_PATTERN)
        .lengths(SHORTEST_ID, LONGEST_ID)
        .constraint_description(&format!(
            "{SHORTEST_ID} to {LONGEST_ID} of a-z, 0-9 and single hyphens, beginning with a letter"
        ));
    stack.parameter(TENANT_ID, parameter);
}

pub(super) fn email(stack: &mut Stack) -> Value<String> {
    let parameter = Parameter::string()
        .description("Who hears when the budget is exceeded")
        .allowed_pattern(r"^[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+$")
        .lengths(3, LONGEST_EMAIL)
        .constraint_description("a mail address such as ops@acme.example");
    stack.parameter(EMAIL, parameter)
}

pub(super) fn monthly_usd(stack: &mut Stack) -> Value<i64> {
    let parameter = Parameter::number()
        .description("Monthly budget in US dollars")
        .values(1, i64::from(u32::MAX))
        .constraint_description("a whole number of US dollars, at least 1");
    stack.parameter(MONTHLY_USD, parameter)
}
