//! What tenants do with their items.

use super::*;
use crate::api::JobStatus;
use crate::model::samples;
use crate::model::*;
use crate::tables::JOBS;

fn lasting_job(tenant: &str) -> Job {
    Job { expires_at: i64::from(u32::MAX), ..samples::job(&tenant.parse().unwrap()) }
}

fn expired_job(tenant: &str) -> Job {
    let made = "2020-01-01T00:00:00Z".parse().unwrap();
    let expires_at = Timestamp::plus_seconds(made, 1).seconds();
    Job { created_at: made, updated_at: made, expires_at, ..lasting_job(tenant) }
}

#[test]
fn an_item_is_made_read_changed_and_deleted() {
    let world = World::default();
    let acme = world.tenant("acme");
    run(async {
        let job = lasting_job("acme");
        assert_eq!(acme.get(&job.key()).await.unwrap(), None);
        acme.create(&job).await.unwrap();
        assert_eq!(acme.create(&job).await, Err(AccessError::Condition), "made once");
        assert_eq!(acme.get(&job.key()).await.unwrap(), Some(job.clone()));

        let running = Job { status: JobStatus::Running, ..job.clone() };
        let running = acme.replace(running).await.unwrap();
        assert_eq!(running.revision, Revision(2));
        let late = Job { status: JobStatus::Cancelled, ..job.clone() };
        assert_eq!(acme.replace(late).await, Err(AccessError::Condition), "of a former revision");

        let update = Update::new().set_text("agent", "other");
        let changed = acme.update(&job.key(), update, Condition::revision(Revision(2))).await;
        let changed = changed.unwrap();
        assert_eq!((changed.agent.as_str(), changed.revision), ("other", Revision(3)));
        let unwanted = Condition::none().and_equal("agent", AttributeValue::S("x".into()));
        assert_eq!(acme.delete(&job.key(), unwanted).await, Err(AccessError::Condition));
        acme.delete(&job.key(), Condition::none()).await.unwrap();
        acme.delete(&job.key(), Condition::none()).await.unwrap();
        let gone = acme.update(&job.key(), Update::new(), Condition::none()).await;
        assert_eq!(gone, Err(AccessError::Condition), "nothing is made of a key");
        acme.put(&job, Condition::absent()).await.unwrap();
    });
    assert_eq!(world.violations(), 0);
}

#[test]
fn an_item_that_has_expired_is_not_there_and_can_be_made_anew() {
    let world = World::default();
    let acme = world.tenant("acme");
    run(async {
        let old = expired_job("acme");
        world.tables.plant(&JOBS, old.to_attributes().unwrap());
        assert_eq!(acme.get(&old.key()).await.unwrap(), None);
        assert_eq!(acme.batch_get(&[old.key()]).await.unwrap(), []);
        assert_eq!(acme.list(&Listing::<Job>::all(), 10, None).await.unwrap().items, []);
        let new = Job { job_id: old.job_id, ..lasting_job("acme") };
        acme.create(&new).await.unwrap();
        assert_eq!(acme.get(&old.key()).await.unwrap(), Some(new));
    });
}

#[test]
fn what_a_table_keeps_for_good_does_not_expire() {
    let world = World::default();
    let agent = samples::agent(&samples::acme(), "a");
    let mut row = agent.to_attributes().unwrap();
    row.insert("expires_at".to_owned(), AttributeValue::N("1".to_owned()));
    world.tables.plant(&Agent::TABLE, row);
    let acme = world.tenant("acme");
    assert_eq!(run(acme.get(&agent.key())).unwrap(), Some(agent.clone()));
    assert_eq!(run(acme.create(&agent)), Err(AccessError::Condition));
}

#[test]
fn a_request_that_comes_twice_makes_one_item() {
    let world = World::default();
    let acme = world.tenant("acme");
    let key: IdempotencyKey = "k-1".parse().unwrap();
    let digest = |body: &str| RequestDigest::of("createJob", &body).ok();
    let job_id = key.id(&samples::acme(), "createJob");
    let job = Job { job_id, request_digest: digest("a"), ..lasting_job("acme") };
    run(async {
        assert_eq!(acme.create_once(job.clone()).await.unwrap(), Created::New(job.clone()));
        let running = Job { status: JobStatus::Running, ..job.clone() };
        let running = acme.replace(running).await.unwrap();
        let again = Job { updated_at: samples::now().plus_seconds(5), ..job.clone() };
        assert_eq!(acme.create_once(again).await.unwrap(), Created::Before(running));
        let other = Job { request_digest: digest("b"), ..job.clone() };
        assert_eq!(acme.create_once(other).await, Err(AccessError::KeyReused));
        let without = Job { request_digest: None, ..job.clone() };
        assert_eq!(acme.create_once(without).await, Err(AccessError::Condition));
        violation(acme.create_once(lasting_job("other")).await);
        assert_eq!(acme.list(&Listing::<Job>::all(), 10, None).await.unwrap().items.len(), 1);
        let agent = samples::agent(&samples::acme(), "a");
        let agent = Agent { request_digest: digest("a"), ..agent };
        acme.create_once(agent.clone()).await.unwrap();
        assert_eq!(acme.create_once(agent.clone()).await.unwrap(), Created::Before(agent));
    });
}

#[test]
fn pages_follow_each_other_and_a_cursor_is_its_lists_and_its_tenants() {
    let world = World::default();
    let (acme, other) = (world.tenant("acme"), world.tenant("acme-2"));
    run(async {
        let jobs: Vec<_> = (0..25).map(|_| lasting_job("acme")).collect();
        acme.batch_write(&jobs, &[]).await.unwrap();
        other.batch_write(&[lasting_job("acme-2")], &[]).await.unwrap();
        for list in [
            Listing::<Job>::all(),
            Listing::<Job>::all().newest_first(),
            Listing::<Job>::with_status(JobStatus::Queued),
        ] {
            let (mut cursor, mut seen) = (None::<String>, Vec::new());
            loop {
                let page = acme.list(&list, 10, cursor.as_deref()).await.unwrap();
                assert!(page.items.len() <= 10);
                seen.extend(page.items.iter().map(|job| job.job_id));
                let Some(next) = page.next else { break };
                assert!(matches!(
                    other.list(&list, 10, Some(&next)).await,
                    Err(AccessError::Cursor(_))
                ));
                cursor = Some(next);
            }
            assert_eq!(seen.len(), 25);
            let sorted = if list.is_newest_first() {
                seen.is_sorted_by(|one, next| one > next)
            } else {
                seen.is_sorted_by(|one, next| one < next)
            };
            assert!(sorted);
        }
        let one = acme.list(&Listing::<Job>::all(), 0, None).await.unwrap();
        assert_eq!(one.items.len(), 1);
        let none = acme.list(&Listing::<Job>::with_status(JobStatus::Failed), 10, None).await;
        assert_eq!(none.unwrap(), crate::api::Page { items: vec![], next: None });
        assert_eq!(acme.list(&Listing::<Job>::all(), 9_999, None).await.unwrap().items.len(), 25);
    });
}

#[test]
fn batches_go_in_parts_and_what_is_left_is_sent_again() {
    let world = World::default();
    let acme = world.tenant("acme");
    run(async {
        let sessions: Vec<_> = (0..130)
            .map(|_| Session { expires_at: i64::MAX, ..samples::session(&samples::acme()) })
            .collect();
        acme.batch_write(&sessions, &[]).await.unwrap();
        assert_eq!(world.tables.operations(), 6, "25 at a time");
        let keys: Vec<_> = sessions.iter().chain(&sessions).map(Item::key).collect();
        assert_eq!(acme.batch_get(&keys).await.unwrap().len(), 130);
        assert_eq!(world.tables.operations(), 8, "100 at a time, each key once");

        world.tables.set_capacity(Some(40));
        assert_eq!(acme.batch_get(&keys).await.unwrap().len(), 130);
        world.tables.set_capacity(Some(20));
        acme.batch_write(&[], &keys[..30]).await.unwrap();
        world.tables.set_capacity(Some(0));
        let (read, written) =
            tokio::join!(acme.batch_get(&keys[..130]), acme.batch_write(&sessions[..26], &[]));
        assert_eq!(read, Err(AccessError::Unprocessed { left: 130, attempts: 6 }));
        assert_eq!(written, Err(AccessError::Unprocessed { left: 26, attempts: 6 }));
        world.tables.set_capacity(None);
        assert_eq!(acme.batch_get(&keys).await.unwrap().len(), 100);
    });
}

#[test]
fn pauses_are_longer_and_longer_and_together_less_than_two_seconds() {
    let pauses: Vec<_> = (1..items::ATTEMPTS).map(items::pause_after).collect();
    assert_eq!(pauses, [50, 100, 200, 400, 800].map(std::time::Duration::from_millis));
}

#[test]
fn a_transaction_is_made_whole_or_not_at_all() {
    let world = World::default();
    let acme = world.tenant("acme");
    run(async {
        let webhook = samples::webhook(&samples::acme());
        let other = samples::webhook(&samples::acme());
        let made = Transaction::new().create(&webhook).unwrap().create(&other).unwrap();
        acme.transact(made).await.unwrap();
        let refused = Transaction::new()
            .delete(&webhook.key(), Condition::none())
            .check(&other.key(), Condition::absent());
        assert_eq!(acme.transact(refused).await, Err(AccessError::Condition));
        assert!(acme.get(&webhook.key()).await.unwrap().is_some());
        let done = Transaction::new().delete(&webhook.key(), Condition::present()).update(
            &other.key(),
            Update::new().set_text("url", "https://a.example/"),
            Condition::none(),
        );
        acme.transact(done).await.unwrap();
        assert!(acme.get(&webhook.key()).await.unwrap().is_none());
        let changed = acme.get(&other.key()).await.unwrap().unwrap();
        assert_eq!((changed.url.as_str(), changed.revision), ("https://a.example/", Revision(2)));
        assert!(matches!(acme.transact(Transaction::new()).await, Err(AccessError::Request(_))));
        let many = (0..100).fold(Transaction::new(), |all, _| {
            all.create(&samples::webhook(&samples::acme())).unwrap()
        });
        acme.transact(many.clone()).await.unwrap();
        let more = many.create(&webhook).unwrap();
        assert!(matches!(acme.transact(more).await, Err(AccessError::Request(_))));
    });
}

#[test]
fn what_is_not_an_items_is_not_written_and_not_read() {
    let world = World::default();
    let acme = world.tenant("acme");
    run(async {
        let job = lasting_job("acme");
        let wrong = Job { expires_at: 0, ..job.clone() };
        assert!(matches!(acme.create(&wrong).await, Err(AccessError::Model(_))));
        assert!(matches!(acme.put(&wrong, Condition::none()).await, Err(AccessError::Model(_))));
        assert!(matches!(
            acme.batch_write(std::slice::from_ref(&wrong), &[]).await,
            Err(AccessError::Model(_))
        ));
        assert!(matches!(Transaction::new().create(&wrong), Err(AccessError::Model(_))));
        assert_eq!(world.tables.operations(), 0);
        let mut newer = job.to_attributes().unwrap();
        newer.insert(VERSION.to_owned(), AttributeValue::N("2".into()));
        world.tables.plant(&JOBS, newer);
        assert!(matches!(acme.get(&job.key()).await, Err(AccessError::Model(_))));
        assert!(matches!(acme.batch_get(&[job.key()]).await, Err(AccessError::Model(_))));
        let list = acme.list(&Listing::<Job>::all(), 10, None).await;
        assert!(matches!(list, Err(AccessError::Model(_))));
        for name in ["job_id", "status_job", "v", "revision", ""] {
            let update = Update::new().set_text(name, "x");
            let refused = acme.update(&job.key(), update, Condition::none()).await;
            assert!(matches!(refused, Err(AccessError::Request(_))), "{name}");
        }
        let update = Update::new().add("tries", 2).remove("request_digest");
        assert!(matches!(
            acme.update(&job.key(), update, Condition::none()).await,
            Err(AccessError::Model(_))
        ));
    });
    assert_eq!(world.violations(), 0);
}

#[test]
fn another_tenants_item_is_not_reached_by_any_operation() {
    let world = World::default();
    let acme = world.tenant("acme");
    let theirs = lasting_job("other");
    world.tables.plant(&JOBS, theirs.to_attributes().unwrap());
    let key = theirs.key();
    let results = run(async {
        let transaction = |it: Transaction| acme.transact(it);
        [
            violation(acme.get(&key).await),
            violation(acme.create(&theirs).await),
            violation(acme.put(&theirs, Condition::none()).await),
            violation(acme.replace(theirs.clone()).await),
            violation(acme.update(&key, Update::new(), Condition::none()).await),
            violation(acme.delete(&key, Condition::none()).await),
            violation(acme.batch_get(&[lasting_job("acme").key(), key.clone()]).await),
            violation(acme.batch_write(&[lasting_job("acme"), theirs.clone()], &[]).await),
            violation(acme.batch_write(&[], std::slice::from_ref(&key)).await),
            violation(
                transaction(Transaction::new().put(&theirs, Condition::none()).unwrap()).await,
            ),
            violation(transaction(Transaction::new().delete(&key, Condition::none())).await),
            violation(transaction(Transaction::new().check(&key, Condition::none())).await),
        ]
    });
    for found in &results {
        assert_eq!(found.tenant, Some(samples::acme()));
        assert_eq!((found.attempted.as_str(), found.table.as_str()), ("other", "jobs"));
        assert!(!found.in_reply);
    }
    assert_eq!(world.tables.operations(), 0, "nothing was sent");
    assert_eq!(world.violations(), results.len());
    let record = &world.audit.records()[0];
    assert_eq!((record.subject.as_str(), record.operation), ("ada", "get"));
    assert!(record.key().starts_with("access/tenants/acme/2"), "{}", record.key());
    assert_eq!(
        (&record.tables, record.attempted.as_deref()),
        (&vec!["jobs".into()], Some("other"))
    );
    let line = &world.written.lines()[0];
    let about = ["level", "tenant", "attempted", "operation", "table", "in_reply"];
    let expected = serde_json::json!(["ERROR", "acme", "other", "get", "jobs", false]);
    assert_eq!(serde_json::json!(about.map(|name| &line[name])), expected);
    let stolen = acme.clone();
    let stolen = run(async move {
        stolen
            .update(
                &lasting_job("acme").key(),
                Update::new().set_text("tenant_id", "other"),
                Condition::none(),
            )
            .await
    });
    assert_eq!(violation(stolen).attempted, "tenant_id");
}

#[test]
fn a_violation_stays_one_when_it_cannot_be_recorded() {
    let world = World { audit: MemoryAudit::broken("no bucket"), ..World::default() };
    violation(run(world.tenant("acme").get(&lasting_job("other").key())));
    assert_eq!(world.written.lines()[0]["TenantAccessViolations"], 1);
}

#[test]
fn a_condition_holds_as_the_table_would_say() {
    let row: Attributes = [("a".to_owned(), AttributeValue::S("1".into()))].into();
    let expired: Attributes = [("expires_at".to_owned(), AttributeValue::N("10".into()))].into();
    let odd: Attributes = [("expires_at".to_owned(), AttributeValue::S("10".into()))].into();
    let at = |expired_by| Condition { expired_by: Some(expired_by), ..Condition::absent() };
    let equal = Condition::none().and_equal("a", AttributeValue::S("1".into()));
    for (condition, item, holds) in [
        (Condition::none(), None, true),
        (Condition::none(), Some(&row), true),
        (Condition::absent(), None, true),
        (Condition::absent(), Some(&row), false),
        (Condition::absent(), Some(&expired), false),
        (Condition::present(), None, false),
        (Condition::present(), Some(&row), true),
        (at(9), Some(&expired), false),
        (at(10), Some(&expired), true),
        (at(10), Some(&odd), false),
        (at(10), None, true),
        (equal.clone(), Some(&row), true),
        (equal.clone(), Some(&expired), false),
        (equal, None, false),
        (Condition::revision(Revision(0)), Some(&row), true),
        (Condition::revision(Revision(0)), None, false),
        (Condition::revision(Revision(1)), Some(&row), false),
    ] {
        assert_eq!(condition.holds(item), holds, "{condition:?} {item:?}");
    }
}
