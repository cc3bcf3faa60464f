//! Ways to AWS services that do not leave its network.
//!
//! Each has a policy, which grants nothing: it is the most that can be done through the
//! endpoint. Ours let the account's own callers reach the account's own resources, so
//! that nobody carries data out with credentials of another account.

use super::routes::PrivateTable;
use super::{access, ids};
use crate::cfn::aws::ec2::{self, vpc_endpoint::VpcEndpointType};
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Handle, Stack, Value, arn, pseudo, sub};

/// AgentCore's data plane.
const AGENTS: &str = "bedrock-agentcore";

/// Gateway endpoints for S3 and DynamoDB, which cost nothing.
pub(super) fn gateway(stack: &mut Stack, vpc: &Handle<ec2::Vpc>, tables: &[PrivateTable]) {
    let policies = [
        ("S3Endpoint", "s3", PolicyDocument::new([ours(), by_services(), image_layers()])),
        ("DynamoDbEndpoint", "dynamodb", PolicyDocument::new([ours()])),
    ];
    for (id, service, policy) in policies {
        let tables: Vec<Value<String>> = tables.iter().map(|zone| zone.table.id()).collect();
        stack.add(
            id,
            ec2::VpcEndpoint::new(vpc.id())
                .service_name(service_name(service))
                .vpc_endpoint_type(VpcEndpointType::Gateway)
                .policy_document(policy)
                .route_table_ids(tables),
        );
    }
}

/// Interface endpoints.
pub(super) struct Interface {
    /// Their security group.
    pub(super) group: Handle<ec2::SecurityGroup>,
    /// That of AgentCore's data plane, if it is among them.
    pub(super) agents: Option<Handle<ec2::VpcEndpoint>>,
}

/// Interface endpoints in every private subnet, reached by functions and agents alone, if
/// there are to be any.
pub(super) fn interface<'a>(
    stack: &mut Stack,
    vpc: &Handle<ec2::Vpc>,
    subnets: &[Handle<ec2::Subnet>],
    lambda: &Handle<ec2::SecurityGroup>,
    services: impl Iterator<Item = &'a str>,
) -> Option<Interface> {
    let mut services = services.peekable();
    services.peek()?;
    let group = access::group(stack, vpc, "EndpointGroup", "Interface endpoints");
    access::allow(
        stack,
        "LambdaToEndpoints",
        "EndpointsFromLambda",
        "HTTPS",
        access::HTTPS,
        lambda,
        &group,
    );
    let mut agents = None;
    for service in services {
        let endpoint = stack.add(
            format!("{}InterfaceEndpoint", camel(service)),
            ec2::VpcEndpoint::new(vpc.id())
                .service_name(service_name(service))
                .vpc_endpoint_type(VpcEndpointType::Interface)
                .policy_document(policy(service))
                .private_dns_enabled(true)
                .subnet_ids(ids(subnets))
                .security_group_ids([group.group_id()]),
        );
        if service == AGENTS {
            agents = Some(endpoint);
        }
    }
    Some(Interface { group, agents })
}

fn policy(service: &str) -> PolicyDocument {
    PolicyDocument::new([match service {
        AGENTS | "bedrock-agentcore.gateway" => our_agents(),
        "bedrock" | "bedrock-runtime" => our_callers(),
        _ => ours(),
    }])
}

/// An endpoint serves one service, so that `*` is every action of that one.
fn anyone(sid: &str) -> Statement {
    Statement::allow(["*"]).sid(sid).principal(Principal::anyone())
}

/// Callers of this account, what belongs to it, and actions that have no resource, such
/// as `sts:GetCallerIdentity` and `xray:PutTraceSegments`.
fn ours() -> Statement {
    let account = pseudo::account_id();
    our_callers().when(Operator::StringEqualsIfExists, "aws:ResourceAccount", account)
}

/// Callers of this account, and resources of AWS: models belong to no account of ours.
fn our_callers() -> Statement {
    anyone("OurCallers").resource("*").when(
        Operator::StringEquals,
        "aws:PrincipalAccount",
        pseudo::account_id(),
    )
}

/// Callers with a token have no account, so that the agents and gateways are named.
/// <https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/vpc-interface-endpoints.html>
fn our_agents() -> Statement {
    anyone("OurAgents").resource(arn("bedrock-agentcore", "*"))
}

/// AWS services that read and write our buckets in their own name.
fn by_services() -> Statement {
    anyone("ServicesInOurBuckets")
        .resource("*")
        .when(Operator::Bool, "aws:PrincipalIsAWSService", "true")
        .when(Operator::StringEquals, "aws:ResourceAccount", pseudo::account_id())
}

/// Layers of container images: ECR keeps them in a bucket of AWS's own and hands out
/// links that it signed. Agents in the VPC fetch their image this way. Lambda fetches
/// zips and layers outside the VPC, and nothing of ours reads another bucket of AWS's.
/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-minimum-s3-perms>
fn image_layers() -> Statement {
    Statement::allow(["s3:GetObject"])
        .sid("ImageLayers")
        .principal(Principal::anyone())
        .resource(sub("arn:${AWS::Partition}:s3:::prod-${AWS::Region}-starport-layer-bucket/*"))
}

fn service_name(service: &str) -> Value<String> {
    sub(format!("com.amazonaws.${{AWS::Region}}.{service}"))
}

/// `ecr.api` to `EcrApi`.
fn camel(service: &str) -> String {
    let words = service.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}
