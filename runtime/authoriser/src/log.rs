//! One line a decision, with the metrics of refusals in it. Of credentials it has
//! nothing, nor of anything that somebody merely said.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runtime_core::metrics::{
    DECISIONS_UNAVAILABLE, REASON, REQUESTS_REFUSED, TENANT_ACCESS_VIOLATIONS,
};
use runtime_core::tables::TENANT_ID;
use serde_json::{Value, json};

use crate::decide::{Allowed, Refused};
use crate::reason::{Outcome, Reason};
use crate::request::Request;

/// Where decisions are written.
pub struct Log {
    namespace: String,
    out: Mutex<Box<dyn Write + Send>>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl Log {
    /// To standard output, where metrics are found; `namespace` is theirs.
    pub fn new(namespace: String) -> Self {
        Self::to(namespace, io::stdout())
    }

    /// To somewhere else.
    pub fn to(namespace: String, out: impl Write + Send + 'static) -> Self {
        Self { namespace, out: Mutex::new(Box::new(out)) }
    }

    pub(crate) fn decision(
        &self,
        request: &Request,
        decision: &Result<Allowed, Refused>,
        took: Duration,
    ) {
        let mut line = json!({
            "level": "INFO",
            "message": "decision",
            "request_id": request.request_context.request_id,
            "microseconds": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        });
        match decision {
            Ok(allowed) => {
                line["decision"] = "allowed".into();
                line["operation"] = allowed.route.operation.into();
                line["caller"] = allowed.context.caller.name().into();
                line["subject"] = allowed.context.subject.clone().into();
                if let Some(tenant) = &allowed.context.tenant {
                    line[TENANT_ID] = tenant.as_str().into();
                }
            }
            Err(refused) => {
                let reason = refused.reason;
                line["decision"] = json!(reason.outcome());
                line[REASON] = reason.code().into();
                if let Some(route) = refused.route {
                    line["operation"] = route.operation.into();
                }
                if let Some(tenant) = &refused.tenant {
                    line[TENANT_ID] = tenant.as_str().into();
                }
                self.count(&mut line, reason);
            }
        }
        self.write(&line);
    }

    /// An event that is not one of the gateway.
    pub(crate) fn no_event(&self) {
        let reason = Reason::Event;
        let mut line = json!({ "message": "the event is not a request of API Gateway" });
        line[REASON] = reason.code().into();
        self.count(&mut line, reason);
        self.write(&line);
    }

    /// Embedded metric format.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
    fn count(&self, line: &mut Value, reason: Reason) {
        let (name, level) = match reason.outcome() {
            Outcome::Unauthorised | Outcome::Denied => (REQUESTS_REFUSED, "WARN"),
            Outcome::Unavailable => (DECISIONS_UNAVAILABLE, "ERROR"),
        };
        line["level"] = level.into();
        line[name] = 1.into();
        let metric = |name: &str| json!({ "Name": name, "Unit": "Count" });
        let mut directives = vec![json!({
            "Namespace": self.namespace,
            "Dimensions": [[], [REASON]],
            "Metrics": [metric(name)],
        })];
        if reason == Reason::OtherTenant {
            line[TENANT_ACCESS_VIOLATIONS] = 1.into();
            directives.push(json!({
                "Namespace": self.namespace,
                "Dimensions": [[]],
                "Metrics": [metric(TENANT_ACCESS_VIOLATIONS)],
            }));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        line["_aws"] = json!({ "Timestamp": now, "CloudWatchMetrics": directives });
    }

    fn write(&self, line: &Value) {
        let mut text = line.to_string();
        text.push('\n');
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written is no reason to let anybody in or out.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}
