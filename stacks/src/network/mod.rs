//! The network stack: subnets, routes, endpoints, security groups.

mod access;
mod endpoints;
mod flow_logs;
mod routes;

use crate::SpecError;
use crate::cfn::aws::ec2;
use crate::cfn::{Handle, Naming, Published, Stack, Value, availability_zones, select};
use crate::identity::Keys;
use crate::spec::NetworkSpec;
use crate::subnets::{self, ZoneSubnets};

/// What the stack gives to others.
#[derive(Debug)]
pub struct Network {
    /// The VPC's id.
    pub vpc_id: Published<String>,
    /// The ids of the private subnets, one a zone, in the order of the zones.
    pub private_subnets: Published<Vec<String>>,
    /// The ids of the public subnets, one a zone, in the order of the zones.
    pub public_subnets: Published<Vec<String>>,
    /// The id of the security group of Lambda functions.
    pub lambda_group: Published<String>,
    /// The id of the security group of EFS mount targets.
    pub efs_group: Published<String>,
    /// The number of zones.
    pub zones: u8,
    /// The name of the first zone.
    pub first_zone: Value<String>,
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
    let zones = zones(spec)?;
    let first_zone = zones[0].name.clone();
    let mut stack = Stack::new("network", naming);
    stack.describe("The network everything runs in");

    let vpc = stack.add(
        "Vpc",
        ec2::Vpc::new().cidr_block(spec.cidr).enable_dns_support(true).enable_dns_hostnames(true),
    );
    let public = add_subnets(&mut stack, &vpc, &zones, Side::Public);
    let private = add_subnets(&mut stack, &vpc, &zones, Side::Private);

    let outside = routes::public(&mut stack, &vpc, &zones, &public);
    let tables = routes::private(&mut stack, &vpc, &zones, &private);
    routes::nat(&mut stack, spec.nat, &outside, &public, &tables);

    access::acl(&mut stack, Side::Public, &vpc, spec.cidr, &public);
    access::acl(&mut stack, Side::Private, &vpc, spec.cidr, &private);
    let groups = access::groups(&mut stack, &vpc);

    endpoints::gateway(&mut stack, &vpc, &tables);
    endpoints::interface(&mut stack, &vpc, &private, &groups.lambda, &spec.interface_endpoints);
    if spec.flow_logs {
        let key = stack.import(&keys.logs);
        flow_logs::record(&mut stack, naming, &vpc, &key);
    }

    Ok(Network {
        vpc_id: stack.publish("vpc-id", vpc.id()),
        private_subnets: stack.publish_list("private-subnets", ids(&private)),
        public_subnets: stack.publish_list("public-subnets", ids(&public)),
        lambda_group: stack.publish("lambda-group", groups.lambda.group_id()),
        efs_group: stack.publish("efs-group", groups.efs.group_id()),
        zones: spec.zones,
        first_zone,
        stack,
    })
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
