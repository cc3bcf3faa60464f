//! The program, driven through Lambda's runtime API.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use runtime_core::names::STORE_ROOT;
use serde_json::{Value, json};

use crate::support::Wiki;

/// Runs the program on `root` with `events`, one after the other; answers what
/// it posted for each, and what it logged.
fn run(root: &Path, events: &[Value]) -> (Vec<Value>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_git-store"))
        .env(STORE_ROOT, root)
        .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr().unwrap().to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "git-store")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let replies = serve(&listener, events, &mut child);
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    (replies, String::from_utf8(output.stderr).unwrap())
}

/// Plays the runtime API until every event has its reply.
fn serve(listener: &TcpListener, events: &[Value], child: &mut Child) -> Vec<Value> {
    let mut replies = Vec::new();
    while replies.len() < events.len() {
        let stream = accept(listener, child);
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        // The client keeps its connection open from one request to the next.
        while replies.len() < events.len() {
            let Some((target, body)) = receive(&mut reader) else { break };
            if target == "GET /2018-06-01/runtime/invocation/next" {
                send(&stream, replies.len(), &events[replies.len()].to_string());
            } else {
                let id = replies.len();
                assert_eq!(target, format!("POST /2018-06-01/runtime/invocation/{id}/response"));
                replies.push(serde_json::from_slice(&body).unwrap());
                send(&stream, id, "");
            }
        }
    }
    replies
}

/// The program's next connection. Fails when the program has ended instead.
fn accept(listener: &TcpListener, child: &mut Child) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    loop {
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false).unwrap();
            return stream;
        }
        assert!(child.try_wait().unwrap().is_none(), "the program has ended");
        thread::sleep(Duration::from_millis(2));
    }
}

/// One HTTP request: method and path, and the body.
fn receive(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let request = line();
    let target = request.rsplit_once(" HTTP/1.1")?.0.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let header = line();
        let Some((name, value)) = header.split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    assert!(!headers.contains_key("transfer-encoding"), "{headers:?}");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Some((target, body))
}

fn send(mut stream: &TcpStream, id: usize, body: &str) {
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: {id}\r\n\
         Lambda-Runtime-Deadline-Ms: 4102444800000\r\n\
         Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:0:function:git-store\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
}

fn write_event(path: &str, body: &str) -> Value {
    json!({
        "operation": "write", "wiki": "team", "path": path, "body": body, "message": "m",
        "author": {"name": "Ada", "email": "ada@example.com"},
    })
}

#[test]
fn the_program_serves_invocations() {
    let wiki = Wiki::new();
    let secret = "not for the logs";
    let (replies, logs) = run(
        wiki.root(),
        &[
            json!({"operation": "ping"}),
            json!({"operation": "init", "wiki": "team"}),
            write_event("a", secret),
            json!({"operation": "read", "wiki": "team", "path": "a"}),
            json!({"operation": "read", "wiki": "team", "path": "../a"}),
        ],
    );
    assert_eq!(replies[0]["ok"]["operation"], "ping");
    assert_eq!(replies[1]["ok"]["created"], false);
    assert_eq!(replies[2]["ok"]["changed"], true);
    assert_eq!(replies[3]["ok"]["body"], secret);
    assert_eq!(replies[3]["ok"]["commit"], replies[2]["ok"]["commit"]);
    assert_eq!(replies[4]["error"]["code"], "invalid_request");
    assert_eq!(replies[4]["error"]["field"], "path");

    assert!(!logs.contains(secret), "{logs}");
    let lines: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(
        lines.iter().any(|line| line["operation"] == "write" && line["changed"] == true),
        "{logs}"
    );
    assert_eq!(wiki.commits(), 1);
}

#[test]
fn five_programs_write_twenty_pages_each() {
    let wiki = Wiki::new();
    thread::scope(|scope| {
        for w in 0..5 {
            let root = wiki.root();
            scope.spawn(move || {
                let events: Vec<Value> =
                    (0..20).map(|n| write_event(&format!("{w}/{n}"), "x")).collect();
                let (replies, _) = run(root, &events);
                assert!(replies.iter().all(|reply| reply["ok"]["changed"] == true));
            });
        }
    });
    assert_eq!(wiki.commits(), 100);
}

#[test]
fn the_program_refuses_to_start_without_its_folder() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_git-store")).env_remove(STORE_ROOT).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains(STORE_ROOT));
}
