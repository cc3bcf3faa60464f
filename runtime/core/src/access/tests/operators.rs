//! What those who run the platform do, and what a tenant does with its own record.

use super::*;
use crate::model::samples;
use crate::model::*;
use crate::tables::{BILLING, JOBS, TENANTS};

fn with_tenant() -> World {
    let world = World::default();
    world.tables.plant(&TENANTS, samples::tenant().to_attributes().unwrap());
    let other = Tenant { tenant_id: "other".parse().unwrap(), ..samples::tenant() };
    world.tables.plant(&TENANTS, other.to_attributes().unwrap());
    world
}

#[test]
fn an_admin_changes_the_platform_and_all_of_it_is_recorded() {
    let world = with_tenant();
    let platform = world.platform(admin());
    run(async {
        let tenant = platform.get(&Key::<Tenant>::new(&samples::acme())).await.unwrap().unwrap();
        let suspended = Tenant { status: TenantStatus::Suspended, ..tenant.clone() };
        let written = platform.replace(suspended).await.unwrap();
        assert_eq!(written.revision, Revision(2));
        assert_eq!(platform.replace(tenant).await, Err(AccessError::Condition));
        let bill = samples::bill(&samples::acme());
        platform.create(&bill).await.unwrap();
        assert_eq!(platform.create(&bill).await, Err(AccessError::Condition));
        platform.put(&bill, Condition::present()).await.unwrap();
        let update = Update::new().add("cost_micro_usd", 5);
        let bill = platform.update(&bill.key(), update, Condition::none()).await.unwrap();
        assert_eq!(bill.cost_micro_usd, 1_250_005);
        let page = platform.list(&Listing::of_period(&bill.period), 10, None).await.unwrap();
        assert_eq!(page.items.len(), 1);
        let months = Listing::<BillingSummary>::of_tenant(&samples::acme());
        assert_eq!(platform.list(&months, 10, None).await.unwrap().items.len(), 1);
        platform.delete(&bill.key(), Condition::none()).await.unwrap();
        let active = Listing::<Tenant>::with_status(TenantStatus::Active);
        let page = platform.list(&active, 1, None).await.unwrap();
        assert_eq!((page.items.len(), page.next), (1, None));
    });
    let records = world.audit.records();
    assert_eq!(records.len(), world.tables.operations());
    assert!(records.iter().all(|it| it.kind == AuditKind::OperatorAccess && it.subject == "adam"));
    let done: Vec<_> = records.iter().map(|it| it.operation).collect();
    let expected =
        ["get", "put", "put", "put", "put", "put", "update", "query", "query", "delete", "query"];
    assert_eq!(done, expected);
    assert_eq!(records[0].attempted.as_deref(), Some("acme"));
    assert!(records[0].key().starts_with("access/platform/2"));
}

#[test]
fn a_lock_is_taken_by_its_token() {
    let world = World::default();
    let platform = world.platform(admin());
    run(async {
        let lock = samples::ops_lock();
        platform.create(&lock).await.unwrap();
        assert_eq!(platform.create(&lock).await, Err(AccessError::Condition));
        assert!(matches!(platform.replace(lock.clone()).await, Err(AccessError::Request(_))));
        let token = |token: u64| AttributeValue::N(token.to_string());
        let next = lock.taken_by(samples::holder(), 30, samples::lock_write());
        let held = Condition::present().and_equal("token", token(lock.token));
        platform.put(&next, held.clone()).await.unwrap();
        assert_eq!(platform.put(&next, held).await, Err(AccessError::Condition), "fenced");
        assert_eq!(platform.get(&lock.key()).await.unwrap().unwrap().token, 2);
        let tenant = samples::tenant();
        let late = platform.put_fenced(&tenant, Condition::absent(), &lock).await;
        assert_eq!(late, Err(AccessError::Condition), "somebody else has the lock");
        platform.put_fenced(&tenant, Condition::absent(), &next).await.unwrap();
        let wrong = Tenant { updated_at: "2020-01-01T00:00:00Z".parse().unwrap(), ..tenant };
        let wrong = platform.put_fenced(&wrong, Condition::none(), &next).await;
        assert!(matches!(wrong, Err(AccessError::Model(_))));
    });
}

#[test]
fn an_operator_sees_and_changes_nothing() {
    let world = with_tenant();
    let platform = world.platform(operator());
    run(async {
        let tenant = platform.get(&Key::<Tenant>::new(&samples::acme())).await.unwrap().unwrap();
        let key = tenant.key();
        let refused = |result: Result<(), AccessError>| {
            let error = result.unwrap_err();
            assert!(matches!(error, AccessError::ReadOnly { .. }), "{error}");
            assert_eq!(error.status(), 403);
        };
        refused(platform.put(&tenant, Condition::none()).await);
        refused(platform.create(&tenant).await);
        refused(platform.replace(tenant).await.map(drop));
        refused(platform.update(&key, Update::new(), Condition::none()).await.map(drop));
        refused(platform.delete(&key, Condition::none()).await);
        refused(platform.act_for(&samples::acme()).await.map(drop));
    });
    assert_eq!(world.tables.operations(), 1);
}

#[test]
fn an_operator_looks_at_a_tenant_and_changes_nothing_of_it() {
    let world = World::default();
    let scope = run(world.platform(operator()).look_at(&samples::acme())).unwrap();
    assert!(!scope.may_change() && scope.tenant_id() == &samples::acme());
    let record = &world.audit.records()[0];
    assert_eq!((record.operation, &record.tenant_id), ("look-at", &Some(samples::acme())));
    let tables = Arc::new(world.tables.clone());
    let items = TenantScopedDynamoDb::new(scope, tables, world.watchers());
    run(async {
        assert_eq!(items.list(&Listing::<Job>::all(), 5, None).await.unwrap().items, []);
        let error = items.create(&samples::job(&samples::acme())).await.unwrap_err();
        assert!(matches!(error, AccessError::ReadOnly { .. }), "{error}");
    });
    assert_eq!(world.tables.operations(), 1);
}

#[test]
fn an_operator_answers_approvals_and_writes_nothing_else_of_operations() {
    let world = World::default();
    let platform = world.platform(operator());
    run(async {
        let approval = samples::approval();
        platform.create(&approval).await.unwrap();
        platform.replace(approval.clone()).await.unwrap();
        let refused = |result: Result<(), AccessError>| {
            assert!(matches!(result, Err(AccessError::ReadOnly { .. })), "{result:?}");
        };
        refused(platform.delete(&approval.key(), Condition::none()).await);
        refused(platform.create(&samples::failover_request()).await);
        refused(platform.create(&samples::notice()).await);
        refused(platform.create(&samples::account_plan()).await);
    });
    assert_eq!(world.tables.operations(), 2);
}

#[test]
fn what_cannot_be_recorded_is_not_done() {
    let world = World { audit: MemoryAudit::broken("no bucket"), ..with_tenant() };
    let platform = world.platform(admin());
    let refused = run(platform.get(&Key::<Tenant>::new(&samples::acme())));
    assert_eq!(refused, Err(AccessError::Audit("no bucket".into())));
    assert_eq!(
        run(platform.act_for(&samples::acme())),
        Err(AccessError::Audit("no bucket".into()))
    );
    assert_eq!(world.tables.operations(), 0);
}

#[test]
fn an_admin_acts_for_a_tenant_as_that_tenant() {
    let world = World::default();
    let scope = run(world.platform(admin()).act_for(&samples::acme())).unwrap();
    assert_eq!((scope.tenant_id(), scope.subject()), (&samples::acme(), "adam"));
    let record = &world.audit.records()[0];
    assert_eq!((record.operation, &record.tenant_id), ("act-for", &Some(samples::acme())));
    let tables = Arc::new(world.tables.clone());
    let data = TenantScopedDynamoDb::new(scope, tables, world.watchers());
    let theirs = samples::session(&"other".parse().unwrap());
    assert_eq!(violation(run(data.get(&theirs.key()))).tenant, Some(samples::acme()));
}

#[test]
fn the_authoriser_reads_one_record_and_does_nothing_else() {
    let world = with_tenant();
    let directory = TenantDirectory::new(Arc::new(world.tables.clone()), world.watchers());
    run(async {
        let found = directory.get(&samples::acme()).await.unwrap().unwrap();
        assert_eq!(found.tenant_id, samples::acme());
        assert_eq!(directory.get(&"nobody".parse().unwrap()).await.unwrap(), None);
    });
    assert!(world.audit.records().is_empty(), "every request would be recorded");
}

#[test]
fn a_tenant_reads_its_own_record_and_changes_its_keys_alone() {
    let world = with_tenant();
    let scope = Scope::tenant(&caller("acme"));
    let own = OwnTenant::new(scope, Arc::new(world.tables.clone()), world.watchers());
    run(async {
        let mut tenant = own.get().await.unwrap().unwrap();
        let token = ApiKeyToken::generate(samples::acme());
        let now = Timestamp::now();
        tenant.add_key(ApiKey::of(&token, now), now);
        // What a confused function might do as well is not written.
        tenant.monthly_usd = 1_000_000.try_into().unwrap();
        let written = own.write_keys(&tenant).await.unwrap();
        assert_eq!((written.api_keys.len(), written.revision), (1, Revision(2)));
        assert_eq!(written.monthly_usd.dollars(), 250);
        assert!(written.key_of(&token, Timestamp::now()).is_some());
        assert_eq!(own.write_keys(&tenant).await, Err(AccessError::Condition));
        let other = Tenant { tenant_id: "other".parse().unwrap(), ..tenant };
        violation(own.write_keys(&other).await);
    });
}

#[test]
fn a_revision_that_a_record_does_not_have_is_0() {
    let world = World::default();
    let fields = [("tenant_id", "acme"), ("tier", "basic"), ("status", "active")]
        .into_iter()
        .chain([("email", "a@b.example"), ("created_at", "2026-01-01T00:00:00Z")]);
    let row = fields.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())));
    world.tables.plant(&TENANTS, row.collect());
    let platform = world.platform(admin());
    run(async {
        let tenant = platform.get(&Key::<Tenant>::new(&samples::acme())).await.unwrap().unwrap();
        assert_eq!(tenant.revision, Revision(0));
        assert_eq!(platform.replace(tenant.clone()).await.unwrap().revision, Revision(1));
        assert_eq!(platform.replace(tenant).await, Err(AccessError::Condition));
    });
}

fn key_of_acme() -> Attributes {
    Key::<Tenant>::new(&samples::acme()).attributes()
}

/// Raw operations, as no typed function makes them.
#[test]
fn each_kind_of_scope_reaches_its_own_tables_alone() {
    let world = with_tenant();
    let guard = |whose| guard::Guard::new(whose, Arc::new(world.tables.clone()), world.watchers());
    let scope = || Scope::tenant(&caller("acme"));
    let of_tenant = guard(guard::Whose::Tenant(scope()));
    let of_record = guard(guard::Whose::Record(scope()));
    let of_platform = guard(guard::Whose::Platform(admin()));
    let get = |table, key: Attributes| Operation::Get { table, key };
    let tenant = get(TENANTS, Key::<Tenant>::new(&samples::acme()).attributes());
    let bill = get(BILLING, samples::bill(&samples::acme()).key().attributes());
    let job = get(JOBS, samples::job(&samples::acme()).key().attributes());
    let table = crate::tables::Table { name: "jobs-2", ..JOBS };
    let unknown = get(table, samples::job(&samples::acme()).key().attributes());
    let write =
        |change| Operation::Write(Write { table: TENANTS, change, condition: Condition::none() });
    let key = key_of_acme();
    let delete = write(Change::Delete(key.clone()));
    let put = write(Change::Put(samples::tenant().to_attributes().unwrap()));
    let update = Update::new().set_text("tier", "premium");
    let raise = write(Change::Update { key, update });
    let listing = Query {
        table: TENANTS,
        index: None,
        partition_key: "tenant_id",
        partition: "acme".into(),
        prefix: String::new(),
        newest_first: false,
        limit: 1,
        start: None,
    };
    let list = Operation::Query(listing);
    run(async {
        for operation in [&tenant, &bill, &unknown, &delete, &put, &raise, &list] {
            violation(of_tenant.send(operation).await);
        }
        for operation in [&bill, &job, &unknown, &delete, &put, &raise, &list] {
            violation(of_record.send(operation).await);
        }
        for operation in [&job, &unknown] {
            assert_eq!(violation(of_platform.send(operation).await).tenant, None);
        }
        of_tenant.send(&job).await.unwrap();
        of_record.send(&tenant).await.unwrap();
        of_platform.send(&bill).await.unwrap();
        for (operation, name) in
            [(list, "query"), (delete, "delete"), (put, "put"), (raise, "update")]
        {
            assert_eq!(operation.name(), name);
            of_platform.send(&operation).await.unwrap();
        }
        let operation = Operation::BatchGet { table: TENANTS, keys: vec![key_of_acme()] };
        of_platform.send(&operation).await.unwrap();
        let writes = vec![BatchWrite::Delete(key_of_acme())];
        of_platform.send(&Operation::BatchWrite { table: TENANTS, writes }).await.unwrap();
        let about: Vec<_> =
            world.audit.records().into_iter().filter_map(|it| it.attempted).collect();
        assert_eq!(about[about.len() - 2..], ["acme", "acme"]);
        let change = Change::Check(key_of_acme());
        let check = Write { table: TENANTS, change, condition: Condition::none() };
        of_platform.send(&Operation::Transact(vec![check])).await.unwrap();
        let done: Vec<_> = world.audit.records().iter().map(|it| it.operation).collect();
        assert_eq!(done[done.len() - 3..], ["batch-get", "batch-write", "transact"]);
        let record = world.audit.records().pop().unwrap();
        assert_eq!(
            (record.attempted.as_deref(), &record.tables[..]),
            (Some("acme"), &["tenants".to_owned()][..])
        );
        let wrong = of_platform.list(&Listing::<Job>::all(), 1, None).await;
        assert!(matches!(wrong, Err(AccessError::Request(_))));
    });
}
