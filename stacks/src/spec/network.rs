//! Inputs of the network stack.

use ipnet::Ipv4Net;

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

/// Which services private subnets reach without leaving the network of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Endpoints {
    /// S3 and DynamoDB, whose gateway endpoints cost nothing.
    #[default]
    None,
    /// Those of [`PLATFORM_ENDPOINTS`] as well.
    Platform,
}

/// What functions and agents of the platform call, by service suffix. An interface
/// endpoint costs about 7 US dollars a month in each zone, beside what goes through it:
/// <https://aws.amazon.com/privatelink/pricing/>. AgentCore has one for its data plane
/// and one for its gateways:
/// <https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/vpc-interface-endpoints.html>
pub const PLATFORM_ENDPOINTS: [&str; 7] = [
    "ssm",
    "secretsmanager",
    "sts",
    "logs",
    "xray",
    "bedrock-agentcore",
    "bedrock-agentcore.gateway",
];

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
    /// A set of interface endpoints. Default none.
    pub endpoints: Endpoints,
    /// Further interface endpoints by service suffix (`bedrock-runtime`, `ecr.api`).
    /// Default none.
    pub interface_endpoints: Vec<String>,
    /// Whether to record flow logs. Default false.
    pub flow_logs: bool,
    /// Ranges that the VPC must not overlap (peered networks, offices). Default none.
    pub reserved_cidrs: Vec<Ipv4Net>,
}

impl Default for NetworkSpec {
    fn default() -> Self {
        Self {
            cidr: Ipv4Net::new_assert(std::net::Ipv4Addr::new(10, 40, 0, 0), 16),
            zones: 1,
            availability_zones: Vec::new(),
            subnet_prefix: None,
            nat: Nat::default(),
            endpoints: Endpoints::default(),
            interface_endpoints: Vec::new(),
            flow_logs: false,
            reserved_cidrs: Vec::new(),
        }
    }
}

impl NetworkSpec {
    /// The defaults in the runtime region: another range, so that the two can be peered.
    pub fn runtime() -> Self {
        Self {
            cidr: Ipv4Net::new_assert(std::net::Ipv4Addr::new(10, 41, 0, 0), 16),
            ..Self::default()
        }
    }

    /// The service suffixes of all interface endpoints.
    ///
    /// ```
    /// use stacks::spec::{Endpoints, NetworkSpec};
    ///
    /// let mut spec = NetworkSpec { endpoints: Endpoints::Platform, ..NetworkSpec::default() };
    /// spec.interface_endpoints = vec!["ecr.api".to_owned()];
    /// assert_eq!(spec.interface_services().last(), Some("ecr.api"));
    /// ```
    pub fn interface_services(&self) -> impl Iterator<Item = &str> {
        let set: &[&str] = match self.endpoints {
            Endpoints::None => &[],
            Endpoints::Platform => &PLATFORM_ENDPOINTS,
        };
        set.iter().copied().chain(self.interface_endpoints.iter().map(String::as_str))
    }
}
