//! Who the local platform does not answer: web pages. Whom it does not show its state.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use platformctl::event::Events;
use platformctl::local::{LocalPlatform, Paths};

use crate::emulator::Env;

/// The status of the answer to `line` with `headers`, and the answer.
async fn send(port: u16, line: &str, headers: &[&str], body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!(
        "{line} HTTP/1.1\r\n{}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        headers.join("\r\n"),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

/// Prints the names of all buckets and stacks, as an SDK sees them. The region is the
/// one that an unsigned request counts for.
const NAMES: &str = r#"
import sys, botocore.session
session = botocore.session.Session()
session.set_credentials("000000000000", "local")
client = lambda name: session.create_client(
    name, region_name="us-east-1", endpoint_url=sys.argv[1])
print([b["Name"] for b in client("s3").list_buckets()["Buckets"]]
      + [s["StackName"] for s in client("cloudformation").list_stacks()["StackSummaries"]])
"#;

#[tokio::test]
async fn web_pages_are_refused_and_create_nothing() {
    let env = Env::new();
    let running = env.platform.up(None).await.unwrap();
    let port = running.port;
    let host = format!("Host: 127.0.0.1:{port}");
    let names = || {
        let output = env.python(&["-c", NAMES, &running.endpoint]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let (other_port, bare) = (format!("Host: 127.0.0.1:{}", port ^ 1), "Host: 127.0.0.1");
    let rebound = format!("Host: evil.example:{port}");
    let pretends = format!("Host: 127.0.0.1:{port}.evil.example");
    let below = format!("Host: bucket.s3.localhost:{port}");
    let by_page: &[&[&str]] = &[
        &[&host, "Origin: https://evil.example"],
        &[&host, "Origin: null"],
        // An image: no origin, but the browser tells where it comes from.
        &[&host, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"],
        &["Host: evil.example"],
        &[&rebound],
        &[&pretends],
        &[&below],
        &[&other_port],
        &[bare],
    ];
    let template = r#"{"Resources":{"T":{"Type":"AWS::SQS::Queue"}}}"#;
    let query = format!("Action=CreateStack&StackName=evil&TemplateBody={template}");
    let in_line = format!("GET /?{}", query.replace('"', "%22"));
    for headers in by_page {
        for (line, body) in [("PUT /evil", ""), (in_line.as_str(), ""), ("POST /", &query)] {
            let (status, answer) = send(port, line, headers, body).await;
            assert_eq!(status, 403, "{line} {headers:?}: {answer}");
        }
        let (status, _) = send(port, "GET /_platformctl/instance", headers, "").await;
        assert_eq!(status, 403, "{headers:?}");
    }
    let wanted = "Access-Control-Request-Method: PUT";
    let preflight = [host.as_str(), "Origin: https://evil.example", wanted];
    let (status, answer) = send(port, "OPTIONS /evil", &preflight, "").await;
    assert_eq!(status, 403, "{answer}");
    assert!(!answer.to_lowercase().contains("access-control-allow"), "{answer}");
    let socket = [
        host.as_str(),
        "Origin: https://evil.example",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    let (status, answer) = send(port, "GET /_aws/execute-api/a/b", &socket, "").await;
    assert_eq!(status, 403, "{answer}");
    assert_eq!(names(), "[]");

    // The same requests of a program are answered.
    assert_eq!(send(port, "PUT /mine", &[&host], "").await.0, 200);
    let localhost = format!("Host: LocalHost:{port}");
    assert_eq!(send(port, "PUT /ours", &[&localhost], "").await.0, 200);
    assert_eq!(send(port, &in_line, &[&host], "").await.0, 200);
    assert_eq!(names(), "['mine', 'ours', 'evil']");
}

#[tokio::test]
async fn the_state_is_for_this_user_only() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let cache = Paths::from_env().unwrap().cache;
    let platform = LocalPlatform::new(&state, cache, Events::none());
    platform.up(None).await.unwrap();
    platform.down().await.unwrap();
    for made in [&state, &state.join("local")] {
        assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
