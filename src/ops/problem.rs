//! Answers that are no success (RFC 9457), as errors with what to do about them.

use runtime_core::api::{Caller, Problem, Route};
use serde_json::Value;

use crate::error::{Error, Kind};
use crate::http::{Answer, printable};
use crate::journal::Mask;

/// The longest text of the API that an error shows, in characters.
const LONGEST: usize = 500;

/// Whether the gateway has no such route, which it says in these words: its own, and those
/// that the stacks give it instead. Of what the route is about that says nothing.
pub(super) fn is_no_route(answer: &Answer) -> bool {
    let problem = serde_json::from_slice::<Problem>(&answer.body).ok();
    match answer.status {
        403 => said(answer, problem.as_ref()) == "Missing Authentication Token",
        404 => said(answer, problem.as_ref()) == "There is no such path or method.",
        _ => false,
    }
}

/// The error of an answer to a request about `subject`.
pub(super) fn error(answer: &Answer, route: &Route, subject: &str, mask: &Mask) -> Error {
    let problem = serde_json::from_slice::<Problem>(&answer.body).ok();
    let said = printable(&mask.text(&said(answer, problem.as_ref())), LONGEST);
    let status = answer.status;
    let about = if subject.is_empty() { String::new() } else { format!(" {subject}") };
    let failed = |why: &str| Error::failed(format!("{why}: {said} ({status})"));
    let usage = |why: &str| Error::new(Kind::Usage, format!("{why}: {said} ({status})"));
    if is_no_route(answer) {
        return failed(&format!("the API has no {} {} yet", route.method.as_str(), route.path))
            .hint("it comes with the functions that answer: platform.functions in platform.yaml");
    }
    match status {
        400 | 413 | 422 => usage("the API refused the request"),
        401 => failed("the API does not know who is calling").hint(
            "log in: `platformctl login`; `platformctl login --status` says who is logged in",
        ),
        403 => failed("the API does not allow this").hint(format!(
            "{} is for {}",
            route.operation,
            callers(route)
        )),
        404 => usage(&format!("the API knows nothing of{about}"))
            .hint("`platformctl tenant list` lists all tenants"),
        409 => failed("the API cannot do this now").hint(match subject {
            "" => "`platformctl tenant list` says what is there".to_owned(),
            _ => format!("`platformctl tenant show{about}` says how it is"),
        }),
        412 => failed("it was changed meanwhile, by somebody else")
            .hint(format!("look at it with `platformctl tenant show{about}`, then try again")),
        429 => {
            let wait = answer.retry_after().map(humantime::format_duration);
            let wait = wait.map_or_else(|| "a minute".to_owned(), |wait| wait.to_string());
            failed("the API is asked too often").hint(format!("try again in {wait}"))
        }
        300..=399 => {
            failed("the API sends elsewhere, and nobody follows").hint("check PLATFORMCTL_API_URL")
        }
        500.. => match problem.and_then(|problem| problem.instance) {
            Some(request) => failed("the API failed").hint(format!(
                "name the request when asking for help: {}",
                printable(&request, 120)
            )),
            None => failed("the API failed"),
        },
        _ => failed("the API gave an unexpected answer"),
    }
}

/// What the answer says is wrong.
fn said(answer: &Answer, problem: Option<&Problem>) -> String {
    if let Some(problem) = problem {
        return problem.detail.clone().unwrap_or_else(|| problem.title.clone());
    }
    // Some gateways have a message alone, and other servers nothing of use.
    let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    body["message"]
        .as_str()
        .map_or_else(|| format!("an answer of {}", answer.content_type()), str::to_owned)
}

/// Who may call, by the roles that tokens have.
fn callers(route: &Route) -> String {
    let names = route.callers.iter().map(|caller| match caller {
        Caller::Admin => "Platform.Admin",
        Caller::Operator => "Platform.Operator",
        other => other.name(),
    });
    names.collect::<Vec<_>>().join(", ")
}
