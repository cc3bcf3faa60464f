//! The sections of platform.yaml that make one stack each, and the inputs of synthesis
//! that each describes.

mod agentcore;
mod bench;
mod function;
mod identity;
mod lock;
mod observability;
mod platform;
mod tenants;

pub use agentcore::AgentcoreConfig;
pub use bench::{BenchConfig, BenchEfsConfig, EfsCriteria, LambdaPrices};
pub use function::FunctionConfig;
pub use identity::{IdentityConfig, IssuerConfig, Issuers};
pub use lock::{LeaseTime, LockBackend, LockConfig};
pub use observability::ObservabilityConfig;
pub use platform::{
    ApiConfig, AuditConfig, AuditMode, DomainConfig, FirewallConfig, PlatformConfig, ThrottleConfig,
};
pub use tenants::{QuotasConfig, TenantConfig, TierConfig, Tiers};
