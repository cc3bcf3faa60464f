//! An HTTP client without a network: it records every request in order, answers from
//! a script first and from a stateful fake of AWS otherwise. What neither knows, and
//! what the script waited for in vain, fails the test.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use platformctl::journal::{self, Entry};

use crate::formation::Formation;
use crate::request::Call;

/// What comes back.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A response.
    Http { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// No connection.
    Unreachable,
}

impl Answer {
    pub fn ok(body: impl Into<String>) -> Self {
        Self::status(200, body)
    }

    pub fn status(status: u16, body: impl Into<String>) -> Self {
        Self::Http { status, headers: Vec::new(), body: body.into() }
    }

    /// An error as the query protocol writes it.
    pub fn error(code: &str, message: &str) -> Self {
        let message = crate::xml::escape(message);
        Self::status(
            400,
            format!(
                "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
            ),
        )
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Http { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

type Reply = Box<dyn FnOnce(&Call) -> Option<Answer> + Send>;

/// One line of the script: used once, by the first request that it fits.
struct Line {
    action: String,
    target: String,
    reply: Reply,
}

/// Everything behind the client.
#[derive(Default)]
pub struct World {
    pub calls: Vec<Call>,
    pub formation: Formation,
    /// Objects in S3 by `bucket/key`.
    pub objects: BTreeMap<String, Vec<u8>>,
    /// The run's journal, in which every mutation must be announced.
    pub journal: Option<PathBuf>,
    script: Vec<Line>,
    complaints: Vec<String>,
}

/// The fake as the tests hold it; complains when it is dropped.
pub struct Cloud(Arc<Mutex<World>>);

#[derive(Clone)]
struct Connector(Arc<Mutex<World>>);

impl Cloud {
    pub fn new() -> Self {
        Self(Arc::default())
    }

    pub fn client(&self) -> impl HttpClient + 'static {
        Connector(Arc::clone(&self.0))
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.0)
    }

    /// The next `action` (`service:Operation`) on `target` is answered with `answer`.
    pub fn expect(&self, action: &str, target: &str, answer: Answer) {
        self.hook(action, target, move |_| Some(answer));
    }

    /// The next `action` on `target` is seen by `reply`; `None` leaves it to the fake.
    pub fn hook(
        &self,
        action: &str,
        target: &str,
        reply: impl FnOnce(&Call) -> Option<Answer> + Send + 'static,
    ) {
        let (action, target) = (action.to_owned(), target.to_owned());
        self.world().script.push(Line { action, target, reply: Box::new(reply) });
    }

    /// Every request so far as `Operation target`.
    pub fn log(&self) -> Vec<String> {
        self.world().calls.iter().map(Call::line).collect()
    }

    /// Only what changes something, with its region.
    pub fn placed_mutations(&self) -> Vec<String> {
        self.world().calls.iter().filter(|call| call.mutates()).map(Call::placed).collect()
    }

    /// Only what changes something.
    pub fn mutations(&self) -> Vec<String> {
        self.world().calls.iter().filter(|call| call.mutates()).map(Call::line).collect()
    }

    /// The requests of one operation.
    pub fn calls(&self, operation: &str) -> Vec<Call> {
        let world = self.world();
        world.calls.iter().filter(|call| call.operation == operation).cloned().collect()
    }

    /// Forgets the requests so far.
    pub fn clear(&self) {
        self.world().calls.clear();
    }

    pub fn count(&self, operation: &str) -> usize {
        self.calls(operation).len()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let world = self.world();
        let unused: Vec<_> =
            world.script.iter().map(|line| format!("{} {}", line.action, line.target)).collect();
        assert!(unused.is_empty(), "never asked for: {unused:?}");
        assert!(world.complaints.is_empty(), "{:#?}", world.complaints);
    }
}

impl World {
    fn answer(&mut self, call: &Call) -> Answer {
        self.calls.push(call.clone());
        if let Some(complaint) = self.unannounced(call) {
            self.complaints.push(complaint);
        }
        if call.host_region != call.region {
            let complaint = format!("sent to {}: {}", call.host_region, call.placed());
            self.complaints.push(complaint);
        }
        let action = call.action();
        let fits = |line: &Line| line.action == action && line.target == call.target;
        if let Some(index) = self.script.iter().position(fits)
            && let Some(answer) = (self.script.remove(index).reply)(call)
        {
            return answer;
        }
        let known = match call.service.as_str() {
            "cloudformation" => self.formation.answer(call, &self.calls, &self.objects),
            "s3" => self.object_store(call),
            _ => None,
        };
        known.unwrap_or_else(|| {
            self.complaints.push(format!("unexpected request: {}", call.line()));
            Answer::status(501, "")
        })
    }

    fn object_store(&mut self, call: &Call) -> Option<Answer> {
        match call.operation.as_str() {
            "HeadObject" if self.objects.contains_key(&call.target) => Some(Answer::ok("")),
            "HeadObject" => Some(Answer::status(404, "")),
            "PutObject" => {
                self.objects.insert(call.target.clone(), call.body.clone());
                Some(Answer::ok(""))
            }
            _ => None,
        }
    }

    /// Says so when a mutation has no open intent in the journal. Change sets change
    /// nothing until they are executed; only those that also make a stack count.
    fn unannounced(&self, call: &Call) -> Option<String> {
        let path = self.journal.as_ref()?;
        let exempt = match call.operation.as_str() {
            "DeleteChangeSet" => true,
            "CreateChangeSet" => call.field("ChangeSetType") == "UPDATE",
            _ => !call.mutates(),
        };
        if exempt {
            return None;
        }
        let mut open = BTreeMap::new();
        for record in journal::read(path).expect("journal") {
            match record.entry {
                Entry::Intent { id, action, target, .. } => {
                    open.insert(id, (action, target.trim_start_matches("s3://").to_owned()));
                }
                Entry::Outcome { id, .. } => {
                    open.remove(&id);
                }
                _ => {}
            }
        }
        let wanted = (call.action(), call.target.clone());
        let announced = open.values().any(|intent| *intent == wanted);
        (!announced).then(|| format!("not announced in the journal: {}", call.line()))
    }
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = lock(&self.0).answer(&Call::read(&request));
        HttpConnectorFuture::ready(match answer {
            Answer::Unreachable => Err(ConnectorError::io("connection refused".into())),
            Answer::Http { status, headers, body } => {
                let status = StatusCode::try_from(status).expect("status");
                let mut response = HttpResponse::new(status, SdkBody::from(body));
                for (name, value) in headers {
                    response.headers_mut().insert(name, value);
                }
                Ok(response)
            }
        })
    }
}
