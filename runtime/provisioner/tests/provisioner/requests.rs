//! What CloudFormation is asked, and what its answers mean.

use std::collections::BTreeMap;

use provisioner::{CloudFormation, Formation as _, FormationError, StackRequest, Started};
use runtime_core::access::{Sent, Wire};

const ROLE: &str = "arn:aws:iam::111122223333:role/acme-dev/acme-dev-tenant-stacks";
const STACK: &str = "acme-dev-tenant-globex";
const REGION: &str = "eu-west-1";

fn formation(wire: &Wire) -> CloudFormation {
    CloudFormation::new(wire.connections().config().clone(), ROLE)
}

fn answer(action: &str, content: &str) -> String {
    format!("<{action}Response><{action}Result>{content}</{action}Result></{action}Response>")
}

fn error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error></ErrorResponse>"
    )
}

fn request() -> StackRequest {
    StackRequest {
        name: STACK.to_owned(),
        region: REGION.to_owned(),
        template: "{}".to_owned(),
        parameters: BTreeMap::from([("TenantId".to_owned(), "globex".to_owned())]),
    }
}

/// The fields of a request, by name.
fn fields(sent: &Sent) -> BTreeMap<String, String> {
    sent.form().into_iter().collect()
}

fn actions(wire: &Wire) -> Vec<String> {
    wire.sent().iter().map(|sent| fields(sent)["Action"].clone()).collect()
}

#[tokio::test]
async fn a_stack_is_made_by_the_role_through_a_change_set_in_its_region() {
    let wire = Wire::default();
    wire.answer(200, answer("CreateChangeSet", "<Id>arn:set</Id>"))
        .answer(200, answer("DescribeChangeSet", "<Status>CREATE_COMPLETE</Status>"))
        .answer(200, answer("ExecuteChangeSet", ""));
    let started = formation(&wire).change(&request(), true).await;
    assert_eq!(started, Ok(Started::Changing));
    assert_eq!(actions(&wire), ["CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet"]);
    let sent = wire.sent();
    assert!(sent.iter().all(|it| it.uri.contains("cloudformation.eu-west-1.")), "{sent:?}");
    let made = fields(&sent[0]);
    for (field, value) in [
        ("StackName", STACK),
        ("ChangeSetType", "CREATE"),
        ("RoleARN", ROLE),
        ("TemplateBody", "{}"),
        ("Capabilities.member.1", "CAPABILITY_NAMED_IAM"),
        ("Parameters.member.1.ParameterKey", "TenantId"),
        ("Parameters.member.1.ParameterValue", "globex"),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert_eq!(fields(&sent[2])["ChangeSetName"], "arn:set");
}

#[tokio::test]
async fn an_empty_change_set_is_deleted_and_no_change() {
    let wire = Wire::default();
    let reason = "The submitted information didn't contain changes. Submit different information.";
    let empty = format!("<Status>FAILED</Status><StatusReason>{reason}</StatusReason>");
    wire.answer(200, answer("CreateChangeSet", "<Id>arn:set</Id>"))
        .answer(200, answer("DescribeChangeSet", &empty))
        .answer(200, answer("DeleteChangeSet", ""));
    assert_eq!(formation(&wire).change(&request(), false).await, Ok(Started::Unchanged));
    assert_eq!(actions(&wire), ["CreateChangeSet", "DescribeChangeSet", "DeleteChangeSet"]);
    assert_eq!(fields(&wire.sent()[0])["ChangeSetType"], "UPDATE");
}

#[tokio::test]
async fn a_change_set_that_fails_is_refused_with_its_reason() {
    let wire = Wire::default();
    let failed = "<Status>FAILED</Status><StatusReason>Parameter Email is missing</StatusReason>";
    wire.answer(200, answer("CreateChangeSet", "<Id>arn:set</Id>"))
        .answer(200, answer("DescribeChangeSet", failed))
        .answer(200, answer("DeleteChangeSet", ""));
    let refused = FormationError::Refused("Parameter Email is missing".to_owned());
    assert_eq!(formation(&wire).change(&request(), true).await, Err(refused));
}

#[tokio::test]
async fn a_stack_that_is_not_there_is_told_from_what_failed() {
    let wire = Wire::default();
    let stack = "<Stacks><member><StackName>a</StackName><CreationTime>2026-11-20T09:00:00Z\
                 </CreationTime><StackStatus>ROLLBACK_COMPLETE</StackStatus></member></Stacks>";
    wire.answer(400, error("ValidationError", "Stack with id x does not exist"))
        .answer(200, answer("DescribeStacks", stack))
        .answer(400, error("AccessDenied", "not you"))
        .answer(400, error("Throttling", "Rate exceeded"));
    let formation = formation(&wire);
    assert_eq!(formation.state(REGION, STACK).await, Ok(None));
    let there = formation.state(REGION, STACK).await.unwrap().unwrap();
    assert_eq!(there.status, "ROLLBACK_COMPLETE");
    let refused = FormationError::Refused("AccessDenied: not you".to_owned());
    assert_eq!(formation.state(REGION, STACK).await, Err(refused));
    let busy = FormationError::Busy("Throttling: Rate exceeded".to_owned());
    assert_eq!(formation.state(REGION, STACK).await, Err(busy));
    // No connection.
    assert!(matches!(formation.state(REGION, STACK).await, Err(FormationError::Busy(_))));
}

#[tokio::test]
async fn a_stack_is_deleted_by_the_role() {
    let wire = Wire::default();
    wire.answer(200, answer("DeleteStack", ""));
    formation(&wire).delete(REGION, STACK).await.unwrap();
    let sent = fields(&wire.last());
    assert_eq!((sent["StackName"].as_str(), sent["RoleARN"].as_str()), (STACK, ROLE));
}

#[tokio::test]
async fn the_cause_is_the_first_failure_of_the_last_operation() {
    let event = |logical: &str, physical: &str, status: &str, reason: &str| {
        format!(
            "<member><StackId>arn:stack</StackId><EventId>{logical}{status}</EventId>\
             <StackName>{STACK}</StackName><LogicalResourceId>{logical}</LogicalResourceId>\
             <PhysicalResourceId>{physical}</PhysicalResourceId><ResourceType>AWS::X::Y\
             </ResourceType><Timestamp>2026-11-20T09:00:00Z</Timestamp>\
             <ResourceStatus>{status}</ResourceStatus>\
             <ResourceStatusReason>{reason}</ResourceStatusReason></member>"
        )
    };
    // The newest first, as CloudFormation tells them.
    let events = [
        event(STACK, "arn:stack", "ROLLBACK_COMPLETE", ""),
        event("Role", "r", "DELETE_FAILED", "in use"),
        event(STACK, "arn:stack", "ROLLBACK_IN_PROGRESS", "The following failed: [Memory]"),
        event("Budget", "b", "CREATE_FAILED", "Resource creation cancelled"),
        event("Memory", "m", "CREATE_FAILED", "no room"),
        event(STACK, "arn:stack", "CREATE_IN_PROGRESS", "User Initiated"),
        event("Old", "o", "CREATE_FAILED", "long ago"),
    ];
    let wire = Wire::default();
    let content = format!("<StackEvents>{}</StackEvents>", events.concat());
    wire.answer(200, answer("DescribeStackEvents", &content));
    let cause = formation(&wire).first_failure(REGION, STACK).await.unwrap();
    assert_eq!(cause.as_deref(), Some("Memory (AWS::X::Y): no room"));
}
