//! platform.yaml: found, loaded, validated with line numbers, and resolved with
//! flags and environment into [`Settings`].

mod explain;
mod file;
mod load;
mod locate;
mod sections;
mod settings;
mod starter;

pub use explain::{Shape, suggest};
pub use file::{Architecture, BudgetConfig, Config, EfsConfig, NetworkConfig, Thresholds};
pub use load::{LoadedConfig, find, load, parse, parse_yaml, to_yaml};
pub use locate::Positions;
pub use sections::{
    AgentcoreConfig, ApiConfig, AuditConfig, AuditMode, BenchConfig, BenchEfsConfig, DomainConfig,
    EfsCriteria, FirewallConfig, FunctionConfig, IdentityConfig, IssuerConfig, Issuers,
    LambdaPrices, LeaseTime, LockBackend, LockConfig, ObservabilityConfig, PlatformConfig,
    QuotasConfig, TenantConfig, ThrottleConfig, TierConfig, Tiers,
};
pub use settings::{LockSettings, Overrides, Settings};
pub use starter::{Starter, starter_yaml};

/// The file's usual name.
pub const FILE_NAME: &str = "platform.yaml";

/// The JSON Schema of platform.yaml, for editors and for `config schema`.
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".into(), "platform.yaml".into());
    }
    schema
}
