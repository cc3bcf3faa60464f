//! An endpoint on the loopback interface that answers AWS's query protocol with
//! prepared texts, one for each action.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// The account that the endpoint says the credentials belong to.
pub const ACCOUNT: &str = "111122223333";

/// A request to move agents, as the table of operations has it.
const REQUESTED: &str = r#"{"Items": [{
    "operation_kind": {"S": "failover"}, "operation_id": {"S": "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
    "request_id": {"S": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "region": {"S": "eu-central-1"},
    "reason": {"S": "eu-west-1 is down"}, "requested_by": {"S": "5eb1f00d"},
    "created_at": {"S": "2026-11-20T09:40:00.000Z"}, "expires_at": {"N": "4102444800"},
    "revision": {"N": "1"}, "v": {"N": "1"}
}]}"#;

/// By action: HTTP status and body.
type Answers = Vec<(&'static str, u16, String)>;

pub struct Endpoint {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoint {
    /// Knows who is calling, and no stack.
    pub fn without_stacks() -> Self {
        Self::answering(vec![
            identity(),
            error("DescribeStacks", 400, "ValidationError", "Stack with id x does not exist"),
        ])
    }

    /// Knows who is calling, and finds every stack complete and unprotected.
    pub fn with_stacks() -> Self {
        let stack = "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>\
             <StackName>any</StackName><CreationTime>2026-11-20T09:00:00Z</CreationTime>\
             <StackStatus>CREATE_COMPLETE</StackStatus>\
             <EnableTerminationProtection>false</EnableTerminationProtection>\
             </member></Stacks></DescribeStacksResult></DescribeStacksResponse>";
        Self::answering(vec![identity(), ("DescribeStacks", 200, stack.to_owned())])
    }

    /// Knows who is calling, and one lock, as the table's wire format has it; nobody ever
    /// moved the runtime.
    pub fn with_lock(item: &str) -> Self {
        let lost = r#"{"__type": "ParameterNotFound", "message": "none"}"#;
        Self::answering(vec![
            identity(),
            ("GetItem", 200, item.to_owned()),
            ("Query", 200, REQUESTED.to_owned()),
            ("GetParameter", 400, lost.to_owned()),
        ])
    }

    /// Refuses everyone with this code and message.
    pub fn refusing(status: u16, code: &str, message: &str) -> Self {
        Self::answering(vec![error("GetCallerIdentity", status, code, message)])
    }

    fn answering(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = listener.local_addr().expect("an address");
        let ended = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if told.load(Ordering::SeqCst) {
                    break;
                }
                // A client that went away is no concern of the next one.
                let _ = stream.and_then(|stream| answer(stream, &answers));
            }
        });
        Self { address, ended, thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread up, which then sees that it is to end.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the endpoint did not panic");
        }
    }
}

fn identity() -> (&'static str, u16, String) {
    let body = format!(
        "<GetCallerIdentityResponse><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::{ACCOUNT}:user/tester</Arn><UserId>AIDATESTER</UserId>\
         <Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    ("GetCallerIdentity", 200, body)
}

fn error(
    action: &'static str,
    status: u16,
    code: &str,
    message: &str,
) -> (&'static str, u16, String) {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error></ErrorResponse>"
    );
    (action, status, body)
}

fn answer(mut stream: TcpStream, answers: &Answers) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    let mut target = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        // JSON services name the action in a header, behind their own name.
        if line.to_ascii_lowercase().starts_with("x-amz-target:") {
            line.trim().rsplit('.').next().unwrap_or_default().clone_into(&mut target);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body);
    let action = body.strip_prefix("Action=").and_then(|rest| rest.split('&').next());
    let action = action.or(Some(target.as_str()).filter(|target| !target.is_empty()));
    let unknown = error("", 400, "InvalidAction", "the test has no answer to this");
    let (_, status, text) =
        answers.iter().find(|(known, ..)| Some(*known) == action).unwrap_or(&unknown);
    write!(
        stream,
        "HTTP/1.1 {status} Said\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}
