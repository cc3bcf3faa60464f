//! What logs say, as numbers.

use runtime_core::metrics::{ERRORS_LOGGED, NAMESPACE};

use crate::cfn::aws::logs::{self, metric_filter};
use crate::cfn::{Stack, camel};
use crate::construct::watch::Watch;

/// Counts the lines of level `ERROR` that each function logs; the dashboard shows them.
pub(super) fn filters(stack: &mut Stack, watched: &[Watch]) {
    let namespace = stack.naming().name(NAMESPACE);
    for watch in watched {
        let Watch::Function { function, name, .. } = watch else { continue };
        let count = metric_filter::MetricTransformation::new(ERRORS_LOGGED, &namespace, "1");
        let filter = logs::MetricFilter::new(
            r#"{ $.level = "ERROR" }"#,
            format!("/aws/lambda/{name}"),
            [count],
        )
        .filter_name(format!("{name}-errors"));
        stack.add(format!("{}ErrorsLogged", camel(function.name())), filter);
    }
}
