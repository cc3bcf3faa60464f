//! Names of runs: a date that sorts and four letters that people can say.

use std::fmt;

use rand::RngExt as _;
use time::OffsetDateTime;

/// Without vowels, so that no word appears, and without 0, 1 and look-alikes.
const LETTERS: &[u8] = b"23456789bcdfghjkmnpqrstvwxz";

/// A run's name, such as `2026-11-20-k3f9`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

impl RunId {
    /// A new name for a run that begins at `now`. Uniqueness is settled by
    /// creating the journal's file exclusively.
    pub fn new(now: OffsetDateTime) -> Self {
        let mut random = rand::rng();
        let letters: String =
            (0..4).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect();
        Self(format!("{}-{letters}", now.date()))
    }

    /// The name in a journal's file name, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, letters) = text.rsplit_once('-')?;
        let date_ok = date.len() == 10 && date.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let letters_ok = letters.len() == 4 && letters.bytes().all(|b| b.is_ascii_alphanumeric());
        (date_ok && letters_ok).then(|| Self(text.to_owned()))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last four letters, enough on a command line.
    pub fn short(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
