//! Events as a live display on a terminal, and as plain lines elsewhere.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use console::Style;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::event::{Event, Level, Outcome};

/// Without a terminal, a task says what it is doing at most this often.
const PLAIN_PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Display {
    quiet: bool,
    live: Option<MultiProgress>,
    /// Something else has the terminal.
    hushed: AtomicBool,
    tasks: Mutex<HashMap<String, Task>>,
}

#[derive(Debug)]
struct Task {
    label: String,
    begun: Instant,
    said: Instant,
    bar: Option<ProgressBar>,
}

impl Display {
    pub(super) fn new(live: bool, quiet: bool) -> Self {
        let live =
            live.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(12)));
        Self { quiet, live, hushed: AtomicBool::new(false), tasks: Mutex::new(HashMap::new()) }
    }

    /// Writes nothing any more, or again what comes.
    pub(super) fn hush(&self, hushed: bool) {
        self.hushed.store(hushed, Ordering::SeqCst);
    }

    fn is_hushed(&self) -> bool {
        self.hushed.load(Ordering::SeqCst)
    }

    pub(super) fn show(&self, event: &Event) {
        if self.quiet || self.is_hushed() {
            return;
        }
        match event {
            Event::Started { id, label, total } => self.started(id, label, *total),
            Event::Progress { id, done, detail } => self.progress(id, *done, detail),
            Event::Finished { id, outcome, detail } => self.finished(id, *outcome, detail),
            Event::Note { level: Level::Info, text } => self.line(&format!(" · {text}")),
            Event::Note { level: Level::Warning, text } => {
                let sign = Style::new().for_stderr().yellow().apply_to("warning:").to_string();
                self.line(&format!("{sign} {text}"));
            }
        }
    }

    /// A line above the live display.
    pub(super) fn line(&self, line: &str) {
        if self.is_hushed() {
            return;
        }
        match &self.live {
            Some(bars) => {
                // Drawing fails only when the terminal is gone.
                let _ = bars.println(line);
            }
            None => {
                let _ = writeln!(std::io::stderr().lock(), "{line}");
            }
        }
    }

    /// Removes the live display, before something else is written.
    pub(super) fn clear(&self) {
        for (_, task) in self.tasks().drain() {
            if let Some(bar) = task.bar {
                bar.finish_and_clear();
            }
        }
    }

    fn started(&self, id: &str, label: &str, total: Option<u64>) {
        let bar = self.live.as_ref().map(|bars| {
            let bar = bars.add(total.map_or_else(ProgressBar::new_spinner, ProgressBar::new));
            let template = if total.is_some() {
                " {spinner} {prefix:24} {bar:24} {pos:>3}/{len:<3} {elapsed:>4}  {wide_msg}"
            } else {
                " {spinner} {prefix:24} {elapsed:>4}  {wide_msg}"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸ "));
            }
            bar.set_prefix(label.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let now = Instant::now();
        let task = Task { label: label.to_owned(), begun: now, said: now, bar };
        self.tasks().insert(id.to_owned(), task);
    }

    fn progress(&self, id: &str, done: u64, detail: &str) {
        let mut tasks = self.tasks();
        let Some(task) = tasks.get_mut(id) else { return };
        match &task.bar {
            Some(bar) => {
                if bar.length().is_some() {
                    bar.set_position(done);
                }
                bar.set_message(detail.to_owned());
            }
            None if task.said.elapsed() >= PLAIN_PAUSE => {
                task.said = Instant::now();
                let line = format!(" … {}: {detail}", task.label);
                drop(tasks);
                self.line(&line);
            }
            None => {}
        }
    }

    fn finished(&self, id: &str, outcome: Outcome, detail: &str) {
        let Some(task) = self.tasks().remove(id) else { return };
        if let Some(bar) = &task.bar {
            bar.finish_and_clear();
        }
        let (sign, style) = match outcome {
            Outcome::Done => ("✓", Style::new().green()),
            Outcome::Unchanged => ("=", Style::new().dim()),
            Outcome::Failed => ("✗", Style::new().red()),
            Outcome::Skipped => ("-", Style::new().dim()),
        };
        let sign = style.for_stderr().apply_to(sign);
        let seconds = task.begun.elapsed().as_secs_f64();
        let line = format!(" {sign} {:24} {seconds:>7.1} s  {detail}", task.label);
        self.line(line.trim_end());
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<String, Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
