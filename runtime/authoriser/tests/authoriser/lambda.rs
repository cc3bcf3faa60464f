//! The program itself: driven through Lambda's runtime API, with a table behind it.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runtime_core::auth::{ISSUERS, IssuerConfig};
use runtime_core::metrics::NAMESPACE_VARIABLE;
use runtime_core::model::{AttributeValue, Item as _, Tenant};
use runtime_core::names::NAME_PREFIX;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use super::support::{ISSUER, KeyServer, OTHER_RSA, RSA, bearer, issuer, tenant, user};

/// One request: its first line and its body.
async fn receive(stream: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let (mut first, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if first.is_empty() {
            line.clone_into(&mut first);
        } else if line.is_empty() {
            break;
        } else if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((first, body))
}

async fn send(stream: &mut BufReader<TcpStream>, headers: &str, body: &str) {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
}

/// A table that knows one tenant. Answers what it was asked, and its address.
async fn table(tenant: Tenant) -> (Arc<Mutex<Vec<Value>>>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let questions = asked.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (questions, tenant) = (questions.clone(), tenant.clone());
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                while let Some((_, body)) = receive(&mut stream).await {
                    let question: Value = serde_json::from_slice(&body).unwrap();
                    let known = question["Key"]["tenant_id"]["S"] == tenant.tenant_id.as_str();
                    questions.lock().unwrap().push(question);
                    let item = tenant.to_attributes().unwrap();
                    let item: Value =
                        item.into_iter().map(|(name, value)| (name, wire(value))).collect();
                    let answer = if known { json!({ "Item": item }) } else { json!({}) };
                    send(&mut stream, "", &answer.to_string()).await;
                }
            });
        }
    });
    (asked, address)
}

/// An attribute as the table sends it.
fn wire(value: AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::L(items) => {
            json!({ "L": items.into_iter().map(wire).collect::<Vec<_>>() })
        }
        other => panic!("{other:?}"),
    }
}

/// Gives the program events, one after the other; answers where and what it posted.
async fn serve(listener: &TcpListener, events: &[Value]) -> Vec<(String, Value)> {
    let mut answers = Vec::new();
    while answers.len() < events.len() {
        let mut stream = BufReader::new(listener.accept().await.unwrap().0);
        while answers.len() < events.len()
            && let Some((first, body)) = receive(&mut stream).await
        {
            let id = answers.len();
            if first.starts_with("GET") {
                let headers = format!(
                    "Lambda-Runtime-Aws-Request-Id: {id}\r\n\
                     Lambda-Runtime-Deadline-Ms: 4102444800000\r\n\
                     Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-2:0:function:a\r\n"
                );
                send(&mut stream, &headers, &events[id].to_string()).await;
            } else {
                let path = first.split(' ').nth(1).unwrap().rsplit('/').next().unwrap();
                answers.push((path.to_owned(), serde_json::from_slice(&body).unwrap()));
                send(&mut stream, "", "").await;
            }
        }
    }
    answers
}

#[tokio::test]
async fn the_program_decides_by_its_environment_and_its_table() {
    let keys = KeyServer::with(&[("k1", &RSA)]).await;
    let issuers = [IssuerConfig {
        tenant_claim: Some("tenant_id".to_owned()),
        ..issuer("users", ISSUER, &keys.url)
    }];
    let (asked, endpoint) = table(tenant("acme", "active", &[])).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_authoriser"))
        .env_clear()
        .env(ISSUERS, json!(issuers).to_string())
        .env(NAME_PREFIX, "acme-dev")
        .env(NAMESPACE_VARIABLE, "acme-dev-platform")
        .env("AWS_REGION", "eu-west-2")
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
        .env("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
        .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr().unwrap().to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "authoriser")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let draft = user().claim("iat", now).claim("nbf", now).claim("exp", now + 600);
    let events = [
        bearer(&draft.sign(&RSA)),
        bearer(&draft.sign(&OTHER_RSA)),
        bearer(&draft.clone().claim("tenant_id", "nobody").sign(&RSA)),
        bearer(&draft.sign(&RSA)),
        json!({}),
    ];
    let served = serve(&listener, &events);
    let answers = tokio::time::timeout(Duration::from_mins(1), served).await.unwrap();

    let (path, allowed) = &answers[0];
    assert_eq!((path.as_str(), &allowed["context"]["tenant_id"]), ("response", &json!("acme")));
    let (path, refused) = &answers[1];
    assert_eq!((path.as_str(), &refused["errorMessage"]), ("error", &json!("Unauthorized")));
    let (path, denied) = &answers[2];
    let effect = &denied["policyDocument"]["Statement"][0]["Effect"];
    assert_eq!((path.as_str(), effect), ("response", &json!("Deny")));
    assert_eq!(answers[3].1, *allowed);
    assert_eq!(answers[4].0, "error");

    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(
        (&asked[0]["TableName"], &asked[0]["ConsistentRead"]),
        (&json!("acme-dev-tenants"), &json!(true))
    );

    let mut child = child;
    child.start_kill().unwrap();
    let output = child.wait_with_output().await.unwrap();
    let written = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    for event in &events[..4] {
        let token = event["headers"]["Authorization"].as_str().unwrap();
        for part in token.split(['.', ' ']).filter(|part| part.len() > 10) {
            assert!(!written.concat().contains(part), "{written:?}");
        }
    }
    let lines: Vec<Value> =
        written[0].lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let decisions: Vec<_> = lines.iter().filter_map(|line| line["decision"].as_str()).collect();
    assert_eq!(decisions, ["allowed", "unauthorised", "denied", "allowed"]);
    // A refusal is no error of the function: nobody is to be woken by it.
    assert!(!written[1].contains("ERROR"), "{}", written[1]);
}

#[tokio::test]
async fn the_program_does_not_start_with_a_configuration_that_is_wrong() {
    for (issuers, expected) in [("[{}]", ISSUERS), ("x", ISSUERS)] {
        let output = Command::new(env!("CARGO_BIN_EXE_authoriser"))
            .env(NAME_PREFIX, "acme-dev")
            .env(ISSUERS, issuers)
            .output()
            .await
            .unwrap();
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains(expected));
    }
}
