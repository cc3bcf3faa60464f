//! The network stack: subnets, routes, endpoints, security groups. The runtime region,
//! when that is another one, has a network of its own, which is peered with this one.

mod access;
mod endpoints;
mod flow_logs;
pub mod peering;
mod routes;

use ipnet::Ipv4Net;

use crate::SpecError;
use crate::cfn::aws::ec2;
use crate::cfn::{Handle, Naming, Published, Stack, Value, availability_zones, select, split};
use crate::identity::Keys;
use crate::spec::NetworkSpec;
use crate::subnets::{self, ZoneSubnets};
use routes::PrivateTable;

/// What the stack gives to others.
#[derive(Debug)]
pub struct Network {
    /// The VPC's id.
    pub vpc_id: Published<String>,
    /// The ids of the private subnets, one a zone, in the order of the zones.
    pub private_subnets: Published<Vec<String>>,
    /// The ids of the public subnets, one a zone, in the order of the zones.
    pub public_subnets: Published<Vec<String>>,
    /// The ids of the route tables of the private subnets, in the order of the zones.
    pub private_route_tables: Published<Vec<String>>,
    /// The id of the security group of Lambda functions.
    pub lambda_group: Published<String>,
    /// The id of the security group of EFS mount targets.
    pub efs_group: Published<String>,
    /// The VPC's range.
    pub cidr: Ipv4Net,
    /// The number of zones.
    pub zones: u8,
    /// The name of the first zone.
    pub first_zone: Value<String>,
    /// The stack itself.
    pub stack: Stack,
}

/// The network of the region in which agents run.
#[derive(Debug)]
pub struct RuntimeNetwork {
    /// The VPC's id.
    pub vpc_id: Published<String>,
    /// The ids of the private subnets, one a zone, in the order of the zones.
    pub private_subnets: Published<Vec<String>>,
    /// The ids of the route tables of the private subnets, in the order of the zones.
    pub private_route_tables: Published<Vec<String>>,
    /// The id of the security group of functions and agents.
    pub lambda_group: Published<String>,
    /// The host name of the endpoint of AgentCore's data plane, if there is one: the name
    /// by which the home region calls agents, over the peering.
    pub agentcore_host: Option<Published<String>>,
    /// The VPC's range.
    pub cidr: Ipv4Net,
    /// The number of zones.
    pub zones: u8,
    /// The stack itself.
    pub stack: Stack,
}

/// The network everything runs in. Fails when the subnets do not fit the range.
///
/// ```
/// use stacks::spec::{IdentitySpec, NetworkSpec};
/// use stacks::{cfn::Naming, identity::identity, network::network};
///
/// let naming = Naming::new("acme", "dev", "eu-west-2");
/// let keys = identity(&naming, &IdentitySpec::default()).keys;
/// let network = network(&naming, &NetworkSpec::default(), &keys)?;
/// assert_eq!(network.private_subnets.path(), "/acme/dev/network/private-subnets");
/// # Ok::<(), stacks::SpecError>(())
/// ```
pub fn network(naming: &Naming, spec: &NetworkSpec, keys: &Keys) -> Result<Network, SpecError> {
    home(naming, spec, keys, &[])
}

/// The same, beside a network of the runtime region, which reaches its interface
/// endpoints.
pub fn peered_network(
    naming: &Naming,
    spec: &NetworkSpec,
    keys: &Keys,
    runtime: &NetworkSpec,
) -> Result<Network, SpecError> {
    home(naming, spec, keys, &private_ranges(runtime)?)
}

fn home(
    naming: &Naming,
    spec: &NetworkSpec,
    keys: &Keys,
    peer: &[Ipv4Net],
) -> Result<Network, SpecError> {
    let zones = zones(spec)?;
    let first_zone = zones[0].name.clone();
    let mut stack = Stack::new("network", naming);
    stack.describe("The network everything runs in");
    let Parts { vpc, public, private, tables, lambda } = subnets(&mut stack, spec, &zones, peer);
    let efs = access::efs(&mut stack, &vpc, &lambda);
    let _ = reach(&mut stack, spec, peer, &vpc, &private, &tables, &lambda);
    record(&mut stack, spec, &vpc, keys);

    Ok(Network {
        vpc_id: stack.publish("vpc-id", vpc.id()),
        private_subnets: stack.publish_list("private-subnets", ids(&private)),
        public_subnets: stack.publish_list("public-subnets", ids(&public)),
        private_route_tables: stack.publish_list("private-route-tables", table_ids(&tables)),
        lambda_group: stack.publish("lambda-group", lambda.group_id()),
        efs_group: stack.publish("efs-group", efs.group_id()),
        cidr: spec.cidr,
        zones: spec.zones,
        first_zone,
        stack,
    })
}

/// The network of the runtime region, for agents and what stands beside them. It is laid
/// out like the other one, has no files, and lets the home region reach its endpoints.
///
/// AgentCore runs in some zones only, which its documentation lists by id:
/// <https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/agentcore-vpc.html>.
/// An account's names for them are its own; [`NetworkSpec::availability_zones`] picks.
pub fn runtime_network(
    naming: &Naming,
    spec: &NetworkSpec,
    keys: &Keys,
    home: &NetworkSpec,
) -> Result<RuntimeNetwork, SpecError> {
    let peer = private_ranges(home)?;
    let zones = zones(spec)?;
    let mut stack = Stack::new("runtime-network", naming);
    stack.describe("The network of the region in which agents run");
    let Parts { vpc, private, tables, lambda, .. } = subnets(&mut stack, spec, &zones, &peer);
    let agents = reach(&mut stack, spec, &peer, &vpc, &private, &tables, &lambda);
    record(&mut stack, spec, &vpc, keys);

    Ok(RuntimeNetwork {
        vpc_id: stack.publish("vpc-id", vpc.id()),
        private_subnets: stack.publish_list("private-subnets", ids(&private)),
        private_route_tables: stack.publish_list("private-route-tables", table_ids(&tables)),
        lambda_group: stack.publish("lambda-group", lambda.group_id()),
        agentcore_host: agents.map(|endpoint| stack.publish("agentcore-host", host(&endpoint))),
        cidr: spec.cidr,
        zones: spec.zones,
        stack,
    })
}

/// What both networks consist of.
struct Parts {
    vpc: Handle<ec2::Vpc>,
    public: Vec<Handle<ec2::Subnet>>,
    private: Vec<Handle<ec2::Subnet>>,
    tables: Vec<PrivateTable>,
    lambda: Handle<ec2::SecurityGroup>,
}

fn subnets(stack: &mut Stack, spec: &NetworkSpec, zones: &[Zone], peer: &[Ipv4Net]) -> Parts {
    // Without endpoints there is nothing for the peer to reach.
    let peer = if spec.interface_services().next().is_some() { peer } else { &[] };
    let vpc = stack.add(
        "Vpc",
        ec2::Vpc::new().cidr_block(spec.cidr).enable_dns_support(true).enable_dns_hostnames(true),
    );
    let public = add_subnets(stack, &vpc, zones, Side::Public);
    let private = add_subnets(stack, &vpc, zones, Side::Private);

    let outside = routes::public(stack, &vpc, zones, &public);
    let tables = routes::private(stack, &vpc, zones, &private);
    routes::nat(stack, spec.nat, &outside, &public, &tables);

    access::acl(stack, Side::Public, &vpc, spec.cidr, &public, &[]);
    access::acl(stack, Side::Private, &vpc, spec.cidr, &private, peer);
    let lambda = access::callers(stack, &vpc);
    Parts { vpc, public, private, tables, lambda }
}

/// The endpoints, and the peer's way to them. Gives that of AgentCore.
fn reach(
    stack: &mut Stack,
    spec: &NetworkSpec,
    peer: &[Ipv4Net],
    vpc: &Handle<ec2::Vpc>,
    private: &[Handle<ec2::Subnet>],
    tables: &[PrivateTable],
    lambda: &Handle<ec2::SecurityGroup>,
) -> Option<Handle<ec2::VpcEndpoint>> {
    endpoints::gateway(stack, vpc, tables);
    let made = endpoints::interface(stack, vpc, private, lambda, spec.interface_services())?;
    access::from_peer(stack, &made.group, peer);
    made.agents
}

/// An endpoint's own name: the first of its entries, each a hosted zone's id, a colon and
/// a name.
fn host(endpoint: &Handle<ec2::VpcEndpoint>) -> Value<String> {
    select(1, split(":", select(0, endpoint.dns_entries())))
}

fn record(stack: &mut Stack, spec: &NetworkSpec, vpc: &Handle<ec2::Vpc>, keys: &Keys) {
    if spec.flow_logs {
        let key = stack.import(&keys.logs);
        flow_logs::record(stack, vpc, &key);
    }
}

/// Where the functions and agents of a network are.
fn private_ranges(spec: &NetworkSpec) -> Result<Vec<Ipv4Net>, SpecError> {
    Ok(subnets::plan(spec)?.into_iter().map(|zone| zone.private).collect())
}

fn table_ids(tables: &[PrivateTable]) -> Vec<Value<String>> {
    tables.iter().map(|zone| zone.table.id()).collect()
}

/// An availability zone; its letter names what is in it.
struct Zone {
    name: Value<String>,
    letter: char,
    subnets: ZoneSubnets,
}

impl Zone {
    /// `id("NatGateway")` is `NatGatewayA` in the first zone.
    fn id(&self, what: &str) -> String {
        format!("{what}{}", self.letter)
    }
}

fn zones(spec: &NetworkSpec) -> Result<Vec<Zone>, SpecError> {
    let subnets = subnets::plan(spec)?.into_iter();
    let name = |index: u8| match spec.availability_zones.get(usize::from(index)) {
        Some(name) => Value::from(name.as_str()),
        None => select(index, availability_zones()),
    };
    Ok((0..)
        .zip('A'..='Z')
        .zip(subnets)
        .map(|((index, letter), subnets)| Zone { name: name(index), letter, subnets })
        .collect())
}

/// Which of a zone's two subnets.
#[derive(Clone, Copy)]
enum Side {
    Public,
    Private,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Public => "Public",
            Self::Private => "Private",
        }
    }
}

fn add_subnets(
    stack: &mut Stack,
    vpc: &Handle<ec2::Vpc>,
    zones: &[Zone],
    side: Side,
) -> Vec<Handle<ec2::Subnet>> {
    let subnet = |zone: &Zone| {
        let range = match side {
            Side::Public => zone.subnets.public,
            Side::Private => zone.subnets.private,
        };
        // Public addresses go to NAT gateways alone, never to whatever is launched.
        let subnet = ec2::Subnet::new(vpc.id())
            .cidr_block(range)
            .availability_zone(&zone.name)
            .map_public_ip_on_launch(false);
        stack.add(zone.id(&format!("{}Subnet", side.name())), subnet)
    };
    zones.iter().map(subnet).collect()
}

fn ids<R>(handles: &[Handle<R>]) -> Vec<Value<String>> {
    handles.iter().map(Handle::id).collect()
}
