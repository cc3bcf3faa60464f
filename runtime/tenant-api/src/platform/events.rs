//! What looked like an attack, from the audit trail.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use runtime_core::access::{ACCESS_PREFIX, AuditKind, AuditRecord};
use runtime_core::api::{Page, SecurityEvent};
use runtime_core::model::Timestamp;
use serde::Deserialize;

use crate::app::App;
use crate::caller::Staff;
use crate::extract::PageOf;
use crate::problem::Problem;

/// The kind of record that is an event.
const KIND: &str = "cross-tenant-access";

#[derive(Deserialize)]
struct Recorded {
    at: String,
    kind: String,
    tenant_id: Option<runtime_core::tenant::TenantId>,
}

/// Longest cursor: keys of the trail are shorter by far, and those of buckets end at 1,024.
const LONGEST_KEY: usize = 512;

/// Whether a text can be the rest of a key of the trail.
fn is_key(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_./:".contains(&b);
    (1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(known)
}

/// By tenant, and each tenant's in order of time. `limit` records are looked at, and not
/// all are events: a page may be short, or empty, before the end.
///
/// The cursor is the last key below the prefix. It reaches nothing outside, and who may
/// read this may read all of it.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Staff(operator): Staff,
    page: PageOf,
) -> Result<Response, Problem> {
    if page.cursor.as_deref().is_some_and(|it| !is_key(it)) {
        return Err(Problem::field("cursor", "expected the `next` of an answer of this list"));
    }
    let read = AuditRecord {
        at: Timestamp::now(),
        kind: AuditKind::OperatorAccess,
        subject: operator.subject().to_owned(),
        tenant_id: None,
        operation: "list-security-events",
        tables: Vec::new(),
        attempted: None,
    };
    app.watchers().await?.audit.record(&read).await.map_err(Problem::internal)?;
    let prefix = format!("{ACCESS_PREFIX}tenants/");
    let after = page.cursor.as_deref().map(|it| format!("{prefix}{it}"));
    let (keys, more) = app.services.trail.list(&prefix, after.as_deref(), page.limit).await?;
    let mut items = Vec::new();
    for key in &keys {
        let record = app.services.trail.read(key).await?;
        let record: Recorded = serde_json::from_slice(&record).map_err(Problem::internal)?;
        if record.kind == KIND {
            let name = key.rsplit('/').next().unwrap_or_default();
            items.push(SecurityEvent {
                id: name.trim_end_matches(".json").to_owned(),
                seen_at: record.at,
                kind: record.kind,
                tenant_id: record.tenant_id,
            });
        }
    }
    let next = keys.last().filter(|_| more).and_then(|key| key.strip_prefix(&prefix));
    Ok(axum::Json(Page { items, next: next.map(str::to_owned) }).into_response())
}
