//! Questions. Only on a terminal: elsewhere a question is an error that names
//! the flag which answers it.

use std::io::ErrorKind;

use dialoguer::{Confirm, Input};

use super::Ui;
use crate::error::{Error, Kind, Result};

impl Ui {
    /// Whether questions can be asked.
    pub fn can_ask(&self) -> bool {
        super::can_look()
    }

    /// A yes-or-no question, with no as the default.
    pub fn confirm(&self, question: &str) -> Result<bool> {
        self.need_terminal("--yes")?;
        self.display.clear();
        answered(Confirm::new().with_prompt(question).default(false).interact())
    }

    /// Asks for a name to be typed, before harm is done. Anything else is a no.
    pub fn type_name(&self, question: &str, name: &str) -> Result<bool> {
        self.need_terminal("--yes")?;
        self.display.clear();
        let prompt = format!("{question} Type {name} to go on");
        let typed: String =
            answered(Input::new().with_prompt(prompt).allow_empty(true).interact_text())?;
        Ok(typed.trim() == name)
    }

    /// Asks for a text, with a default.
    pub fn ask(&self, question: &str, default: &str) -> Result<String> {
        self.display.clear();
        let default = default.to_owned();
        answered(Input::new().with_prompt(question).default(default).interact_text())
    }

    fn need_terminal(&self, flag: &str) -> Result<()> {
        if self.can_ask() {
            return Ok(());
        }
        Err(Error::usage("a confirmation is needed and there is no terminal to ask on")
            .hint(format!("confirm with `{flag}`")))
    }
}

/// Ctrl-C at a question is an interruption like any other; the question had hidden
/// the cursor.
fn answered<T>(answer: dialoguer::Result<T>) -> Result<T> {
    answer.map_err(|dialoguer::Error::IO(error)| {
        if error.kind() == ErrorKind::Interrupted {
            // Nothing to be done about a terminal that is gone.
            let _ = console::Term::stderr().show_cursor();
            return Error::new(Kind::Interrupted, "interrupted");
        }
        Error::failed("cannot ask").caused_by(error)
    })
}
