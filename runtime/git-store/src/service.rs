//! From an event to a reply.

use std::time::{Duration, Instant};

use runtime_core::pages::{
    ErrorCode, History, Init, List, Maintain, PageError, Ping, Read, Reply, Request, Response,
    Write,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Store;

/// Of the time that an invocation has left, what is kept for the attempt that runs when
/// a write's time is over, and for the answer.
const MARGIN: Duration = Duration::from_secs(2);

/// What a write may take at least, however late it is.
const LEAST: Duration = Duration::from_millis(100);

/// Answers one event of an invocation that is killed after `left`. A write that meets
/// others gives up before, so that its caller hears that it may try again.
pub fn answer_within(store: &Store, event: Value, left: Duration) -> Reply {
    answer(&store.within(write_budget(left)), event)
}

fn write_budget(left: Duration) -> Duration {
    left.saturating_sub(MARGIN).max(LEAST)
}

/// Answers one event. Never fails: what is wrong with the event, or goes wrong
/// with the store, is in the reply. Logs one line, without any page's text.
pub fn answer(store: &Store, event: Value) -> Reply {
    let started = Instant::now();
    let request = match decode(event) {
        Ok(request) => request,
        Err(error) => {
            tracing::warn!(reason = %error.message, "refused a request");
            return Reply::Error(error);
        }
    };
    let span = tracing::info_span!("pages", operation = request.operation());
    let reply = span.in_scope(|| store.handle(&request));
    log(&request, &reply, started);
    reply
}

fn log(request: &Request, reply: &Reply, started: Instant) {
    let operation = request.operation();
    let wiki = request.wiki().map(tracing::field::display);
    let micros = started.elapsed().as_micros();
    match reply {
        Reply::Ok(Response::Write(written)) => tracing::info!(
            operation,
            wiki,
            micros,
            commit = %written.commit,
            changed = written.changed,
            attempts = written.attempts,
            "done"
        ),
        Reply::Ok(_) => tracing::info!(operation, wiki, micros, "done"),
        Reply::Error(error) => {
            tracing::warn!(operation, wiki, micros, code = ?error.code, reason = %error.message, "failed");
        }
    }
}

/// Reads a request. It is what [`Request`]'s own `Deserialize` does, but by
/// hand, because that one cannot say which field is at fault.
pub fn decode(event: Value) -> Result<Request, PageError> {
    let Value::Object(mut fields) = event else {
        return Err(invalid("the request must be a JSON object".to_owned(), None));
    };
    let operation = fields.remove("operation");
    match operation.as_ref().and_then(Value::as_str) {
        Some("ping") => part::<Ping>(fields).map(Request::Ping),
        Some("init") => part::<Init>(fields).map(Request::Init),
        Some("write") => part::<Write>(fields).map(Request::Write),
        Some("read") => part::<Read>(fields).map(Request::Read),
        Some("history") => part::<History>(fields).map(Request::History),
        Some("list") => part::<List>(fields).map(Request::List),
        Some("maintain") => part::<Maintain>(fields).map(Request::Maintain),
        _ => Err(invalid(
            "operation: must be one of ping, init, write, read, history, list, maintain".to_owned(),
            Some("operation".to_owned()),
        )),
    }
}

fn part<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, PageError> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        // "." is the request itself: a field is missing, and the message says which.
        let field = (path != ".").then_some(path);
        let message = match &field {
            Some(field) => format!("{field}: {}", error.inner()),
            None => error.inner().to_string(),
        };
        invalid(message, field)
    })
}

fn invalid(message: String, field: Option<String>) -> PageError {
    PageError { code: ErrorCode::InvalidRequest, message, field, head: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_gives_up_before_the_invocation_is_killed() {
        let seconds = Duration::from_secs;
        assert_eq!(write_budget(seconds(5)), seconds(3));
        for late in [Duration::ZERO, seconds(1), seconds(2)] {
            assert_eq!(write_budget(late), LEAST);
        }
        let store = Store::new("nowhere");
        let budget = |left| store.within(write_budget(left)).write_budget();
        assert_eq!(budget(seconds(5)), seconds(3));
        assert_eq!(budget(seconds(30)), seconds(10), "never longer than the default");
        assert_eq!(budget(Duration::MAX), seconds(10));
    }
}
