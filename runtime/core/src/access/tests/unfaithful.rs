//! Backends that answer with what was not asked for: what comes back is looked at too.

use std::time::Duration;

use super::*;
use crate::model::samples;
use crate::model::*;

/// Answers everything with the same.
#[derive(Clone)]
struct Always(Reply);

impl Backend for Always {
    fn run<'a>(&'a self, _: &'a Operation) -> Pending<'a, Reply> {
        let reply = self.0.clone();
        Box::pin(async move { Ok(reply) })
    }
}

struct AlwaysObjects(ObjectReply);

impl ObjectBackend for AlwaysObjects {
    fn run<'a>(&'a self, _: &'a ObjectOperation) -> Pending<'a, ObjectReply> {
        let reply = self.0.clone();
        Box::pin(async move { Ok(reply) })
    }
}

fn acme(world: &World, reply: Reply) -> TenantScopedDynamoDb {
    let scope = Scope::tenant(&caller("acme"));
    TenantScopedDynamoDb::new(scope, Arc::new(Always(reply)), world.watchers())
}

fn items(items: &[&Job]) -> Reply {
    let items = items.iter().map(|it| it.to_attributes().unwrap()).collect();
    Reply { items, ..Reply::default() }
}

#[test]
fn items_of_others_do_not_get_through() {
    let world = World::default();
    let own = samples::job(&samples::acme());
    let other = samples::job(&samples::acme());
    let theirs = Job { tenant_id: "other".parse().unwrap(), ..own.clone() };
    let list = Listing::<Job>::all();
    let key = own.key();
    run(async {
        for wrong in [items(&[&theirs]), items(&[&own, &theirs]), items(&[&other])] {
            let data = acme(&world, wrong.clone());
            assert!(violation(data.get(&key).await).in_reply);
            violation(data.update(&key, Update::new(), Condition::none()).await);
            violation(data.batch_get(std::slice::from_ref(&key)).await);
            violation(data.put(&own, Condition::none()).await);
            violation(data.delete(&key, Condition::none()).await);
            violation(data.batch_write(std::slice::from_ref(&own), &[]).await);
            violation(data.transact(Transaction::new().create(&own).unwrap()).await);
        }
        violation(acme(&world, items(&[&theirs])).list(&list, 10, None).await);
        acme(&world, items(&[&other, &own])).list(&list, 10, None).await.unwrap();
        let nothing = acme(&world, Reply::default());
        let none = nothing.update(&key, Update::new(), Condition::none()).await;
        assert_eq!(none, Err(AccessError::Absent));
        // An item without a tenant, or whose tenant is no text.
        for value in
            [None, Some(AttributeValue::N("1".into())), Some(AttributeValue::S(String::new()))]
        {
            let mut item = own.to_attributes().unwrap();
            item.remove("tenant_id");
            item.extend(value.map(|value| ("tenant_id".to_owned(), value)));
            let reply = Reply { items: vec![item], ..Reply::default() };
            violation(acme(&world, reply).get(&key).await);
        }
        let mut without_key = own.to_attributes().unwrap();
        without_key.remove("job_id");
        let reply = Reply { items: vec![without_key], ..Reply::default() };
        violation(acme(&world, reply.clone()).get(&key).await);
        violation(acme(&world, reply).list(&list, 10, None).await);
    });
    assert!(world.violations() > 20);
}

#[test]
fn keys_of_others_do_not_get_through() {
    let world = World::default();
    let own = samples::job(&samples::acme());
    let theirs = Job { tenant_id: "other".parse().unwrap(), ..own.clone() };
    let key = theirs.key().attributes();
    let item = theirs.to_attributes().unwrap();
    let list = Listing::<Job>::all();
    run(async {
        let reply = Reply { last_key: Some(key.clone()), ..Reply::default() };
        assert!(violation(acme(&world, reply).list(&list, 10, None).await).in_reply);
        let reply = Reply { last_key: Some(Attributes::new()), ..Reply::default() };
        violation(acme(&world, reply).list(&list, 10, None).await);
        let reply = Reply { unread: vec![key.clone()], ..Reply::default() };
        assert!(violation(acme(&world, reply).batch_get(&[own.key()]).await).in_reply);
        for left in [BatchWrite::Put(item), BatchWrite::Delete(key)] {
            let reply = Reply { unwritten: vec![left], ..Reply::default() };
            let written = acme(&world, reply).batch_write(std::slice::from_ref(&own), &[]).await;
            assert!(violation(written).in_reply);
        }
    });
    assert_eq!(world.violations(), 5);
}

#[test]
fn a_position_that_no_cursor_holds_ends_the_list() {
    let world = World::default();
    let mut key = samples::job(&samples::acme()).key().attributes();
    key.insert("job_id".to_owned(), AttributeValue::S("x".repeat(3_000)));
    let reply = Reply { last_key: Some(key), ..Reply::default() };
    let page = run(acme(&world, reply).list(&Listing::<Job>::all(), 10, None));
    assert!(matches!(page, Err(AccessError::Request(_))));
}

#[test]
fn objects_of_others_do_not_get_through() {
    let world = World::default();
    let scope = || Scope::tenant(&caller("acme"));
    let acme =
        |reply| TenantScopedS3::new(scope(), Arc::new(AlwaysObjects(reply)), world.watchers());
    let key: ObjectKey = "a/b".parse().unwrap();
    let keys = |keys: &[&str]| ObjectReply {
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        body: Some(vec![]),
        ..ObjectReply::default()
    };
    let url = |url: &str| ObjectReply { url: Some(url.to_owned()), ..ObjectReply::default() };
    run(async {
        for wrong in ["tenants/other/a", "tenants/acme-2/a", "a", ""] {
            let found = violation(acme(keys(&["tenants/acme/a", wrong])).list(None, None, 9).await);
            assert!(found.in_reply);
        }
        violation(acme(keys(&["tenants/acme/b"])).list(Some(&key), None, 9).await);
        violation(acme(keys(&["tenants/acme/a/b"])).get(&key).await);
        // What somebody else put below the prefix by a key that is none of ours.
        let (listed, _) =
            acme(keys(&["tenants/acme/a b", "tenants/acme/c"])).list(None, None, 9).await.unwrap();
        assert_eq!(listed, ["c".parse().unwrap()]);
        let second = Duration::from_secs(1);
        for wrong in ["https://b/tenants/other/a/b?x", "https://b/x?tenants/acme/a/b", ""] {
            violation(acme(url(wrong)).presign_get(&key, second).await);
            violation(acme(url(wrong)).presign_put(&key, "text/plain", second).await);
        }
        acme(url("https://b/tenants/acme/a/b?x")).presign_get(&key, second).await.unwrap();
        let nothing = acme(ObjectReply::default());
        assert_eq!(nothing.presign_get(&key, second).await, Err(AccessError::Absent));
        assert_eq!(nothing.get(&key).await, Err(AccessError::Absent));
    });
    assert_eq!(world.violations(), 12);
}
