//! What is asked of SQS about dead letters, and how its answers are read.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_credential_types::Credentials;
use platformctl::error::{Kind, Result};
use platformctl::event::Events;
use platformctl::journal::{Journal, Mask};
use platformctl::ops::dlq::{
    Attribute, Broker, Content, MoveTask, Moved, Outgoing, Refusal, SendError, Sqs,
};
use platformctl::signal::Cancel;
use serde_json::{Value, json};

use crate::harness::{REGION, clients, clients_with};
use crate::script::{Answer, Cloud};

const DEAD: &str = "https://sqs.eu-west-2.amazonaws.com/123456789012/dead.fifo";
const WORK: &str = "https://sqs.eu-west-2.amazonaws.com/123456789012/work.fifo";
const ARN: &str = "arn:aws:sqs:eu-west-2:123456789012:dead";

fn broker(cloud: &Cloud) -> Sqs {
    // A client that would send again by itself.
    let keys = Credentials::from_keys("AKIDEXAMPLE", "planted", None);
    let retry = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let aws = clients_with(cloud, Some(keys), retry);
    assert_eq!(aws.region, REGION);
    Sqs { aws, url: DEAD.into(), target: Some(WORK.into()), function: None, archive: None }
}

fn message(id: &str) -> Outgoing {
    let bytes = Attribute { data_type: "Binary.png".into(), content: Content::Bytes(vec![1, 2]) };
    let attributes = [("count", Attribute::number(3)), ("picture", bytes)];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value));
    Outgoing {
        id: id.into(),
        body: "body".into(),
        attributes: BTreeMap::from(attributes),
        trace: Some("Root=1-2-3".into()),
        group: Some("acme".into()),
        deduplication: Some(format!("redrive-{id}")),
    }
}

async fn sent(answer: Answer) -> (Result<Vec<Refusal>, SendError>, usize) {
    let cloud = Cloud::new();
    cloud.expect("sqs:SendMessageBatch", "work.fifo", answer);
    let result = broker(&cloud).send(&[message("a"), message("b")]).await;
    (result, cloud.count("SendMessageBatch"))
}

fn refusal(code: &str, status: u16) -> Answer {
    let body = json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": "no" });
    Answer::status(status, body.to_string())
}

#[tokio::test]
async fn a_message_is_sent_as_it_was() {
    let cloud = Cloud::new();
    let answer = json!({ "Successful": [], "Failed": [] }).to_string();
    cloud.expect("sqs:SendMessageBatch", "work.fifo", Answer::ok(answer));
    assert_eq!(broker(&cloud).send(&[message("a")]).await.expect("sent"), []);
    let sent = cloud.calls("SendMessageBatch")[0].json();
    assert_eq!(
        sent["Entries"],
        json!([{
            "Id": "0",
            "MessageBody": "body",
            "MessageAttributes": {
                "count": { "StringValue": "3", "DataType": "Number" },
                "picture": { "BinaryValue": "AQI=", "DataType": "Binary.png" },
            },
            "MessageSystemAttributes": {
                "AWSTraceHeader": { "StringValue": "Root=1-2-3", "DataType": "String" },
            },
            "MessageDeduplicationId": "redrive-a",
            "MessageGroupId": "acme",
        }])
    );
}

#[tokio::test]
async fn a_refused_message_is_named() {
    let failed = json!({
        "Successful": [{ "Id": "0", "MessageId": "x", "MD5OfMessageBody": "y" }],
        "Failed": [{ "Id": "1", "Code": "InvalidMessageContents", "Message": "no", "SenderFault": true }],
    });
    let (result, _) = sent(Answer::ok(failed.to_string())).await;
    let refusal = Refusal { id: "b".into(), reason: "InvalidMessageContents: no".into() };
    assert_eq!(result.expect("an answer"), [refusal]);
}

#[tokio::test]
async fn a_request_is_sent_once_and_its_failure_says_whether_it_may_have_been_taken() {
    let cases = [
        (Answer::Unreachable, true, true),
        (refusal("InternalFailure", 500), true, true),
        (Answer::status(503, ""), true, true),
        (refusal("RequestThrottled", 400), false, true),
        (refusal("QueueDoesNotExist", 400), false, false),
        (refusal("AccessDeniedException", 403), false, false),
    ];
    for (index, (answer, unsure, passing)) in cases.into_iter().enumerate() {
        let (result, requests) = sent(answer).await;
        let failed = result.expect_err("a failure");
        assert_eq!((failed.unsure, failed.passing, requests), (unsure, passing, 1), "{index}");
    }
}

#[tokio::test]
async fn a_receive_asks_for_all_that_is_to_be_kept() {
    let cloud = Cloud::new();
    let message = json!({
        "MessageId": "m", "ReceiptHandle": "h", "Body": "b",
        "Attributes": { "SentTimestamp": "1", "MessageGroupId": "acme" },
        "MessageAttributes": { "own": { "DataType": "Number.own", "StringValue": "7" } },
    });
    let answer = json!({ "Messages": [message] }).to_string();
    cloud.expect("sqs:ReceiveMessage", "dead.fifo", Answer::ok(answer));
    let (hide, wait) = (Duration::from_secs(30), Duration::from_secs(1));
    let letters = broker(&cloud).receive(7, hide, wait).await.expect("letters");
    let asked = cloud.calls("ReceiveMessage")[0].json();
    assert_eq!(asked["MaxNumberOfMessages"], 7);
    assert_eq!((&asked["VisibilityTimeout"], &asked["WaitTimeSeconds"]), (&json!(30), &json!(1)));
    assert_eq!(asked["MessageAttributeNames"], json!(["All"]));
    assert_eq!(asked["MessageSystemAttributeNames"], json!(["All"]));
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((letter.id.as_str(), letter.handle.as_str()), ("m", "h"));
    assert_eq!((letter.group(), letter.sent_ms()), (Some("acme"), Some(1)));
    assert_eq!(letter.attributes["own"].data_type, "Number.own");
}

#[tokio::test]
async fn what_was_not_deleted_is_named_and_all_are_put_back_at_once() {
    let cloud = Cloud::new();
    let failed = json!({
        "Successful": [{ "Id": "0" }],
        "Failed": [{ "Id": "1", "Code": "ReceiptHandleIsInvalid", "SenderFault": true }],
    });
    cloud.expect("sqs:DeleteMessageBatch", "dead.fifo", Answer::ok(failed.to_string()));
    cloud.expect("sqs:ChangeMessageVisibilityBatch", "dead.fifo", Answer::ok(failed.to_string()));
    let letters = [("a".to_owned(), "ha".to_owned()), ("b".to_owned(), "hb".to_owned())];
    let broker = broker(&cloud);
    assert_eq!(broker.delete(&letters).await.expect("deleted"), ["b"]);
    // One whose time is over is back already.
    broker.release(&letters).await.expect("put back");
    let back = cloud.calls("ChangeMessageVisibilityBatch")[0].json();
    assert_eq!(
        back["Entries"][1],
        json!({ "Id": "1", "ReceiptHandle": "hb", "VisibilityTimeout": 0 })
    );
}

fn task(status: &str, moved: u64) -> Answer {
    let task = json!({
        "Status": status, "TaskHandle": "handle", "SourceArn": ARN,
        "ApproximateNumberOfMessagesMoved": moved, "ApproximateNumberOfMessagesToMove": 9,
        "StartedTimestamp": 1,
    });
    Answer::ok(json!({ "Results": [task] }).to_string())
}

async fn moved(cloud: &Cloud, cancel: &Cancel, goes_on: bool) -> Result<Option<Moved>> {
    let journal = Journal::unrecorded(Mask::default());
    let aws = clients(cloud);
    let events = Events::none();
    let task = MoveTask {
        aws: &aws,
        arn: ARN,
        rate: Some(50),
        every: Duration::from_millis(1),
        journal: &journal,
        events: (&events, "dlq.redrive"),
        cancel,
    };
    task.run(goes_on).await
}

#[tokio::test]
async fn sqs_moves_all_and_is_followed_to_the_end() {
    let cloud = Cloud::new();
    let started = json!({ "TaskHandle": "handle" }).to_string();
    cloud.expect("sqs:StartMessageMoveTask", "dead", Answer::ok(started));
    cloud.expect("sqs:ListMessageMoveTasks", "dead", task("RUNNING", 4));
    cloud.expect("sqs:ListMessageMoveTasks", "dead", task("COMPLETED", 9));
    let moved = moved(&cloud, &Cancel::never(), false).await.expect("moved");
    assert_eq!(moved, Some(Moved { moved: 9, of: Some(9) }));
    let asked = cloud.calls("StartMessageMoveTask")[0].json();
    assert_eq!(asked, json!({ "SourceArn": ARN, "MaxNumberOfMessagesPerSecond": 50 }));
}

#[tokio::test]
async fn a_resumed_run_follows_the_task_that_goes_on() {
    let cloud = Cloud::new();
    cloud.expect("sqs:ListMessageMoveTasks", "dead", task("RUNNING", 4));
    cloud.expect("sqs:ListMessageMoveTasks", "dead", task("COMPLETED", 9));
    assert!(moved(&cloud, &Cancel::never(), true).await.expect("moved").is_some());
    assert_eq!(cloud.count("StartMessageMoveTask"), 0);
}

#[tokio::test]
async fn ctrl_c_stops_the_task() {
    let cloud = Cloud::new();
    let (canceller, cancel) = Cancel::new();
    canceller.cancel();
    cloud.expect("sqs:StartMessageMoveTask", "dead", Answer::ok("{}"));
    cloud.expect("sqs:ListMessageMoveTasks", "dead", task("RUNNING", 4));
    cloud.expect("sqs:CancelMessageMoveTask", "handle", Answer::ok("{}"));
    let error = moved(&cloud, &cancel, false).await.expect_err("interrupted");
    assert_eq!(error.kind(), Kind::Interrupted);
}

#[tokio::test]
async fn where_sqs_does_not_offer_it_nothing_was_begun() {
    for code in ["InvalidAction", "UnsupportedOperation"] {
        let cloud = Cloud::new();
        cloud.expect("sqs:StartMessageMoveTask", "dead", refusal(code, 400));
        assert_eq!(moved(&cloud, &Cancel::never(), false).await.expect("an answer"), None);
    }
    let cloud = Cloud::new();
    cloud.expect("sqs:StartMessageMoveTask", "dead", refusal("AccessDenied", 403));
    assert!(moved(&cloud, &Cancel::never(), false).await.is_err());
}

#[tokio::test]
async fn a_task_that_fails_says_why() {
    let cloud = Cloud::new();
    cloud.expect("sqs:StartMessageMoveTask", "dead", Answer::ok("{}"));
    let failed: Value = json!({ "Results": [{
        "Status": "FAILED", "FailureReason": "CouldNotDetermineMessageSource",
        "ApproximateNumberOfMessagesMoved": 2,
    }] });
    cloud.expect("sqs:ListMessageMoveTasks", "dead", Answer::ok(failed.to_string()));
    let error = moved(&cloud, &Cancel::never(), false).await.expect_err("failed");
    assert!(error.message().contains("CouldNotDetermineMessageSource"), "{error}");
}

const FUNCTION: &str = "acme-dev-git-store";

async fn called(answer: Answer, body: &str) -> (Result<Vec<Refusal>, SendError>, Cloud) {
    let cloud = Cloud::new();
    cloud.expect("lambda:Invoke", FUNCTION, answer);
    let broker = Sqs { target: None, function: Some(FUNCTION.into()), ..broker(&cloud) };
    assert!(broker.one_by_one());
    let message = Outgoing { body: body.into(), ..message("a") };
    (broker.send(&[message]).await, cloud)
}

#[tokio::test]
async fn a_function_is_called_again_with_what_it_was_called_with() {
    let record = json!({
        "version": "1.0", "requestPayload": { "tenant_id": "acme" },
        "requestContext": { "functionArn": "arn:aws:lambda:eu-west-2:1:function:x", "condition": "RetriesExhausted" },
    });
    for body in [r#"{"tenant_id":"acme"}"#.to_owned(), record.to_string()] {
        let (sent, cloud) = called(Answer::status(202, String::new()), &body).await;
        assert_eq!(sent.expect("taken"), []);
        let calls = cloud.calls("Invoke");
        assert_eq!((calls.len(), calls[0].json()), (1, json!({ "tenant_id": "acme" })));
    }
}

#[tokio::test]
async fn what_lambda_refuses_stays_and_what_passes_is_sent_again_by_whoever_counts() {
    let no = |code: &str, status| {
        let body = json!({ "Type": "User", "message": "no" }).to_string();
        Answer::status(status, body).header("x-amzn-errortype", code)
    };
    let (refused, _) = called(no("RequestTooLargeException", 413), "{}").await;
    let refusal = Refusal { id: "a".into(), reason: "RequestTooLargeException".into() };
    assert_eq!(refused.expect("an answer"), [refusal]);
    for (code, status, unsure, passing) in [
        ("TooManyRequestsException", 429, false, true),
        ("ServiceException", 500, true, true),
        ("ResourceNotFoundException", 404, false, false),
    ] {
        let (failed, cloud) = called(no(code, status), "{}").await;
        let failed = failed.expect_err("an error");
        assert_eq!((failed.unsure, failed.passing), (unsure, passing), "{code}");
        assert_eq!(cloud.count("Invoke"), 1, "the client sends once");
    }
}
