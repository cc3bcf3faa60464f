//! An HTTP client without a network, for tests: it keeps each request, and answers in turn.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

use super::Connections;

/// A request as it would have been sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The method.
    pub method: String,
    /// Where to.
    pub uri: String,
    /// The headers, with small letters.
    pub headers: Vec<(String, String)>,
    /// The body, as text.
    pub body: String,
}

impl Sent {
    /// A header; empty when it was not sent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// Panics when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The fields of a form.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

/// Status, headers, body.
type Answer = (u16, Vec<(&'static str, &'static str)>, String);

#[derive(Debug, Default)]
struct State {
    sent: Vec<Sent>,
    answers: VecDeque<Answer>,
}

/// A network that is none.
#[derive(Debug, Clone, Default)]
pub struct Wire(Arc<Mutex<State>>);

impl Wire {
    /// The next request is answered with this; one without an answer has no connection.
    ///
    /// # Panics
    ///
    /// Panics when a request panicked.
    pub fn answer(&self, status: u16, body: impl ToString) -> &Self {
        self.answer_with(status, &[], body)
    }

    /// The same with headers.
    ///
    /// # Panics
    ///
    /// Panics when a request panicked.
    #[expect(clippy::needless_pass_by_value, reason = "texts and JSON are given as they are")]
    pub fn answer_with(
        &self,
        status: u16,
        headers: &[(&'static str, &'static str)],
        body: impl ToString,
    ) -> &Self {
        let answer = (status, headers.to_vec(), body.to_string());
        self.0.lock().unwrap().answers.push_back(answer);
        self
    }

    /// Every request, in order.
    ///
    /// # Panics
    ///
    /// Panics when a request panicked.
    pub fn sent(&self) -> Vec<Sent> {
        self.0.lock().unwrap().sent.clone()
    }

    /// The last request.
    ///
    /// # Panics
    ///
    /// Panics when there was none.
    pub fn last(&self) -> Sent {
        self.sent().pop().unwrap()
    }

    /// Connections by it, with credentials of a test.
    pub fn connections(&self) -> Connections {
        let credentials = Credentials::new("AKIDOWN", "own-secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-2"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .http_client(self.clone());
        Connections::new(config.build())
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
        let mut state = self.0.lock().unwrap();
        state.sent.push(sent);
        let answer = state.answers.pop_front().map(|(status, headers, body)| {
            let mut answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
            for (name, value) in headers {
                answer.headers_mut().insert(name, value);
            }
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
