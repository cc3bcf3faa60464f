//! Documents from elsewhere, within limits.

use std::future::Future;
use std::time::Duration;

use http::{HeaderName, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::sync::OnceCell;

/// The longest document, in bytes. Entra's keys, with their certificates, have 20 kB.
const LARGEST: usize = 128 * 1024;

/// How long it may take, from the connection to the last byte.
const TIME_LIMIT: Duration = Duration::from_secs(3);

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Question {
    /// Where.
    pub uri: Uri,
    /// Headers besides the usual ones.
    pub headers: Vec<(HeaderName, String)>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Why nothing came back. It says nothing of the question, which may be secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// There is no connection, or it broke.
    #[error("it cannot be reached")]
    Unreachable,
    /// It took too long.
    #[error("it took longer than {} s", TIME_LIMIT.as_secs())]
    TooSlow,
    /// It is too much.
    #[error("it sent more than {LARGEST} bytes")]
    TooLarge,
}

/// Something that gets documents. It follows no redirects and keeps no cookies.
pub trait Fetch: Send + Sync {
    /// Gets one.
    fn get(&self, question: Question) -> impl Future<Output = Result<Answer, FetchError>> + Send;
}

type HttpClient = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// A client of HTTP. It is made when it is first needed: to read the certificates of
/// authorities takes some milliseconds, which a start has better use for.
#[derive(Debug, Default)]
pub struct Http(OnceCell<HttpClient>);

impl Http {
    async fn client(&self) -> Result<&HttpClient, FetchError> {
        self.0
            .get_or_try_init(|| async {
                let connector = HttpsConnectorBuilder::new()
                    .with_native_roots()
                    .map_err(|_| FetchError::Unreachable)?
                    // Which addresses may do without TLS, the configuration says.
                    .https_or_http()
                    .enable_http1()
                    .build();
                // A frozen function thaws with connections that have long been closed.
                let mut client = Client::builder(TokioExecutor::new());
                Ok(client.pool_max_idle_per_host(0).build(connector))
            })
            .await
    }

    async fn ask(&self, question: Question) -> Result<Answer, FetchError> {
        let mut request =
            Request::get(question.uri).header(http::header::ACCEPT, "application/json");
        for (name, value) in question.headers {
            request = request.header(name, value);
        }
        let request = request.body(Empty::new()).map_err(|_| FetchError::Unreachable)?;
        let response = self.client().await?.request(request).await;
        let response = response.map_err(|_| FetchError::Unreachable)?;
        let status = response.status();
        if status != StatusCode::OK {
            return Ok(Answer { status: status.as_u16(), body: Vec::new() });
        }
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| {
            let too_large = error.is::<http_body_util::LengthLimitError>();
            if too_large { FetchError::TooLarge } else { FetchError::Unreachable }
        })?;
        Ok(Answer { status: status.as_u16(), body: body.to_bytes().to_vec() })
    }
}

impl Fetch for Http {
    async fn get(&self, question: Question) -> Result<Answer, FetchError> {
        let answer = tokio::time::timeout(TIME_LIMIT, self.ask(question)).await;
        answer.unwrap_or(Err(FetchError::TooSlow))
    }
}
