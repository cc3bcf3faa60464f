//! "Our bucket": private, versioned, over TLS alone, and kept when its stack goes.
//!
//! Server access logs are switched on for none of them: they come best effort, some
//! hours later, and need a bucket of their own that has none in turn. Who read or
//! wrote what is in CloudTrail's data events, which are complete and signed.

use crate::cfn::aws::s3::{self, bucket};
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Handle, Options, Stack, Value, sub, sub_with};

/// An upload that did not finish is cleared away after this long.
const UNFINISHED_UPLOAD_DAYS: i64 = 7;

/// A bucket to be.
#[derive(Debug)]
pub(crate) struct OurBucket<'a> {
    id: &'a str,
    name: &'a str,
    old_version_days: i64,
    key: Option<Value<String>>,
    rules: Vec<bucket::Rule>,
    lock: Option<bucket::DefaultRetention>,
}

impl<'a> OurBucket<'a> {
    /// A bucket with a logical id and the middle of its name, such as `artefacts`: the
    /// account and the region follow, for names are the world's. Versions that were
    /// overwritten or deleted stay this many days.
    pub(crate) fn new(id: &'a str, name: &'a str, old_version_days: i64) -> Self {
        Self { id, name, old_version_days, key: None, rules: Vec::new(), lock: None }
    }

    /// Encrypts with a key of ours. Without: with the key of the service.
    pub(crate) fn key(mut self, key: &Value<String>) -> Self {
        self.key = Some(key.clone());
        self
    }

    /// Deletes objects after some days.
    pub(crate) fn expires(self, after_days: u32) -> Self {
        let rule = bucket::Rule::new(bucket::Status::Enabled).id("expiry");
        self.rule(rule.expiration_in_days(after_days))
    }

    /// A further rule of its lifecycle.
    pub(crate) fn rule(mut self, rule: bucket::Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Nobody can overwrite or delete an object before its time.
    pub(crate) fn locked(mut self, retention: bucket::DefaultRetention) -> Self {
        self.lock = Some(retention);
        self
    }

    /// Adds it with its policy.
    pub(crate) fn add(self, stack: &mut Stack) -> Handle<s3::Bucket> {
        let id = self.id;
        let bucket = self.add_without_policy(stack);
        policy(stack, id, &bucket, None);
        bucket
    }

    /// Adds it alone, for a [`policy`] that needs to know what comes after it.
    pub(crate) fn add_without_policy(self, stack: &mut Stack) -> Handle<s3::Bucket> {
        let name =
            stack.naming().name(&format!("{}-${{AWS::AccountId}}-${{AWS::Region}}", self.name));
        let resource = s3::Bucket::new()
            .bucket_name(sub(name))
            .bucket_encryption(encryption(self.key))
            .versioning_configuration(bucket::VersioningConfiguration::new(
                bucket::VersioningConfigurationStatus::Enabled,
            ))
            .public_access_block_configuration(private())
            .ownership_controls(owned_by_us())
            .lifecycle_configuration(lifecycle(self.old_version_days, self.rules));
        let resource = match self.lock {
            None => resource,
            Some(retention) => {
                let rule = bucket::ObjectLockRule::new().default_retention(retention);
                let configuration = bucket::ObjectLockConfiguration::new()
                    .object_lock_enabled(bucket::ObjectLockEnabled::Enabled)
                    .rule(rule);
                resource.object_lock_enabled(true).object_lock_configuration(configuration)
            }
        };
        stack.add_with(self.id, resource, Options::new().retain())
    }
}

/// The policy of a bucket: TLS alone, and what else it allows.
pub(crate) fn policy(
    stack: &mut Stack,
    id: &str,
    bucket: &Handle<s3::Bucket>,
    allowed: Option<Statement>,
) {
    let statements = [tls_only(bucket)].into_iter().chain(allowed);
    stack.add_with(
        format!("{id}Policy"),
        s3::BucketPolicy::new(bucket.id(), PolicyDocument::new(statements)),
        Options::new().retain(),
    );
}

/// The ARN of everything in a bucket under a prefix, which may be empty.
pub(crate) fn objects(bucket: &Handle<s3::Bucket>, prefix: &str) -> Value<String> {
    sub_with(format!("${{Bucket}}/{prefix}*"), [("Bucket", bucket.arn())])
}

fn encryption(key: Option<Value<String>>) -> bucket::BucketEncryption {
    let rule = bucket::ServerSideEncryptionRule::new();
    let by_default = bucket::ServerSideEncryptionByDefault::new;
    let rule = match key {
        None => rule.server_side_encryption_by_default(by_default(bucket::SseAlgorithm::Aes256)),
        // A bucket key saves nearly all requests to KMS.
        Some(key) => rule.bucket_key_enabled(true).server_side_encryption_by_default(
            by_default(bucket::SseAlgorithm::AwsKms).kms_master_key_id(key),
        ),
    };
    bucket::BucketEncryption::new([rule])
}

fn private() -> bucket::PublicAccessBlockConfiguration {
    bucket::PublicAccessBlockConfiguration::new()
        .block_public_acls(true)
        .block_public_policy(true)
        .ignore_public_acls(true)
        .restrict_public_buckets(true)
}

/// No access control lists: the account owns every object, whoever uploads it.
fn owned_by_us() -> bucket::OwnershipControls {
    let rule = bucket::OwnershipControlsRule::new()
        .object_ownership(bucket::ObjectOwnership::BucketOwnerEnforced);
    bucket::OwnershipControls::new([rule])
}

fn lifecycle(old_version_days: i64, more: Vec<bucket::Rule>) -> bucket::LifecycleConfiguration {
    let old_versions = bucket::Rule::new(bucket::Status::Enabled)
        .id("old-versions")
        .noncurrent_version_expiration(bucket::NoncurrentVersionExpiration::new(old_version_days));
    let unfinished = bucket::Rule::new(bucket::Status::Enabled)
        .id("unfinished-uploads")
        .abort_incomplete_multipart_upload(bucket::AbortIncompleteMultipartUpload::new(
            UNFINISHED_UPLOAD_DAYS,
        ));
    let rules: Vec<_> = [old_versions, unfinished].into_iter().chain(more).collect();
    bucket::LifecycleConfiguration::new(rules)
}

fn tls_only(bucket: &Handle<s3::Bucket>) -> Statement {
    Statement::deny(["s3:*"])
        .sid("TlsOnly")
        .principal(Principal::anyone())
        .resource(bucket.arn())
        .resource(objects(bucket, ""))
        .when(Operator::Bool, "aws:SecureTransport", "false")
}
