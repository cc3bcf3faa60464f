//! What the gateway and operators hear.

use std::io;
use std::sync::{Arc, Mutex};

use authoriser::{Log, Reason, service};
use runtime_core::auth::AuthContext;
use runtime_core::model::{ApiKey, ApiKeyToken, TenantStatus};
use serde_json::{Value, json};

use super::support::{
    Behaviour, OTHER_RSA, RSA, World, bearer, encode, machines, request, staff, user,
};

/// What was written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn last(&self) -> Value {
        serde_json::from_str(self.text().lines().last().unwrap()).unwrap()
    }
}

async fn answer(world: &World, written: &Written, event: Value) -> Result<Value, String> {
    let log = Log::to("acme-dev-platform".to_owned(), written.clone());
    service::answer(&world.authoriser, &log, event).await
}

#[tokio::test]
async fn an_allowance_is_for_one_method_of_one_path() {
    let (world, written) = (World::new().await, Written::default());
    let path = "/v1/agents/a*b?$x";
    let token = format!("Bearer {}", user().claim("scp", "agents:read").sign(&RSA));
    let event = request("GET", "/v1/agents/{name}", path, &[("authorization", &token)]);
    let answer = answer(&world, &written, event).await.unwrap();
    let context = answer["context"].as_object().unwrap();
    let member = |name: &str| context.get(name).and_then(Value::as_str);
    let read = AuthContext::read(member).unwrap();
    assert_eq!(read.tenant.unwrap().as_str(), "acme");
    let expected = json!({
        "principalId": read.subject,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{
                "Action": "execute-api:Invoke",
                "Effect": "Allow",
                "Resource": "arn:aws:execute-api:eu-west-2:123456789012:abc123/live/GET/v1/agents/a${*}b${?}${$}x",
            }],
        },
        "context": {
            "caller": "tenant", "subject": read.subject, "request_id": "r-1",
            "tenant_id": "acme", "tier": "standard", "scopes": "agents:read",
        },
        "usageIdentifierKey": "usage-key-of-tenant-acme-dev-acme",
    });
    assert_eq!(answer, expected);
    let line = written.last();
    assert_eq!((&line["decision"], &line["level"]), (&json!("allowed"), &json!("INFO")));
    assert_eq!((&line["operation"], &line["tenant_id"]), (&json!("getAgent"), &json!("acme")));
    assert_eq!(line.get("_aws"), None);
}

#[tokio::test]
async fn nobody_is_401_not_allowed_is_403_and_out_of_reach_is_neither() {
    let (world, written) = (World::new().await, Written::default());
    let none = request("GET", "/v1/agents", "/v1/agents", &[]);
    assert_eq!(answer(&world, &written, none).await, Err("Unauthorized".to_owned()));
    let line = written.last();
    assert_eq!(
        (&line["decision"], &line["Reason"]),
        (&json!("unauthorised"), &json!("no-credential"))
    );
    assert_eq!((&line["RequestsRefused"], &line["level"]), (&json!(1), &json!("WARN")));
    let metrics = &line["_aws"]["CloudWatchMetrics"];
    let expected = json!([{
        "Namespace": "acme-dev-platform",
        "Dimensions": [[], ["Reason"]],
        "Metrics": [{ "Name": "RequestsRefused", "Unit": "Count" }],
    }]);
    assert_eq!(*metrics, expected);

    let admin = staff("Platform.Admin").sign(&OTHER_RSA);
    let denied = answer(&world, &written, bearer(&admin)).await.unwrap();
    assert_eq!(denied["policyDocument"]["Statement"][0]["Effect"], "Deny");
    assert_eq!((denied.get("context"), denied.get("usageIdentifierKey")), (None, None));
    assert_eq!(written.last()["Reason"], "caller");

    let value = format!("Bearer {}", user().sign(&RSA));
    let other =
        request("GET", "/v1/tenants/{id}", "/v1/tenants/globex", &[("Authorization", &value)]);
    let denied = answer(&world, &written, other).await.unwrap();
    assert_eq!(denied["policyDocument"]["Statement"][0]["Effect"], "Deny");
    let line = written.last();
    assert_eq!((&line["Reason"], &line["tenant_id"]), (&json!("other-tenant"), &json!("acme")));
    assert_eq!(line["TenantAccessViolations"], 1);

    let world = World::new().await;
    world.keys.turn(Behaviour::Down);
    let away = answer(&world, &written, bearer(&user().sign(&RSA))).await;
    assert_eq!(away, Err("no decision: keys-unavailable".to_owned()));
    let line = written.last();
    assert_eq!((&line["DecisionsUnavailable"], &line["level"]), (&json!(1), &json!("ERROR")));
}

#[tokio::test]
async fn what_is_no_event_of_the_gateway_is_refused() {
    let (world, written) = (World::new().await, Written::default());
    let token = user().sign(&RSA);
    for event in [json!({}), json!(null), json!([token]), json!({ "methodArn": token })] {
        let answer = answer(&world, &written, event).await;
        assert_eq!(answer, Err("the event is not a request of API Gateway".to_owned()));
        assert_eq!(written.last()["Reason"], Reason::Event.code());
    }
    assert!(!written.text().contains(&token));
}

/// Whatever comes, nothing of a credential is in a log or an answer.
#[tokio::test]
async fn credentials_are_nowhere() {
    let planted = "PLANTED";
    let world = World::with(|config| config.machines = Some(machines())).await;
    let written = Written::default();
    let key = ApiKeyToken::generate("acme".parse().unwrap());
    let stored = ApiKey::of(&key, "2026-01-01T00:00:00Z".parse().unwrap());
    world.tenants.put("acme", TenantStatus::Active, &[stored]);
    let good = user().claim("email", planted).claim("sub", planted).sign(&RSA);
    let stranger = ApiKeyToken::generate("acme".parse().unwrap());
    let values = [
        format!("Bearer {good}"),
        format!("Bearer {good}x"),
        format!("Bearer {}", user().claim("tenant_id", planted).sign(&RSA)),
        format!("Bearer {}", user().claim("iss", planted).sign(&RSA)),
        format!("Bearer {}", user().claim("aud", planted).sign(&RSA)),
        format!("Bearer {}", user().header("kid", planted).sign(&RSA)),
        format!("Bearer {}", user().header("alg", planted).sign(&RSA)),
        format!("Bearer {}", user().header(planted, planted).sign(&RSA)),
        format!("Bearer {planted}"),
        format!("Bearer aws_{}", encode(planted)),
        format!("{planted} {good}"),
        planted.to_owned(),
        format!("ApiKey {}", key.expose()),
        format!("ApiKey {}", stranger.expose()),
        format!("ApiKey {planted}"),
    ];
    for value in values {
        let headers = [("Authorization", value.as_str())];
        let event = request("GET", "/v1/agents", "/v1/agents", &headers);
        let answer = answer(&world, &written, event).await;
        let (said, secret) =
            (format!("{answer:?} {}", written.text()), value.split(' ').next_back());
        assert!(!said.contains(planted), "{said}");
        assert!(!said.contains(secret.unwrap()), "{said}");
        for part in secret.unwrap().split(['.', '_']).filter(|part| part.len() > 12) {
            assert!(!said.contains(part), "{part}: {said}");
        }
    }
}
