//! Log lines of JSON.

use std::fmt;
use std::io::Write as _;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

use super::{XRay, redact};
use crate::names::LOG_FILTER;

/// Logs to standard error from now on, by the filter in
/// [`LOG_FILTER`](crate::names::LOG_FILTER), and sends spans to X-Ray's daemon, whatever
/// the filter says. A second call has no effect.
pub fn init() {
    let filter = EnvFilter::try_from_env(LOG_FILTER).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = Lines::to(std::io::stderr as fn() -> std::io::Stderr);
    let traces = XRay::from_environment().with_filter(LevelFilter::INFO);
    let _ = Registry::default().with(lines.with_filter(filter)).with(traces).try_init();
}

/// Writes each event as a line: `level`, `target`, `message`, the fields of the event
/// and those of the spans around it. CloudWatch has its own clock.
#[derive(Debug)]
pub struct Lines<W> {
    out: W,
}

impl<W> Lines<W> {
    /// To a writer that `out` makes for each line.
    pub fn to(out: W) -> Self {
        Self { out }
    }
}

/// The fields of a span or an event, without secrets.
#[derive(Debug, Default, Clone)]
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, redact(field.name(), value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, redact(field.name(), &format!("{value:?}")));
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Map::new();
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("target".to_owned(), event.metadata().target().into());
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.extend(fields.0.clone());
            }
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        // Whatever a field is called, it is not the level that an alarm counts.
        fields.0.retain(|name, _| name != "level" && name != "target");
        line.extend(fields.0);
        let line = format!("{}\n", Value::Object(line));
        // A function that cannot write its log has nobody to tell.
        let _ = self.out.make_writer().write_all(line.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::metrics::Written;
    use super::*;
    use crate::tenant::TenantId;

    fn logged(log: impl FnOnce()) -> Vec<Value> {
        let written = Written::default();
        let out = written.clone();
        let lines = Lines::to(move || out.clone());
        tracing::subscriber::with_default(Registry::default().with(lines), log);
        written.lines()
    }

    #[test]
    fn every_line_of_a_request_says_whose_it_is() {
        let tenant: TenantId = "acme".parse().unwrap();
        let lines = logged(|| {
            let request = super::super::request("r-1", Some("1-abc"), Some(&tenant));
            request.in_scope(|| {
                tracing::warn!(
                    table = "jobs",
                    tries = 3,
                    late = true,
                    share = 0.5,
                    left = -1,
                    "slow"
                );
                tracing::info_span!("inner", step = 1).in_scope(|| tracing::info!("done"));
            });
            tracing::info!("outside");
        });
        let expected = serde_json::json!({
            "level": "WARN", "target": module_path!(), "request_id": "r-1", "trace_id": "1-abc", "tenant": "acme",
            "message": "slow", "table": "jobs", "tries": 3, "late": true, "share": 0.5, "left": -1,
        });
        assert_eq!(lines[0], expected);
        assert_eq!((&lines[1]["step"], &lines[1]["tenant"]), (&1.into(), &"acme".into()));
        assert!(lines[2].get("tenant").is_none());
    }

    #[test]
    fn a_second_beginning_has_no_effect() {
        super::init();
        super::init();
        assert_eq!(logged(|| tracing::info!(bytes = 3_u64, "still here"))[0]["bytes"], 3);
    }

    #[test]
    fn nothing_secret_gets_into_a_line() {
        let lines = logged(|| {
            let span =
                tracing::info_span!("s", email = "ada@example.com", user = tracing::field::Empty);
            span.record("user", "eyJh.eyJz.sig");
            span.in_scope(|| {
                let headers = [("Authorization", "Bearer topsecret")];
                tracing::error!(
                    ?headers,
                    token = "topsecret",
                    level = "INFO",
                    "of pk_acme_x_topsecret"
                );
            });
        });
        let line = lines[0].to_string();
        for planted in ["topsecret", "ada", "eyJ", "pk_"] {
            assert!(!line.contains(planted), "{line}");
        }
        assert_eq!(lines[0]["level"], "ERROR");
    }
}
