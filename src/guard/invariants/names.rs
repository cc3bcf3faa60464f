//! Physical names: which property gives a resource's, what its ARN is made from, and
//! how long AWS lets it be.

/// What is known of a type whose resources have names.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) type_name: &'static str,
    /// The property with the name.
    pub(super) property: &'static str,
    /// The ARN, with `{region}`, `{account}` and `{name}`; empty when it has none of use.
    pub(super) arn: &'static str,
    /// The attribute that is the ARN; empty when `Ref` is.
    pub(super) attribute: &'static str,
    /// Most characters of the name, and who says so.
    pub(super) longest: (usize, &'static str),
}

/// The row of a type, if it has one.
pub(super) fn of(type_name: &str) -> Option<&'static Named> {
    ALL.iter().find(|named| named.type_name == type_name)
}

macro_rules! named {
    ($($type:literal $property:literal $arn:literal $attribute:literal $longest:literal $source:literal;)*) => {
        &[$(Named {
            type_name: $type,
            property: $property,
            arn: $arn,
            attribute: $attribute,
            longest: ($longest, $source),
        }),*]
    };
}

pub(super) const ALL: &[Named] = named! {
    "AWS::ApiGateway::ApiKey" "Name" "arn:aws:apigateway:{region}::/apikeys/{name}" "" 1024
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html";
    "AWS::BedrockAgentCore::Gateway" "Name" "arn:aws:bedrock-agentcore:{region}:{account}:gateway/{name}-0123456789" "GatewayArn" 100
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-bedrockagentcore-gateway.html";
    "AWS::BedrockAgentCore::Memory" "Name" "arn:aws:bedrock-agentcore:{region}:{account}:memory/{name}-0123456789" "MemoryArn" 48
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-bedrockagentcore-memory.html";
    "AWS::BedrockAgentCore::Runtime" "AgentRuntimeName" "arn:aws:bedrock-agentcore:{region}:{account}:runtime/{name}-0123456789" "AgentRuntimeArn" 48
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-bedrockagentcore-runtime.html";
    "AWS::CloudWatch::Alarm" "AlarmName" "arn:aws:cloudwatch:{region}:{account}:alarm:{name}" "Arn" 255
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html";
    "AWS::CloudWatch::CompositeAlarm" "AlarmName" "arn:aws:cloudwatch:{region}:{account}:alarm:{name}" "Arn" 255
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html";
    "AWS::DynamoDB::Table" "TableName" "arn:aws:dynamodb:{region}:{account}:table/{name}" "Arn" 255
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html";
    "AWS::Events::EventBus" "Name" "arn:aws:events:{region}:{account}:event-bus/{name}" "Arn" 256
        "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html";
    "AWS::Events::Rule" "Name" "arn:aws:events:{region}:{account}:rule/{name}" "Arn" 64
        "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html";
    "AWS::IAM::ManagedPolicy" "ManagedPolicyName" "arn:aws:iam::{account}:policy/{name}" "" 128
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html";
    "AWS::IAM::Role" "RoleName" "arn:aws:iam::{account}:role/{name}" "Arn" 64
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html";
    "AWS::KMS::Key" "KeyId" "arn:aws:kms:{region}:{account}:key/{name}" "Arn" 256
        "https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html";
    "AWS::KinesisFirehose::DeliveryStream" "DeliveryStreamName" "arn:aws:firehose:{region}:{account}:deliverystream/{name}" "Arn" 64
        "https://docs.aws.amazon.com/firehose/latest/APIReference/API_CreateDeliveryStream.html";
    "AWS::Lambda::Function" "FunctionName" "arn:aws:lambda:{region}:{account}:function:{name}" "Arn" 64
        "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html";
    "AWS::Logs::LogGroup" "LogGroupName" "arn:aws:logs:{region}:{account}:log-group:{name}:*" "Arn" 512
        "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html";
    "AWS::S3::Bucket" "BucketName" "arn:aws:s3:::{name}" "Arn" 63
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html";
    "AWS::SNS::Topic" "TopicName" "arn:aws:sns:{region}:{account}:{name}" "TopicArn" 256
        "https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html";
    "AWS::SQS::Queue" "QueueName" "arn:aws:sqs:{region}:{account}:{name}" "Arn" 80
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html";
    "AWS::SSM::Parameter" "Name" "arn:aws:ssm:{region}:{account}:parameter{name}" "" 1011
        "https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html";
    "AWS::Scheduler::Schedule" "Name" "arn:aws:scheduler:{region}:{account}:schedule/default/{name}" "Arn" 64
        "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html";
    "AWS::SecretsManager::Secret" "Name" "arn:aws:secretsmanager:{region}:{account}:secret:{name}-a1b2c3" "Id" 512
        "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html";
};
