//! Both stores, request by request: what they ask for, and what they make of answers.

use platformctl::lock::{
    DynamoDbLeases, LeaseStore, Machine as _, S3Leases, StoreError, System, Version, Wrote,
};
use runtime_core::model::{Holder, Item as _, OpsLock};
use serde_json::{Value, json};

use super::wire::Wire;

fn record() -> OpsLock {
    let holder = Holder {
        who: "ada".parse().expect("who"),
        host: "desk".parse().expect("host"),
        job: "deploy".parse().expect("job"),
        reason: "a release".parse().expect("reason"),
        run_id: "2026-11-20-j81c".parse().expect("run"),
    };
    OpsLock::first("deploy".parse().expect("name"), holder, 60, System.write())
}

/// As the table's wire format has it.
fn item(record: &OpsLock) -> Value {
    use runtime_core::model::AttributeValue as It;
    fn value(it: &It) -> Value {
        match it {
            It::S(text) => json!({ "S": text }),
            It::N(number) => json!({ "N": number }),
            It::M(map) => {
                let map: serde_json::Map<_, _> =
                    map.iter().map(|(name, it)| (name.clone(), value(it))).collect();
                json!({ "M": map })
            }
            other => panic!("{other:?}"),
        }
    }
    let attributes = record.to_attributes().expect("attributes");
    let map: serde_json::Map<_, _> =
        attributes.iter().map(|(name, it)| (name.clone(), value(it))).collect();
    json!({ "Item": map })
}

#[tokio::test]
async fn a_table_is_read_consistently_and_written_under_a_condition() {
    let (wire, first) = (Wire::default(), record());
    let store = DynamoDbLeases::new(wire.clients().dynamodb, "acme-dev-ops-locks");
    wire.answer(200, "{}").answer(200, item(&first)).answer(200, "{}").answer(200, "{}");
    assert_eq!(store.read(&first.lock_name).await.expect("an answer"), None);
    let seen = store.read(&first.lock_name).await.expect("an answer").expect("a record");
    assert_eq!((&seen.record, seen.version.0.as_str()), (&first, &*first.write.to_string()));
    let version = Version(first.write.to_string());
    assert_eq!(store.write(&first, None).await.expect("made"), Wrote::Done(version.clone()));
    let next = first.renew(System.write());
    let made = store.write(&next, Some(&version)).await.expect("made");
    assert_eq!(made, Wrote::Done(Version(next.write.to_string())));

    let sent = wire.sent();
    assert_eq!(sent[0].header("x-amz-target"), "DynamoDB_20120810.GetItem");
    assert_eq!(
        sent[0].json(),
        json!({
            "TableName": "acme-dev-ops-locks",
            "Key": { "lock_name": { "S": "deploy" } },
            "ConsistentRead": true,
        })
    );
    assert_eq!(sent[2].header("x-amz-target"), "DynamoDB_20120810.PutItem");
    assert_eq!(sent[2].json()["ConditionExpression"], "attribute_not_exists(#key)");
    assert_eq!(sent[2].json()["ExpressionAttributeNames"], json!({ "#key": "lock_name" }));
    let put = sent[3].json();
    assert_eq!(put["ConditionExpression"], "#write = :seen");
    assert_eq!(put["ExpressionAttributeNames"], json!({ "#write": "write" }));
    assert_eq!(put["ExpressionAttributeValues"], json!({ ":seen": { "S": version.0 } }));
    assert_eq!(put["Item"], item(&next)["Item"]);
    assert!(put["Item"].get("expires_at").is_none(), "a lease never relies on expiry");
}

/// Which of the kinds of failure an answer is.
#[expect(clippy::needless_pass_by_value, reason = "it is what the call gives")]
fn kind<T>(result: Result<T, StoreError>) -> &'static str {
    match result {
        Ok(_) => "none",
        Err(StoreError::Missing(_)) => "missing",
        Err(StoreError::Refused(_)) => "refused",
        Err(StoreError::Unknown(_)) => "unknown",
    }
}

#[tokio::test]
async fn a_table_says_what_became_of_a_write_or_nothing_is_assumed() {
    let (wire, first) = (Wire::default(), record());
    let store = DynamoDbLeases::new(wire.clients().dynamodb, "acme-dev-ops-locks");
    let error = |code: &str| json!({ "__type": format!("com.amazonaws#{code}"), "message": "no" });
    wire.answer(400, error("ConditionalCheckFailedException"));
    assert_eq!(store.write(&first, None).await.expect("an answer"), Wrote::Conflict);
    for (status, code, wanted) in [
        (400, "ResourceNotFoundException", "missing"),
        (400, "AccessDeniedException", "refused"),
        (400, "ValidationException", "refused"),
        (400, "ProvisionedThroughputExceededException", "unknown"),
        (400, "TransactionConflictException", "unknown"),
        (500, "InternalServerError", "unknown"),
    ] {
        wire.answer(status, error(code));
        assert_eq!(kind(store.write(&first, None).await), wanted, "{code}");
        wire.answer(status, error(code));
        assert_eq!(kind(store.read(&first.lock_name).await), wanted, "{code}");
    }
    wire.lose();
    assert_eq!(kind(store.write(&first, None).await), "unknown");
    wire.lose();
    assert_eq!(kind(store.read(&first.lock_name).await), "unknown");
    // A request is sent once: whoever reads back in between knows what became of it.
    assert_eq!(wire.sent().len(), 15);
    // What another release wrote is not guessed at.
    let mut foreign = item(&first);
    foreign["Item"]["v"] = json!({ "N": "9" });
    wire.answer(200, foreign);
    assert_eq!(kind(store.read(&first.lock_name).await), "refused");
}

#[tokio::test]
async fn a_bucket_is_written_over_the_tag_that_was_seen() {
    let (wire, first) = (Wire::default(), record());
    let store = S3Leases::new(wire.clients().s3, "locks", "acme-dev");
    let body = serde_json::to_string(&first).expect("JSON");
    wire.answer_tagged(200, "\"one\"", "").answer_tagged(200, "\"one\"", &body);
    wire.answer_tagged(200, "\"two\"", "");
    let one = Version("\"one\"".to_owned());
    assert_eq!(store.write(&first, None).await.expect("made"), Wrote::Done(one.clone()));
    let seen = store.read(&first.lock_name).await.expect("an answer").expect("a record");
    assert_eq!((&seen.record, &seen.version), (&first, &one));
    let next = first.renew(System.write());
    let made = store.write(&next, Some(&one)).await.expect("made");
    assert_eq!(made, Wrote::Done(Version("\"two\"".to_owned())));

    let sent = wire.sent();
    assert!(sent[0].uri.contains("/acme-dev/locks/deploy.json"), "{}", sent[0].uri);
    assert_eq!((sent[0].method.as_str(), sent[0].header("if-none-match")), ("PUT", "*"));
    assert_eq!((sent[2].header("if-match"), sent[2].header("if-none-match")), ("\"one\"", ""));
    assert!(sent[0].body.contains(r#""run_id":"2026-11-20-j81c""#), "{}", sent[0].body);
}

#[tokio::test]
async fn a_bucket_says_what_became_of_a_write_or_nothing_is_assumed() {
    let (wire, first) = (Wire::default(), record());
    let store = S3Leases::new(wire.clients().s3, "locks", "acme-dev");
    let error = |code: &str| format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    let one = Version("\"one\"".to_owned());
    for (status, code) in
        [(412, "PreconditionFailed"), (409, "ConditionalRequestConflict"), (404, "NoSuchKey")]
    {
        wire.answer(status, error(code));
        let wrote = store.write(&first, Some(&one)).await.expect("an answer");
        assert_eq!(wrote, Wrote::Conflict, "{code}");
    }
    wire.answer(404, error("NoSuchKey"));
    assert_eq!(store.read(&first.lock_name).await.expect("an answer"), None);
    for (status, code, wanted) in [
        (404, "NoSuchBucket", "missing"),
        (403, "AccessDenied", "refused"),
        (301, "PermanentRedirect", "refused"),
        (503, "SlowDown", "unknown"),
        (500, "InternalError", "unknown"),
    ] {
        wire.answer(status, error(code));
        assert_eq!(kind(store.write(&first, None).await), wanted, "{code}");
        wire.answer(status, error(code));
        assert_eq!(kind(store.read(&first.lock_name).await), wanted, "{code}");
    }
    wire.lose();
    assert_eq!(kind(store.write(&first, None).await), "unknown");
    wire.answer(200, "{}");
    assert_eq!(kind(store.read(&first.lock_name).await), "refused");
}
