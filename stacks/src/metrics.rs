//! The metrics stack: what the runtime region measured, kept in the home region.
//!
//! Dashboards of the home region read metrics of any region where they are, and so nothing
//! is copied for them. This bucket is for what they cannot do: it holds more than the 15
//! months of CloudWatch if it is told to, can be queried, and is there when the runtime
//! region is not.

use crate::cfn::{Naming, Published, Stack};
use crate::construct::bucket::OurBucket;
use crate::identity::Keys;
use crate::spec::MetricsSpec;

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
    let bucket = OurBucket::new("MetricsBucket", "metrics", OLD_VERSION_DAYS)
        .key(&key)
        .expires(spec.keep_days)
        .add(&mut stack);
    Metrics {
        bucket_arn: stack.publish("bucket-arn", bucket.arn()),
        key_arn: keys.platform_config.clone(),
        stack,
    }
}
