"""The API, its edge, events, alarms and logs, for the template of every type."""

import json


def ref(name):
    return {"Ref": name}


def att(name, attribute):
    return {"Fn::GetAtt": [name, attribute]}


def allow(service, action, resource):
    return {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": service}, "Action": action,
        "Resource": resource}]}


def metric(name, returned):
    return {"Id": name, "ReturnData": returned, "MetricStat": {
        "Metric": {"Namespace": "AWS/ApiGateway", "MetricName": name}, "Period": 60,
        "Stat": "Sum"}}


def resources(words):
    """By logical id, type and properties. `words` is what updates change."""
    return {
        "ApiMethod": ("ApiGateway::Method", {
            "RestApiId": ref("Api"), "ResourceId": att("Api", "RootResourceId"),
            "HttpMethod": "GET", "AuthorizationType": "NONE",
            "Integration": {"Type": "MOCK"}}),
        "ApiDeployment": ("ApiGateway::Deployment", {
            "RestApiId": ref("Api"), "Description": "of the contract"}),
        "ApiStage": ("ApiGateway::Stage", {
            "RestApiId": ref("Api"), "StageName": "dev", "Description": words,
            "DeploymentId": ref("ApiDeployment"), "TracingEnabled": True,
            "AccessLogSetting": {"DestinationArn": att("LogGroup", "Arn"), "Format": "$context"},
            "MethodSettings": [{"ResourcePath": "/*", "HttpMethod": "*",
                                "ThrottlingRateLimit": 200, "ThrottlingBurstLimit": 400}]}),
        "ApiAccount": ("ApiGateway::Account", {"CloudWatchRoleArn": att("Role", "Arn")}),
        "Plan": ("ApiGateway::UsagePlan", {
            "UsagePlanName": "demo", "Description": words,
            "ApiStages": [{"ApiId": ref("Api"), "Stage": ref("ApiStage")}],
            "Throttle": {"RateLimit": 5, "BurstLimit": 10},
            "Quota": {"Limit": 50000, "Period": "MONTH"}}),
        "ApiKey": ("ApiGateway::ApiKey", {"Name": "demo", "Enabled": True, "Description": words}),
        "KeyOnPlan": ("ApiGateway::UsagePlanKey", {
            "KeyId": ref("ApiKey"), "KeyType": "API_KEY", "UsagePlanId": ref("Plan")}),
        "OriginSecret": ("SecretsManager::Secret", {
            "Name": "demo-origin", "Description": words, "KmsKeyId": ref("Key"),
            "GenerateSecretString": {"PasswordLength": 48, "ExcludePunctuation": True}}),
        "WebAccess": ("CloudFront::OriginAccessControl", {"OriginAccessControlConfig": {
            "Name": "demo", "OriginAccessControlOriginType": "s3", "SigningBehavior": "always",
            "SigningProtocol": "sigv4"}}),
        "WebHeaders": ("CloudFront::ResponseHeadersPolicy", {"ResponseHeadersPolicyConfig": {
            "Name": "demo", "Comment": words, "SecurityHeadersConfig": {
                "ContentTypeOptions": {"Override": True}}}}),
        "WebFunction": ("CloudFront::Function", {
            "Name": "demo", "AutoPublish": True, "FunctionConfig": {
                "Comment": words, "Runtime": "cloudfront-js-2.0"},
            "FunctionCode": "function handler(event) { return event.request; }"}),
        "Web": ("CloudFront::Distribution", {"DistributionConfig": {
            "Enabled": True, "Comment": words,
            "Origins": [{"Id": "pages", "DomainName": att("Bucket", "RegionalDomainName"),
                         "OriginAccessControlId": ref("WebAccess"),
                         "S3OriginConfig": {"OriginAccessIdentity": ""}}],
            "DefaultCacheBehavior": {
                "TargetOriginId": "pages", "ViewerProtocolPolicy": "redirect-to-https",
                "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
                "ResponseHeadersPolicyId": ref("WebHeaders"),
                "FunctionAssociations": [{
                    "EventType": "viewer-request",
                    "FunctionARN": att("WebFunction", "FunctionARN")}]}}}),
        "WebLogs": ("WAFv2::LoggingConfiguration", {
            "ResourceArn": att("Acl4Web", "Arn"),
            "LogDestinationConfigs": [att("LogGroup", "Arn")]}),
        "WebLogPolicy": ("Logs::ResourcePolicy", {
            "PolicyName": "demo", "PolicyDocument": json.dumps(
                allow("delivery.logs.amazonaws.com", "logs:PutLogEvents", "*"))}),
        "Bus": ("Events::EventBus", {"Name": "demo", "Description": words}),
        "Replay": ("Events::Archive", {
            "ArchiveName": "demo", "SourceArn": att("Bus", "Arn"), "RetentionDays": 30,
            "Description": words}),
        "OnEvent": ("Events::Rule", {
            "EventBusName": ref("Bus"), "EventPattern": {"source": ["demo"]},
            "Description": words,
            "Targets": [{"Id": "letters", "Arn": att("DeadLetters", "Arn")}]}),
        "Daily": ("Scheduler::Schedule", {
            "Name": "demo", "Description": words, "ScheduleExpression": "rate(1 day)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": att("Store", "Arn"), "RoleArn": att("Role", "Arn")}}),
        "FromQueue": ("Lambda::EventSourceMapping", {
            "EventSourceArn": att("Jobs", "Arn"), "FunctionName": ref("Store"), "BatchSize": 1}),
        "Jobs": ("SQS::Queue", {"VisibilityTimeout": 180}),
        "Topic": ("SNS::Topic", {"TopicName": "demo", "DisplayName": words}),
        "TopicPolicy": ("SNS::TopicPolicy", {
            "Topics": [ref("Topic")], "PolicyDocument": allow(
                "cloudwatch.amazonaws.com", "sns:Publish", ref("Topic"))}),
        "ToQueue": ("SNS::Subscription", {
            "TopicArn": ref("Topic"), "Protocol": "sqs", "Endpoint": att("DeadLetters", "Arn")}),
        "Errors": ("Logs::MetricFilter", {
            "FilterName": "demo-errors", "LogGroupName": ref("LogGroup"),
            "FilterPattern": "{ $.level = \"ERROR\" }", "MetricTransformations": [{
                "MetricName": "Errors", "MetricNamespace": "demo", "MetricValue": "1"}]}),
        "Share": ("CloudWatch::Alarm", {
            "AlarmName": "share", "AlarmDescription": words, "Threshold": 1,
            "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 5,
            "DatapointsToAlarm": 3, "AlarmActions": [ref("Topic")], "Metrics": [
                metric("part", False), metric("whole", False),
                {"Id": "share", "Expression": "100 * FILL(part, 0) / whole"}]}),
        "Operations": ("CloudWatch::Dashboard", {
            "DashboardName": "demo", "DashboardBody": json.dumps({"widgets": [{
                "type": "text", "properties": {"markdown": words}}]})}),
        "Delivery": ("KinesisFirehose::DeliveryStream", {
            "DeliveryStreamName": "demo", "DeliveryStreamType": "DirectPut",
            "ExtendedS3DestinationConfiguration": {
                "BucketARN": att("Bucket", "Arn"), "RoleARN": att("Role", "Arn"),
                "CompressionFormat": "GZIP"}}),
        "DeliveryLog": ("Logs::LogStream", {
            "LogGroupName": ref("LogGroup"), "LogStreamName": "delivery"}),
        "Boundary": ("IAM::ManagedPolicy", {
            "ManagedPolicyName": "demo-boundary", "PolicyDocument": {
                "Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}}),
        "RolePolicy": ("IAM::Policy", {
            "PolicyName": "more", "Roles": [ref("Role")], "PolicyDocument": {
                "Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow", "Action": "sqs:SendMessage",
                    "Resource": att("DeadLetters", "Arn")}]}}),
        "AgentIdentity": ("BedrockAgentCore::WorkloadIdentity", {"Name": "demo-agents"}),
        "AgentTool": ("BedrockAgentCore::GatewayTarget", {
            "GatewayIdentifier": att("AgentGateway", "GatewayIdentifier"), "Name": "store",
            "Description": words,
            "CredentialProviderConfigurations": [{"CredentialProviderType": "GATEWAY_IAM_ROLE"}],
            "TargetConfiguration": {"Mcp": {"Lambda": {"LambdaArn": att("Store", "Arn"),
                                                       "ToolSchema": {"InlinePayload": []}}}}}),
        "Invocations": ("DynamoDB::Table", {
            "TableName": "demo-invocations", "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": True,
            "KeySchema": [{"AttributeName": "tenant_id", "KeyType": "HASH"},
                          {"AttributeName": "invocation_id", "KeyType": "RANGE"}],
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": "S"}
                for name in ("tenant_id", "invocation_id", "agent")],
            "GlobalSecondaryIndexes": [{
                "IndexName": "by-agent", "Projection": {"ProjectionType": "ALL"},
                "KeySchema": [{"AttributeName": "tenant_id", "KeyType": "HASH"},
                              {"AttributeName": "agent", "KeyType": "RANGE"}]}],
            "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            "PointInTimeRecoverySpecification": {
                "PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 35},
            "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS",
                                 "KMSMasterKeyId": att("Key", "Arn")},
            "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True}}),
        "Audit": ("S3::Bucket", {
            "VersioningConfiguration": {"Status": "Enabled"}, "ObjectLockEnabled": True,
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": {
                "DefaultRetention": {"Mode": "GOVERNANCE", "Days": 365}}}}),
    }


def check(cloud, ids, words):
    """What was deployed is there for the services' own APIs, with `words` in it."""
    api = cloud.apigateway
    stage = api.get_stage(restApiId=ids["Api"], stageName="dev")
    assert (stage["deploymentId"], stage["description"]) == (ids["ApiDeployment"], words), stage
    plan = api.get_usage_plan(usagePlanId=ids["Plan"])
    assert plan["description"] == words and plan["throttle"]["burstLimit"] == 10, plan
    keys = api.get_usage_plan_keys(usagePlanId=ids["Plan"])["items"]
    assert [key["id"] for key in keys] == [ids["ApiKey"]], keys
    secret = cloud.secretsmanager.get_secret_value(SecretId="demo-origin")["SecretString"]
    assert len(secret) == 48 and secret.isalnum(), len(secret)
    web = cloud.cloudfront.get_distribution(Id=ids["Web"])["Distribution"]
    assert web["DistributionConfig"]["Comment"] == words, web
    assert cloud.events.describe_event_bus(Name="demo")["Name"] == "demo"
    rules = cloud.events.list_rules(EventBusName="demo")["Rules"]
    assert [rule["Description"] for rule in rules] == [words], rules
    assert cloud.scheduler.get_schedule(Name="demo")["Description"] == words
    mapping = cloud.lambda_.get_event_source_mapping(UUID=ids["FromQueue"])
    assert mapping["BatchSize"] == 1 and mapping["State"] == "Enabled", mapping
    topic = cloud.sns.get_topic_attributes(TopicArn=ids["Topic"])["Attributes"]
    assert topic["DisplayName"] == words and "sns:Publish" in topic["Policy"], topic
    assert cloud.logs.describe_metric_filters(filterNamePrefix="demo-errors")["metricFilters"]
    assert cloud.logs.describe_log_streams(logGroupName="/demo/logs")["logStreams"]
    alarm = cloud.cloudwatch.describe_alarms(AlarmNames=["share"])["MetricAlarms"][0]
    assert alarm["AlarmDescription"] == words and not alarm.get("MetricName"), alarm
    assert [m["Id"] for m in alarm["Metrics"]] == ["part", "whole", "share"], alarm
    board = cloud.cloudwatch.get_dashboard(DashboardName="demo")["DashboardBody"]
    assert words in board, board
    stream = cloud.firehose.describe_delivery_stream(DeliveryStreamName="demo")
    assert stream["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE", stream
    check_table(cloud)
    check_audit(cloud, ids["Audit"])


def check_table(cloud):
    """Every attribute of a table that the stacks set."""
    table = cloud.dynamodb.describe_table(TableName="demo-invocations")["Table"]
    assert table["DeletionProtectionEnabled"] is True, table
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES", table
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by-agent"]
    assert table["SSEDescription"]["SSEType"] == "KMS", table
    assert ":key/" in table["SSEDescription"]["KMSMasterKeyArn"], table
    backups = cloud.dynamodb.describe_continuous_backups(TableName="demo-invocations")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED", recovery
    ttl = cloud.dynamodb.describe_time_to_live(TableName="demo-invocations")
    assert ttl["TimeToLiveDescription"]["AttributeName"] == "expires_at", ttl


def check_audit(cloud, bucket):
    """A bucket whose objects are locked."""
    lock = cloud.s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    assert lock["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 365}, lock
    owned = cloud.s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
    assert owned["Rules"][0]["ObjectOwnership"] == "BucketOwnerEnforced", owned
    assert cloud.s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def check_weights(cloud, function):
    """An alias with weights sends invocations to both of its versions."""
    client = cloud.lambda_
    client.update_function_configuration(FunctionName=function, Description="another")
    other = client.publish_version(FunctionName=function)["Version"]
    alias = client.get_alias(FunctionName=function, Name="live")["FunctionVersion"]
    assert alias != other
    client.update_alias(FunctionName=function, Name="live",
                        RoutingConfig={"AdditionalVersionWeights": {other: 0.5}})
    went = {client.invoke(FunctionName=function, Qualifier="live", Payload="{}")["ExecutedVersion"]
            for _ in range(30)}
    assert went == {alias, other}, went
    client.update_alias(FunctionName=function, Name="live",
                        RoutingConfig={"AdditionalVersionWeights": {}})
    client.delete_function(FunctionName=function, Qualifier=other)
