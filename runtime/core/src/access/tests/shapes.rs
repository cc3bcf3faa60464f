//! Raw operations whose keys and indexes are not those of the table, and names of errors.

use aws_sdk_dynamodb::error::{ErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::result::ConnectorError;

use super::*;
use crate::model::samples;
use crate::model::*;
use crate::tables::{self, AGENTS, INVOCATIONS, Index, JOBS, TENANTS};

fn guard_of(world: &World) -> guard::Guard {
    let whose = guard::Whose::Tenant(Scope::tenant(&caller("acme")));
    guard::Guard::new(whose, Arc::new(world.tables.clone()), world.watchers())
}

fn query(
    index: Option<Index>,
    partition_key: &'static str,
    start: Option<Attributes>,
) -> Operation {
    Operation::Query(Query {
        table: JOBS,
        index,
        partition_key,
        partition: "acme".to_owned(),
        prefix: String::new(),
        newest_first: false,
        limit: 1,
        start,
    })
}

#[test]
fn a_table_is_the_tenants_or_the_platforms_and_never_both() {
    for table in tables::ALL {
        assert_ne!(table.tenant_scoped(), guard::PLATFORM.contains(&table), "{}", table.name);
    }
}

#[test]
fn a_list_is_read_by_keys_and_indexes_of_its_table_alone() {
    let world = World::default();
    let acme = guard_of(&world);
    let job = samples::job(&samples::acme());
    let index = Some(JOBS.indexes[0]);
    let mut position = job.key().attributes();
    run(async {
        acme.send(&query(None, "tenant_id", Some(position.clone()))).await.unwrap();
        acme.send(&query(index, "tenant_id", None)).await.unwrap();
        // An attribute that holds the tenant's id, and is no partition key.
        violation(acme.send(&query(None, "agent", None)).await);
        violation(acme.send(&query(index, "agent", None)).await);
        violation(acme.send(&query(Some(INVOCATIONS.indexes[0]), "tenant_id", None)).await);
        let global = Index { name: "by-status", partition_key: "status", sort_key: "status_job" };
        violation(acme.send(&query(Some(global), "status", None)).await);
        // Positions with too little, and with too much.
        violation(acme.send(&query(index, "tenant_id", Some(position.clone()))).await);
        position.insert("status_job".to_owned(), AttributeValue::S("queued#1".to_owned()));
        acme.send(&query(index, "tenant_id", Some(position.clone()))).await.unwrap();
        violation(acme.send(&query(None, "tenant_id", Some(position.clone()))).await);
        position.insert("status_job".to_owned(), AttributeValue::S(String::new()));
        violation(acme.send(&query(index, "tenant_id", Some(position))).await);
    });
    assert_eq!(world.violations(), 7);
    assert_eq!(world.tables.operations(), 3);
}

/// What is the platform's is not all in one partition either.
#[test]
fn a_list_goes_on_in_its_own_partition() {
    let world = World::default();
    let whose = guard::Whose::Platform(admin());
    let platform = guard::Guard::new(whose, Arc::new(world.tables.clone()), world.watchers());
    let list = |status: &str| {
        let position = [("tenant_id", "acme"), ("status", status), ("created_at", "2026")];
        let text = |text: &str| AttributeValue::S(text.to_owned());
        Operation::Query(Query {
            table: TENANTS,
            index: Some(TENANTS.indexes[0]),
            partition_key: "status",
            partition: "active".to_owned(),
            prefix: String::new(),
            newest_first: false,
            limit: 1,
            start: Some(position.map(|(name, value)| (name.to_owned(), text(value))).into()),
        })
    };
    run(platform.send(&list("active"))).unwrap();
    violation(run(platform.send(&list("deleted"))));
}

#[test]
fn a_key_has_the_attributes_of_its_table_and_nothing_else() {
    let world = World::default();
    let acme = guard_of(&world);
    let agent = samples::agent(&samples::acme(), "a");
    let key = agent.key().attributes();
    let changed = |name: &str, value: Option<AttributeValue>| {
        let mut key = key.clone();
        key.remove(name);
        key.extend(value.map(|value| (name.to_owned(), value)));
        key
    };
    let text = |text: &str| Some(AttributeValue::S(text.to_owned()));
    run(async {
        for wrong in [
            changed("agent_version", None),
            changed("agent_version", text("")),
            changed("agent_version", Some(AttributeValue::N("1".to_owned()))),
            changed("tenant_id", None),
            changed("tenant_id", Some(AttributeValue::Ss(vec!["acme".to_owned()]))),
            changed("more", text("x")),
        ] {
            violation(acme.send(&Operation::Get { table: AGENTS, key: wrong.clone() }).await);
            let change = Change::Update { key: wrong, update: Update::new() };
            let write = Write { table: AGENTS, change, condition: Condition::none() };
            assert_eq!(write.change.name(), "update");
            violation(acme.send(&Operation::Transact(vec![write])).await);
        }
        let mut item = agent.to_attributes().unwrap();
        item.remove("agent_version");
        let change = Change::Put(item);
        let write = Write { table: AGENTS, change, condition: Condition::none() };
        violation(acme.send(&Operation::Write(write)).await);
    });
    assert_eq!(world.tables.operations(), 0);
    assert_eq!(Change::Check(key).name(), "check");
}

#[test]
fn an_error_is_told_by_its_kind_and_never_by_its_text() {
    type Error = SdkError<ErrorMetadata, ()>;
    let coded = ErrorMetadata::builder().code("AccessDenied").message("secret").build();
    let plain = ErrorMetadata::builder().message("secret").build();
    for (error, told) in [
        (Error::timeout_error("secret"), "no answer in time"),
        (Error::dispatch_failure(ConnectorError::user("secret".into())), "no connection"),
        (Error::construction_failure("secret"), "a request that cannot be made"),
        (Error::response_error("secret", ()), "an answer that cannot be read"),
        (Error::service_error(plain, ()), "an answer that cannot be read"),
        (Error::service_error(coded, ()), "AccessDenied"),
    ] {
        assert_eq!(sdk::explain(&error), told);
    }
}
