//! Records of changes in the audit trail: who changed what, and why. A record is kept
//! before the change is made; if it cannot be kept, nothing is changed.

use runtime_core::access::{AccessError, OperatorDynamoDb};
use runtime_core::model::{PlatformItem, Repeat, RequestDigest, Text, Timestamp};
use runtime_core::names::CHANGES_PREFIX;
use runtime_core::tenant::TenantId;
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::problem::Problem;

/// A change.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Change<'a> {
    /// What was asked for, such as `changeTenant`.
    pub operation: &'static str,
    /// Whose; nobody's: the platform's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<&'a TenantId>,
    /// Who did it.
    pub subject: &'a str,
    pub request_id: &'a str,
    /// Why, as they say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// What is to be another; addresses of people are not in it.
    #[serde(rename = "change")]
    pub wanted: Value,
}

#[derive(Serialize)]
struct Kept<'a> {
    at: Timestamp,
    #[serde(flatten)]
    change: &'a Change<'a>,
}

impl Change<'_> {
    /// Keeps it.
    pub async fn keep(&self, app: &App) -> Result<(), Problem> {
        let at = Timestamp::now();
        let kept = Kept { at, change: self };
        let record = serde_json::to_vec(&kept).map_err(Problem::internal)?;
        let day = at.to_string().get(..10).unwrap_or_default().replace('-', "/");
        let id = runtime_core::model::InvocationId::at(at);
        let whose = self
            .tenant_id
            .map_or_else(|| "platform".to_owned(), |tenant| format!("tenants/{tenant}"));
        let key = format!("{CHANGES_PREFIX}{whose}/{day}/{id}.json");
        Ok(app.services.trail.keep(&key, &record).await?)
    }
}

/// The text of a reason.
pub(crate) fn text(reason: Option<&Text<1, 500>>) -> Option<&str> {
    reason.map(Text::as_str)
}

/// What a request asks for, to be known again.
pub(crate) fn digest(operation: &str, body: &impl Serialize) -> Result<RequestDigest, Problem> {
    RequestDigest::of(operation, body).map_err(|invalid| Problem::field("body", invalid))
}

/// Makes what a request with an `Idempotency-Key` asks for, or gives what it made before.
/// `digest_of`: the digest of what the item was made from.
pub(crate) async fn create_once<T: PlatformItem>(
    platform: &OperatorDynamoDb,
    wanted: T,
    digest: RequestDigest,
    digest_of: impl FnOnce(&T) -> Option<RequestDigest>,
) -> Result<T, Problem> {
    let item = match platform.create(&wanted).await {
        Err(AccessError::Condition) => {
            let there = platform.get(&wanted.key()).await?;
            there.ok_or_else(|| Problem::busy("what was there was deleted at the same time"))?
        }
        made => made.map(|()| wanted)?,
    };
    if digest.repeats(digest_of(&item)) == Repeat::Conflict {
        return Err(Problem::conflict("Another request had this Idempotency-Key."));
    }
    Ok(item)
}
