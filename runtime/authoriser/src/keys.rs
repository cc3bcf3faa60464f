//! Issuers' keys: fetched when they are needed, remembered, and fetched again when they
//! change.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Uri;
use tokio::sync::Mutex as AsyncMutex;

use crate::clock::{Clock, Moment};
use crate::fetch::{Fetch, Question};
use crate::jwt::KeySet;
use crate::reason::Reason;

/// For how long keys are used without a look at whether they have changed.
pub const FRESH: Duration = Duration::from_mins(10);

/// For how long keys are used while their issuer is out of reach. Its tokens are good for
/// an hour or so, and it cannot make new ones meanwhile.
pub const STALE: Duration = Duration::from_hours(6);

/// How long after a fetch the next one may come, whoever asks for it. Tokens with ids of
/// keys that are not there cost their issuer no more than this.
pub const COOL_DOWN: Duration = Duration::from_secs(30);

/// The keys of one issuer.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    uri: Uri,
    known: Mutex<Known>,
    /// Whoever holds it fetches; the others wait and see.
    fetching: AsyncMutex<()>,
}

#[derive(Debug, Default, Clone)]
struct Known {
    keys: Option<(Arc<KeySet>, Duration)>,
    /// When the last fetch began.
    tried: Option<Duration>,
}

impl Known {
    fn keys_within(&self, now: Moment, age: Duration) -> Option<&Arc<KeySet>> {
        let (keys, fetched) = self.keys.as_ref()?;
        (now.steady.saturating_sub(*fetched) < age).then_some(keys)
    }

    fn may_fetch(&self, now: Moment) -> bool {
        self.tried.is_none_or(|tried| now.steady.saturating_sub(tried) >= COOL_DOWN)
    }
}

impl IssuerKeys {
    /// Keys that are at this address.
    pub(crate) fn new(uri: Uri) -> Self {
        Self { uri, known: Mutex::default(), fetching: AsyncMutex::default() }
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keys among which the one with this id is, or is not: then it is not the issuer's.
    ///
    /// # Errors
    ///
    /// When there are no keys, or none young enough to be believed; and when the key is
    /// unknown.
    pub(crate) async fn with(
        &self,
        id: &str,
        clock: &impl Clock,
        fetch: &impl Fetch,
    ) -> Result<Arc<KeySet>, Reason> {
        let fresh = |known: &Known| known.keys_within(clock.now(), FRESH).cloned();
        if let Some(keys) = fresh(&self.known()).filter(|keys| keys.has(id)) {
            return Ok(keys);
        }
        if self.known().may_fetch(clock.now()) {
            let _one_at_a_time = self.fetching.lock().await;
            // Somebody may have fetched while this one waited.
            if self.known().may_fetch(clock.now()) {
                self.fetch(clock, fetch).await;
            }
        } else if self.known().keys.is_none() {
            // The first fetch may be under way.
            let _fetched = self.fetching.lock().await;
        }
        let known = self.known();
        let keys = known.keys_within(clock.now(), STALE).ok_or(Reason::KeysUnavailable)?;
        if keys.has(id) { Ok(Arc::clone(keys)) } else { Err(Reason::UnknownKey) }
    }

    /// Gets the keys. Where that fails, those that are there stay.
    async fn fetch(&self, clock: &impl Clock, fetch: &impl Fetch) {
        let began = clock.now().steady;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).tried = Some(began);
        let question = Question { uri: self.uri.clone(), headers: Vec::new() };
        let failure = match fetch.get(question).await {
            Err(error) => error.to_string(),
            Ok(answer) if answer.status != 200 => format!("it answered {}", answer.status),
            Ok(answer) => match KeySet::parse(&answer.body) {
                None => "it sent no keys that can be used".to_owned(),
                Some(keys) => {
                    let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                    known.keys = Some((Arc::new(keys), began));
                    return;
                }
            },
        };
        tracing::warn!(url = %self.uri, failure, "keys could not be fetched");
    }
}
