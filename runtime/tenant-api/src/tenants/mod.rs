//! Tenants, and what is done for them in several steps.

pub(crate) mod change;
pub(crate) mod create;
mod gateway;
mod keys;
pub(crate) mod look;
pub(crate) mod notify;
pub(crate) mod read;
pub(crate) mod rotate;
mod steps;

use runtime_core::access::OperatorDynamoDb;
use runtime_core::model::{Key, Tenant};
use runtime_core::tenant::TenantId;

use crate::problem::Problem;

/// The record of a tenant, for those who run the platform.
async fn found(platform: &OperatorDynamoDb, id: &TenantId) -> Result<Tenant, Problem> {
    platform.get(&Key::<Tenant>::new(id)).await?.ok_or_else(|| Problem::not_found("tenant"))
}
