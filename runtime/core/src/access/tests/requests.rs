//! What the SDK would send, and what becomes of what comes back.

use std::time::Duration;

use aws_credential_types::Credentials;
use serde_json::json;

use super::super::wire::{Sent, Wire};
use super::*;
use crate::api::JobStatus;
use crate::model::samples;
use crate::model::*;

fn acme(wire: &Wire) -> (World, TenantScopedDynamoDb) {
    let world = World::default();
    let tables = DynamoDb::new(wire.connections().dynamodb(), "p-dev");
    let scope = Scope::tenant(&caller("acme"));
    let data = TenantScopedDynamoDb::new(scope, Arc::new(tables), world.watchers());
    (world, data)
}

fn sent(item: &impl Item) -> serde_json::Value {
    serde_json::to_value(serde_dynamo::Item::from(item.to_attributes().unwrap())).unwrap()
}

fn target(sent: &Sent) -> &str {
    sent.header("x-amz-target").rsplit('.').next().unwrap()
}

fn lasting() -> Job {
    Job { expires_at: i64::from(u32::MAX), ..samples::job(&samples::acme()) }
}

#[test]
fn an_item_is_read_as_it_was_last_written() {
    let wire = Wire::default();
    let (_, acme) = acme(&wire);
    let job = lasting();
    wire.answer(200, json!({ "Item": sent(&job) })).answer(200, "{}");
    assert_eq!(run(acme.get(&job.key())).unwrap(), Some(job.clone()));
    let request = wire.last();
    assert_eq!(target(&request), "GetItem");
    let key = json!({ "tenant_id": { "S": "acme" }, "job_id": { "S": job.job_id.to_string() } });
    let body = json!({ "TableName": "p-dev-jobs", "Key": key, "ConsistentRead": true });
    assert_eq!(request.json(), body);
    assert_eq!(run(acme.get(&job.key())).unwrap(), None);
}

#[test]
fn an_item_of_another_tenant_in_an_answer_does_not_get_through() {
    let wire = Wire::default();
    let (world, acme) = acme(&wire);
    let job = lasting();
    let theirs = Job { tenant_id: "other".parse().unwrap(), ..job.clone() };
    wire.answer(200, json!({ "Item": sent(&theirs) }));
    assert!(violation(run(acme.get(&job.key()))).in_reply);
    violation(run(acme.get(&theirs.key())));
    assert_eq!((wire.sent().len(), world.violations()), (1, 2));
}

#[test]
fn writes_carry_their_conditions() {
    let wire = Wire::default();
    let (_, acme) = acme(&wire);
    let (job, webhook) = (lasting(), samples::webhook(&samples::acme()));
    for _ in 0..6 {
        wire.answer(200, "{}");
    }
    run(async {
        acme.create(&job).await.unwrap();
        acme.put(&webhook, Condition::none()).await.unwrap();
        acme.replace(webhook.clone()).await.unwrap();
        acme.delete(&webhook.key(), Condition::revision(Revision(0))).await.unwrap();
        acme.put(&samples::agent(&samples::acme(), "a"), Condition::absent()).await.unwrap();
        let missing = acme.update(&webhook.key(), Update::new(), Condition::none()).await;
        assert_eq!(missing, Err(AccessError::Absent));
    });
    let all = wire.sent();
    let body = all[0].json();
    assert_eq!(body["Item"], sent(&job));
    assert_eq!(body["ConditionExpression"], "(attribute_not_exists(#n0) OR #n1 <= :v0)");
    let names = json!({ "#n0": "tenant_id", "#n1": "expires_at" });
    assert_eq!(body["ExpressionAttributeNames"], names);
    assert!(body["ExpressionAttributeValues"][":v0"]["N"].is_string());
    let body = all[1].json();
    assert_eq!(
        (&body["TableName"], body.get("ConditionExpression")),
        (&"p-dev-webhooks".into(), None)
    );
    let body = all[2].json();
    assert_eq!(body["ConditionExpression"], "attribute_exists(#n0) AND #n1 = :v0");
    assert_eq!(body["ExpressionAttributeValues"], json!({ ":v0": { "N": "1" } }));
    assert_eq!(body["Item"]["revision"], json!({ "N": "2" }));
    let body = all[3].json();
    assert_eq!(body["ConditionExpression"], "attribute_exists(#n0) AND attribute_not_exists(#n1)");
    assert_eq!(body["ExpressionAttributeNames"], json!({ "#n0": "tenant_id", "#n1": "revision" }));
    assert_eq!(all[4].json()["ConditionExpression"], "attribute_not_exists(#n0)");
}

#[test]
fn an_update_names_nothing_in_its_text() {
    let wire = Wire::default();
    let (_, acme) = acme(&wire);
    let webhook = samples::webhook(&samples::acme());
    let changed = Webhook { revision: Revision(2), ..webhook.clone() };
    wire.answer(200, json!({ "Attributes": sent(&changed) }));
    let update =
        Update::new().set_text("status = :x", "; DROP").add("tries", -2).remove("last error");
    let result = run(acme.update(&webhook.key(), update, Condition::revision(Revision(1))));
    assert_eq!(result.unwrap(), changed);
    let body = wire.last().json();
    assert_eq!(body["UpdateExpression"], "SET #n2 = :v1 ADD #n1 :v2, #n3 :v3 REMOVE #n4");
    assert_eq!(body["ConditionExpression"], "attribute_exists(#n0) AND #n1 = :v0");
    let names = json!({ "#n0": "tenant_id", "#n1": "revision", "#n2": "status = :x", "#n3": "tries", "#n4": "last error" });
    assert_eq!(body["ExpressionAttributeNames"], names);
    let values = json!({ ":v0": { "N": "1" }, ":v1": { "S": "; DROP" }, ":v2": { "N": "1" }, ":v3": { "N": "-2" } });
    assert_eq!(body["ExpressionAttributeValues"], values);
    assert_eq!(body["ReturnValues"], "ALL_NEW");
}

#[test]
fn a_list_is_asked_for_in_its_tenants_partition_and_goes_on_there() {
    let wire = Wire::default();
    let (_, acme) = acme(&wire);
    let job = lasting();
    let list = Listing::<Job>::with_status(JobStatus::Queued).newest_first();
    let mut position = job.key().attributes();
    position.extend(
        job.index_keys().into_iter().map(|(name, key)| (name.to_owned(), AttributeValue::S(key))),
    );
    let position = serde_json::to_value(serde_dynamo::Item::from(position)).unwrap();
    wire.answer(200, json!({ "Items": [sent(&job)], "LastEvaluatedKey": position }));
    wire.answer(200, json!({ "Items": [], "LastEvaluatedKey": {} }));
    let page = run(acme.list(&list, 5, None)).unwrap();
    assert_eq!(page.items, [job]);
    let body = wire.last().json();
    assert_eq!(body["IndexName"], "by-status");
    assert_eq!(body["KeyConditionExpression"], "#n0 = :v0 AND begins_with(#n1, :v1)");
    assert_eq!(
        body["ExpressionAttributeNames"],
        json!({ "#n0": "tenant_id", "#n1": "status_job" })
    );
    assert_eq!(
        body["ExpressionAttributeValues"],
        json!({ ":v0": { "S": "acme" }, ":v1": { "S": "queued#" } })
    );
    assert_eq!((&body["Limit"], &body["ScanIndexForward"]), (&json!(5), &json!(false)));
    let end = run(acme.list(&list, 5, page.next.as_deref())).unwrap();
    assert_eq!((end.items.len(), end.next), (0, None));
    assert_eq!(wire.last().json()["ExclusiveStartKey"], position);
    wire.answer(200, "{}");
    run(acme.list(&Listing::<Session>::all(), 5, None)).unwrap();
    assert_eq!(wire.last().json()["KeyConditionExpression"], "#n0 = :v0");
}

#[test]
fn what_a_batch_leaves_is_sent_again() {
    let wire = Wire::default();
    let (_, acme) = acme(&wire);
    let (one, other) = (lasting(), lasting());
    let key =
        |job: &Job| serde_json::to_value(serde_dynamo::Item::from(job.key().attributes())).unwrap();
    let keys = json!({ "p-dev-jobs": { "Keys": [key(&other)] } });
    wire.answer(
        200,
        json!({ "Responses": { "p-dev-jobs": [sent(&one)] }, "UnprocessedKeys": keys }),
    );
    wire.answer(200, json!({ "Responses": { "p-dev-jobs": [sent(&other)] } }));
    let found = run(acme.batch_get(&[one.key(), other.key()])).unwrap();
    assert_eq!(found, [one.clone(), other.clone()]);
    assert_eq!(wire.last().json()["RequestItems"]["p-dev-jobs"]["Keys"], json!([key(&other)]));
    assert_eq!(target(&wire.last()), "BatchGetItem");

    let put = json!({ "PutRequest": { "Item": sent(&one) } });
    let delete = json!({ "DeleteRequest": { "Key": key(&other) } });
    for left in [json!([put, delete]), json!([delete])] {
        wire.answer(200, json!({ "UnprocessedItems": { "p-dev-jobs": left } }));
    }
    wire.answer(200, "{}");
    run(acme.batch_write(std::slice::from_ref(&one), &[other.key()])).unwrap();
    let sent = wire.sent();
    let written: Vec<_> =
        sent[2..].iter().map(|it| it.json()["RequestItems"]["p-dev-jobs"].clone()).collect();
    assert_eq!(written, [json!([put, delete]), json!([put, delete]), json!([delete])]);
    assert!(sent[2..].iter().all(|it| target(it) == "BatchWriteItem"));
}

#[test]
fn a_transaction_is_one_request() {
    let wire = Wire::default();
    let (_, acme) = acme(&wire);
    let webhook = samples::webhook(&samples::acme());
    let key = webhook.key();
    wire.answer(200, "{}");
    let all = Transaction::new()
        .create(&webhook)
        .unwrap()
        .update(&key, Update::new().set_text("url", "x"), Condition::none())
        .delete(&key, Condition::none())
        .check(&key, Condition::present());
    run(acme.transact(all)).unwrap();
    assert_eq!(target(&wire.last()), "TransactWriteItems");
    let body = wire.last().json();
    let parts = body["TransactItems"].as_array().unwrap();
    let kinds: Vec<_> = parts.iter().flat_map(|it| it.as_object().unwrap().keys()).collect();
    assert_eq!(kinds, ["Put", "Update", "Delete", "ConditionCheck"]);
    assert_eq!(parts[1]["Update"]["ConditionExpression"], "attribute_exists(#n0)");
    assert_eq!(parts[1]["Update"]["UpdateExpression"], "SET #n1 = :v0 ADD #n2 :v1");
    assert_eq!(parts[2]["Delete"].get("ConditionExpression"), None);
    assert_eq!(parts[3]["ConditionCheck"]["Key"]["tenant_id"], json!({ "S": "acme" }));
    // A check by itself is a transaction of one.
    wire.answer(200, "{}");
    let tables = DynamoDb::new(wire.connections().dynamodb(), "p-dev");
    let change = Change::Check(key.attributes());
    let check = Write { table: Webhook::TABLE, change, condition: Condition::present() };
    run(tables.run(&Operation::Write(check))).unwrap();
    assert_eq!(target(&wire.last()), "TransactWriteItems");
}

#[test]
fn errors_become_what_callers_can_act_on_and_quote_nothing() {
    let wire = Wire::default();
    let (_, acme) = acme(&wire);
    let job = lasting();
    let prefix = "com.amazonaws.dynamodb.v20120810#";
    let cancelled = |reasons: &str| {
        json!({ "__type": format!("{prefix}TransactionCanceledException"),
            "message": format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{reasons}]") })
    };
    let error =
        |code: &str| json!({ "__type": format!("{prefix}{code}"), "message": "secret value" });
    let failed = |code: &str| AccessError::Backend(BackendError::Failed(code.to_owned()));
    let busy = |code: &str| AccessError::Backend(BackendError::Busy(code.to_owned()));
    for (answer, expected) in [
        (error("ConditionalCheckFailedException"), AccessError::Condition),
        (
            error("ProvisionedThroughputExceededException"),
            busy("ProvisionedThroughputExceededException"),
        ),
        (error("ThrottlingException"), busy("ThrottlingException")),
        (error("ResourceNotFoundException"), failed("ResourceNotFoundException")),
        (error("AccessDeniedException"), failed("AccessDeniedException")),
        (json!({}), failed("an answer that cannot be read")),
        (cancelled("None, ConditionalCheckFailed"), AccessError::Condition),
        (cancelled("TransactionConflict"), busy("TransactionCanceledException")),
        (cancelled("ValidationError"), failed("TransactionCanceledException")),
        (cancelled("ItemCollectionSizeLimitExceeded"), failed("TransactionCanceledException")),
    ] {
        wire.answer(400, answer);
        let error = run(acme.put(&job, Condition::none())).unwrap_err();
        assert_eq!(error, expected);
        assert!(!error.to_string().contains("secret"));
    }
    assert_eq!(run(acme.get(&job.key())).unwrap_err(), failed("no connection"));
    wire.answer(200, "<html>");
    assert_eq!(run(acme.get(&job.key())).unwrap_err(), failed("an answer that cannot be read"));
}

#[test]
fn a_tenants_requests_are_signed_by_the_tenants_session() {
    let wire = Wire::default();
    wire.answer(200, "{}").answer(200, "{}");
    let session = Credentials::new("AKIDACME", "s", Some("session-of-acme".into()), None, "test");
    let narrowed = wire.connections().with(Some(session));
    let key = samples::job(&samples::acme()).key();
    for (connections, signer, token) in
        [(narrowed, "AKIDACME", "session-of-acme"), (wire.connections().with(None), "AKIDOWN", "")]
    {
        let tables = Arc::new(DynamoDb::new(connections.dynamodb(), "p-dev"));
        let scope = Scope::tenant(&caller("acme"));
        let data = TenantScopedDynamoDb::new(scope, tables, World::default().watchers());
        run(data.get(&key)).unwrap();
        let request = wire.last();
        assert!(request.header("authorization").contains(&format!("Credential={signer}/")));
        assert_eq!(request.header("x-amz-security-token"), token);
    }
    assert_eq!(wire.connections().config().region().unwrap().as_ref(), "eu-west-2");
}

fn objects(wire: &Wire) -> TenantScopedS3 {
    let bucket = S3Bucket::new(wire.connections().s3(), "p-dev-results");
    let scope = Scope::tenant(&caller("acme"));
    TenantScopedS3::new(scope, Arc::new(bucket), World::default().watchers())
}

const HOST: &str = "https://p-dev-results.s3.eu-west-2.amazonaws.com";

#[test]
fn objects_are_asked_for_below_the_tenants_prefix() {
    let wire = Wire::default();
    let acme = objects(&wire);
    let key: ObjectKey = "job-1/a.json".parse().unwrap();
    let list = "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>tenants/acme/job-1/a.json</Key></Contents></ListBucketResult>";
    wire.answer(200, "body").answer(200, "").answer(200, "").answer(204, "").answer(200, list);
    run(async {
        assert_eq!(acme.get(&key).await.unwrap(), b"body");
        acme.put(&key, b"x".to_vec(), "text/plain").await.unwrap();
        acme.create(&key, b"y".to_vec(), "text/plain").await.unwrap();
        acme.delete(&key).await.unwrap();
        let folder: ObjectKey = "job-1".parse().unwrap();
        assert_eq!(
            acme.list(Some(&folder), Some(&key), 7).await.unwrap(),
            (vec![key.clone()], true)
        );
    });
    let all = wire.sent();
    let methods: Vec<_> = all.iter().map(|it| it.method.as_str()).collect();
    assert_eq!(methods, ["GET", "PUT", "PUT", "DELETE", "GET"]);
    for request in &all[..4] {
        assert!(
            request.uri.starts_with(&format!("{HOST}/tenants/acme/job-1/a.json")),
            "{}",
            request.uri
        );
    }
    assert_eq!((all[1].header("if-none-match"), all[2].header("if-none-match")), ("", "*"));
    assert_eq!(all[2].header("content-type"), "text/plain");
    let query = &all[4].uri;
    for part in [
        "prefix=tenants%2Facme%2Fjob-1%2F",
        "start-after=tenants%2Facme%2Fjob-1%2Fa.json",
        "max-keys=7",
    ] {
        assert!(query.contains(part), "{query}");
    }
}

#[test]
fn signed_addresses_name_the_object_and_end() {
    let wire = Wire::default();
    let acme = objects(&wire);
    let key: ObjectKey = "job-1/a.json".parse().unwrap();
    let get = run(acme.presign_get(&key, Duration::from_mins(2))).unwrap();
    assert!(get.starts_with(&format!("{HOST}/tenants/acme/job-1/a.json?")), "{get}");
    assert!(get.contains("X-Amz-Expires=120&"), "{get}");
    let put = run(acme.presign_put(&key, "text/plain", Duration::from_hours(9))).unwrap();
    assert!(put.contains("X-Amz-Expires=900&") && put.contains("content-type"), "{put}");
    assert!(wire.sent().is_empty());
}

#[test]
fn errors_of_objects_become_what_callers_can_act_on() {
    let wire = Wire::default();
    let acme = objects(&wire);
    let key: ObjectKey = "a".parse().unwrap();
    let error = |code: &str| format!("<Error><Code>{code}</Code><Message>secret</Message></Error>");
    for (status, code, expected) in [
        (404, "NoSuchKey", AccessError::Absent),
        (412, "PreconditionFailed", AccessError::Condition),
        (409, "ConditionalRequestConflict", AccessError::Condition),
        (503, "SlowDown", AccessError::Backend(BackendError::Busy("SlowDown".into()))),
        (403, "AccessDenied", AccessError::Backend(BackendError::Failed("AccessDenied".into()))),
    ] {
        wire.answer(status, error(code));
        assert_eq!(run(acme.get(&key)).unwrap_err(), expected);
    }
}

#[test]
fn a_record_is_put_into_the_audit_trail_once_with_a_checksum() {
    let wire = Wire::default();
    wire.answer(200, "").answer(403, "<Error><Code>AccessDenied</Code></Error>");
    let audit = S3Audit::new(wire.connections().s3(), "p-dev-audit");
    let record = AuditRecord {
        at: "2026-11-21T08:00:00Z".parse().unwrap(),
        kind: AuditKind::CrossTenantAccess,
        subject: "ada".into(),
        tenant_id: Some(samples::acme()),
        operation: "get",
        tables: vec!["jobs".into()],
        attempted: Some("other".into()),
    };
    run(audit.record(&record)).unwrap();
    let request = wire.last();
    let place = "https://p-dev-audit.s3.eu-west-2.amazonaws.com/access/tenants/acme/2026/11/21/";
    assert!(request.uri.starts_with(place), "{}", request.uri);
    assert_eq!(request.header("if-none-match"), "*");
    let body = json!({
        "at": "2026-11-21T08:00:00.000Z", "kind": "cross-tenant-access", "subject": "ada", "tenant_id": "acme",
        "operation": "get", "tables": ["jobs"], "attempted": "other",
    });
    assert!(request.body.contains(&body.to_string()), "{}", request.body);
    assert_eq!(request.header("x-amz-sdk-checksum-algorithm"), "SHA256");
    assert_eq!(run(audit.record(&record)), Err("AccessDenied".to_owned()));
    assert_ne!(record.key(), record.key());
    run(LogAudit.record(&record)).unwrap();
}
