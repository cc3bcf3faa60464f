use runtime_core::api::Tenant;
use runtime_core::tenant::{TenantId, Tier};
use serde_json::{Value, json};

use super::{table, tier};
use crate::cli::Ctx;
use crate::cli::admin::Admin;
use crate::error::Result;
use crate::ops::tenants::{self, status_name};
use crate::ui::{Block, Report};

/// List the tenants
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl tenant list\n  platformctl tenant list --status failed\n  platformctl tenant list -o jsonl --query '[].id'"
)]
pub struct ListArgs {
    /// Only those in this state: provisioning, active, suspended, deleting or failed
    #[arg(long, value_name = "STATUS", value_parser = ["provisioning", "active", "suspended", "deleting", "failed"])]
    status: Option<String>,
    /// Only those of this tier: basic, standard or premium
    #[arg(long, value_name = "TIER", value_parser = tier)]
    tier: Option<Tier>,
    /// At most this many; default: all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

/// Show a tenant
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl tenant show acme\n  platformctl tenant show acme --query status"
)]
pub struct ShowArgs {
    /// The tenant's id
    #[arg(value_name = "TENANT")]
    tenant: TenantId,
}

/// Tenants.
#[derive(Debug)]
pub struct TenantsReport(Vec<Tenant>);

/// A tenant.
#[derive(Debug)]
pub struct TenantReport(Tenant);

pub(super) async fn list(ctx: &Ctx, args: &ListArgs) -> Result<TenantsReport> {
    let admin = Admin::connect(ctx).await?;
    let limit = args.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    // The API chooses by nothing: what is left out here was read, too.
    let chosen = args.status.is_some() || args.tier.is_some();
    let asked = if chosen { usize::MAX } else { limit };
    let mut found = tenants::list(&admin.api, asked).await?;
    found.retain(|tenant| {
        args.status.as_deref().is_none_or(|wanted| status_name(tenant.status) == wanted)
            && args.tier.is_none_or(|wanted| tenant.tier == wanted)
    });
    found.truncate(limit);
    Ok(TenantsReport(found))
}

pub(super) async fn show(ctx: &Ctx, args: &ShowArgs) -> Result<TenantReport> {
    let admin = Admin::connect(ctx).await?;
    Ok(TenantReport(tenants::show(&admin.api, &args.tenant).await?.value))
}

impl Report for TenantsReport {
    fn value(&self) -> Value {
        json!(self.0)
    }

    fn blocks(&self) -> Vec<Block> {
        if self.0.is_empty() {
            return vec![Block::Text("no tenant".to_owned())];
        }
        vec![Block::Table(table(&self.0))]
    }
}

impl Report for TenantReport {
    fn value(&self) -> Value {
        json!(self.0)
    }

    fn blocks(&self) -> Vec<Block> {
        vec![Block::Table(table([&self.0]))]
    }
}
