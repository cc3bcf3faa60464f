//! What a function makes of its environment, in a process with that environment.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use super::*;

/// Set where this program is the function.
const IS_FUNCTION: &str = "PLATFORMCTL_TEST_IS_FUNCTION";

/// Answers one request, and gives what came before its body.
fn serve(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let (mut request, mut buffer) = (Vec::new(), [0; 4_096]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = stream.read(&mut buffer).unwrap();
        assert_ne!(length, 0, "the request ended early");
        request.extend_from_slice(&buffer[..length]);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody").unwrap();
    String::from_utf8(request).unwrap()
}

fn be_a_function() {
    run(async {
        let connections = Connections::from_environment().await;
        assert_eq!(connections.config().region().unwrap().as_ref(), "eu-west-3");
        let bucket = S3Bucket::new(connections.s3(), "p-dev-results");
        let get = ObjectOperation::Get { key: "tenants/acme/a".into() };
        assert_eq!(bucket.run(&get).await.unwrap().body.unwrap(), b"body");
    });
}

#[test]
fn a_function_goes_where_its_environment_says_as_whom_it_says() {
    if std::env::var_os(IS_FUNCTION).is_some() {
        return be_a_function();
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || serve(&listener));
    let others = std::env::vars().filter(|(name, _)| {
        let name = name.to_lowercase();
        !name.starts_with("aws_") && !name.ends_with("_proxy")
    });
    let name = "a_function_goes_where_its_environment_says_as_whom_it_says";
    let function = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("access::tests::connect::{name}")])
        .env_clear()
        .envs(others)
        .env(IS_FUNCTION, "1")
        .env("AWS_ACCESS_KEY_ID", "AKIDOWN")
        .env("AWS_SECRET_ACCESS_KEY", "s")
        .env("AWS_SESSION_TOKEN", "session-of-the-function")
        .env("AWS_REGION", "eu-west-3")
        .env("AWS_ENDPOINT_URL", endpoint)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&function.stdout);
    assert!(function.status.success() && said.contains("1 passed"), "{said}");
    let request = server.join().unwrap().to_lowercase();
    assert!(request.starts_with("get /p-dev-results/tenants/acme/a?"), "{request}");
    assert!(request.contains("credential=akidown/"), "{request}");
    assert!(request.contains("/eu-west-3/s3/aws4_request"), "{request}");
    assert!(request.contains("x-amz-security-token: session-of-the-function"), "{request}");
}
