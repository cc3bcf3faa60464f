//! Who may talk to whom: security groups and network ACLs.

use ipnet::Ipv4Net;

use super::Side;
use crate::cfn::aws::ec2::{self, network_acl_entry::PortRange, security_group::Egress};
use crate::cfn::{Handle, Stack, Value};

const NFS: i64 = 2049;
const HTTPS: i64 = 443;
const ANYWHERE: &str = "0.0.0.0/0";

/// Replies come back to these ports: NAT gateways use 1024 to 65535.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html#nacl-ephemeral-ports>
const EPHEMERAL: (i64, i64) = (1024, 65_535);

/// Protocol numbers of network ACL entries.
const ALL_PROTOCOLS: i64 = -1;
const TCP: i64 = 6;

/// The security groups. They live here and not beside their users: the network
/// interfaces of a deleted function can hold on to its group for 40 minutes.
pub(super) struct Groups {
    pub(super) lambda: Handle<ec2::SecurityGroup>,
    pub(super) efs: Handle<ec2::SecurityGroup>,
}

/// Functions reach EFS and HTTPS, EFS is reached by functions, and nothing else.
pub(super) fn groups(stack: &mut Stack, vpc: &Handle<ec2::Vpc>) -> Groups {
    let lambda = group(stack, vpc, "LambdaGroup", "Lambda functions");
    let efs = group(stack, vpc, "EfsGroup", "EFS mount targets");
    allow(stack, "LambdaToEfs", "EfsFromLambda", "NFS", NFS, &lambda, &efs);
    stack.add(
        "LambdaToInternet",
        ec2::SecurityGroupEgress::new(lambda.group_id(), "tcp")
            .description("HTTPS to AWS and the internet")
            .from_port(HTTPS)
            .to_port(HTTPS)
            .cidr_ip(ANYWHERE),
    );
    Groups { lambda, efs }
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

/// A network ACL for the subnets of one side.
///
/// Both sides need the same four rules. ACLs keep no state, so replies need rules of
/// their own; and packets that a NAT gateway or a gateway endpoint passes to a
/// private subnet keep their public source address.
pub(super) fn acl(
    stack: &mut Stack,
    side: Side,
    vpc: &Handle<ec2::Vpc>,
    cidr: Ipv4Net,
    subnets: &[Handle<ec2::Subnet>],
) {
    let id = format!("{}Acl", side.name());
    let acl = stack.add(&id, ec2::NetworkAcl::new(vpc.id()));
    let entry = |number: i64, protocol: i64, range: Value<String>| {
        ec2::NetworkAclEntry::new(acl.id(), protocol, "allow", number).cidr_block(range)
    };
    let tcp = |(from, to): (i64, i64)| {
        entry(110, TCP, ANYWHERE.into()).port_range(PortRange::new().from(from).to(to))
    };
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
    for subnet in subnets {
        let association = ec2::SubnetNetworkAclAssociation::new(acl.id(), subnet.id());
        stack.add(format!("{}Acl", subnet.logical_id()), association);
    }
}
