//! The metrics stack: what the runtime region measured, kept in the home region.
//!
//! Dashboards of the home region read metrics of any region where they are, and so nothing
//! is copied for them. This bucket is for what they cannot do: it holds more than the 15
//! months of CloudWatch if it is told to, can be queried, and is there when the runtime
//! region is not.

use crate::artefacts::{owned_by_us, private, tls_only};
use crate::cfn::aws::s3::{self, bucket};
use crate::cfn::{Naming, Options, Published, Stack, sub};
use crate::identity::Keys;
use crate::spec::MetricsSpec;

/// An upload that did not finish is cleared away after this long.
const UNFINISHED_UPLOAD_DAYS: i64 = 7;

/// An overwritten or deleted object can be brought back for this long.
const OLD_VERSION_DAYS: i64 = 30;

/// What the stack gives to others.
#[derive(Debug)]
pub struct Metrics {
    /// The bucket's ARN.
    pub bucket_arn: Published<String>,
    /// The ARN of the key that encrypts it.
    pub key_arn: Published<String>,
    /// The stack itself.
    pub stack: Stack,
}

/// One private, encrypted bucket that forgets after a while.
pub fn metrics(naming: &Naming, spec: &MetricsSpec, keys: &Keys) -> Metrics {
    let mut stack = Stack::new("metrics", naming);
    stack.describe("Metrics of the region in which agents run");
    let key = stack.import(&keys.platform_config);
    let name = naming.name("metrics-${AWS::AccountId}-${AWS::Region}");
    let encryption = bucket::ServerSideEncryptionByDefault::new(bucket::SseAlgorithm::AwsKms)
        .kms_master_key_id(key);
    let rule = bucket::ServerSideEncryptionRule::new()
        .server_side_encryption_by_default(encryption)
        .bucket_key_enabled(true);
    let bucket = stack.add_with(
        "MetricsBucket",
        s3::Bucket::new()
            .bucket_name(sub(name))
            .bucket_encryption(bucket::BucketEncryption::new([rule]))
            .versioning_configuration(bucket::VersioningConfiguration::new(
                bucket::VersioningConfigurationStatus::Enabled,
            ))
            .public_access_block_configuration(private())
            .ownership_controls(owned_by_us())
            .lifecycle_configuration(lifecycle(spec.keep_days)),
        Options::new().retain(),
    );
    stack.add_with(
        "MetricsBucketPolicy",
        s3::BucketPolicy::new(bucket.id(), tls_only(&bucket)),
        Options::new().retain(),
    );
    Metrics {
        bucket_arn: stack.publish("bucket-arn", bucket.arn()),
        key_arn: keys.platform_config.clone(),
        stack,
    }
}

fn lifecycle(keep_days: u32) -> bucket::LifecycleConfiguration {
    let rule = |id: &str| bucket::Rule::new(bucket::Status::Enabled).id(id);
    bucket::LifecycleConfiguration::new([
        rule("forget").expiration_in_days(keep_days).noncurrent_version_expiration(
            bucket::NoncurrentVersionExpiration::new(OLD_VERSION_DAYS),
        ),
        rule("unfinished-uploads").abort_incomplete_multipart_upload(
            bucket::AbortIncompleteMultipartUpload::new(UNFINISHED_UPLOAD_DAYS),
        ),
    ])
}
