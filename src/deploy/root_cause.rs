//! The first root cause of a failed stack, not the cancellations that follow.

use serde::Serialize;

/// A resource that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Logical id.
    pub resource: String,
    /// Resource type.
    pub resource_type: String,
    /// Such as `CREATE_FAILED`.
    pub status: String,
    /// What the service said.
    pub reason: String,
}

/// Reasons that only say that something else failed.
const FOLLOW_UPS: &[&str] = &[
    "Resource creation cancelled",
    "Resource update cancelled",
    "Resource creation Initiated",
    "The following resource(s) failed",
];

/// The earliest failure in `events` (oldest first) that is no consequence of another.
pub fn root_cause(events: &[Failure]) -> Option<&Failure> {
    let failed = |event: &&Failure| event.status.ends_with("_FAILED");
    let own = |event: &&Failure| !FOLLOW_UPS.iter().any(|text| event.reason.contains(text));
    events
        .iter()
        .filter(failed)
        .filter(own)
        .find(|event| event.resource_type != "AWS::CloudFormation::Stack")
        .or_else(|| events.iter().filter(failed).find(own))
        .or_else(|| events.iter().find(failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(resource: &str, resource_type: &str, status: &str, reason: &str) -> Failure {
        Failure {
            resource: resource.into(),
            resource_type: resource_type.into(),
            status: status.into(),
            reason: reason.into(),
        }
    }

    #[test]
    fn the_first_own_failure_wins_over_cancellations_and_the_stack() {
        let events = [
            event("A", "AWS::SQS::Queue", "CREATE_FAILED", "Resource creation cancelled"),
            event("B", "AWS::SQS::Queue", "CREATE_COMPLETE", ""),
            event("C", "AWS::KMS::Key", "CREATE_FAILED", "limit exceeded"),
            event("D", "AWS::EC2::VPC", "CREATE_FAILED", "later"),
            event("s", "AWS::CloudFormation::Stack", "ROLLBACK_FAILED", "[C] failed"),
        ];
        assert_eq!(root_cause(&events).expect("cause").resource, "C");
    }

    #[test]
    fn the_stack_itself_when_nothing_else_failed() {
        let events = [event("s", "AWS::CloudFormation::Stack", "UPDATE_FAILED", "no permission")];
        assert_eq!(root_cause(&events).expect("cause").resource, "s");
        assert_eq!(root_cause(&[]), None);
    }
}
