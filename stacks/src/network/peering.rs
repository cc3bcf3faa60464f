//! The way between the home region and the runtime region.
//!
//! Peering and not an endpoint service (PrivateLink) for each side: calls go both ways,
//! a peering costs nothing by the hour, and an endpoint service needs a load balancer in
//! front of whatever it offers. What crosses is HTTPS to the other side's interface
//! endpoints; the security groups and network ACLs of both networks let nothing else in.
//!
//! Names: the private names of an endpoint, such as `sts.eu-west-1.amazonaws.com`, resolve
//! to it in its own VPC alone. From the other region, call it by the endpoint's own name
//! (`vpce-….sts.eu-west-1.vpce.amazonaws.com`), which resolves everywhere, to private
//! addresses; that of AgentCore is published as `agentcore-host`. Gateway endpoints (S3, DynamoDB) serve their own VPC only.
//!
//! Two stacks, because routes are made in their own region: `peering` in the home region
//! asks for the connection, once both networks are there, and `runtime-peering` adds the
//! way back.

use super::{Network, RuntimeNetwork};
use crate::cfn::aws::ec2;
use crate::cfn::{Naming, Published, Stack, Value, select};

/// What the peering stack gives to others.
#[derive(Debug)]
pub struct Peering {
    /// The id of the peering connection.
    pub connection: Published<String>,
    /// The stack itself.
    pub stack: Stack,
}

/// The connection, and the routes of the home region. Within one account, CloudFormation
/// accepts the connection itself, in another region too.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpcpeeringconnection.html>
pub fn peering(naming: &Naming, home: &Network, runtime: &RuntimeNetwork) -> Peering {
    let mut stack = Stack::new("peering", naming);
    stack.describe("The way from the home region to the region in which agents run");
    let vpc = stack.import(&home.vpc_id);
    let peer = stack.import(&runtime.vpc_id);
    let connection = stack.add(
        "Peering",
        ec2::VpcPeeringConnection::new(peer, vpc)
            .peer_region(runtime.stack.naming().region().to_owned()),
    );
    let tables = stack.import(&home.private_route_tables);
    routes(&mut stack, &tables, home.zones, runtime.cidr, &connection.id());
    Peering { connection: stack.publish("connection-id", connection.id()), stack }
}

/// The routes of the runtime region.
pub fn runtime_peering(
    naming: &Naming,
    peering: &Peering,
    home: &Network,
    runtime: &RuntimeNetwork,
) -> Stack {
    let mut stack = Stack::new("runtime-peering", naming);
    stack.describe("The way from the region in which agents run to the home region");
    let connection = stack.import(&peering.connection);
    let tables = stack.import(&runtime.private_route_tables);
    routes(&mut stack, &tables, runtime.zones, home.cidr, &connection);
    stack
}

/// A route to the peer from the private subnets of each zone.
fn routes(
    stack: &mut Stack,
    tables: &Value<Vec<String>>,
    zones: u8,
    to: ipnet::Ipv4Net,
    connection: &Value<String>,
) {
    for (zone, letter) in (0..zones).zip('A'..='Z') {
        let route = ec2::Route::new(select(zone, tables))
            .destination_cidr_block(to)
            .vpc_peering_connection_id(connection);
        stack.add(format!("PeerRoute{letter}"), route);
    }
}
