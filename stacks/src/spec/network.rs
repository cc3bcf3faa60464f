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

impl NetworkSpec {
    /// The defaults in the runtime region: another range, so that the two can be peered.
    pub fn runtime() -> Self {
        Self {
            cidr: Ipv4Net::new_assert(std::net::Ipv4Addr::new(10, 41, 0, 0), 16),
            ..Self::default()
        }
    }
}
