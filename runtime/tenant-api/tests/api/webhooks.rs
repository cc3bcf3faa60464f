//! Webhooks, as callers see them.

use runtime_core::tables::WEBHOOKS;
use serde_json::{Value, json};

use crate::memory::Fault;
use crate::support::{Api, Call, call, machine, user};

fn new_webhook(once: &str, url: &str) -> Call {
    let body = json!({ "url": url, "events": ["job.succeeded"] });
    call("POST", "/v1/webhooks").by(&user("globex")).once(once).json(&body)
}

const URL: &str = "https://hooks.example.com/a";

#[tokio::test]
async fn a_webhook_has_one_secret_wherever_making_it_fails() {
    let mut met = 0;
    for fault in (0..6).flat_map(|call| [false, true].map(|after| Fault { call, after })) {
        let api = Api::default();
        api.memory.fail(fault);
        api.send(new_webhook("one", URL)).await;
        if api.memory.take_fault() {
            continue;
        }
        met += 1;
        let made = api.send(new_webhook("one", URL)).await.is(201).body;
        let id = made["webhook"]["id"].as_str().unwrap();
        let secrets = api.memory.cloud().secrets.clone();
        let name = format!("acme-dev/webhooks/globex/{id}");
        assert_eq!(secrets.keys().collect::<Vec<_>>(), [&name]);
        assert_eq!(made["secret"], secrets[&name]);
        assert_eq!(api.rows(WEBHOOKS).await.len(), 1);
        // The same request again gives the same secret.
        assert_eq!(api.send(new_webhook("one", URL)).await.is(201).body, made);
        // And deleting it leaves nothing, wherever that fails.
        api.memory.fail(Fault { call: met % 3, after: fault.after });
        let delete = || call("DELETE", &format!("/v1/webhooks/{id}")).by(&user("globex"));
        let first = api.send(delete()).await;
        api.memory.take_fault();
        let second = api.send(delete()).await;
        assert!([204, 404].contains(&second.status), "{first:?} {second:?}");
        assert!(api.memory.cloud().secrets.is_empty());
        assert!(api.rows(WEBHOOKS).await.is_empty());
    }
    assert!(met > 6, "only {met} faults were met");
}

#[tokio::test]
async fn only_public_addresses_are_called() {
    let api = Api::default();
    for url in [
        "http://hooks.example.com/",
        "https://localhost/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://user:pw@hooks.example.com/",
    ] {
        let answer = api.send(new_webhook("one", url)).await.is(400);
        assert_eq!(answer.fields(), ["url"], "{url}");
    }
    for events in [json!([]), json!(["job.failed", "job.failed"])] {
        let body = json!({ "url": URL, "events": events });
        let call = call("POST", "/v1/webhooks").by(&user("globex")).once("one").json(&body);
        assert_eq!(api.send(call).await.is(400).fields(), ["events"]);
    }
    let body = json!({ "url": URL, "events": ["job.began"] });
    let call = call("POST", "/v1/webhooks").by(&user("globex")).once("one").json(&body);
    assert_eq!(api.send(call).await.is(400).fields(), ["events[0]"]);
    assert!(api.memory.cloud().secrets.is_empty());
}

#[tokio::test]
async fn a_webhook_is_its_tenants_and_the_secret_is_shown_once() {
    let api = Api::default();
    let made = api.send(new_webhook("one", URL)).await.is(201).body;
    let id = made["webhook"]["id"].as_str().unwrap();
    let path = format!("/v1/webhooks/{id}");
    let read = api.send(call("GET", &path).by(&machine("globex"))).await.is(200).body;
    assert_eq!(read, made["webhook"]);
    let list = api.send(call("GET", "/v1/webhooks").by(&machine("globex"))).await.is(200).body;
    assert_eq!(list["items"], json!([made["webhook"]]));
    assert!(!list.to_string().contains(made["secret"].as_str().unwrap()));
    api.send(call("GET", &path).by(&user("initech"))).await.is(404);
    api.send(call("DELETE", &path).by(&user("initech"))).await.is(404);
    assert_eq!(api.memory.cloud().secrets.len(), 1);
    // Another webhook under the same name is a conflict, and changes no secret.
    api.send(new_webhook("one", "https://hooks.example.com/b")).await.is(409);
    let secrets: Vec<_> = api.memory.cloud().secrets.values().cloned().collect();
    assert_eq!(secrets, [made["secret"].as_str().unwrap()]);
}

#[tokio::test]
async fn webhooks_are_listed_to_the_end() {
    let api = Api::default();
    for i in 0..7 {
        api.send(new_webhook(&format!("hook-{i}"), URL)).await.is(201);
    }
    let (mut found, mut cursor) = (std::collections::BTreeSet::new(), String::new());
    loop {
        let list = call("GET", &format!("/v1/webhooks?limit=3{cursor}")).by(&user("globex"));
        let page: Value = api.send(list).await.is(200).body;
        let items = page["items"].as_array().unwrap();
        found.extend(items.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found.len(), 7);
}
