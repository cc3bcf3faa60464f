//! The artefacts stack: where templates, Lambda zips and reports are kept.

use crate::cfn::aws::s3::{self, bucket};
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Handle, Naming, Options, Published, Stack, sub, sub_with};

/// Old versions of an artefact are kept this long: enough to roll back by.
const OLD_VERSION_DAYS: i64 = 90;

/// An upload that did not finish is cleared away after this long.
const UNFINISHED_UPLOAD_DAYS: i64 = 7;

/// What the stack gives to others.
#[derive(Debug)]
pub struct Artefacts {
    /// The bucket's name.
    pub bucket: Published<String>,
    /// The stack itself.
    pub stack: Stack,
}

/// One private, versioned bucket that survives its stack.
///
/// ```
/// use stacks::{artefacts::artefacts, cfn::Naming};
///
/// let template = artefacts(&Naming::new("acme", "dev", "eu-west-2")).stack.finish().template;
/// assert!(template.resource("ArtefactBucket").is_some());
/// ```
pub fn artefacts(naming: &Naming) -> Artefacts {
    let mut stack = Stack::new("artefacts", naming);
    stack.describe("Templates, Lambda zips and reports");
    fill(stack)
}

/// The same in the runtime region, for the functions there: Lambda takes zips out of
/// buckets of its own region only. The bucket's name ends with its region.
pub fn runtime_artefacts(naming: &Naming) -> Artefacts {
    let mut stack = Stack::new(RUNTIME_ARTEFACTS, naming);
    stack.describe("Lambda zips of the region in which agents run");
    fill(stack)
}

/// The name of the stack that holds the artefact bucket of the runtime region, when that
/// is another one than the home region and has functions.
pub const RUNTIME_ARTEFACTS: &str = "runtime-artefacts";

fn fill(mut stack: Stack) -> Artefacts {
    let naming = stack.naming();
    let name = naming.name("artefacts-${AWS::AccountId}-${AWS::Region}");
    let bucket = stack.add_with(
        "ArtefactBucket",
        s3::Bucket::new()
            .bucket_name(sub(name))
            .bucket_encryption(encryption())
            .versioning_configuration(bucket::VersioningConfiguration::new(
                bucket::VersioningConfigurationStatus::Enabled,
            ))
            .public_access_block_configuration(private())
            .ownership_controls(owned_by_us())
            .lifecycle_configuration(lifecycle()),
        Options::new().retain(),
    );
    stack.add_with(
        "ArtefactBucketPolicy",
        s3::BucketPolicy::new(bucket.id(), tls_only(&bucket)),
        Options::new().retain(),
    );
    Artefacts { bucket: stack.publish("bucket-name", bucket.id()), stack }
}

fn encryption() -> bucket::BucketEncryption {
    let algorithm = bucket::ServerSideEncryptionByDefault::new(bucket::SseAlgorithm::Aes256);
    let rule = bucket::ServerSideEncryptionRule::new().server_side_encryption_by_default(algorithm);
    bucket::BucketEncryption::new([rule])
}

/// Nothing in the bucket can be made public.
pub(crate) fn private() -> bucket::PublicAccessBlockConfiguration {
    bucket::PublicAccessBlockConfiguration::new()
        .block_public_acls(true)
        .block_public_policy(true)
        .ignore_public_acls(true)
        .restrict_public_buckets(true)
}

/// No access control lists: the account owns every object, whoever uploads it.
pub(crate) fn owned_by_us() -> bucket::OwnershipControls {
    let rule = bucket::OwnershipControlsRule::new()
        .object_ownership(bucket::ObjectOwnership::BucketOwnerEnforced);
    bucket::OwnershipControls::new([rule])
}

fn lifecycle() -> bucket::LifecycleConfiguration {
    let old_versions = bucket::Rule::new(bucket::Status::Enabled)
        .id("old-versions")
        .noncurrent_version_expiration(bucket::NoncurrentVersionExpiration::new(OLD_VERSION_DAYS));
    let unfinished = bucket::Rule::new(bucket::Status::Enabled)
        .id("unfinished-uploads")
        .abort_incomplete_multipart_upload(bucket::AbortIncompleteMultipartUpload::new(
            UNFINISHED_UPLOAD_DAYS,
        ));
    bucket::LifecycleConfiguration::new([old_versions, unfinished])
}

/// Nobody reads or writes the bucket over plain HTTP.
pub(crate) fn tls_only(bucket: &Handle<s3::Bucket>) -> PolicyDocument {
    PolicyDocument::new([Statement::deny(["s3:*"])
        .sid("TlsOnly")
        .principal(Principal::anyone())
        .resource(bucket.arn())
        .resource(sub_with("${Bucket}/*", [("Bucket", bucket.arn())]))
        .when(Operator::Bool, "aws:SecureTransport", "false")])
}
