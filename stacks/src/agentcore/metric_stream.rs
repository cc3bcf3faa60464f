//! Metrics on their way to the home region: CloudWatch streams them to Firehose, and
//! Firehose writes them to a bucket there, which may be in another region than itself.
//! <https://docs.aws.amazon.com/firehose/latest/dev/using-iam-s3.html>

use crate::cfn::aws::cloudwatch::{self, metric_stream};
use crate::cfn::aws::kinesisfirehose::{self, delivery_stream};
use crate::cfn::aws::{iam, logs};
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Handle, Options, Stack, Value, pseudo, sub_with};
use crate::identity::Keys;
use crate::metrics::Metrics;

/// What is streamed: all that agents and the functions beside them do.
const NAMESPACES: [&str; 2] = ["AWS/Bedrock-AgentCore", "AWS/Lambda"];

/// Firehose writes an object when either is reached. Small objects cost more than a delay
/// does here.
const BUFFER_SECONDS: i64 = 300;
const BUFFER_MB: i64 = 5;

/// The log of deliveries that failed.
const LOG_DAYS: i64 = 30;
const LOG_STREAM: &str = "delivery";

/// Makes the stream.
pub(super) fn stream(stack: &mut Stack, metrics: &Metrics, keys: &Keys) {
    let name = stack.naming().name("metrics");
    let bucket = stack.import(&metrics.bucket_arn);
    let home_key = stack.import(&metrics.key_arn);
    let key = stack.import(&keys.platform_config);
    let logs_key = stack.import(&keys.logs);
    let home = metrics.stack.naming().region().to_owned();

    let group = stack.add(
        "MetricsLogGroup",
        logs::LogGroup::new()
            .log_group_name(format!("/aws/bedrock-agentcore/{name}"))
            .retention_in_days(LOG_DAYS)
            .kms_key_id(logs_key),
    );
    // Firehose makes no log stream, and says nothing when there is none.
    let log = stack.add("MetricsLog", logs::LogStream::new(group.id()).log_stream_name(LOG_STREAM));
    let role = stack.add("MetricsDeliveryRole", delivery_role(&bucket, &home_key, &home, &group));
    let encryption = delivery_stream::DeliveryStreamEncryptionConfigurationInput::new(
        delivery_stream::KeyType::CustomerManagedCmk,
    )
    .key_arn(key);
    let delivery = stack.add_with(
        "MetricsDelivery",
        kinesisfirehose::DeliveryStream::new()
            .delivery_stream_name(&name)
            .delivery_stream_type(delivery_stream::DeliveryStreamType::DirectPut)
            .delivery_stream_encryption_configuration_input(encryption)
            .extended_s3_destination_configuration(destination(&bucket, &home_key, &role, &group)),
        Options::new().depends_on(&log),
    );
    let writer = stack.add("MetricStreamRole", stream_role(&delivery));
    let filters = NAMESPACES.map(metric_stream::MetricStreamFilter::new);
    stack.add(
        "MetricStream",
        cloudwatch::MetricStream::new()
            .name(name)
            .firehose_arn(delivery.arn())
            .role_arn(writer.arn())
            .output_format(metric_stream::OutputFormat::Json)
            .include_filters(filters),
    );
}

fn destination(
    bucket: &Value<String>,
    key: &Value<String>,
    role: &Handle<iam::Role>,
    group: &Handle<logs::LogGroup>,
) -> delivery_stream::ExtendedS3DestinationConfiguration {
    delivery_stream::ExtendedS3DestinationConfiguration::new(bucket, role.arn())
        // By region and day, as Athena likes to cut tables.
        .prefix(sub_with(
            "metrics/region=${Region}/date=!{timestamp:yyyy-MM-dd}/",
            [("Region", pseudo::region())],
        ))
        .error_output_prefix(sub_with(
            "failed/region=${Region}/!{firehose:error-output-type}/",
            [("Region", pseudo::region())],
        ))
        .compression_format(delivery_stream::CompressionFormat::Gzip)
        .buffering_hints(
            delivery_stream::BufferingHints::new()
                .interval_in_seconds(BUFFER_SECONDS)
                .size_in_mbs(BUFFER_MB),
        )
        .encryption_configuration(
            delivery_stream::EncryptionConfiguration::new()
                .kms_encryption_config(delivery_stream::KmsEncryptionConfig::new(key)),
        )
        .cloud_watch_logging_options(
            delivery_stream::CloudWatchLoggingOptions::new()
                .enabled(true)
                .log_group_name(group.id())
                .log_stream_name(LOG_STREAM),
        )
}

/// The documentation promises no `aws:SourceAccount` for this service and the next one,
/// so that it is looked at when it is there.
fn delivery_role(
    bucket: &Value<String>,
    key: &Value<String>,
    home: &str,
    group: &Handle<logs::LogGroup>,
) -> iam::Role {
    let trust = Statement::allow(["sts:AssumeRole"])
        .principal(Principal::service("firehose.amazonaws.com"))
        .when(Operator::StringEqualsIfExists, "aws:SourceAccount", pseudo::account_id());
    let objects = Statement::allow(["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"])
        .sid("Objects")
        .resource(sub_with("${Bucket}/*", [("Bucket", bucket.clone())]));
    let the_bucket = Statement::allow([
        "s3:GetBucketLocation",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
    ])
    .sid("Bucket")
    .resource(bucket);
    let encrypt = Statement::allow(["kms:Decrypt", "kms:GenerateDataKey"])
        .sid("Encrypt")
        .resource(key)
        .when(Operator::StringEquals, "kms:ViaService", format!("s3.{home}.amazonaws.com"));
    let failures = Statement::allow(["logs:PutLogEvents"]).sid("Failures").resource(group.arn());
    iam::Role::new(PolicyDocument::new([trust]))
        .description("Lets Firehose write metrics to the home region")
        .policies([iam::role::Policy::new(
            PolicyDocument::new([objects, the_bucket, encrypt, failures]),
            "delivery",
        )])
}

fn stream_role(delivery: &Handle<kinesisfirehose::DeliveryStream>) -> iam::Role {
    let trust = Statement::allow(["sts:AssumeRole"])
        .principal(Principal::service("streams.metrics.cloudwatch.amazonaws.com"))
        .when(Operator::StringEqualsIfExists, "aws:SourceAccount", pseudo::account_id());
    let put = Statement::allow(["firehose:PutRecord", "firehose:PutRecordBatch"])
        .sid("Put")
        .resource(delivery.arn());
    iam::Role::new(PolicyDocument::new([trust]))
        .description("Lets CloudWatch stream metrics to Firehose")
        .policies([iam::role::Policy::new(PolicyDocument::new([put]), "stream")])
}
