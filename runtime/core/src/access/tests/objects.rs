//! What tenants do with their objects.

use std::time::Duration;

use super::*;

fn key(text: &str) -> ObjectKey {
    text.parse().unwrap()
}

#[test]
fn an_object_is_written_read_listed_signed_and_deleted() {
    let world = World::default();
    let acme = world.objects("acme");
    run(async {
        let result = key("job-1/result.json");
        assert_eq!(acme.get(&result).await, Err(AccessError::Absent));
        acme.create(&result, b"{}".to_vec(), "application/json").await.unwrap();
        let again = acme.create(&result, b"[]".to_vec(), "application/json").await;
        assert_eq!(again, Err(AccessError::Condition));
        acme.put(&result, b"[]".to_vec(), "application/json").await.unwrap();
        assert_eq!(acme.get(&result).await.unwrap(), b"[]");
        assert_eq!(world.bucket.keys(), ["tenants/acme/job-1/result.json"]);

        acme.put(&key("job-10/a"), vec![], "text/plain").await.unwrap();
        acme.put(&key("job-2/a"), vec![], "text/plain").await.unwrap();
        let (all, more) = acme.list(None, None, 2).await.unwrap();
        assert_eq!((all, more), (vec![key("job-1/result.json"), key("job-10/a")], true));
        let (rest, more) = acme.list(None, Some(&key("job-10/a")), 2).await.unwrap();
        assert_eq!((rest, more), (vec![key("job-2/a")], false));
        let (one, _) = acme.list(Some(&key("job-1")), None, 0).await.unwrap();
        assert_eq!(one, [key("job-1/result.json")], "job-10 is another");

        let hour = Duration::from_hours(1);
        let url = acme.presign_get(&result, hour).await.unwrap();
        assert_eq!(url, "https://bucket.invalid/tenants/acme/job-1/result.json?expires=900");
        let short = Duration::from_mins(1);
        let url = acme.presign_put(&result, "text/plain", short).await.unwrap();
        assert!(url.ends_with("?expires=60"));
        acme.delete(&result).await.unwrap();
        acme.delete(&result).await.unwrap();
        assert_eq!(acme.get(&result).await, Err(AccessError::Absent));
    });
    assert_eq!(world.violations(), 0);
}

#[test]
fn tenants_whose_names_begin_alike_do_not_see_each_other() {
    let world = World::default();
    let (acme, acme_2) = (world.objects("acme"), world.objects("acme-2"));
    run(async {
        acme_2.put(&key("a"), vec![1], "text/plain").await.unwrap();
        assert_eq!(acme.get(&key("a")).await, Err(AccessError::Absent));
        assert_eq!(acme.list(None, None, 10).await.unwrap(), (vec![], false));
    });
}

#[test]
fn no_key_leads_out_of_its_prefix() {
    let long = "a".repeat(501);
    for text in [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        ".",
        "..",
        "../acme-2/a",
        "a/../../b",
        "a/./b",
        "a\\b",
        "a b",
        "a\0",
        "é",
        "a%2f",
        "a?b",
        "a#b",
        long.as_str(),
    ] {
        assert!(text.parse::<ObjectKey>().is_err(), "{text:?}");
    }
    assert_eq!(key("a/.b/c..d_e-f").as_str(), "a/.b/c..d_e-f");
    assert_eq!(key(&"a".repeat(500)).as_str().len(), 500);
}

/// Raw operations, as no typed function makes them.
#[test]
fn a_key_outside_is_a_violation_whatever_is_done_with_it() {
    let world = World::default();
    world.bucket.plant("tenants/other/a", b"theirs");
    let acme = world.objects("acme");
    let lasts = Duration::from_secs(1);
    let mut expected = 0;
    for key in
        ["tenants/other/a", "tenants/acme/../other/a", "tenants/acme/", "tenants/acme", "a", ""]
    {
        let key = key.to_owned();
        let content_type = String::new();
        let operations = [
            ObjectOperation::Get { key: key.clone() },
            ObjectOperation::Put {
                key: key.clone(),
                body: vec![],
                content_type: String::new(),
                new: false,
            },
            ObjectOperation::Delete { key: key.clone() },
            ObjectOperation::List {
                prefix: "tenants/acme/".into(),
                after: Some(key.clone()),
                limit: 1,
            },
            ObjectOperation::PresignGet { key: key.clone(), lasts },
            ObjectOperation::PresignPut { key: key.clone(), lasts, content_type },
        ];
        let names = [
            "get-object",
            "put-object",
            "delete-object",
            "list-objects",
            "presign-get",
            "presign-put",
        ];
        for (operation, name) in operations.into_iter().zip(names) {
            let found = violation(run(acme.send(operation)));
            assert_eq!(
                (found.operation, found.table.as_str(), found.in_reply),
                (name, "results", false)
            );
            expected += 1;
        }
    }
    for prefix in ["", "tenants/", "tenants/acme", "tenants/acme-2/", "tenants/other/"] {
        let list = ObjectOperation::List { prefix: prefix.to_owned(), after: None, limit: 1 };
        violation(run(acme.send(list)));
        expected += 1;
    }
    assert_eq!(world.violations(), expected);
    assert_eq!(world.bucket.keys(), ["tenants/other/a"]);
}
