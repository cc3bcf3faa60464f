//! Leases, as people are told of them.

use std::time::Duration;

use runtime_core::model::{OpsLock, Timestamp};

use super::protocol::Failure;
use crate::error::{Error, Kind};

/// Who holds it, since when, and what for; one line each. The times are those of the
/// holder's clock.
pub fn holder_lines(record: &OpsLock) -> Vec<String> {
    let Some(holder) = &record.holder else { return vec!["nobody holds it".to_owned()] };
    let run = holder.run_id.as_str();
    let mut lines = vec![
        format!("by     {} on {}", holder.who.as_str(), holder.host.as_str()),
        format!(
            "since  {} ({} ago), lease renewed {} ago",
            record.acquired_at,
            ago(record.acquired_at),
            ago(record.written_at)
        ),
        format!("run    {run}  {}", holder.job.as_str()),
    ];
    if holder.reason.as_str() != "-" {
        lines.push(format!("reason {}", holder.reason.as_str()));
    }
    lines
}

/// About how long ago, to the second. Two clocks are compared here, for people alone.
fn ago(moment: Timestamp) -> humantime::FormattedDuration {
    let now = Timestamp::now();
    let seconds = u64::try_from(now.seconds() - moment.seconds()).unwrap_or(0);
    humantime::format_duration(Duration::from_secs(seconds))
}

/// Somebody else holds it (exit 5). `what` is locked: `the environment`.
pub fn busy(what: &str, record: &OpsLock) -> Error {
    let error = Error::new(Kind::Locked, format!("{what} is locked by another run"))
        .caused_by(holder_lines(record).join("\n"));
    match &record.holder {
        Some(holder) => {
            let run = holder.run_id.as_str();
            let short = run.rsplit('-').next().unwrap_or(run);
            error.hint(format!("on its machine, `platformctl events {short} --follow` follows it"))
        }
        None => error,
    }
}

/// It was held, and is not any more (exit 7: what was done is journaled).
pub fn lost(what: &str, record: Option<&OpsLock>) -> Error {
    let error = Error::new(Kind::Partial, format!("the lock of {what} was lost"));
    match record {
        Some(record) => error.caused_by(holder_lines(record).join("\n")),
        None => error,
    }
}

/// A failure of the protocol, for people.
pub fn explained(what: &str, failure: Failure) -> Error {
    match failure {
        Failure::Busy(record) => busy(what, &record),
        Failure::Lost(record) => lost(what, record.as_deref()),
        Failure::Missing(error) | Failure::Refused(error) => error,
        Failure::Doubt(error) => {
            Error::failed(format!("it is not known whether the lock of {what} was taken"))
                .caused_by(error)
                .hint("try again: a lease that nobody renews runs out")
        }
    }
}
