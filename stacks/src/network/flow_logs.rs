//! A record of every connection in the VPC.

use crate::cfn::aws::ec2::flow_log::{LogDestinationType, ResourceType, TrafficType};
use crate::cfn::aws::{ec2, iam, logs};
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Handle, Stack, Value, arn, pseudo};

/// Long enough to look into an incident; flow logs grow fast.
const RETENTION_DAYS: i64 = 30;

/// Records accepted and rejected traffic in an encrypted log group.
pub(super) fn record(stack: &mut Stack, vpc: &Handle<ec2::Vpc>, key: &Value<String>) {
    let name = format!("/aws/vpc/{}", stack.naming().name(stack.name()));
    let group = stack.add(
        "FlowLogGroup",
        logs::LogGroup::new()
            .log_group_name(name)
            .retention_in_days(RETENTION_DAYS)
            .kms_key_id(key),
    );
    let role = stack.add("FlowLogRole", role(group.arn()));
    stack.add(
        "FlowLog",
        ec2::FlowLog::new(vpc.id(), ResourceType::Vpc)
            .traffic_type(TrafficType::All)
            .log_destination_type(LogDestinationType::CloudWatchLogs)
            .log_group_name(group.id())
            .deliver_logs_permission_arn(role.arn()),
    );
}

fn role(streams: Value<String>) -> iam::Role {
    let trust = Statement::allow(["sts:AssumeRole"])
        .principal(Principal::service("vpc-flow-logs.amazonaws.com"))
        .when(Operator::StringEquals, "aws:SourceAccount", pseudo::account_id())
        .when(Operator::ArnLike, "aws:SourceArn", arn("ec2", "vpc-flow-log/*"));
    let write =
        Statement::allow(["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"])
            .sid("Write")
            .resource(streams);
    let find = Statement::allow(["logs:DescribeLogGroups"])
        .sid("Find")
        .resource(arn("logs", "log-group:*"));
    iam::Role::new(PolicyDocument::new([trust]))
        .description("Lets the VPC write its flow logs")
        .policies([iam::role::Policy::new(PolicyDocument::new([write, find]), "flow-logs")])
}
