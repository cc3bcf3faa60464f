//! What X-Ray keeps.

use std::time::{Duration, SystemTime};

use aws_sdk_xray::primitives::DateTime;

use super::{Regional, explain};
use crate::error::Result;

/// Summaries that are asked for at most: X-Ray answers in pages of its own size.
const SUMMARIES: usize = 1000;

/// A trace in a list.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TraceSummary {
    /// Its id.
    pub id: String,
    /// When it began, in seconds since 1970-01-01T00:00:00Z.
    pub started: f64,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// Where it came in.
    pub entry: String,
    /// `fault`, `error` or `throttle`.
    pub failed: Option<&'static str>,
}

impl Regional {
    /// The documents of a trace; none if X-Ray has no such trace (yet).
    pub async fn trace_documents(&self, id: &str) -> Result<Vec<String>> {
        let mut documents = Vec::new();
        let mut pages = self.xray.batch_get_traces().trace_ids(id).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| explain(format!("cannot read trace {id}"), error))?;
            let segments = page.traces.unwrap_or_default().into_iter();
            let segments = segments.flat_map(|it| it.segments.unwrap_or_default());
            documents.extend(segments.filter_map(|it| it.document));
        }
        Ok(documents)
    }

    /// The traces that began in the last `since`, newest first, at most 1,000.
    pub async fn traces(&self, since: Duration) -> Result<Vec<TraceSummary>> {
        let now = SystemTime::now();
        let mut found = Vec::new();
        let mut pages = self
            .xray
            .get_trace_summaries()
            .start_time(DateTime::from(now.checked_sub(since).unwrap_or(SystemTime::UNIX_EPOCH)))
            .end_time(DateTime::from(now))
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| explain("cannot list traces", error))?;
            found.extend(page.trace_summaries.unwrap_or_default().into_iter().filter_map(summary));
            if found.len() >= SUMMARIES {
                break;
            }
        }
        found.truncate(SUMMARIES);
        found.sort_by(|a, b| b.started.total_cmp(&a.started));
        Ok(found)
    }
}

fn summary(of: aws_sdk_xray::types::TraceSummary) -> Option<TraceSummary> {
    let failed = [(of.has_fault, "fault"), (of.has_throttle, "throttle"), (of.has_error, "error")];
    let id = of.id?;
    Some(TraceSummary {
        // The id says when to the second; older answers have no start time.
        started: of.start_time.map(|it| it.as_secs_f64()).or_else(|| second(&id)).unwrap_or(0.0),
        duration_ms: of.duration.unwrap_or(0.0) * 1000.0,
        entry: of.entry_point.and_then(|it| it.name).unwrap_or_default(),
        failed: failed.into_iter().find_map(|(is, name)| is.unwrap_or(false).then_some(name)),
        id,
    })
}

fn second(id: &str) -> Option<f64> {
    let second = id.split('-').nth(1)?;
    u32::from_str_radix(second, 16).ok().map(f64::from)
}
