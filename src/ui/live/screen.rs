//! The terminal as a screen, and as it was before.

use std::io::{IsTerminal as _, Stderr, stderr, stdin};
use std::panic::{set_hook, take_hook};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use super::draw::draw;
use super::model::{Key, Overview};
use crate::error::{Context as _, Error, Result};

/// Whether somebody sits at a terminal who could look and press keys.
pub fn can_look() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// A screen of its own. The terminal is as it was before when this is dropped, also by a panic.
/// It is that of stderr: stdout is for results.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stderr>>,
    taken: Arc<AtomicBool>,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").finish_non_exhaustive()
    }
}

impl Screen {
    /// Takes the terminal.
    pub fn take() -> Result<Self> {
        let taken = Arc::new(AtomicBool::new(true));
        // Whoever panics says why, and on a terminal where that can be read.
        let (hook, before) = (Arc::clone(&taken), take_hook());
        set_hook(Box::new(move |panic| {
            give_back(&hook);
            before(panic);
        }));
        enable_raw_mode().context("the terminal cannot be taken")?;
        // From here on it is given back, whatever happens.
        let terminal = Terminal::new(CrosstermBackend::new(stderr()));
        let screen = terminal.map(|terminal| Self { terminal, taken: Arc::clone(&taken) });
        let entered = execute!(stderr(), EnterAlternateScreen);
        let screen = screen.inspect_err(|_| give_back(&taken)).context("no screen")?;
        entered.context("the terminal has no screen")?;
        Ok(screen)
    }

    /// Draws the overview. An error when something panicked and the terminal was given back.
    pub fn show(&mut self, overview: &Overview) -> Result<()> {
        if !self.taken.load(Ordering::SeqCst) {
            return Err(Error::failed("the overview was closed"));
        }
        let drawn = self.terminal.draw(|frame| draw(overview, frame));
        drawn.map(drop).context("cannot draw")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back(&self.taken);
    }
}

fn give_back(taken: &AtomicBool) {
    if taken.swap(false, Ordering::SeqCst) {
        // A terminal that is gone needs nothing.
        let _ = disable_raw_mode();
        let _ = execute!(stderr(), LeaveAlternateScreen, Show);
    }
}

/// The key that is pressed within a time; none: nobody pressed one that means something.
pub fn pressed(within: Duration) -> Result<Option<Key>> {
    if !event::poll(within).context("cannot read keys")? {
        return Ok(None);
    }
    let Event::Key(key) = event::read().context("cannot read keys")? else { return Ok(None) };
    if key.kind == KeyEventKind::Release {
        return Ok(None);
    }
    Ok(meaning(key.code, key.modifiers))
}

fn meaning(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
    // A raw terminal makes no signal of it.
    if modifiers.contains(KeyModifiers::CONTROL) {
        return (code == KeyCode::Char('c')).then_some(Key::Quit);
    }
    Some(match code {
        KeyCode::Tab | KeyCode::Right | KeyCode::Char('l') => Key::Next,
        KeyCode::BackTab | KeyCode::Left | KeyCode::Char('h') => Key::Previous,
        KeyCode::Up | KeyCode::Char('k') => Key::Up,
        KeyCode::Down | KeyCode::Char('j') => Key::Down,
        KeyCode::Char('r') | KeyCode::F(5) => Key::Refresh,
        KeyCode::Enter => Key::Choose,
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_people_expect() {
        let plain = |code| meaning(code, KeyModifiers::NONE);
        assert_eq!(plain(KeyCode::Char('q')), Some(Key::Quit));
        assert_eq!(plain(KeyCode::Enter), Some(Key::Choose));
        assert_eq!(plain(KeyCode::Char('x')), None);
        assert_eq!(meaning(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Key::Quit));
        assert_eq!(meaning(KeyCode::Char('q'), KeyModifiers::CONTROL), None);
        assert_eq!(meaning(KeyCode::BackTab, KeyModifiers::SHIFT), Some(Key::Previous));
    }
}
