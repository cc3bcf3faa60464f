//! A whole plan, carried out: what was measured is on disk after every phase.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::executor::{Executor, Runner};
use super::plan::Plan;
use super::result::{Folder, Run, State};
use crate::error::{Error, Kind, Result};
use crate::failpoint;

/// Carries out what of a plan is not measured yet. The run is written after every phase; when
/// it stops early it says so, and what was measured of the phase is there too.
pub async fn carry_out<E: Executor>(
    runner: &Runner<E>,
    plan: &Plan,
    run: &mut Run,
    folder: &Folder,
) -> Result<()> {
    for phase in &plan.phases {
        if run.complete(&phase.name).is_some() {
            continue;
        }
        let (measured, error) = runner.run(phase).await;
        run.take(measured);
        if let Some(error) = error {
            return stopped(run, folder, error);
        }
        folder.save(run)?;
        failpoint::hit(&format!("bench:{}", phase.name), &runner.cancel).await;
    }
    Ok(())
}

/// Writes down why a run could not go on, and returns that.
pub fn stopped(run: &mut Run, folder: &Folder, error: Error) -> Result<()> {
    let interrupted = error.kind() == Kind::Interrupted;
    run.state = if interrupted { State::Interrupted } else { State::Failed };
    run.error = Some(error.to_string());
    folder.save(run)?;
    Err(error)
}

/// Writes down that everything was measured.
pub fn finished(run: &mut Run, folder: &Folder) -> Result<()> {
    run.state = State::Complete;
    run.error = None;
    run.finished = OffsetDateTime::now_utc().format(&Rfc3339).ok();
    folder.save(run)
}
