//! A request as the tests look at it.

use std::collections::BTreeMap;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// One request to AWS.
#[derive(Debug, Clone)]
pub struct Call {
    /// Such as `cloudformation`.
    pub service: String,
    /// Such as `CreateChangeSet`.
    pub operation: String,
    /// Stack name, `bucket/key`, function, or queue.
    pub target: String,
    /// The region that it is signed for.
    pub region: String,
    /// The region in the address.
    pub host_region: String,
    /// Fields of the query protocol.
    pub form: BTreeMap<String, String>,
    /// Headers, lowercase.
    pub headers: BTreeMap<String, String>,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

impl Call {
    pub fn read(request: &HttpRequest) -> Self {
        let address = request.uri().trim_start_matches("https://");
        let (host, path) = address.split_once('/').unwrap_or((address, ""));
        let path = path.split('?').next().unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let headers =
            request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut call = Self {
            service: host.split('.').next().unwrap_or_default().to_owned(),
            operation: String::new(),
            target: String::new(),
            region: String::new(),
            host_region: host
                .trim_end_matches(".amazonaws.com")
                .rsplit('.')
                .next()
                .unwrap_or_default()
                .to_owned(),
            form: BTreeMap::new(),
            headers: headers.collect(),
            body,
        };
        // `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-2/…`
        let signature = call.headers.get("authorization").map_or("", String::as_str);
        signature.split('/').nth(2).unwrap_or_default().clone_into(&mut call.region);
        if let Some((bucket, _)) = host.split_once(".s3.") {
            call.service = "s3".into();
            call.operation = match request.method() {
                "HEAD" => "HeadObject".into(),
                "PUT" => "PutObject".into(),
                other => other.into(),
            };
            call.target = format!("{bucket}/{path}");
        } else if call.service == "lambda" {
            let mut parts = path.split('/').skip(1);
            match parts.next() {
                Some("functions") => {
                    call.operation = "Invoke".into();
                    parts.next().unwrap_or_default().clone_into(&mut call.target);
                }
                _ => call.operation = "GetAccountSettings".into(),
            }
        } else if let Some(operation) = call.headers.get("x-amz-target").cloned() {
            // `AmazonSQS.SendMessageBatch`
            operation.rsplit('.').next().unwrap_or_default().clone_into(&mut call.operation);
            let sent = call.json();
            let named = ["QueueUrl", "SourceArn", "TaskHandle"].map(|name| sent[name].as_str());
            let named = named.into_iter().flatten().next().unwrap_or_default();
            named.rsplit(['/', ':']).next().unwrap_or_default().clone_into(&mut call.target);
        } else {
            call.form = form(&String::from_utf8_lossy(&call.body));
            call.operation = call.field("Action").to_owned();
            call.target = call.field("StackName").to_owned();
        }
        call
    }

    /// The body, where it is JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What it does, to what, and where.
    pub fn placed(&self) -> String {
        format!("{} {}", self.region, self.line())
    }

    /// A field of the query protocol, empty when it was not sent.
    pub fn field(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }

    /// The action as journals and policies name it.
    pub fn action(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }

    pub fn line(&self) -> String {
        format!("{} {}", self.operation, self.target).trim_end().to_owned()
    }

    pub fn mutates(&self) -> bool {
        !["Describe", "Get", "List", "Head"].iter().any(|verb| self.operation.starts_with(verb))
    }

    /// The template parameters that were sent.
    pub fn parameters(&self) -> BTreeMap<String, String> {
        (1..)
            .map_while(|index| {
                let field = |part| self.form.get(&format!("Parameters.member.{index}.{part}"));
                Some((field("ParameterKey")?.clone(), field("ParameterValue")?.clone()))
            })
            .collect()
    }
}

fn form(body: &str) -> BTreeMap<String, String> {
    body.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).expect("percent encoding")
            }
            other => other,
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}
