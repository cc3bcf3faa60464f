//! What is sent to AWS, request by request.

use std::time::{Duration, Instant};

use runtime_core::access::{Acting, Scope, Wire};
use runtime_core::auth::usage_key;
use runtime_core::caller::{CallerContext, Verified};
use runtime_core::queues;
use runtime_core::telemetry::{Metrics, Written};
use runtime_core::tenant::{TenantId, Tier};
use serde_json::{Value, json};
use tenant_api::services::{Event, Message, SecretValue, ServiceError, Services};
use tenant_api::{Settings, aws};

const KEY: &str = "arn:aws:kms:eu-west-2:123456789012:key/1";

fn services(wire: &Wire) -> Services {
    let places = aws::Places {
        prefix: "acme-dev".to_owned(),
        parameters: "/acme/dev/platform".to_owned(),
        results: "acme-dev-results".to_owned(),
        audit: "acme-dev-audit".to_owned(),
        bus: "acme-dev".to_owned(),
        queues: vec![
            (queues::JOBS, "https://sqs.eu-west-2.amazonaws.com/1/jobs".to_owned()),
            (queues::PROVISIONING, "https://sqs.eu-west-2.amazonaws.com/1/p.fifo".to_owned()),
        ],
        secrets_key: Some(KEY.to_owned()),
        acting: Acting::TenantRole { role: "arn:aws:iam::123456789012:role/tenants".to_owned() },
        metrics: Metrics::new("acme-dev-platform", Written::default()),
    };
    aws::connected(wire.connections(), places)
}

fn globex() -> TenantId {
    "globex".parse().unwrap()
}

fn error(code: &str) -> Value {
    json!({ "__type": code, "message": "the value pk_globex_secret is not right" })
}

/// The operations that were sent, in order.
fn targets(wire: &Wire) -> Vec<String> {
    let target = |header: &str| header.rsplit('.').next().unwrap_or_default().to_owned();
    wire.sent().iter().map(|it| target(it.header("x-amz-target"))).collect()
}

#[tokio::test]
async fn a_secret_is_given_a_value_or_made_with_our_key() {
    let wire = Wire::default();
    let secrets = services(&wire).secrets;
    let of = globex();
    let new =
        |value| SecretValue { name: "acme-dev/api-keys/globex", value, version: "n1", of: &of };
    wire.answer(200, json!({})).answer(400, error("ResourceNotFoundException"));
    wire.answer(200, json!({}));
    secrets.write(new("v1")).await.unwrap();
    secrets.write(new("v2")).await.unwrap();
    assert_eq!(targets(&wire), ["PutSecretValue", "PutSecretValue", "CreateSecret"]);
    assert_eq!(wire.sent()[0].json()["ClientRequestToken"], "n1");
    let made = wire.last().json();
    assert_eq!(made["Name"], "acme-dev/api-keys/globex");
    assert_eq!((&made["SecretString"], &made["KmsKeyId"]), (&json!("v2"), &json!(KEY)));
    assert_eq!(made["Tags"], json!([{ "Key": "tenant", "Value": "globex" }]));
    assert_eq!(made["ClientRequestToken"], "n1");
    // Somebody else made the secret first, with another version or with this one.
    for (answer, expected) in [
        ((200, json!({})), Ok(())),
        ((400, error("ResourceExistsException")), Err(ServiceError::Exists)),
    ] {
        wire.answer(400, error("ResourceNotFoundException"));
        wire.answer(400, error("ResourceExistsException")).answer(answer.0, answer.1);
        assert_eq!(secrets.write(new("v3")).await, expected);
        assert_eq!(wire.last().json()["SecretString"], "v3");
    }
    assert!(!format!("{:?}", new("v4")).contains("v4"));
}

#[tokio::test]
async fn a_secret_that_goes_is_none() {
    let wire = Wire::default();
    let secrets = services(&wire).secrets;
    wire.answer(200, json!({ "SecretString": "v" }));
    wire.answer(400, error("ResourceNotFoundException"));
    wire.answer(400, error("InvalidRequestException"));
    assert_eq!(secrets.read("a", "v").await, Ok(Some("v".to_owned())));
    assert_eq!(secrets.read("a", "v").await, Ok(None));
    assert_eq!(secrets.read("a", "v").await, Ok(None));
    wire.answer(200, json!({})).answer(400, error("InvalidRequestException"));
    wire.answer(400, error("ResourceNotFoundException"));
    secrets.delete("a", false).await.unwrap();
    assert_eq!(wire.last().json()["RecoveryWindowInDays"], 30);
    secrets.delete("a", true).await.unwrap();
    assert_eq!(wire.last().json()["ForceDeleteWithoutRecovery"], true);
    assert_eq!(wire.last().json().get("RecoveryWindowInDays"), None);
    secrets.delete("a", true).await.unwrap();
}

#[tokio::test]
async fn no_error_quotes_what_aws_said() {
    let wire = Wire::default();
    let services = services(&wire);
    wire.answer(400, error("InvalidParameterException")).answer(400, error("ThrottlingException"));
    let refused = services.secrets.read("a", "v").await.unwrap_err();
    let expected = "GetSecretValue: InvalidParameterException";
    assert_eq!(refused, ServiceError::Failed(expected.to_owned()));
    let busy = services.secrets.read("a", "v").await.unwrap_err();
    assert_eq!(busy, ServiceError::Busy("GetSecretValue: ThrottlingException".to_owned()));
    let unreached = services.secrets.read("a", "v").await.unwrap_err();
    assert_eq!(unreached, ServiceError::Busy("GetSecretValue: not reached".to_owned()));
}

#[tokio::test]
async fn a_key_is_found_by_its_whole_name_on_any_page() {
    let wire = Wire::default();
    let gateway = services(&wire).gateway;
    let key = |id: &str, name: &str| json!({ "id": id, "name": name });
    let others = json!({ "item": [key("1", "acme-dev-tenant-globex-2")], "position": "p2" });
    wire.answer(200, others.clone());
    wire.answer(200, json!({ "item": [key("2", "acme-dev-tenant-globex")] }));
    let found = gateway.find_key("acme-dev-tenant-globex").await.unwrap();
    assert_eq!(found.as_deref(), Some("2"));
    let sent = wire.sent();
    assert_eq!((sent.len(), sent[0].method.as_str()), (2, "GET"));
    assert!(sent[0].uri.contains("/apikeys?"), "{}", sent[0].uri);
    for part in ["name=acme-dev-tenant-globex", "includeValues=false", "limit=500"] {
        assert!(sent[0].uri.contains(part), "{}", sent[0].uri);
    }
    assert!(sent[1].uri.contains("position=p2"));
    wire.answer(200, json!({ "item": [] }));
    assert_eq!(gateway.find_key("x").await, Ok(None));
}

#[tokio::test]
async fn a_key_is_made_and_put_on_a_plan_that_is_looked_up_once() {
    let wire = Wire::default();
    let gateway = services(&wire).gateway;
    let conflict = || json!({ "__type": "ConflictException", "message": "API Key already exists" });
    wire.answer(201, json!({ "id": "k1" })).answer(409, conflict());
    let value = usage_key("acme-dev", globex().as_str());
    assert_eq!(gateway.create_key("n", &value).await, Ok("k1".to_owned()));
    let made = wire.last();
    assert!(made.method == "POST" && made.uri.ends_with("/apikeys"), "{made:?}");
    assert_eq!(made.json(), json!({ "name": "n", "enabled": true, "value": value }));
    assert_eq!(gateway.create_key("n", &value).await, Err(ServiceError::Exists));

    wire.answer(200, json!({ "Parameter": { "Value": "plan1" } }));
    for _ in 0..2 {
        assert_eq!(gateway.plan(Tier::Basic).await, Ok("plan1".to_owned()));
    }
    assert_eq!(wire.sent().len(), 3);
    assert_eq!(wire.last().header("x-amz-target"), "AmazonSSM.GetParameter");
    assert_eq!(wire.last().json(), json!({ "Name": "/acme/dev/platform/usage-plan-basic" }));

    wire.answer(201, json!({})).answer(409, conflict());
    gateway.join_plan("plan1", "k1").await.unwrap();
    let join = wire.last();
    assert!(join.method == "POST" && join.uri.ends_with("/usageplans/plan1/keys"), "{join:?}");
    assert_eq!(join.json(), json!({ "keyId": "k1", "keyType": "API_KEY" }));
    assert_eq!(gateway.join_plan("plan1", "k1").await, Err(ServiceError::Exists));

    wire.answer(200, json!({ "item": [{ "id": "plan1", "name": "a" }] }));
    assert_eq!(gateway.plans_of("k1").await, Ok(vec!["plan1".to_owned()]));
    assert!(wire.last().uri.contains("/usageplans?") && wire.last().uri.contains("keyId=k1"));

    let missing = json!({ "__type": "NotFoundException", "message": "no" });
    wire.answer(202, "").answer(404, missing.clone()).answer(202, "").answer(404, missing);
    for _ in 0..2 {
        gateway.leave_plan("plan1", "k1").await.unwrap();
        let leave = wire.last();
        assert!(leave.method == "DELETE" && leave.uri.ends_with("/usageplans/plan1/keys/k1"));
    }
    for _ in 0..2 {
        gateway.delete_key("k1").await.unwrap();
        assert!(wire.last().method == "DELETE" && wire.last().uri.ends_with("/apikeys/k1"));
    }
}

#[tokio::test]
async fn messages_keep_their_order_where_the_queue_does() {
    let wire = Wire::default();
    let outbox = services(&wire).outbox;
    wire.answer(200, json!({ "MessageId": "1" })).answer(200, json!({ "MessageId": "2" }));
    let order = Some(("globex".to_owned(), "0123".to_owned()));
    let message = Message { queue: queues::PROVISIONING, body: "{\"a\":1}".to_owned(), order };
    outbox.send(&message).await.unwrap();
    let sent = wire.last().json();
    assert_eq!(sent["QueueUrl"], "https://sqs.eu-west-2.amazonaws.com/1/p.fifo");
    assert_eq!(
        (&sent["MessageGroupId"], &sent["MessageDeduplicationId"]),
        (&json!("globex"), &json!("0123"))
    );
    assert_eq!(sent["MessageBody"], "{\"a\":1}");
    let message = Message { queue: queues::JOBS, order: None, ..message };
    outbox.send(&message).await.unwrap();
    assert_eq!(wire.last().json().get("MessageGroupId"), None);
    let message = Message { queue: queues::WEBHOOKS, ..message };
    assert!(outbox.send(&message).await.is_err());
    assert_eq!(wire.sent().len(), 2);
}

#[tokio::test]
async fn an_event_that_the_bus_did_not_take_is_an_error() {
    let wire = Wire::default();
    let outbox = services(&wire).outbox;
    let event =
        Event { kind: "platform.tenant.created", at: 7, detail: "{\"id\":\"1\"}".to_owned() };
    wire.answer(200, json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "1" }] }));
    outbox.publish(&event).await.unwrap();
    assert_eq!(
        wire.last().json(),
        json!({ "Entries": [{
            "Time": 7, "Source": "platform", "DetailType": "platform.tenant.created",
            "Detail": "{\"id\":\"1\"}", "EventBusName": "acme-dev",
        }] })
    );
    let refused = json!({ "ErrorCode": "InternalFailure", "ErrorMessage": "x" });
    wire.answer(200, json!({ "FailedEntryCount": 1, "Entries": [refused] }));
    let error = outbox.publish(&event).await.unwrap_err();
    assert_eq!(error, ServiceError::Busy("PutEvents: InternalFailure".to_owned()));
}

#[tokio::test]
async fn records_are_added_to_the_trail_and_never_replaced() {
    let wire = Wire::default();
    let trail = services(&wire).trail;
    wire.answer(200, "");
    trail.keep("changes/tenants/globex/a.json", b"{}").await.unwrap();
    let put = wire.last();
    assert_eq!(put.method, "PUT");
    assert!(
        put.uri.contains("acme-dev-audit") && put.uri.contains("/changes/tenants/globex/a.json")
    );
    assert_eq!(put.header("if-none-match"), "*");
    let list = "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>p/1</Key></Contents><Contents><Key>p/2</Key></Contents></ListBucketResult>";
    wire.answer(200, list).answer(200, "{\"at\":1}");
    let (keys, more) = trail.list("p/", Some("p/0"), 2).await.unwrap();
    assert_eq!((keys, more), (vec!["p/1".to_owned(), "p/2".to_owned()], true));
    for part in ["list-type=2", "prefix=p%2F", "start-after=p%2F0", "max-keys=2"] {
        assert!(wire.last().uri.contains(part), "{}", wire.last().uri);
    }
    assert_eq!(trail.read("p/1").await.unwrap(), b"{\"at\":1}");
}

#[tokio::test]
async fn what_is_a_tenants_is_reached_in_a_session_for_that_tenant() {
    let wire = Wire::default();
    let services = services(&wire);
    let fields = CallerContext::user(globex(), "ada").fields();
    let field = |name: &str| fields.iter().find(|it| it.0 == name).map(|it| it.1.as_str());
    let Verified::Tenant(caller) = Verified::from_context(field).unwrap() else {
        panic!("a user is a tenant's")
    };
    wire.answer(200, "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIATENANT</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>");
    wire.answer(200, json!({ "SecretString": "v" })).answer(200, json!({ "SecretString": "v" }));
    let reached = services.data.tenant(&Scope::tenant(&caller)).await.unwrap();
    reached.secrets.read("acme-dev/webhooks/globex/1", "v").await.unwrap();
    assert!(wire.last().header("authorization").contains("Credential=ASIATENANT/"));
    let form = wire.sent()[0].form();
    let given = |name: &str| form.iter().find(|it| it.0 == name).map(|it| it.1.as_str());
    assert_eq!(given("Action"), Some("AssumeRole"));
    assert_eq!(given("Tags.member.1.Value"), Some("globex"));
    // What is the platform's is not.
    services.secrets.read("acme-dev/api-keys/globex", "v").await.unwrap();
    assert!(wire.last().header("authorization").contains("Credential=AKIDOWN/"));
}

#[test]
fn the_function_begins_without_asking_anybody() {
    let settings = Settings { prefix: "acme-dev".to_owned(), siloed: vec![Tier::Premium] };
    let variables = [
        ("PARAMETERS", "/acme/dev/platform"),
        ("RESULTS_BUCKET", "results"),
        ("AUDIT_BUCKET", "audit"),
        ("EVENT_BUS", "bus"),
        ("JOBS_QUEUE_URL", "https://jobs"),
        ("PROVISIONING_QUEUE_URL", "https://provisioning"),
        ("TENANT_ROLE", "arn:aws:iam::123456789012:role/tenants"),
        ("METRICS_NAMESPACE", "acme-dev-platform"),
    ];
    let read = |name: &str, without: &str| {
        let found = variables.iter().find(|it| it.0 == name && name != without);
        found.map(|it| it.1.to_owned())
    };
    let began = Instant::now();
    // Without a runtime nothing can be awaited, let alone asked.
    let services = aws::services(&settings, |name| read(name, "")).unwrap();
    drop(tenant_api::service(tenant_api::App { settings: settings.clone(), services }));
    assert!(began.elapsed() < Duration::from_millis(30), "{:?}", began.elapsed());
    for (missing, _) in variables {
        let error = aws::services(&settings, |name| read(name, missing)).unwrap_err();
        assert_eq!(error.variable, missing);
    }
}
