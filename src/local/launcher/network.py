"""EC2 resource types that ministack has an API for but no CloudFormation handler."""

import ministack.services.cloudformation.provisioners as cfn
import ministack.services.ec2 as ec2

from calls import checked, element, new_id, query, require, truthy


def _api(action, **members):
    return checked(ec2._ACTION_MAP[action](query(**members)), f"ec2 {action}")


def _tag(resource_id, props, old=None):
    cfn._ec2_apply_tags(resource_id, props, old)


def _retag(physical_id, old, new, _stack):
    """In place, only tags of these types can change."""
    _tag(physical_id, new, old)
    return physical_id, None


# --- Elastic IP ----------------------------------------------------------

def _address(public_ip):
    for record in ec2._addresses.values():
        if record["PublicIp"] == public_ip:
            return record
    return None


def _address_attributes(record):
    return {"AllocationId": record["AllocationId"], "PublicIp": record["PublicIp"]}


def eip_create(_logical_id, props, _stack):
    xml = _api("AllocateAddress", Domain=props.get("Domain", "vpc"))
    record = ec2._addresses[element(xml, "allocationId")]
    _tag(record["AllocationId"], props)
    return record["PublicIp"], _address_attributes(record)


def eip_update(physical_id, old, new, stack):
    record = _address(physical_id)
    if record is None:
        return eip_create("", new, stack)
    _tag(record["AllocationId"], new, old)
    return physical_id, _address_attributes(record)


def eip_delete(physical_id, _props):
    record = _address(physical_id)
    if record:
        _api("ReleaseAddress", AllocationId=record["AllocationId"])


# --- NAT gateway ---------------------------------------------------------

def nat_create(_logical_id, props, _stack):
    require(ec2._subnets, props.get("SubnetId"), "subnet ID", "InvalidSubnetID.NotFound")
    if props.get("ConnectivityType", "public") == "public":
        require(ec2._addresses, props.get("AllocationId"), "allocation ID",
                "InvalidAllocationID.NotFound")
    xml = _api("CreateNatGateway", SubnetId=props["SubnetId"],
               AllocationId=props.get("AllocationId"),
               ConnectivityType=props.get("ConnectivityType", "public"))
    nat_id = element(xml, "natGatewayId")
    _tag(nat_id, props)
    return nat_id, {"NatGatewayId": nat_id}


def nat_delete(physical_id, _props):
    if physical_id in ec2._nat_gateways:
        _api("DeleteNatGateway", NatGatewayId=physical_id)


# --- Security group rules ------------------------------------------------

def _rules(egress):
    """Handlers of one direction. The rule is found again by its contents,
    because ministack's groups keep rules without identifiers."""
    side = "IpPermissionsEgress" if egress else "IpPermissions"

    def permission(props):
        rule = dict(props)
        rule.setdefault("IpProtocol", "-1")
        return cfn._ec2_sg_permissions([rule])[0]

    def create(_logical_id, props, _stack):
        group = require(ec2._security_groups, props.get("GroupId"), "security group",
                        "InvalidGroup.NotFound")
        wanted = permission(props)
        plain = [ec2._strip_descriptions(known) for known in group[side]]
        if ec2._strip_descriptions(wanted) in plain:
            raise ValueError("the specified rule already exists (InvalidPermission.Duplicate)")
        group[side].append(wanted)
        rule_id = new_id("sgr")
        return rule_id, {"Id": rule_id}

    def delete(_physical_id, props):
        group = ec2._security_groups.get(props.get("GroupId"))
        if group:
            gone = ec2._strip_descriptions(permission(props))
            group[side] = [r for r in group[side] if ec2._strip_descriptions(r) != gone]

    def update(physical_id, old, new, stack):
        delete(physical_id, old)
        create("", new, stack)
        return physical_id, {"Id": physical_id}

    return {"create": create, "update": update, "delete": delete}


# --- Network ACLs --------------------------------------------------------

def acl_create(_logical_id, props, _stack):
    require(ec2._vpcs, props.get("VpcId"), "vpc ID", "InvalidVpcID.NotFound")
    acl_id = element(_api("CreateNetworkAcl", VpcId=props["VpcId"]), "networkAclId")
    _tag(acl_id, props)
    return acl_id, {"Id": acl_id}


def acl_delete(physical_id, _props):
    if physical_id in ec2._network_acls:
        _api("DeleteNetworkAcl", NetworkAclId=physical_id)
        ec2._tags.pop(physical_id, None)


def _entry(props):
    return {"NetworkAclId": props.get("NetworkAclId"), "RuleNumber": props.get("RuleNumber"),
            "Egress": truthy(props.get("Egress", False)), "Protocol": props.get("Protocol"),
            "RuleAction": props.get("RuleAction"), "CidrBlock": props.get("CidrBlock"),
            "Ipv6CidrBlock": props.get("Ipv6CidrBlock")}


def _keep_ports(props):
    """ministack's API drops the port range; the record keeps it."""
    egress, number = truthy(props.get("Egress", False)), int(props.get("RuleNumber") or 0)
    for entry in ec2._network_acls[props["NetworkAclId"]]["Entries"]:
        if entry["RuleNumber"] == number and entry["Egress"] == egress and props.get("PortRange"):
            entry["PortRange"] = props["PortRange"]


def entry_create(logical_id, props, stack):
    acl = require(ec2._network_acls, props.get("NetworkAclId"), "networkAcl ID",
                  "InvalidNetworkAclID.NotFound")
    egress, number = truthy(props.get("Egress", False)), int(props.get("RuleNumber") or 0)
    if any(e["RuleNumber"] == number and e["Egress"] == egress for e in acl["Entries"]):
        raise ValueError(f"The network acl entry identified by {number} already exists "
                         "(NetworkAclEntryAlreadyExists)")
    _api("CreateNetworkAclEntry", **_entry(props))
    _keep_ports(props)
    entry_id = cfn._physical_name(stack, logical_id)
    return entry_id, {"Id": entry_id}


def entry_update(physical_id, _old, new, _stack):
    _api("ReplaceNetworkAclEntry", **_entry(new))
    _keep_ports(new)
    return physical_id, {"Id": physical_id}


def entry_delete(_physical_id, props):
    if props.get("NetworkAclId") in ec2._network_acls:
        entry = _entry(props)
        _api("DeleteNetworkAclEntry", NetworkAclId=entry["NetworkAclId"],
             RuleNumber=entry["RuleNumber"], Egress=entry["Egress"])


def _associate(acl, subnet_id):
    """Moves a subnet to `acl`; ministack's own action forgets the subnet."""
    for other in ec2._network_acls.values():
        other["Associations"] = [a for a in other["Associations"] if a["SubnetId"] != subnet_id]
    association_id = new_id("aclassoc")
    acl["Associations"].append({"NetworkAclAssociationId": association_id,
                                "NetworkAclId": acl["NetworkAclId"], "SubnetId": subnet_id})
    return association_id


def association_create(_logical_id, props, _stack):
    acl = require(ec2._network_acls, props.get("NetworkAclId"), "networkAcl ID",
                  "InvalidNetworkAclID.NotFound")
    require(ec2._subnets, props.get("SubnetId"), "subnet ID", "InvalidSubnetID.NotFound")
    association_id = _associate(acl, props["SubnetId"])
    return association_id, {"AssociationId": association_id}


def association_delete(physical_id, props):
    """Gives the subnet back to its VPC's default ACL, unless it has moved on."""
    subnet = ec2._subnets.get(props.get("SubnetId"))
    current = [acl for acl in ec2._network_acls.values() for a in acl["Associations"]
               if a["NetworkAclAssociationId"] == physical_id]
    if not current:
        return
    default = [acl for acl in ec2._network_acls.values()
               if subnet and acl["VpcId"] == subnet["VpcId"] and acl["IsDefault"]]
    if default:
        _associate(default[0], props["SubnetId"])
    else:
        current[0]["Associations"] = [a for a in current[0]["Associations"]
                                      if a["NetworkAclAssociationId"] != physical_id]


# --- Flow logs and peering -----------------------------------------------

def flow_log_create(_logical_id, props, _stack):
    xml = _api("CreateFlowLogs", ResourceId=[props.get("ResourceId")],
               ResourceType=props.get("ResourceType"), TrafficType=props.get("TrafficType"),
               LogDestinationType=props.get("LogDestinationType"),
               LogDestination=props.get("LogDestination"),
               LogGroupName=props.get("LogGroupName"))
    flow_log_id = element(element(xml, "flowLogIdSet"), "item")
    _tag(flow_log_id, props)
    return flow_log_id, {"Id": flow_log_id}


def flow_log_delete(physical_id, _props):
    _api("DeleteFlowLogs", FlowLogId=[physical_id])


def peering_create(_logical_id, props, _stack):
    xml = _api("CreateVpcPeeringConnection", VpcId=props.get("VpcId"),
               PeerVpcId=props.get("PeerVpcId"), PeerOwnerId=props.get("PeerOwnerId"),
               PeerRegion=props.get("PeerRegion"))
    peering_id = element(xml, "vpcPeeringConnectionId")
    _api("AcceptVpcPeeringConnection", VpcPeeringConnectionId=peering_id)
    _tag(peering_id, props)
    return peering_id, {"Id": peering_id}


def peering_delete(physical_id, _props):
    if physical_id in ec2._vpc_peering:
        _api("DeleteVpcPeeringConnection", VpcPeeringConnectionId=physical_id)


HANDLERS = {
    "AWS::EC2::EIP": {"create": eip_create, "update": eip_update, "delete": eip_delete},
    "AWS::EC2::NatGateway": {"create": nat_create, "update": _retag, "delete": nat_delete},
    "AWS::EC2::SecurityGroupIngress": _rules(egress=False),
    "AWS::EC2::SecurityGroupEgress": _rules(egress=True),
    "AWS::EC2::NetworkAcl": {"create": acl_create, "update": _retag, "delete": acl_delete},
    "AWS::EC2::NetworkAclEntry": {
        "create": entry_create, "update": entry_update, "delete": entry_delete},
    "AWS::EC2::SubnetNetworkAclAssociation": {
        "create": association_create, "delete": association_delete},
    "AWS::EC2::FlowLog": {
        "create": flow_log_create, "update": _retag, "delete": flow_log_delete},
    "AWS::EC2::VPCPeeringConnection": {
        "create": peering_create, "update": _retag, "delete": peering_delete},
}
