//! Subsegments for X-Ray, from spans.
//!
//! Every span within one that has a `trace_id` (a request's, as
//! [`request`](super::request) makes it) becomes a subsegment: its name, its times, its
//! fields as annotations. An event of level `ERROR` marks it as a fault. When the outermost
//! span ends, all of it goes to the daemon in one datagram; nothing is waited for, and what
//! cannot be sent is dropped.
//!
//! Sent directly, not through OpenTelemetry: its collector is an extension that a cold start
//! would have to wait for, and its exporter brings a gRPC or HTTP client into each function.
//!
//! Documents: <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html>

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rand::RngExt as _;
use serde_json::{Map, Value, json};
use tracing::field::Visit;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::lines::Fields;

/// Where the daemon listens: `host:port`, or `tcp:host:port udp:host:port`. Lambda sets it.
pub const DAEMON: &str = "AWS_XRAY_DAEMON_ADDRESS";

/// The field of a span that carries a trace header.
const TRACE_ID: &str = "trace_id";
/// Says to the daemon what follows.
const HEADER: &[u8] = b"{\"format\":\"json\",\"version\":1}\n";
/// Most bytes of a document, by X-Ray's limit.
const DOCUMENT: usize = 64 * 1024;
/// Most subsegments of one span, and characters of one annotation.
const PARTS: usize = 100;
const ANNOTATION: usize = 250;

/// A trace header that asks for a record: `Root=…;Parent=…;Sampled=1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampled {
    /// The trace's id, such as `1-5759e988-bd862e3fe1be46a994272793`.
    pub root: String,
    /// The segment that this one is part of: 16 hexadecimal digits.
    pub parent: String,
}

impl Sampled {
    /// Reads a header. `None` if it is none, or says that nothing is to be recorded.
    ///
    /// ```
    /// use runtime_core::telemetry::Sampled;
    ///
    /// let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    /// assert_eq!(Sampled::parse(header).unwrap().parent, "53995c3f42cd8ad8");
    /// assert_eq!(Sampled::parse("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"), None);
    /// ```
    pub fn parse(header: &str) -> Option<Self> {
        let mut fields = [None; 3];
        for part in header.split(';') {
            match part.trim().split_once('=') {
                Some(("Root", value)) => fields[0] = Some(value),
                Some(("Parent", value)) => fields[1] = Some(value),
                Some(("Sampled", value)) => fields[2] = Some(value),
                _ => {}
            }
        }
        let [Some(root), Some(parent), Some("1")] = fields else { return None };
        let hex = |text: &str, digits| text.len() == digits && is_hex(text);
        let whole = match root.split('-').collect::<Vec<_>>()[..] {
            ["1", time, random] => hex(time, 8) && hex(random, 24),
            _ => false,
        };
        (whole && hex(parent, 16))
            .then(|| Self { root: root.to_owned(), parent: parent.to_owned() })
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Makes subsegments of spans; see the module.
#[derive(Debug)]
pub struct XRay<O> {
    out: O,
    warm: AtomicBool,
}

/// Where documents go.
pub trait Documents: 'static {
    /// Sends a document, or drops it.
    fn send(&self, document: &[u8]);
}

/// X-Ray's daemon, or nobody where there is none.
#[derive(Debug)]
pub struct Daemon(Option<UdpSocket>);

impl Daemon {
    /// The one that [`DAEMON`] names.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self(variable(DAEMON).and_then(|text| address(&text)).and_then(|to| connect(to).ok()))
    }
}

fn address(text: &str) -> Option<SocketAddr> {
    let udp = text.split_whitespace().find_map(|part| part.strip_prefix("udp:"));
    // An address and not a name: nothing is to be looked up while a function starts.
    udp.unwrap_or(text).parse().ok()
}

fn connect(to: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_nonblocking(true)?;
    socket.connect(to)?;
    Ok(socket)
}

impl Documents for Daemon {
    fn send(&self, document: &[u8]) {
        if let Some(socket) = &self.0 {
            // Nobody is to wait for a trace, nor to fail for one.
            let _ = socket.send(&[HEADER, document].concat());
        }
    }
}

impl XRay<Daemon> {
    /// To the daemon beside this function.
    pub fn from_environment() -> Self {
        Self::to(Daemon::from_variables(|name| std::env::var(name).ok()))
    }
}

impl<O: Documents> XRay<O> {
    /// To `out`.
    pub fn to(out: O) -> Self {
        Self { out, warm: AtomicBool::new(false) }
    }
}

/// A span that is open.
#[derive(Debug)]
struct Subsegment {
    id: String,
    name: &'static str,
    start: f64,
    annotations: Map<String, Value>,
    parts: Vec<Value>,
    fault: bool,
    /// Of the outermost one: what it is part of.
    of: Option<Sampled>,
}

impl Subsegment {
    fn close(self) -> Value {
        let mut document = json!({
            "id": self.id, "name": self.name, "start_time": self.start, "end_time": now(),
        });
        if !self.annotations.is_empty() {
            document["annotations"] = Value::Object(self.annotations);
        }
        if !self.parts.is_empty() {
            document["subsegments"] = Value::Array(self.parts);
        }
        if self.fault {
            document["fault"] = true.into();
        }
        if let Some(of) = self.of {
            document["type"] = "subsegment".into();
            document["trace_id"] = of.root.into();
            document["parent_id"] = of.parent.into();
        }
        document
    }
}

/// Unix time in seconds, as documents have it.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// The fields of a span: the trace header, and the others as annotations.
fn annotations(record: impl FnOnce(&mut dyn Visit)) -> (Option<String>, Map<String, Value>) {
    let (mut fields, mut header) = (Fields::default(), None);
    record(&mut fields);
    let mut annotations = Map::new();
    for (name, mut value) in fields.0 {
        if name == TRACE_ID {
            header = value.as_str().map(str::to_owned);
            continue;
        }
        if let Value::String(text) = &mut value {
            text.truncate(text.floor_char_boundary(ANNOTATION));
        }
        // Names have letters, digits and underscores.
        annotations.insert(name.replace(|it: char| !it.is_ascii_alphanumeric(), "_"), value);
    }
    (header, annotations)
}

impl<S, O> Layer<S> for XRay<O>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    O: Documents,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let inner = span.parent().is_some_and(|it| it.extensions().get::<Subsegment>().is_some());
        let (header, mut annotations) = annotations(|visit| attributes.record(visit));
        let of = header.as_deref().and_then(Sampled::parse).filter(|_| !inner);
        if of.is_some() {
            let cold = !self.warm.swap(true, Ordering::Relaxed);
            annotations.insert("cold_start".to_owned(), cold.into());
        } else if !inner {
            return;
        }
        span.extensions_mut().insert(Subsegment {
            id: format!("{:016x}", rand::rng().random::<u64>()),
            name: attributes.metadata().name(),
            start: now(),
            annotations,
            parts: Vec::new(),
            fault: false,
            of,
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Subsegment>() {
            open.annotations.extend(annotations(|visit| values.record(visit)).1);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if *event.metadata().level() != Level::ERROR {
            return;
        }
        if let Some(span) = context.event_span(event)
            && let Some(open) = span.extensions_mut().get_mut::<Subsegment>()
        {
            open.fault = true;
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(open) = span.extensions_mut().remove::<Subsegment>() else { return };
        if open.of.is_none() {
            if let Some(parent) = span.parent()
                && let Some(around) = parent.extensions_mut().get_mut::<Subsegment>()
                && around.parts.len() < PARTS
            {
                around.parts.push(open.close());
            }
            return;
        }
        let mut document = open.close();
        let mut bytes = document.to_string().into_bytes();
        if bytes.len() > DOCUMENT - HEADER.len() {
            document["subsegments"] = json!([]);
            bytes = document.to_string().into_bytes();
        }
        self.out.send(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const HEADER: &str =
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0";

    #[derive(Debug, Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Value>>>);

    impl Documents for Kept {
        fn send(&self, document: &[u8]) {
            assert!(document.len() < DOCUMENT);
            self.0.lock().unwrap().push(serde_json::from_slice(document).unwrap());
        }
    }

    fn sent(work: impl FnOnce()) -> Vec<Value> {
        let kept = Kept::default();
        let subscriber = Registry::default().with(XRay::to(kept.clone()));
        tracing::subscriber::with_default(subscriber, work);
        kept.0.lock().unwrap().clone()
    }

    #[test]
    fn spans_of_a_sampled_request_are_subsegments_within_each_other() {
        let sent = sent(|| {
            for _ in 0..2 {
                let request = super::super::request("r-1", Some(HEADER), None);
                request.in_scope(|| {
                    let write = tracing::info_span!(
                        "write objects",
                        pages = 3,
                        changed = tracing::field::Empty
                    );
                    write.in_scope(|| {
                        tracing::info_span!("sync")
                            .in_scope(|| tracing::error!("the disk is full"));
                        write.record("changed", true);
                    });
                    drop(write);
                    tracing::info_span!("move reference").in_scope(|| {});
                });
            }
        });
        let [cold, warm] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!(cold["type"], "subsegment");
        assert_eq!(cold["trace_id"], "1-5759e988-bd862e3fe1be46a994272793");
        assert_eq!(cold["parent_id"], "53995c3f42cd8ad8");
        assert_eq!(cold["annotations"], json!({"request_id": "r-1", "cold_start": true}));
        assert_eq!(warm["annotations"]["cold_start"], false);
        let [write, reference] = &cold["subsegments"].as_array().unwrap()[..] else { panic!() };
        assert_eq!(write["name"], "write objects");
        assert_eq!(write["annotations"], json!({"pages": 3, "changed": true}));
        assert_eq!(write["subsegments"][0]["name"], "sync");
        assert_eq!(write["subsegments"][0]["fault"], true);
        assert!(write.get("fault").is_none() && write.get("trace_id").is_none());
        assert_eq!(reference["name"], "move reference");
        let time = |of: &Value, name: &str| of[name].as_f64().unwrap();
        assert!(time(cold, "start_time") <= time(write, "start_time"));
        assert!(time(write, "end_time") <= time(reference, "start_time"));
        assert!(time(reference, "end_time") <= time(cold, "end_time"));
        assert_eq!(cold["id"].as_str().unwrap().len(), 16);
    }

    #[test]
    fn nothing_is_sent_without_a_header_that_asks_for_it() {
        let unsampled = HEADER.replace("Sampled=1", "Sampled=0");
        for header in [None, Some(""), Some("Root=1-1-1;Sampled=1"), Some(unsampled.as_str())] {
            assert_eq!(Sampled::parse(header.unwrap_or_default()), None);
            let sent = sent(|| {
                super::super::request("r-1", header, None)
                    .in_scope(|| tracing::info_span!("inner").in_scope(|| {}));
            });
            assert!(sent.is_empty(), "{header:?}");
        }
    }

    #[test]
    fn a_document_is_bounded_and_tells_no_secrets() {
        let sent = sent(|| {
            super::super::request("r-1", Some(HEADER), None).in_scope(|| {
                for _ in 0..PARTS * 3 {
                    let text = "x".repeat(ANNOTATION * 2);
                    tracing::info_span!("step", text, token = "planted", other = "a", third = "b")
                        .in_scope(|| {
                            for _ in 0..PARTS {
                                tracing::info_span!("part", text = "y".repeat(100)).in_scope(|| {});
                            }
                        });
                }
            });
        });
        assert_eq!(sent.len(), 1);
        assert!(!sent[0].to_string().contains("planted"));
    }

    #[test]
    fn the_daemon_is_found_by_either_form_of_its_address() {
        let expected = "127.0.0.1:2000".parse().ok();
        assert_eq!(address("127.0.0.1:2000"), expected);
        assert_eq!(address("tcp:127.0.0.1:2001 udp:127.0.0.1:2000"), expected);
        assert_eq!(address("a.name:2000"), None);
        let listener = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = listener.local_addr().unwrap().to_string();
        let daemon = Daemon::from_variables(|name| (name == DAEMON).then(|| to.clone()));
        daemon.send(b"{}");
        let mut bytes = [0; 64];
        let read = listener.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..read], [super::HEADER, b"{}"].concat());
        Daemon::from_variables(|_| None).send(b"{}");
    }
}
