//! Asking a port on the loopback interface who is there.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What our launcher answers.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) instance: String,
    pub(crate) pid: u32,
}

/// Who answers on `port`; none when nobody does, or somebody else.
pub(crate) async fn identity(port: u16) -> Option<Identity> {
    let answer =
        timeout(Duration::from_secs(2), get(port, "/_platformctl/instance")).await.ok()??;
    parse(&answer)
}

async fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    // Whatever listens there, an answer of ours is short.
    stream.take(4096).read_to_end(&mut answer).await.ok()?;
    String::from_utf8(answer).ok()
}

fn parse(answer: &str) -> Option<Identity> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    if head.split_whitespace().nth(1)? != "200" {
        return None;
    }
    // The body may be chunked: the object is what is between the braces.
    serde_json::from_str(body.get(body.find('{')?..=body.rfind('}')?)?).ok()
}

/// Whether `port` can be bound now.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}

/// A free port of the system's choice.
pub(crate) fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_of_ours_is_an_identity() {
        let ours = "HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\n\r\n1f\r\n\
                    {\"instance\": \"abc\", \"pid\": 7}\r\n0\r\n\r\n";
        assert_eq!(parse(ours), Some(Identity { instance: "abc".into(), pid: 7 }));
        assert_eq!(parse("HTTP/1.1 404 Not Found\r\n\r\n{}"), None);
        assert_eq!(parse("HTTP/1.1 200 OK\r\n\r\n<html>"), None);
        assert_eq!(parse("SSH-2.0"), None);
    }

    #[tokio::test]
    async fn a_silent_port_is_nobody() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!is_free(port));
        assert_eq!(identity(port).await, None);
    }
}
