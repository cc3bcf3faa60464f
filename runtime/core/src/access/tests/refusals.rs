//! What does not work, and that nothing hides it.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::credential_fn::provide_credentials_fn;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use serde_json::json;
use tracing_subscriber::layer::SubscriberExt as _;

use super::super::wire::Wire;
use super::*;
use crate::model::samples;
use crate::model::*;
use crate::tables::{Index, JOBS, TENANTS, Table};
use crate::telemetry::Lines;
use crate::tenant::TenantId;

fn tables(wire: &Wire) -> Arc<DynamoDb> {
    Arc::new(DynamoDb::new(wire.connections().dynamodb(), "p-dev"))
}

fn bucket(wire: &Wire) -> S3Bucket {
    S3Bucket::new(wire.connections().s3(), "p-dev-results")
}

fn denied() -> AccessError {
    AccessError::Backend(BackendError::Failed("AccessDeniedException".into()))
}

fn contradictory(tenant: &TenantId) -> Job {
    Job { expires_at: 0, ..samples::job(tenant) }
}

#[test]
fn whatever_a_table_refuses_is_an_error() {
    let wire = Wire::default();
    let world = World::default();
    let scope = Scope::tenant(&caller("acme"));
    let acme = TenantScopedDynamoDb::new(scope, tables(&wire), world.watchers());
    let webhook = samples::webhook(&samples::acme());
    let key = webhook.key();
    let results = run(async {
        for _ in 0..10 {
            wire.answer(400, json!({ "__type": "AccessDeniedException" }));
        }
        [
            acme.get(&key).await.map(drop),
            acme.create(&webhook).await,
            acme.put(&webhook, Condition::none()).await,
            acme.replace(webhook.clone()).await.map(drop),
            acme.update(&key, Update::new(), Condition::none()).await.map(drop),
            acme.delete(&key, Condition::none()).await,
            acme.list(&Listing::<Job>::all(), 1, None).await.map(drop),
            acme.batch_get(std::slice::from_ref(&key)).await.map(drop),
            acme.batch_write(&[], std::slice::from_ref(&key)).await,
            acme.transact(Transaction::new().delete(&key, Condition::none())).await,
        ]
    });
    assert_eq!(results, [(); 10].map(|()| Err(denied())));
    assert_eq!((wire.sent().len(), world.violations()), (10, 0));
}

#[test]
fn a_request_that_came_before_is_not_made_up_when_its_item_cannot_be_read() {
    let wire = Wire::default();
    let scope = Scope::tenant(&caller("acme"));
    let acme = TenantScopedDynamoDb::new(scope, tables(&wire), World::default().watchers());
    wire.answer(400, json!({ "__type": "ConditionalCheckFailedException" }))
        .answer(400, json!({ "__type": "AccessDeniedException" }));
    assert_eq!(run(acme.create_once(samples::job(&samples::acme()))), Err(denied()));
}

#[test]
fn whatever_a_bucket_refuses_is_an_error() {
    let wire = Wire::default();
    let bucket = bucket(&wire);
    let key = || "tenants/acme/a".to_owned();
    let put = |new| ObjectOperation::Put {
        key: key(),
        body: vec![],
        content_type: "text/plain".into(),
        new,
    };
    for operation in [
        ObjectOperation::Get { key: key() },
        put(false),
        put(true),
        ObjectOperation::Delete { key: key() },
        ObjectOperation::List { prefix: key(), after: None, limit: 1 },
    ] {
        wire.answer(403, "<Error><Code>AccessDenied</Code></Error>");
        let failed = run(bucket.run(&operation));
        let denied = BackendError::Failed("AccessDenied".into());
        assert_eq!(failed, Err(denied), "{}", operation.name());
    }
}

#[test]
fn an_object_that_does_not_match_its_checksum_is_not_given() {
    let wire = Wire::default();
    let checksum = [("x-amz-checksum-crc32", "AAAAAA==")];
    wire.answer_with(200, &checksum, "body");
    let get = ObjectOperation::Get { key: "tenants/acme/a".into() };
    let failed = run(bucket(&wire).run(&get));
    assert_eq!(failed, Err(BackendError::Busy("the body ended early".into())));
}

#[test]
fn an_address_that_cannot_be_signed_is_not_given() {
    let key = || "tenants/acme/a".to_owned();
    let addresses = |lasts| {
        let content_type = "text/plain".to_owned();
        [
            ObjectOperation::PresignGet { key: key(), lasts },
            ObjectOperation::PresignPut { key: key(), lasts, content_type },
        ]
    };
    // S3 takes none that lasts longer than a week.
    for operation in addresses(Duration::from_hours(8 * 24)) {
        let failed = run(bucket(&Wire::default()).run(&operation));
        assert!(matches!(failed, Err(BackendError::Failed(_))), "{failed:?}");
    }
    let nobody = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-2"))
        .credentials_provider(SharedCredentialsProvider::new(provide_credentials_fn(|| async {
            Err(CredentialsError::not_loaded("there are none"))
        })))
        .http_client(Wire::default());
    let nobody = S3Bucket::new(Connections::new(nobody.build()).s3(), "p-dev-results");
    for operation in addresses(Duration::from_mins(1)) {
        let failed = run(nobody.run(&operation));
        assert!(matches!(failed, Err(BackendError::Failed(_))), "{failed:?}");
    }
}

#[test]
fn a_request_without_what_it_needs_says_what_that_is() {
    let lacking = KeysAndAttributes::builder().build().unwrap_err();
    let BackendError::Failed(why) = sdk::built(lacking) else { panic!("it is no failure") };
    assert!(why.contains("keys"), "{why}");
}

#[test]
fn an_item_whose_fields_contradict_each_other_is_written_by_nobody() {
    let world = World::default();
    let tenant = samples::tenant();
    let updated_at = "2020-01-01T00:00:00Z".parse().unwrap();
    let wrong = Tenant { updated_at, ..tenant.clone() };
    let (acme, platform) = (world.tenant("acme"), world.platform(admin()));
    let scope = Scope::tenant(&caller("acme"));
    let own = OwnTenant::new(scope, Arc::new(world.tables.clone()), world.watchers());
    let results = run(async {
        [
            acme.replace(contradictory(&samples::acme())).await.map(drop),
            platform.create(&wrong).await,
            platform.put(&wrong, Condition::none()).await,
            platform.replace(wrong.clone()).await.map(drop),
            own.write_keys(&wrong).await.map(drop),
        ]
    });
    for result in results {
        assert!(matches!(result, Err(AccessError::Model(_))), "{result:?}");
    }
    assert_eq!(world.tables.operations(), 0);
    assert_eq!(world.audit.records(), [], "what is not done is not recorded");
}

#[test]
fn a_transaction_of_nothing_is_refused_for_whomever_it_is() {
    let world = World::default();
    let scope = || Scope::tenant(&caller("acme"));
    for whose in [
        guard::Whose::Tenant(scope()),
        guard::Whose::Record(scope()),
        guard::Whose::Platform(admin()),
    ] {
        let guard = guard::Guard::new(whose, Arc::new(world.tables.clone()), world.watchers());
        let refused = run(guard.send(&Operation::Transact(vec![])));
        let why = "a transaction has 1 to 100 writes";
        assert_eq!(refused, Err(AccessError::Request(why)));
    }
    assert_eq!(world.tables.operations(), 0);
}

/// What is in the trail of those who run the platform when a batch is written.
#[test]
fn a_batch_is_recorded_with_the_first_that_it_writes() {
    let world = World::default();
    let guard = guard::Guard::new(
        guard::Whose::Platform(admin()),
        Arc::new(world.tables.clone()),
        world.watchers(),
    );
    let writes = vec![BatchWrite::Put(samples::tenant().to_attributes().unwrap())];
    run(guard.send(&Operation::BatchWrite { table: TENANTS, writes })).unwrap();
    let record = &world.audit.records()[0];
    assert_eq!((record.operation, record.attempted.as_deref()), ("batch-write", Some("acme")));
    assert_eq!(record.tables, ["tenants"]);
}

fn logged(log: impl FnOnce()) -> Vec<serde_json::Value> {
    // Where there is one listener alone, what a test on another thread meets first is
    // remembered as a line that nobody listens to.
    let _another = tracing::Dispatch::new(tracing_subscriber::registry());
    let written = Written::default();
    let out = written.clone();
    let lines = Lines::to(move || out.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), log);
    written.lines()
}

#[test]
fn a_violation_that_cannot_be_recorded_is_in_the_log() {
    let world = World { audit: MemoryAudit::broken("no bucket"), ..World::default() };
    let theirs = samples::job(&"other".parse().unwrap());
    let lines = logged(|| drop(violation(run(world.tenant("acme").get(&theirs.key())))));
    let expected = json!({
        "level": "ERROR", "target": "runtime_core::access::guard",
        "message": "a violation is not in the audit trail", "error": "no bucket",
        "violation": "get of jobs for acme reached for \"other\"",
    });
    assert_eq!(lines, [expected]);
}

#[test]
fn a_function_that_may_not_write_to_the_trail_writes_its_records_to_the_log() {
    let record = AuditRecord {
        at: samples::now(),
        kind: AuditKind::OperatorAccess,
        subject: "olga".into(),
        tenant_id: None,
        operation: "get",
        tables: vec!["tenants".into()],
        attempted: None,
    };
    let lines = logged(|| run(LogAudit.record(&record)).unwrap());
    assert_eq!((&lines[0]["level"], &lines[0]["target"]), (&"WARN".into(), &"audit".into()));
    let text = lines[0]["record"].as_str().unwrap();
    let expected = json!({
        "at": "2026-11-21T08:00:00.000Z", "kind": "operator-access", "subject": "olga",
        "operation": "get", "tables": ["tenants"],
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(text).unwrap(), expected);
}

/// As in DynamoDB: an index holds what has its keys.
#[test]
fn what_lacks_the_keys_of_an_index_is_in_the_table_alone() {
    let tables = MemoryTables::default();
    let mut job = samples::job(&samples::acme()).to_attributes().unwrap();
    job.remove("status_job");
    tables.plant(&JOBS, job);
    let mut tenant = samples::tenant().to_attributes().unwrap();
    tenant.remove("status");
    tables.plant(&TENANTS, tenant);
    let found = |table: Table, index: Option<Index>, partition: &str| {
        let query = Query {
            table,
            index,
            partition_key: index.map_or(table.partition_key, |index| index.partition_key),
            partition: partition.to_owned(),
            prefix: String::new(),
            newest_first: false,
            limit: 10,
            start: None,
        };
        run(tables.run(&Operation::Query(query))).unwrap().items.len()
    };
    assert_eq!(found(JOBS, None, "acme"), 1);
    assert_eq!(found(JOBS, Some(JOBS.indexes[0]), "acme"), 0);
    assert_eq!(found(TENANTS, None, "acme"), 1);
    assert_eq!(found(TENANTS, Some(TENANTS.indexes[0]), "active"), 0);
}
