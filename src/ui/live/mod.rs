//! A live overview on a terminal: a plain model, a function that draws it, the screen, and the
//! loop that keeps them together.

mod draw;
mod model;
mod screen;
mod show;

pub use model::{Mood, Overview, Panel, Row};
pub use screen::can_look;
pub use show::{Update, show};

#[cfg(test)]
mod tests;
