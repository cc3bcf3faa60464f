//! Questions. Only on a terminal: elsewhere a question is an error that names
//! the flag which answers it.

use std::io::IsTerminal as _;

use dialoguer::{Confirm, Input};

use super::Ui;
use crate::error::{Error, Result};

impl Ui {
    /// Whether questions can be asked.
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// A yes-or-no question, with no as the default.
    pub fn confirm(&self, question: &str) -> Result<bool> {
        self.need_terminal("--yes")?;
        self.display.clear();
        Confirm::new()
            .with_prompt(question)
            .default(false)
            .interact()
            .map_err(|error| Error::failed("cannot ask").caused_by(error))
    }

    /// Asks for a name to be typed, before harm is done. Anything else is a no.
    pub fn type_name(&self, question: &str, name: &str) -> Result<bool> {
        self.need_terminal("--yes")?;
        self.display.clear();
        let typed: String = Input::new()
            .with_prompt(format!("{question} Type {name} to go on"))
            .allow_empty(true)
            .interact_text()
            .map_err(|error| Error::failed("cannot ask").caused_by(error))?;
        Ok(typed.trim() == name)
    }

    /// Asks for a text, with a default.
    pub fn ask(&self, question: &str, default: &str) -> Result<String> {
        self.display.clear();
        Input::new()
            .with_prompt(question)
            .default(default.to_owned())
            .interact_text()
            .map_err(|error| Error::failed("cannot ask").caused_by(error))
    }

    fn need_terminal(&self, flag: &str) -> Result<()> {
        if self.can_ask() {
            return Ok(());
        }
        Err(Error::usage("a confirmation is needed and there is no terminal to ask on")
            .hint(format!("confirm with `{flag}`")))
    }
}
