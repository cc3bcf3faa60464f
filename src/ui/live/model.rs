//! What the overview shows, and what keys do to it. Nothing here draws or reads.

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// To the panel after this one.
    Next,
    /// To the panel before.
    Previous,
    /// To the row above.
    Up,
    /// To the row below.
    Down,
    /// Reads everything anew.
    Refresh,
    /// Leaves, and prints the command of the row.
    Choose,
    /// Leaves.
    Quit,
}

/// How a row wants to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// As any other.
    #[default]
    Plain,
    /// It is well.
    Good,
    /// It is in the middle of something.
    Busy,
    /// Somebody has to look.
    Bad,
}

/// A row of a panel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// What it says, column by column.
    pub cells: Vec<String>,
    /// How it wants to be looked at.
    pub mood: Mood,
    /// The command that shows more, or does what would be done next.
    pub command: String,
}

/// What a panel knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Known {
    /// Nothing yet.
    #[default]
    Asked,
    /// These rows.
    Rows(Vec<Row>),
    /// That it could not be read, and what was known before.
    Failed(String, Vec<Row>),
}

/// A part of the overview, which is read on its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Panel {
    /// What it is about.
    pub title: String,
    /// The command that shows the same.
    pub command: String,
    /// What it says when there is nothing to say.
    pub nothing: String,
    /// It is read when somebody wants it, and never by itself: being read leaves traces.
    pub by_hand: bool,
    /// What is known.
    pub known: Known,
    /// When its rows were read, for its title.
    pub read_at: String,
    selected: usize,
}

impl Panel {
    /// A panel of which nothing is known yet.
    pub fn new(title: &str, command: &str, nothing: &str) -> Self {
        let (title, command, nothing) = (title.into(), command.into(), nothing.into());
        Self { title, command, nothing, ..Self::default() }
    }

    /// The same panel, which is read only when somebody wants it.
    pub fn by_hand(self) -> Self {
        Self { by_hand: true, ..self }
    }

    /// Its rows, also those that were known before it could not be read.
    pub fn rows(&self) -> &[Row] {
        match &self.known {
            Known::Asked => &[],
            Known::Rows(rows) | Known::Failed(_, rows) => rows,
        }
    }

    /// The row that is selected.
    pub fn selected(&self) -> Option<usize> {
        (!self.rows().is_empty()).then(|| self.selected.min(self.rows().len() - 1))
    }
}

/// The overview.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overview {
    /// Where it is, for the first line.
    pub place: String,
    /// Its panels, in order.
    pub panels: Vec<Panel>,
    reading: usize,
    focus: usize,
}

/// What is to be done after a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// Go on.
    Stay,
    /// Read everything anew.
    Refresh,
    /// Leave, and print this command, if there is one.
    Leave(Option<String>),
}

impl Overview {
    /// An overview of these panels.
    pub fn new(place: impl Into<String>, panels: Vec<Panel>) -> Self {
        Self { place: place.into(), panels, ..Self::default() }
    }

    /// The panel that keys act on.
    pub fn focus(&self) -> usize {
        self.focus
    }

    /// How many panels are being read.
    pub fn reading(&self) -> usize {
        self.reading
    }

    /// The panels to read now, which are being read from then on: all when somebody wants it,
    /// else those that may be read by themselves. None while others are still being read.
    pub fn ask(&mut self, wanted: bool) -> Vec<usize> {
        if self.reading > 0 {
            return Vec::new();
        }
        let asked = |(_, panel): &(usize, &Panel)| wanted || !panel.by_hand;
        let asked = self.panels.iter().enumerate().filter(asked).map(|(index, _)| index);
        let asked: Vec<usize> = asked.collect();
        self.reading = asked.len();
        asked
    }

    /// The command of the selected row; of the panel, where it has none.
    pub fn command(&self) -> Option<&str> {
        let panel = self.panels.get(self.focus)?;
        let row = panel.selected().and_then(|at| panel.rows().get(at));
        let own = row.map(|row| row.command.as_str()).filter(|it| !it.is_empty());
        Some(own.unwrap_or(&panel.command))
    }

    /// What was read for a panel, and when. What could not be read leaves what was known before.
    pub fn learn(&mut self, panel: usize, read: Result<Vec<Row>, String>, at: &str) {
        self.reading = self.reading.saturating_sub(1);
        let Some(panel) = self.panels.get_mut(panel) else { return };
        panel.known = match read {
            Ok(rows) => {
                at.clone_into(&mut panel.read_at);
                Known::Rows(rows)
            }
            Err(error) => Known::Failed(error, panel.rows().to_vec()),
        };
    }

    /// What a key does.
    pub fn press(&mut self, key: Key) -> Then {
        let count = self.panels.len().max(1);
        match key {
            Key::Next => self.focus = (self.focus + 1) % count,
            Key::Previous => self.focus = (self.focus + count - 1) % count,
            Key::Up | Key::Down => {
                if let Some(panel) = self.panels.get_mut(self.focus)
                    && let Some(at) = panel.selected()
                {
                    let last = panel.rows().len() - 1;
                    panel.selected =
                        if key == Key::Up { at.saturating_sub(1) } else { (at + 1).min(last) };
                }
            }
            Key::Refresh => return Then::Refresh,
            Key::Choose => return Then::Leave(self.command().map(str::to_owned)),
            Key::Quit => return Then::Leave(None),
        }
        Then::Stay
    }
}
