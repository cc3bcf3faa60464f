//! The inputs of synthesis, with documented defaults. [`synthesize`](crate::synthesize)
//! refuses what is out of range.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;

use crate::cfn::Naming;

/// Everything that synthesis needs to know. Same spec, same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackSpec {
    /// Lowercase name of the company or product: prefix of every physical name.
    pub project: String,
    /// Lowercase environment name, such as `dev` or `prod`.
    pub environment: String,
    /// The region of the stacks, such as `eu-west-2`.
    pub region: String,
    /// The user's own tags, added to every taggable resource beside `project`,
    /// `environment` and `stack`.
    pub tags: BTreeMap<String, String>,
    /// The network stack.
    pub network: NetworkSpec,
    /// The efs stack.
    pub efs: EfsSpec,
    /// The budget stack.
    pub budget: BudgetSpec,
}

impl StackSpec {
    /// An environment with every default.
    ///
    /// ```
    /// let spec = stacks::spec::StackSpec::new("acme", "dev", "eu-west-2");
    /// assert_eq!(spec.network.cidr.to_string(), "10.40.0.0/16");
    /// ```
    pub fn new(project: &str, environment: &str, region: &str) -> Self {
        Self {
            project: project.to_owned(),
            environment: environment.to_owned(),
            region: region.to_owned(),
            tags: BTreeMap::new(),
            network: NetworkSpec::default(),
            efs: EfsSpec::default(),
            budget: BudgetSpec::default(),
        }
    }

    /// What names and tags are made from.
    pub fn naming(&self) -> Naming {
        Naming::new(&self.project, &self.environment).with_tags(&self.tags)
    }
}

/// How private subnets reach the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nat {
    /// Not at all: only gateway and interface endpoints.
    #[default]
    None,
    /// One NAT gateway in the first zone, shared by all.
    Single,
    /// One NAT gateway in each zone.
    PerZone,
}

/// The network everything runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSpec {
    /// The VPC's private address range. Default `10.40.0.0/16`.
    pub cidr: Ipv4Net,
    /// Number of availability zones, 1 to 3. Default 1.
    pub zones: u8,
    /// Their names, such as `eu-west-2a`, one for each zone. Default none: the first
    /// ones that AWS lists. AWS promises no order, and a subnet whose zone changes is
    /// replaced; so is a file system in one zone, which therefore needs the names.
    pub availability_zones: Vec<String>,
    /// Prefix length of each subnet. Default: the VPC's plus 4 (a /16 gives /20s),
    /// at most 28.
    pub subnet_prefix: Option<u8>,
    /// How private subnets reach the internet. Default `none`.
    pub nat: Nat,
    /// Interface endpoints by service suffix (`ssm`, `secretsmanager`). Default none.
    pub interface_endpoints: Vec<String>,
    /// Whether to record flow logs. Default false.
    pub flow_logs: bool,
    /// Ranges that the VPC must not overlap (peered networks, offices). Default none.
    pub reserved_cidrs: Vec<Ipv4Net>,
}

/// Where EFS keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// In every zone of the region.
    #[default]
    Regional,
    /// In the first zone only: cheaper, faster writes, less durable. Needs
    /// [`NetworkSpec::availability_zones`].
    OneZone,
}

/// Instruction set of the Lambda functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Architecture {
    /// `arm64`, the default on AWS.
    #[default]
    Arm64,
    /// `x86_64`.
    X86_64,
}

/// The shared file system and the `git-store` function on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EfsSpec {
    /// Where the data lies. Default regional.
    pub storage: Storage,
    /// Encryption at rest with the stack's own KMS key. Default true.
    pub encrypted: bool,
    /// Whether AWS Backup takes daily backups. Default true.
    pub backup: bool,
    /// Days without access after which files move to infrequent access:
    /// 1, 7, 14, 30, 60, 90, 180, 270 or 365. Default 30.
    pub archive_after_days: u16,
    /// POSIX user and group id of the access point. Default 1000.
    pub posix_id: u32,
    /// Memory of the git-store function in MB, 128 to 10,240. Default 512.
    pub memory_mb: u32,
    /// Time limit of the git-store function in seconds, 5 to 900. Default 30.
    pub timeout_seconds: u32,
    /// Most concurrent executions of the git-store function. Default 50.
    pub reserved_concurrency: u32,
    /// Days that logs are kept; one of the values CloudWatch Logs accepts. Default 30.
    pub log_retention_days: u32,
    /// Instruction set. Default arm64.
    pub architecture: Architecture,
}

/// The monthly cost budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetSpec {
    /// Limit in US dollars a month. Default 50.
    pub monthly_usd: u32,
    /// Who is mailed, up to 10 addresses. None: the budget only shows in the console.
    pub emails: Vec<String>,
    /// Percentages of the limit at which actual cost is announced. Default 50, 80, 100.
    pub actual_thresholds: Vec<u32>,
    /// Percentages of the limit at which forecast cost is announced. Default 100.
    pub forecast_thresholds: Vec<u32>,
}

impl Default for NetworkSpec {
    fn default() -> Self {
        Self {
            cidr: Ipv4Net::new_assert(std::net::Ipv4Addr::new(10, 40, 0, 0), 16),
            zones: 1,
            availability_zones: Vec::new(),
            subnet_prefix: None,
            nat: Nat::default(),
            interface_endpoints: Vec::new(),
            flow_logs: false,
            reserved_cidrs: Vec::new(),
        }
    }
}

impl Default for EfsSpec {
    fn default() -> Self {
        Self {
            storage: Storage::default(),
            encrypted: true,
            backup: true,
            archive_after_days: 30,
            posix_id: 1000,
            memory_mb: 512,
            timeout_seconds: 30,
            reserved_concurrency: 50,
            log_retention_days: 30,
            architecture: Architecture::default(),
        }
    }
}

impl Default for BudgetSpec {
    fn default() -> Self {
        Self {
            monthly_usd: 50,
            emails: Vec::new(),
            actual_thresholds: vec![50, 80, 100],
            forecast_thresholds: vec![100],
        }
    }
}
