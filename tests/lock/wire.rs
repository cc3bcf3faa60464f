//! An HTTP client without a network: it keeps each request, and answers in turn.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use platformctl::aws::Regional;
use serde_json::Value;

/// A request as it would have been sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub method: String,
    pub uri: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Sent {
    /// A header; empty when it was not sent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// Status, `ETag` and body; none: the answer is lost.
type Answer = Option<(u16, String, String)>;

#[derive(Debug, Clone, Default)]
pub struct Wire(Arc<Mutex<(Vec<Sent>, VecDeque<Answer>)>>);

impl Wire {
    pub fn answer(&self, status: u16, body: impl ToString) -> &Self {
        self.answer_tagged(status, "\"tag\"", body)
    }

    #[expect(clippy::needless_pass_by_value, reason = "texts and JSON are given as they are")]
    pub fn answer_tagged(&self, status: u16, tag: &str, body: impl ToString) -> &Self {
        let answer = (status, tag.to_owned(), body.to_string());
        self.0.lock().expect("a wire").1.push_back(Some(answer));
        self
    }

    pub fn lose(&self) -> &Self {
        self.0.lock().expect("a wire").1.push_back(None);
        self
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.0.lock().expect("a wire").0.clone()
    }

    pub fn clients(&self) -> Regional {
        let credentials = Credentials::from_keys("AKIDEXAMPLE", "planted", None);
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(self.clone());
        Regional::new(&config.build(), "eu-west-2")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let headers = request.headers().iter();
        let sent = Sent {
            method: request.method().to_owned(),
            uri: request.uri().to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned(),
        };
        let mut state = self.0.lock().expect("a wire");
        state.0.push(sent);
        let answer = state.1.pop_front().flatten().map(|(status, tag, body)| {
            let status = status.try_into().expect("a status");
            let mut answer = HttpResponse::new(status, SdkBody::from(body));
            answer.headers_mut().insert("etag", tag);
            answer
        });
        HttpConnectorFuture::ready(
            answer.ok_or_else(|| ConnectorError::io("no connection".to_owned().into())),
        )
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
