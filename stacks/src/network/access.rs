//! Who may talk to whom: security groups and network ACLs.

use ipnet::Ipv4Net;

use super::Side;
use crate::cfn::aws::ec2::{self, network_acl_entry::PortRange, security_group::Egress};
use crate::cfn::{Handle, Stack, Value};

const NFS: i64 = 2049;
pub(super) const HTTPS: i64 = 443;
const ANYWHERE: &str = "0.0.0.0/0";

/// Replies come back to these ports: NAT gateways use 1024 to 65535.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html#nacl-ephemeral-ports>
const EPHEMERAL: (i64, i64) = (1024, 65_535);

/// Protocol numbers of network ACL entries.
const ALL_PROTOCOLS: i64 = -1;
const TCP: i64 = 6;

/// The security groups. They live here and not beside their users: the network
/// interfaces of a deleted function can hold on to its group for 40 minutes.
///
/// Functions and agents reach HTTPS, and nothing reaches them.
pub(super) fn callers(stack: &mut Stack, vpc: &Handle<ec2::Vpc>) -> Handle<ec2::SecurityGroup> {
    let lambda = group(stack, vpc, "LambdaGroup", "Lambda functions");
    stack.add(
        "LambdaToInternet",
        ec2::SecurityGroupEgress::new(lambda.group_id(), "tcp")
            .description("HTTPS to AWS and the internet")
            .from_port(HTTPS)
            .to_port(HTTPS)
            .cidr_ip(ANYWHERE),
    );
    lambda
}

/// EFS is reached by functions, and by nothing else.
pub(super) fn efs(
    stack: &mut Stack,
    vpc: &Handle<ec2::Vpc>,
    lambda: &Handle<ec2::SecurityGroup>,
) -> Handle<ec2::SecurityGroup> {
    let efs = group(stack, vpc, "EfsGroup", "EFS mount targets");
    allow(stack, "LambdaToEfs", "EfsFromLambda", "NFS", NFS, lambda, &efs);
    efs
}

/// A group that lets nothing in or out until rules are added.
pub(super) fn group(
    stack: &mut Stack,
    vpc: &Handle<ec2::Vpc>,
    id: &str,
    description: &str,
) -> Handle<ec2::SecurityGroup> {
    // A group without an egress rule of its own gets one that allows everything,
    // so this one allows what never leaves a host anyway.
    let nowhere =
        Egress::new("-1").cidr_ip("127.0.0.1/32").description("Instead of the default, anywhere");
    stack.add(
        id,
        ec2::SecurityGroup::new(description).vpc_id(vpc.id()).security_group_egress([nowhere]),
    )
}

/// Lets one group reach a port of another: a rule out of the one, a rule into the
/// other.
pub(super) fn allow(
    stack: &mut Stack,
    out_id: &str,
    in_id: &str,
    what: &str,
    port: i64,
    from: &Handle<ec2::SecurityGroup>,
    to: &Handle<ec2::SecurityGroup>,
) {
    stack.add(
        out_id,
        ec2::SecurityGroupEgress::new(from.group_id(), "tcp")
            .description(what)
            .from_port(port)
            .to_port(port)
            .destination_security_group_id(to.group_id()),
    );
    stack.add(
        in_id,
        ec2::SecurityGroupIngress::new("tcp")
            .description(what)
            .from_port(port)
            .to_port(port)
            .group_id(to.group_id())
            .source_security_group_id(from.group_id()),
    );
}

/// Lets the private subnets of a peer reach the interface endpoints. A security group
/// of another region cannot be named, so the rules name ranges. Calls to the peer go out
/// by `LambdaToInternet`, which names no range.
pub(super) fn from_peer(
    stack: &mut Stack,
    endpoints: &Handle<ec2::SecurityGroup>,
    peer: &[Ipv4Net],
) {
    for (range, letter) in peer.iter().zip('A'..='Z') {
        stack.add(
            format!("EndpointsFromPeer{letter}"),
            ec2::SecurityGroupIngress::new("tcp")
                .description("HTTPS from the other region")
                .from_port(HTTPS)
                .to_port(HTTPS)
                .group_id(endpoints.group_id())
                .cidr_ip(*range),
        );
    }
}

/// A network ACL for the subnets of one side.
///
/// Both sides need the same four rules. ACLs keep no state, so replies need rules of
/// their own; and packets that a NAT gateway or a gateway endpoint passes to a
/// private subnet keep their public source address. `Replies` covers the port of NFS
/// too, from which only security groups keep strangers.
///
/// `peer` are ranges of another region whose HTTPS requests are let in, and answered;
/// requests to them and their answers pass by the four rules.
pub(super) fn acl(
    stack: &mut Stack,
    side: Side,
    vpc: &Handle<ec2::Vpc>,
    cidr: Ipv4Net,
    subnets: &[Handle<ec2::Subnet>],
    peer: &[Ipv4Net],
) {
    let id = format!("{}Acl", side.name());
    let acl = stack.add(&id, ec2::NetworkAcl::new(vpc.id()));
    let entry = |number: i64, protocol: i64, range: Value<String>| {
        ec2::NetworkAclEntry::new(acl.id(), protocol, "allow", number).cidr_block(range)
    };
    let ports = |number: i64, range: Value<String>, (from, to): (i64, i64)| {
        entry(number, TCP, range).port_range(PortRange::new().from(from).to(to))
    };
    let tcp = |range: (i64, i64)| ports(110, ANYWHERE.into(), range);
    let inside = || entry(100, ALL_PROTOCOLS, cidr.into());
    let rules = [
        ("FromVpc", inside().egress(false)),
        ("Replies", tcp(EPHEMERAL).egress(false)),
        ("ToVpc", inside().egress(true)),
        ("HttpsOut", tcp((HTTPS, HTTPS)).egress(true)),
    ];
    for (name, rule) in rules {
        stack.add(format!("{id}{name}"), rule);
    }
    for ((range, letter), number) in peer.iter().zip('A'..='Z').zip(120..) {
        let requests = ports(number, (*range).into(), (HTTPS, HTTPS)).egress(false);
        let replies = ports(number, (*range).into(), EPHEMERAL).egress(true);
        stack.add(format!("{id}FromPeer{letter}"), requests);
        stack.add(format!("{id}ToPeer{letter}"), replies);
    }
    for subnet in subnets {
        let association = ec2::SubnetNetworkAclAssociation::new(acl.id(), subnet.id());
        stack.add(format!("{}Acl", subnet.logical_id()), association);
    }
}
