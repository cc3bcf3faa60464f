//! Buckets of results and of the audit trail.

use super::Common;
use crate::cfn::aws::s3::{self, bucket};
use crate::cfn::{Handle, Stack};
use crate::construct::bucket::OurBucket;
use crate::spec::AuditMode;

/// A result that was deleted by mistake can be had back this long.
const DELETED_RESULT_DAYS: i64 = 7;

/// Who asks about the audit trail asks about the last weeks; older records move to a
/// class that costs a sixth and is read as fast.
/// <https://aws.amazon.com/s3/storage-classes/glacier/instant-retrieval/>
const RECENT_DAYS: u32 = 90;

#[derive(Debug)]
pub(super) struct Buckets {
    /// Results of jobs, one prefix a tenant.
    pub results: Handle<s3::Bucket>,
    /// The audit trail.
    pub audit: Handle<s3::Bucket>,
}

pub(super) fn buckets(stack: &mut Stack, common: &Common) -> Buckets {
    let spec = common.spec;
    let results = OurBucket::new("ResultsBucket", "results", DELETED_RESULT_DAYS)
        .key(&common.data_key)
        .expires(spec.result_days)
        .add(stack);
    let mode = match spec.audit.mode {
        AuditMode::Governance => bucket::Mode::Governance,
        AuditMode::Compliance => bucket::Mode::Compliance,
    };
    let days = spec.audit.retention_days;
    // Records go when nothing holds them any more: they name people.
    let audit = OurBucket::new("AuditBucket", "audit", 1)
        .key(&common.config_key)
        .locked(bucket::DefaultRetention::new().mode(mode).days(days))
        .expires(days + 1);
    let audit = if days > 2 * RECENT_DAYS { audit.rule(archive()) } else { audit };
    Buckets { results, audit: audit.add(stack) }
}

fn archive() -> bucket::Rule {
    let transition =
        bucket::Transition::new(bucket::StorageClass::GlacierIr).transition_in_days(RECENT_DAYS);
    bucket::Rule::new(bucket::Status::Enabled).id("archive").transitions([transition])
}
