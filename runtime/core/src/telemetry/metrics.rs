//! Metrics in embedded metric format: log lines that CloudWatch turns into numbers.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::redact_value;
use crate::metrics::NAMESPACE_VARIABLE;

/// Writes metrics of one namespace.
#[derive(Clone)]
pub struct Metrics {
    namespace: Arc<str>,
    out: Arc<Mutex<dyn Write + Send>>,
}

impl Metrics {
    /// Of the namespace in [`NAMESPACE_VARIABLE`] of the function's environment, on
    /// standard output; nothing if the variable is not set.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        variable(NAMESPACE_VARIABLE).map(|namespace| Self::new(&namespace, io::stdout()))
    }

    /// Of a namespace, written to `out`.
    pub fn new(namespace: &str, out: impl Write + Send + 'static) -> Self {
        Self { namespace: namespace.into(), out: Arc::new(Mutex::new(out)) }
    }

    /// Counts something. `about` is in the line beside the number, for whoever wants to
    /// know more than how often.
    pub fn count(&self, name: &str, count: u64, about: &[(&str, Value)]) {
        self.write(name, "Count", count.into(), about);
    }

    /// Tells how much there is of something now.
    pub fn level(&self, name: &str, level: f64, about: &[(&str, Value)]) {
        self.write(name, "None", level.into(), about);
    }

    fn write(&self, name: &str, unit: &str, value: Value, about: &[(&str, Value)]) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut line = Map::new();
        for (field, value) in about {
            line.insert((*field).to_owned(), redact_value(field, value.clone()));
        }
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
                "CloudWatchMetrics": [{
                    "Namespace": &*self.namespace,
                    // One set without dimensions: an alarm watches the whole platform.
                    "Dimensions": [[]],
                    "Metrics": [{ "Name": name, "Unit": unit }],
                }],
            }),
        );
        line.insert(name.to_owned(), value);
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // One write a line, so that lines do not mix. A function that cannot write its
        // log has nobody to tell.
        let _ = out.write_all(format!("{}\n", Value::Object(line)).as_bytes());
        let _ = out.flush();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

/// Lines that were written, for tests.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug, Clone, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

#[cfg(any(test, feature = "testing"))]
impl Written {
    /// Every line as JSON; a line that is none is a text.
    pub fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| line.into());
        text.lines().map(line).collect()
    }
}

#[cfg(any(test, feature = "testing"))]
impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{CONCURRENT_SESSIONS, TENANT_ACCESS_VIOLATIONS};

    #[test]
    fn a_metric_is_a_line_that_cloudwatch_understands() {
        let written = Written::default();
        let metrics = Metrics::new("p-dev-platform", written.clone());
        metrics.count(
            TENANT_ACCESS_VIOLATIONS,
            1,
            &[("tenant", "acme".into()), ("email", "ada@example.com".into())],
        );
        metrics.level(CONCURRENT_SESSIONS, 3.0, &[]);
        let lines = written.lines();
        let declared = &lines[0]["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(declared["Namespace"], "p-dev-platform");
        assert_eq!(declared["Dimensions"], json!([[]]));
        assert_eq!(
            declared["Metrics"],
            json!([{ "Name": "TenantAccessViolations", "Unit": "Count" }])
        );
        assert!(lines[0]["_aws"]["Timestamp"].as_u64().unwrap() > 1_700_000_000_000);
        assert_eq!(lines[0]["TenantAccessViolations"], 1);
        assert_eq!(lines[0]["tenant"], "acme");
        assert_eq!(lines[0]["email"], "[redacted]");
        assert_eq!(lines[1]["ConcurrentSessions"], 3.0);
        assert!(format!("{metrics:?}").contains("p-dev-platform"));
    }

    #[test]
    fn the_namespace_is_that_of_the_functions_environment() {
        let set = |name: &str| (name == "METRICS_NAMESPACE").then(|| "p-dev-platform".to_owned());
        assert!(format!("{:?}", Metrics::from_variables(set)).contains("p-dev-platform"));
        assert!(Metrics::from_variables(|_| None).is_none());
    }
}
