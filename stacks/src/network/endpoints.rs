//! Ways to AWS services that do not leave its network.

use super::routes::PrivateTable;
use super::{access, ids};
use crate::cfn::aws::ec2::{self, vpc_endpoint::VpcEndpointType};
use crate::cfn::{Handle, Stack, Value, sub};

const HTTPS: i64 = 443;

/// Gateway endpoints for S3 and DynamoDB, which cost nothing.
pub(super) fn gateway(stack: &mut Stack, vpc: &Handle<ec2::Vpc>, tables: &[PrivateTable]) {
    for (id, service) in [("S3Endpoint", "s3"), ("DynamoDbEndpoint", "dynamodb")] {
        let tables: Vec<Value<String>> = tables.iter().map(|zone| zone.table.id()).collect();
        stack.add(
            id,
            ec2::VpcEndpoint::new(vpc.id())
                .service_name(service_name(service))
                .vpc_endpoint_type(VpcEndpointType::Gateway)
                .route_table_ids(tables),
        );
    }
}

/// Interface endpoints in every private subnet, reached by functions alone.
pub(super) fn interface(
    stack: &mut Stack,
    vpc: &Handle<ec2::Vpc>,
    subnets: &[Handle<ec2::Subnet>],
    lambda: &Handle<ec2::SecurityGroup>,
    services: &[String],
) {
    if services.is_empty() {
        return;
    }
    let group = access::group(stack, vpc, "EndpointGroup", "Interface endpoints");
    access::allow(
        stack,
        "LambdaToEndpoints",
        "EndpointsFromLambda",
        "HTTPS",
        HTTPS,
        lambda,
        &group,
    );
    for service in services {
        stack.add(
            format!("{}InterfaceEndpoint", camel(service)),
            ec2::VpcEndpoint::new(vpc.id())
                .service_name(service_name(service))
                .vpc_endpoint_type(VpcEndpointType::Interface)
                .private_dns_enabled(true)
                .subnet_ids(ids(subnets))
                .security_group_ids([group.group_id()]),
        );
    }
}

fn service_name(service: &str) -> Value<String> {
    sub(format!("com.amazonaws.${{AWS::Region}}.{service}"))
}

/// `ecr.api` to `EcrApi`.
fn camel(service: &str) -> String {
    let words = service.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}
