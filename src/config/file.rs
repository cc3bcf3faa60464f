//! What platform.yaml may say. Doc comments here are the descriptions in the
//! published JSON Schema.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stacks::spec;

use super::sections::{
    AgentcoreConfig, BenchConfig, IdentityConfig, LockConfig, ObservabilityConfig, PlatformConfig,
    QuotasConfig, TenantConfig, Tiers,
};

/// The whole file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Version of this format. Always 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// Lowercase name of the company or product; prefix of every physical name.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]*$"))]
    pub project: String,
    /// Lowercase environment name, such as dev or prod.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]*$"))]
    pub environment: String,
    /// The home region, such as eu-west-2: all stacks but those of the agents' runtime.
    pub region: String,
    /// The region in which agents run, such as eu-west-1. Left out: the home region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_region: Option<String>,
    /// The only AWS account that may be touched (12 digits, quoted). Left out: the
    /// account of the credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]{12}$"))]
    pub account: Option<String>,
    /// Whether stacks are protected against deletion (termination protection).
    #[serde(default = "protected")]
    pub protect: bool,
    /// Tags on every resource, beside project, environment and stack.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Keys, pipelines, and who signs users in.
    #[serde(default)]
    pub identity: IdentityConfig,
    /// The network everything runs in.
    #[serde(default)]
    pub network: NetworkConfig,
    /// The network of the runtime region, when that is another one. It is peered with the
    /// home region's: say its cidr when you say anything of it.
    #[serde(default = "runtime_network")]
    pub runtime_network: NetworkConfig,
    /// The shared file system and the git-store function on it.
    #[serde(default)]
    pub efs: EfsConfig,
    /// Tables, buckets, queues, functions and the API.
    #[serde(default)]
    pub platform: PlatformConfig,
    /// Where agents run.
    #[serde(default)]
    pub agentcore: AgentcoreConfig,
    /// What each tier gives its tenants.
    #[serde(default)]
    pub tiers: Tiers,
    /// Tenants that are deployed with the platform; others come through the API.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantConfig>,
    /// What the account may hold, when AWS has raised it.
    #[serde(default)]
    pub quotas: QuotasConfig,
    /// Alarms and dashboards.
    #[serde(default)]
    pub observability: ObservabilityConfig,
    /// The monthly cost budget.
    #[serde(default)]
    pub budget: BudgetConfig,
    /// The locks that keep two machines from changing one environment.
    #[serde(default)]
    pub lock: LockConfig,
    /// Limits of benchmarks, and prices.
    #[serde(default)]
    pub bench: BenchConfig,
    /// Folder with runbooks of your own, from this file's folder. One with the id of an
    /// embedded runbook takes its place.
    #[serde(default = "runbooks")]
    pub runbooks: String,
}

fn runbooks() -> String {
    "runbooks".to_owned()
}

fn protected() -> bool {
    true
}

fn runtime_network() -> NetworkConfig {
    NetworkConfig { cidr: spec::NetworkSpec::runtime().cidr, ..NetworkConfig::default() }
}

/// How private subnets reach the internet.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Nat {
    /// Not at all: only gateway and interface endpoints.
    #[default]
    None,
    /// One NAT gateway in the first zone, shared by all.
    Single,
    /// One NAT gateway in each zone.
    PerZone,
}

/// A set of interface endpoints.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoints {
    /// None: S3 and DynamoDB have gateway endpoints, which cost nothing.
    #[default]
    None,
    /// What functions and agents call: ssm, secretsmanager, sts, logs, xray,
    /// bedrock-agentcore and bedrock-agentcore.gateway, each about 7 US dollars a month
    /// in each zone.
    Platform,
}

/// The network everything runs in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// The VPC's private address range (RFC 1918), /16 to /28.
    #[schemars(with = "String")]
    pub cidr: Ipv4Net,
    /// Number of availability zones, each with a public and a private subnet.
    #[schemars(range(min = 1, max = 3))]
    pub zones: u8,
    /// Names of the zones, such as [eu-west-2a], one for each. Left out: the first ones
    /// that AWS lists, in an order it may change, which would replace subnets. Needed by
    /// one-zone storage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    pub availability_zones: Vec<String>,
    /// Prefix length of each subnet. Left out: the VPC's plus 4, at most 28.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 16, max = 28))]
    pub subnet_prefix: Option<u8>,
    /// How private subnets reach the internet.
    pub nat: Nat,
    /// A set of interface endpoints.
    pub endpoints: Endpoints,
    /// Further interface endpoints by service suffix, such as ecr.api or bedrock-runtime.
    pub interface_endpoints: Vec<String>,
    /// Whether flow logs are recorded.
    pub flow_logs: bool,
    /// Address ranges that the VPC must not overlap, such as offices and peers.
    #[schemars(with = "Vec<String>")]
    pub reserved_cidrs: Vec<Ipv4Net>,
}

/// Where EFS keeps its data.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// In every zone of the region.
    #[default]
    Regional,
    /// In the first zone only: cheaper, faster writes, less durable. Needs
    /// the zones to be named.
    OneZone,
}

/// Instruction set of the Lambda functions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// AWS Graviton.
    #[default]
    Arm64,
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
}

/// The shared file system and the git-store function on it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EfsConfig {
    /// Where the data lies.
    pub storage: Storage,
    /// Encryption at rest. The guard rules refuse false.
    pub encrypted: bool,
    /// Whether AWS Backup takes daily backups.
    pub backup: bool,
    /// Days without access after which a file moves to infrequent access: 1, 7, 14, 30,
    /// 60, 90, 180, 270 or 365.
    pub archive_after_days: u16,
    /// POSIX user and group id of the access point.
    pub posix_id: u32,
    /// Memory of the git-store function in MB.
    #[schemars(range(min = 128, max = 10240))]
    pub memory_mb: u32,
    /// Time limit of the git-store function in seconds.
    #[schemars(range(min = 5, max = 900))]
    pub timeout_seconds: u32,
    /// Most concurrent executions of the git-store function.
    #[schemars(range(min = 1, max = 10000))]
    pub reserved_concurrency: u32,
    /// Days that logs are kept; a value that CloudWatch Logs accepts, such as 7, 30 or 365.
    pub log_retention_days: u32,
    /// Instruction set on AWS. The local platform uses this machine's.
    pub architecture: Architecture,
}

/// The monthly cost budget.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetConfig {
    /// Limit in US dollars a month.
    #[schemars(range(min = 1))]
    pub monthly_usd: u32,
    /// Who is mailed: up to 10 addresses.
    #[schemars(length(max = 10))]
    pub emails: Vec<String>,
    /// When mail is sent.
    pub thresholds: Thresholds,
}

/// When mail about cost is sent, in percent of the limit.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Percent of the limit that was spent, such as 80.
    pub actual: Vec<u32>,
    /// Percent of the limit that the month is forecast to cost, such as 100.
    pub forecast: Vec<u32>,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        let spec = spec::NetworkSpec::default();
        Self {
            cidr: spec.cidr,
            zones: spec.zones,
            availability_zones: spec.availability_zones,
            subnet_prefix: spec.subnet_prefix,
            nat: Nat::None,
            endpoints: Endpoints::None,
            interface_endpoints: spec.interface_endpoints,
            flow_logs: spec.flow_logs,
            reserved_cidrs: spec.reserved_cidrs,
        }
    }
}

impl Default for EfsConfig {
    fn default() -> Self {
        let spec = spec::EfsSpec::default();
        Self {
            storage: Storage::Regional,
            encrypted: spec.encrypted,
            backup: spec.backup,
            archive_after_days: spec.archive_after_days,
            posix_id: spec.posix_id,
            memory_mb: spec.git_store.memory_mb,
            timeout_seconds: spec.git_store.timeout_seconds,
            reserved_concurrency: spec.git_store.reserved_concurrency,
            log_retention_days: spec.git_store.log_retention_days,
            architecture: Architecture::Arm64,
        }
    }
}

impl Default for BudgetConfig {
    fn default() -> Self {
        let spec = spec::BudgetSpec::default();
        Self {
            monthly_usd: spec.monthly_usd,
            emails: spec.emails,
            thresholds: Thresholds {
                actual: spec.actual_thresholds,
                forecast: spec.forecast_thresholds,
            },
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        BudgetConfig::default().thresholds
    }
}

impl NetworkConfig {
    fn spec(&self) -> spec::NetworkSpec {
        spec::NetworkSpec {
            cidr: self.cidr,
            zones: self.zones,
            availability_zones: self.availability_zones.clone(),
            subnet_prefix: self.subnet_prefix,
            nat: match self.nat {
                Nat::None => spec::Nat::None,
                Nat::Single => spec::Nat::Single,
                Nat::PerZone => spec::Nat::PerZone,
            },
            endpoints: match self.endpoints {
                Endpoints::None => spec::Endpoints::None,
                Endpoints::Platform => spec::Endpoints::Platform,
            },
            interface_endpoints: self.interface_endpoints.clone(),
            flow_logs: self.flow_logs,
            reserved_cidrs: self.reserved_cidrs.clone(),
        }
    }
}

impl Config {
    /// The inputs of synthesis that this file describes.
    pub fn spec(&self) -> spec::StackSpec {
        let Self { network, efs, budget, .. } = self;
        spec::StackSpec {
            project: self.project.clone(),
            environment: self.environment.clone(),
            region: self.region.clone(),
            runtime_region: self.runtime_region.clone().unwrap_or_else(|| self.region.clone()),
            tags: self.tags.clone(),
            architecture: match efs.architecture {
                Architecture::Arm64 => spec::Architecture::Arm64,
                Architecture::X86_64 => spec::Architecture::X86_64,
            },
            identity: self.identity.spec(),
            network: network.spec(),
            runtime_network: self.runtime_network.spec(),
            platform: self.platform.spec(),
            agentcore: self.agentcore.spec(),
            tiers: self.tiers.spec(),
            tenants: self.tenants.iter().map(TenantConfig::spec).collect(),
            quotas: self.quotas.spec(),
            observability: self.observability.spec(),
            efs: spec::EfsSpec {
                storage: match efs.storage {
                    Storage::Regional => spec::Storage::Regional,
                    Storage::OneZone => spec::Storage::OneZone,
                },
                encrypted: efs.encrypted,
                backup: efs.backup,
                archive_after_days: efs.archive_after_days,
                posix_id: efs.posix_id,
                git_store: spec::FunctionSpec {
                    memory_mb: efs.memory_mb,
                    timeout_seconds: efs.timeout_seconds,
                    reserved_concurrency: efs.reserved_concurrency,
                    log_retention_days: efs.log_retention_days,
                    ..spec::FunctionSpec::default()
                },
            },
            budget: spec::BudgetSpec {
                monthly_usd: budget.monthly_usd,
                emails: budget.emails.clone(),
                actual_thresholds: budget.thresholds.actual.clone(),
                forecast_thresholds: budget.thresholds.forecast.clone(),
            },
        }
    }
}
