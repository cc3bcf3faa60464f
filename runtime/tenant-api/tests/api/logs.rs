//! What is logged: a line a request, and nothing that is a secret or names a person.

use std::io::Write;
use std::sync::{Arc, Mutex};

use runtime_core::telemetry::Lines;
use serde_json::{Value, json};
use tracing::instrument::WithSubscriber as _;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::memory::Fault;
use crate::support::{Api, admin, call, new_tenant, user};

#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_request_is_a_line_without_secrets_and_addresses() {
    let (api, out) = (Api::default(), Out::default());
    // Where there is one listener alone, what a test on another thread meets first is
    // remembered as a line that nobody listens to.
    let _another = tracing::Dispatch::new(tracing_subscriber::registry());
    let writer = out.clone();
    let lines = Lines::to(move || writer.clone());
    let key = async {
        api.send(new_tenant("globex", "basic")).await.is(202);
        let rotate = call("POST", "/v1/tenants/globex/api-keys").by(&user("globex"));
        let rotate = rotate.once("a-name-of-a-request").header("Authorization", "Bearer abc.def");
        let key = api.send(rotate).await.is(201).body["value"].as_str().unwrap().to_owned();
        let hook = json!({ "url": "https://h.example.com/?key=abc", "events": ["job.failed"] });
        let hook = call("POST", "/v1/webhooks").by(&user("globex")).once("h").json(&hook);
        let secret = api.send(hook).await.is(201).body["secret"].as_str().unwrap().to_owned();
        api.send(call("GET", "/v1/tenants/initech").by(&user("globex"))).await.is(403);
        api.send(call("GET", "/v1/unknown").by(&admin())).await.is(404);
        api.memory.fail(Fault { call: 0, after: false });
        api.send(call("GET", "/v1/tenants/globex").by(&admin())).await.is(500);
        [key, secret]
    };
    let subscriber = tracing_subscriber::registry().with(lines);
    let secrets = key.with_subscriber(subscriber).await;
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    let names = ["@", "ops", "pk_", "whsec_", "Bearer", "abc", "a-name-of-a-request"];
    for hidden in names.into_iter().chain(secrets.iter().map(String::as_str)) {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    let lines: Vec<Value> = text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let said: Vec<_> = lines
        .iter()
        .map(|it| (it["route"].as_str().unwrap(), it["status"].as_u64().unwrap()))
        .collect();
    let expected = [
        ("createTenant", 202),
        ("rotateApiKey", 201),
        ("createWebhook", 201),
        ("getTenant", 403),
        ("", 404),
        ("getTenant", 500),
    ];
    assert_eq!(said, expected);
    for line in &lines {
        assert_eq!(line["request_id"], "6f1ed44d-fd0e-4d9c-ae0f-4a1a4f0b5e11");
        assert!(line["micros"].is_u64() && line["method"].is_string(), "{line}");
    }
    assert_eq!(lines[1]["tenant"], "globex");
    assert_eq!(
        (&lines[5]["level"], &lines[5]["cause"]),
        (&json!("ERROR"), &json!("injected before"))
    );
}
