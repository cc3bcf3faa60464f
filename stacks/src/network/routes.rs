//! The ways out of the subnets.

use super::Zone;
use crate::cfn::aws::ec2;
use crate::cfn::{Handle, Options, Stack};
use crate::spec::Nat;

/// The whole internet.
const ANYWHERE: &str = "0.0.0.0/0";

/// The private route table of a zone, with the zone's letter.
pub(super) struct PrivateTable {
    pub(super) letter: char,
    pub(super) table: Handle<ec2::RouteTable>,
}

/// One route table for all public subnets, to the internet gateway.
pub(super) fn public(
    stack: &mut Stack,
    vpc: &Handle<ec2::Vpc>,
    zones: &[Zone],
    subnets: &[Handle<ec2::Subnet>],
) -> Handle<ec2::VpcGatewayAttachment> {
    let gateway = stack.add("InternetGateway", ec2::InternetGateway::new());
    let attachment = stack.add(
        "InternetGatewayAttachment",
        ec2::VpcGatewayAttachment::new(vpc.id()).internet_gateway_id(gateway.id()),
    );
    let table = stack.add("PublicRoutes", ec2::RouteTable::new(vpc.id()));
    stack.add_with(
        "PublicDefaultRoute",
        ec2::Route::new(table.id()).destination_cidr_block(ANYWHERE).gateway_id(gateway.id()),
        Options::new().depends_on(&attachment),
    );
    for (zone, subnet) in zones.iter().zip(subnets) {
        let association = ec2::SubnetRouteTableAssociation::new(table.id(), subnet.id());
        stack.add(zone.id("PublicSubnetRoutes"), association);
    }
    attachment
}

/// A route table for each private subnet. Without NAT it leads nowhere but to the
/// gateway endpoints.
pub(super) fn private(
    stack: &mut Stack,
    vpc: &Handle<ec2::Vpc>,
    zones: &[Zone],
    subnets: &[Handle<ec2::Subnet>],
) -> Vec<PrivateTable> {
    let mut table = |(zone, subnet): (&Zone, &Handle<ec2::Subnet>)| {
        let table = stack.add(zone.id("PrivateRoutes"), ec2::RouteTable::new(vpc.id()));
        let association = ec2::SubnetRouteTableAssociation::new(table.id(), subnet.id());
        stack.add(zone.id("PrivateSubnetRoutes"), association);
        PrivateTable { letter: zone.letter, table }
    };
    zones.iter().zip(subnets).map(&mut table).collect()
}

/// NAT gateways, and routes to them from the private subnets.
pub(super) fn nat(
    stack: &mut Stack,
    nat: Nat,
    attachment: &Handle<ec2::VpcGatewayAttachment>,
    public: &[Handle<ec2::Subnet>],
    tables: &[PrivateTable],
) {
    let gateways = match nat {
        Nat::None => 0,
        Nat::Single => 1,
        Nat::PerZone => tables.len(),
    };
    let gateways: Vec<_> = tables
        .iter()
        .zip(public)
        .take(gateways)
        .map(|(zone, subnet)| gateway(stack, zone.letter, subnet, attachment))
        .collect();
    for (index, PrivateTable { letter, table }) in tables.iter().enumerate() {
        if let Some(gateway) = gateways.get(index).or(gateways.first()) {
            let route = ec2::Route::new(table.id())
                .destination_cidr_block(ANYWHERE)
                .nat_gateway_id(gateway.id());
            stack.add(format!("PrivateDefaultRoute{letter}"), route);
        }
    }
}

fn gateway(
    stack: &mut Stack,
    letter: char,
    subnet: &Handle<ec2::Subnet>,
    attachment: &Handle<ec2::VpcGatewayAttachment>,
) -> Handle<ec2::NatGateway> {
    // An address can only be used once the internet gateway is attached.
    let address = stack.add_with(
        format!("NatAddress{letter}"),
        ec2::Eip::new().domain("vpc"),
        Options::new().depends_on(attachment),
    );
    let gateway =
        ec2::NatGateway::new().allocation_id(address.allocation_id()).subnet_id(subnet.id());
    stack.add(format!("NatGateway{letter}"), gateway)
}
