//! An event comes in, a policy goes out.

use serde_json::Value;

use crate::answer;
use crate::clock::Clock;
use crate::decide::Authoriser;
use crate::directory::Directory;
use crate::fetch::Fetch;
use crate::log::Log;
use crate::request::Request;

/// Answers an event of the gateway: with a policy, or with an error, `Unauthorized` where
/// the gateway is to answer 401.
///
/// # Errors
///
/// The text is the gateway's: it says nothing of the request.
pub async fn answer<D: Directory, F: Fetch, C: Clock>(
    authoriser: &Authoriser<D, F, C>,
    log: &Log,
    event: Value,
) -> Result<Value, String> {
    let began = std::time::Instant::now();
    let Ok(request) = serde_json::from_value::<Request>(event) else {
        log.no_event();
        return Err("the event is not a request of API Gateway".to_owned());
    };
    let decision = authoriser.decide(&request).await;
    log.decision(&request, &decision, began.elapsed());
    match decision {
        Ok(allowed) => Ok(answer::allow(&request, &allowed)),
        Err(refused) => answer::refuse(&request, refused.reason),
    }
}
