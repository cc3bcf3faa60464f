//! Requests to the platform's API and to those who sign users in: TLS except on this
//! machine, no redirects, and bounded time and size, whatever answers.

#[cfg(test)]
pub(crate) mod fake;

use std::fmt;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Url};
use serde::de::DeserializeOwned;

use crate::error::{Context as _, Error, Result};

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request may take with its answer: API Gateway ends it after 29 seconds.
const WHOLE: Duration = Duration::from_secs(35);
/// The largest answer that is read, in bytes. A page of the API's lists has some ten
/// kilobytes, a token of a user in many groups less than that.
const LARGEST: usize = 4 << 20;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever it is meant for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Sends requests.
#[derive(Debug)]
pub struct Http {
    /// Without TLS, which is for this machine alone: past any proxy.
    plain: OnceLock<Client>,
    /// With TLS: through the proxy of the environment, if there is one.
    secure: OnceLock<Client>,
    time: Duration,
    largest: usize,
}

/// A request that got no whole answer.
#[derive(Debug)]
pub struct Failure {
    /// What happened.
    pub error: Error,
    /// Whether another try may go better.
    pub passing: bool,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Default for Http {
    fn default() -> Self {
        Self::bounded(WHOLE, LARGEST)
    }
}

impl Http {
    /// Sends requests that may take `time` and whose answers may have `largest` bytes.
    pub fn bounded(time: Duration, largest: usize) -> Self {
        Self { plain: OnceLock::new(), secure: OnceLock::new(), time, largest }
    }

    /// Begins a request.
    pub fn request(&self, method: Method, url: Url) -> Result<RequestBuilder> {
        let plain = url.scheme() == "http";
        if plain && !is_loopback(&url) {
            return Err(Error::usage(format!("nothing is sent to {url} in the clear")));
        }
        let kept = if plain { &self.plain } else { &self.secure };
        let client = match kept.get() {
            Some(client) => client,
            None => {
                let made = self.client(plain)?;
                kept.get_or_init(|| made)
            }
        };
        Ok(client.request(method, url))
    }

    fn client(&self, plain: bool) -> Result<Client> {
        // One provider for the whole process; a second call finds it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(self.time)
            .redirect(Policy::none())
            .referer(false)
            .https_only(!plain)
            .user_agent(concat!("platformctl/", env!("CARGO_PKG_VERSION")));
        let builder = if plain {
            // It trusts nobody, and needs no certificates of the system to say so.
            let trust = rustls::ClientConfig::builder()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            builder.no_proxy().tls_backend_preconfigured(trust)
        } else {
            builder
        };
        builder.build().context("cannot prepare HTTPS")
    }

    /// Sends a request and reads its answer.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let (client, request) = request.build_split();
        let request = request.map_err(|error| self.failed("the request", "", error))?;
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let failed = |error| self.failed("no answer from ", &host, error);
        let mut response = client.execute(request).await.map_err(failed)?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(failed)? {
            if body.len() + part.len() > self.largest {
                let most = self.largest / 1024;
                let error = Error::failed(format!("{host} answered with more than {most} KiB"));
                return Err(Failure { error, passing: false });
            }
            body.extend_from_slice(&part);
        }
        Ok(Answer { status, headers, body })
    }

    fn failed(&self, what: &str, host: &str, error: reqwest::Error) -> Failure {
        let late = error.is_timeout() && !error.is_connect();
        let passing = error.is_timeout() || error.is_connect() || error.is_body();
        let message = if late {
            format!("no answer from {host} within {:.0?}", self.time)
        } else {
            format!("{what}{host}")
        };
        // The address is named already, and may be long.
        Failure { error: Error::failed(message).caused_by(error.without_url()), passing }
    }
}

impl Answer {
    /// Its body as JSON of one kind; `from` names who answered.
    pub fn json<T: DeserializeOwned>(&self, from: &str) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Error::failed(format!(
                "{from} answered something else than expected (status {}, {})",
                self.status,
                self.content_type()
            ))
            .caused_by(error)
        })
    }

    /// Its media type, for people.
    pub fn content_type(&self) -> String {
        let text = self.header("content-type").unwrap_or("no content type");
        printable(text, 60)
    }

    /// A header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// How long to wait before another try, if the answer says so.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.header("retry-after")?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let at = httpdate::parse_http_date(text).ok()?;
        Some(at.duration_since(SystemTime::now()).unwrap_or_default())
    }
}

/// An address that secrets may be sent to: https, or http on this machine. `what` names
/// it in the error.
pub fn address(text: &str, what: &str) -> Result<Url> {
    let wrong = |why: &str| {
        let shown = printable(text, 200);
        Error::usage(format!("{what} is `{shown}`: {why}"))
            .hint("write one such as https://app.acme.example; http is for this machine alone")
    };
    let url = Url::parse(text).map_err(|error| wrong("it is no address").caused_by(error))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it names a user"));
    }
    match url.scheme() {
        "https" if url.has_host() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(wrong("what is sent there could be read on the way")),
        _ => Err(wrong("it is no https address")),
    }
}

/// Whether an address is on this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What somebody else wrote, fit for a terminal: one line, without control characters,
/// and not longer than `most` characters.
pub fn printable(text: &str, most: usize) -> String {
    let hidden = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
    let line: String = text.chars().map(|c| if hidden(c) { ' ' } else { c }).collect();
    let line = line.trim();
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::fake::{Reply, Server};
    use super::*;

    async fn get(http: &Http, url: &str) -> Result<Answer, Failure> {
        let url = Url::parse(url).unwrap();
        http.send(http.request(Method::GET, url).unwrap()).await
    }

    #[tokio::test]
    async fn no_answer_is_waited_for_or_read_without_end() {
        let http = Http::bounded(Duration::from_millis(300), 10_000);
        let silent = Server::new(|_, _| None);
        let failure = get(&http, &silent.url()).await.unwrap_err();
        assert_eq!(failure.error.message(), "no answer from 127.0.0.1 within 300ms");
        assert!(failure.passing);

        let endless = Server::new(|_, _| Some(Reply::text(200, &"x".repeat(10_001))));
        let failure = get(&http, &endless.url()).await.unwrap_err();
        assert_eq!(failure.error.message(), "127.0.0.1 answered with more than 9 KiB");
        assert!(!failure.passing);

        let nobody = get(&http, "http://127.0.0.1:1").await.unwrap_err();
        assert!(nobody.passing && nobody.error.causes().concat().contains("refused"));
    }

    #[test]
    fn nothing_leaves_this_machine_in_the_clear() {
        let url = Url::parse("http://api.acme.example/").unwrap();
        assert!(Http::default().request(Method::GET, url).is_err());
    }

    #[tokio::test]
    async fn nobody_is_sent_elsewhere() {
        let target = Server::new(|_, _| Some(Reply::text(200, "")));
        let place = target.url();
        let sends = Server::new(move |_, _| Some(Reply::text(307, "").header("location", &place)));
        assert_eq!(get(&Http::default(), &sends.url()).await.unwrap().status, 307);
        assert!(target.asked().is_empty());
    }

    #[test]
    fn secrets_go_to_nobody_in_the_clear() {
        for good in [
            "https://api.acme.example/x",
            "http://127.0.0.1:4566",
            "http://[::1]:1",
            "http://localhost:80",
        ] {
            assert!(address(good, "it").is_ok(), "{good}");
        }
        for bad in [
            "http://api.acme.example",
            "http://127.0.0.1.acme.example",
            "http://localhost.acme.example",
            "https://user:password@acme.example",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "acme.example",
            "",
        ] {
            assert!(address(bad, "it").is_err(), "{bad}");
        }
    }

    #[test]
    fn what_others_wrote_is_harmless_on_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\nc", 99), "a [31mb c");
        assert_eq!(printable("\u{202e}abc\r\n", 99), "abc");
        assert_eq!(printable("ääää", 2), "ää…");
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some(***)");
    }

    #[test]
    fn a_pause_is_told_in_seconds_or_as_a_date() {
        let answer = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", value.parse().unwrap());
            Answer { status: 429, headers, body: Vec::new() }.retry_after()
        };
        assert_eq!(answer("7"), Some(Duration::from_secs(7)));
        assert_eq!(answer("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert!(answer("Tue, 31 Dec 2199 23:59:59 GMT") > Some(Duration::from_hours(1)));
        assert_eq!(answer("soon"), None);
    }
}
