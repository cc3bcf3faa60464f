//! The overview's loop: draws, takes what was read, and does what keys say.

use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::model::{Overview, Row, Then};
use super::screen::{Screen, pressed};
use crate::error::{Error, Result};

/// The pause between two looks at keys and at what was read.
const PAUSE: Duration = Duration::from_millis(100);

/// How often what may be read by itself is read anew.
const EVERY: Duration = Duration::from_secs(30);

/// What was read for a panel.
#[derive(Debug)]
pub struct Update {
    /// Which.
    pub panel: usize,
    /// Its rows, or why they could not be read.
    pub read: Result<Vec<Row>, String>,
}

/// Shows the overview until somebody leaves, or `stop` says so, and gives the command that was
/// chosen. `want` has panels read in the background, and each told to `updates`. Blocks.
pub fn show(
    mut overview: Overview,
    updates: &Receiver<Update>,
    want: impl Fn(Vec<usize>),
    stop: impl Fn() -> bool,
) -> Result<Option<String>> {
    let mut screen = Screen::take()?;
    // Whoever opens it wants to see it.
    let mut wanted = true;
    let mut asked: Option<Instant> = None;
    while !stop() {
        let due = wanted || asked.is_none_or(|asked| asked.elapsed() >= EVERY);
        if due && overview.reading() == 0 {
            want(overview.ask(wanted));
            (wanted, asked) = (false, Some(Instant::now()));
        }
        loop {
            match updates.try_recv() {
                Ok(Update { panel, read }) => overview.learn(panel, read, &now()),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    return Err(Error::failed("nothing reads the overview any more"));
                }
            }
        }
        screen.show(&overview)?;
        match pressed(PAUSE)?.map(|key| overview.press(key)) {
            Some(Then::Leave(command)) => return Ok(command),
            Some(Then::Refresh) => wanted = true,
            Some(Then::Stay) | None => {}
        }
    }
    Ok(None)
}

/// The time as people read it, in UTC as in journals.
fn now() -> String {
    let (hour, minute, second) = OffsetDateTime::now_utc().to_hms();
    format!("{hour:02}:{minute:02}:{second:02} UTC")
}
