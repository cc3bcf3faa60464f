//! What sets functions going, beside the API.

use runtime_core::functions::Function;
use runtime_core::queues::Queue;
use runtime_core::tables::JOBS;
use serde_json::json;

use super::Parts;
use crate::cfn::aws::lambda::{self, event_source_mapping as mapping};
use crate::cfn::{Stack, camel};
use crate::construct::function::Deployed;
use crate::construct::turn::Turn;

/// How often unfinished work for siloed tenants is gone on with.
const RECONCILE: &str = "rate(15 minutes)";

/// A record of a stream that fails is tried again this often, and for this long.
const STREAM_RETRIES: i64 = 5;
const STREAM_RECORD_SECONDS: i64 = 60 * 60;

/// A function takes work from a queue, some messages at a time. Those that fail are
/// named, and only they come again.
pub(super) fn queue(
    stack: &mut Stack,
    parts: &Parts,
    queue: &Queue,
    batch: u8,
    deployed: &Deployed,
    concurrency: u32,
) {
    let source = lambda::EventSourceMapping::new(deployed.alias.id())
        .event_source_arn(parts.queues.of(queue).arn())
        .batch_size(batch)
        .function_response_types([mapping::FunctionResponseType::ReportBatchItemFailures])
        // Not more at once than the function may run: throttled messages would be
        // counted as tried. The least that SQS takes is 2.
        .scaling_config(
            mapping::ScalingConfig::new().maximum_concurrency(concurrency.clamp(2, 1_000)),
        );
    stack.add(format!("{}QueueSource", camel(queue.name)), source);
}

/// Webhooks hear of jobs that are done or failed.
pub(super) fn finished_jobs(stack: &mut Stack, parts: &Parts, deployed: &Deployed) {
    let finished = json!({
        "eventName": ["INSERT", "MODIFY"],
        "dynamodb": { "NewImage": { "status": { "S": ["succeeded", "failed"] } } },
    });
    let failed = mapping::OnFailure::new().destination(deployed.dead_letters.arn());
    let source = lambda::EventSourceMapping::new(deployed.alias.id())
        .event_source_arn(parts.tables.of(&JOBS).stream_arn())
        .starting_position("TRIM_HORIZON")
        .batch_size(100)
        .bisect_batch_on_function_error(true)
        .maximum_retry_attempts(STREAM_RETRIES)
        .maximum_record_age_in_seconds(STREAM_RECORD_SECONDS)
        .function_response_types([mapping::FunctionResponseType::ReportBatchItemFailures])
        .filter_criteria(
            mapping::FilterCriteria::new()
                .filters([mapping::Filter::new().pattern(finished.to_string())]),
        )
        .destination_config(mapping::DestinationConfig::new().on_failure(failed));
    stack.add("FinishedJobsSource", source);
}

/// What the provisioner did not finish in one call it goes on with by itself.
pub(super) fn reconcile(stack: &mut Stack, parts: &Parts, deployed: &Deployed) {
    let turn = Turn {
        function: Function::Provisioner.name(),
        name: "reconcile",
        rate: RECONCILE,
        input: json!({ "operation": "reconcile" }),
        description: "Goes on with the work for siloed tenants that is not finished",
    };
    turn.add(stack, deployed, &parts.common.data_key);
}
