//! The only place that prints. stdout is the result; progress, status, hints and
//! errors go to stderr. Without a terminal: plain lines, and no questions.

mod display;
mod format;
mod live;
mod logs;
mod prompt;
mod report;
mod spark;
mod table;

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use console::Style;

pub use format::{Color, Format};
pub use live::{Mood, Overview, Panel, Row, Update, can_look, show};
pub use logs::Logs;
pub use report::{Block, Report};
pub use spark::sparkline;
pub use table::{Align, Table, Tone};

use crate::error::{Error, Result};
use crate::event::Events;
use crate::journal::Mask;
use display::Display;

/// Blocks as people read them, for what is not the result itself.
pub fn text(blocks: &[Block]) -> String {
    report::as_text(blocks)
}

/// How to talk to the user; resolved once from flags and environment.
#[derive(Debug, Clone)]
pub struct Options {
    /// How the result is written.
    pub format: Format,
    /// A JMESPath expression that picks from the result.
    pub query: Option<String>,
    /// Nothing but the result and errors.
    pub quiet: bool,
    /// No live display, even on a terminal.
    pub no_progress: bool,
    /// Whether to colour.
    pub color: Color,
}

/// The user's terminal, or what stands in its place.
#[derive(Debug, Clone)]
pub struct Ui {
    options: Options,
    display: Arc<Display>,
    mask: Mask,
}

/// While it lives, nothing is written to stderr besides what has the terminal.
#[derive(Debug)]
pub struct Hush(Arc<Display>);

impl Drop for Hush {
    fn drop(&mut self) {
        self.0.hush(false);
    }
}

impl Ui {
    /// Prepares the terminal.
    pub fn new(options: Options) -> Self {
        match options.color {
            Color::Auto => {}
            Color::Always => {
                console::set_colors_enabled(true);
                console::set_colors_enabled_stderr(true);
            }
            Color::Never => {
                console::set_colors_enabled(false);
                console::set_colors_enabled_stderr(false);
            }
        }
        let live = std::io::stderr().is_terminal()
            && !options.no_progress
            && !options.quiet
            && std::env::var_os("CI").is_none();
        let display = Arc::new(Display::new(live, options.quiet));
        Self { options, display, mask: Mask::from_environment() }
    }

    /// Refuses options that could only fail after the work is done; to be called
    /// before it. `has_own_formats`: the verb writes SARIF, JUnit and
    /// GitLab reports.
    pub fn check_options(&self, has_own_formats: bool) -> Result<()> {
        format::check(self.options.format, self.options.query.as_deref(), has_own_formats)
    }

    /// Where engines send their events.
    pub fn events(&self) -> Events {
        let display = Arc::clone(&self.display);
        Events::new(move |event| display.show(&event))
    }

    /// Where the logs of libraries go.
    pub fn logs(&self) -> Logs {
        Logs { mask: self.mask.clone(), display: Arc::clone(&self.display) }
    }

    /// Writes no more events, status lines and logs to stderr, until what it gives is dropped:
    /// something else has the whole terminal.
    pub fn hush(&self) -> Hush {
        self.display.hush(true);
        Hush(Arc::clone(&self.display))
    }

    /// Whether stderr is coloured.
    pub fn coloured(&self) -> bool {
        console::colors_enabled_stderr()
    }

    /// Writes a result to stdout.
    pub fn report(&self, report: &dyn Report) -> Result<()> {
        let text = self.render(report)?;
        self.display.clear();
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        match written {
            // The reader has seen enough (`| head`).
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Error::failed("cannot write the result").caused_by(error)),
            Ok(()) => Ok(()),
        }
    }

    fn render(&self, report: &dyn Report) -> Result<String> {
        // Made only where it is shown: it can cost more than the command itself.
        let value =
            || if report.is_content() { report.value() } else { self.mask.value(report.value()) };
        if let Some(query) = &self.options.query {
            let picked = format::query(&value(), query, self.options.format)?;
            return Ok(self.mask.known(&picked));
        }
        let text = match (report.special(self.options.format), self.options.format) {
            (Some(text), _) => text,
            (None, Format::Text) => report::as_text(&report.blocks()),
            (None, Format::Markdown) => report::as_markdown(&report.blocks()),
            (None, format) => format::structured(&value(), format)?,
        };
        // What was asked for is text of its own: only known secrets are taken out,
        // not what happens to look like one.
        Ok(self.mask.known(&text))
    }

    /// Writes an error, with its causes and hints, to stderr.
    pub fn error(&self, error: &Error) {
        self.display.clear();
        let red = Style::new().for_stderr().red().bold();
        let cyan = Style::new().for_stderr().cyan();
        let mut text =
            format!("{} {}\n", red.apply_to("error:"), self.mask.text(&error.to_string()));
        for cause in error.causes() {
            for (number, line) in self.mask.text(&cause).lines().enumerate() {
                let lead = if number == 0 { "  caused by: " } else { "             " };
                text.push_str(format!("{lead}{line}").trim_end());
                text.push('\n');
            }
        }
        for hint in error.hints() {
            let hint = self.mask.text(hint);
            text.push_str(&format!("{} {hint}\n", cyan.apply_to("hint:")));
        }
        // Nobody is left to tell when stderr is gone.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    /// Writes a status line to stderr, unless `--quiet`.
    pub fn status(&self, line: &str) {
        if !self.options.quiet {
            self.display.line(&self.mask.text(line));
        }
    }

    /// Writes a line that is useless unless it is read, even with `--quiet`: what the user
    /// has to do before the command can go on.
    pub fn must_see(&self, line: &str) {
        self.display.line(&self.mask.text(line));
    }

    /// Writes a plan to stderr: signs coloured, so that harm is seen at a glance.
    pub fn plan(&self, lines: &[String]) {
        for line in lines {
            let style = match line.trim_start().chars().next() {
                Some('+') => Style::new().green(),
                Some('~') => Style::new().yellow(),
                Some('±' | '-') => Style::new().red(),
                _ => Style::new(),
            };
            self.status(&style.for_stderr().apply_to(line).to_string());
        }
    }
}
