//! Which packs there are besides those of single commits: `platform/packs`.
//!
//! Consolidation writes it (see [`crate::maintain`]), so that readers find its packs
//! without listing a folder. It is a hint: an object that is not where it says is
//! looked for elsewhere, and a repository without it is complete.
//!
//! ```text
//! packs 1 <version>           the format, and how often it was changed
//! ours <name>                 a pack that consolidation made
//! foreign <name>              one that git or an import made; never merged or removed
//! span <newest> <below>       commits in a row whose objects are all in these packs, and
//!                             the parent of the oldest one (or `root`)
//! retired <name> <time>       a pack whose objects are in these packs; it may go some
//!                             time after <time> (Unix seconds)
//! ```
//!
//! Each version has a file of its own as well, `platform/packs.<version>`, which only one
//! writer can make. So no change is lost: who is second finds the name taken, and has
//! changed nothing. The last [`KEPT`] of these files are kept, so that a slow writer is
//! refused, too. What is retired is only said there: after many commits that is much, and
//! it is no reader's concern.

use std::{collections::HashSet, fmt::Write as _, io};

use gix::hash::ObjectId;

use crate::{
    error::{Error, Result},
    files::Temporary,
    layout::Layout,
    pack_file::PackFile,
};

/// The file's name in `platform`.
const NAME: &str = "packs";
/// Largest file that is read, in bytes: some 100,000 packs.
const LIMIT: u64 = 8 * 1024 * 1024;
/// Versions whose names are kept.
const KEPT: u64 = 256;

/// What `platform/packs` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Catalogue {
    pub(crate) version: u64,
    pub(crate) packs: Vec<Entry>,
    pub(crate) spans: Vec<Span>,
    pub(crate) retired: Vec<Retired>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) ours: bool,
}

/// Commits in a row whose objects are all in packs of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) newest: ObjectId,
    /// The parent of the oldest one.
    pub(crate) below: Option<ObjectId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Retired {
    pub(crate) name: String,
    pub(crate) at: u64,
}

impl Catalogue {
    /// Reads it; an empty one if there is none.
    pub(crate) fn read(layout: &Layout) -> Result<Self> {
        Ok(Self::read_from(layout, NAME)?.unwrap_or_default())
    }

    /// Reads all of the last version, though its writer may not have come to the end.
    pub(crate) fn read_last(layout: &Layout) -> Result<Self> {
        let mut last = Self::read(layout)?;
        if let Some(all) = Self::read_from(layout, &version_name(last.version))? {
            last = all;
        }
        while let Some(next) = Self::read_from(layout, &version_name(last.version + 1))? {
            last = next;
        }
        Ok(last)
    }

    fn read_from(layout: &Layout, name: &str) -> Result<Option<Self>> {
        let Some(bytes) = layout.platform.read(name, LIMIT)? else { return Ok(None) };
        Self::parse(&String::from_utf8_lossy(&bytes))
            .map(Some)
            .ok_or_else(|| Error::Corrupt(format!("platform/{name} makes no sense")))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let version = lines.next()?.strip_prefix("packs 1 ")?.parse().ok()?;
        let mut this = Self { version, ..Self::default() };
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["ours" | "foreign", name] => {
                    let name = checked(name)?;
                    this.packs.push(Entry { name, ours: words[0] == "ours" });
                }
                ["span", newest, below] => this.spans.push(Span {
                    newest: ObjectId::from_hex(newest.as_bytes()).ok()?,
                    below: match below {
                        "root" => None,
                        id => Some(ObjectId::from_hex(id.as_bytes()).ok()?),
                    },
                }),
                ["retired", name, at] => {
                    this.retired.push(Retired { name: checked(name)?, at: at.parse().ok()? });
                }
                // A newer version says more.
                _ => {}
            }
        }
        Some(this)
    }

    fn format(&self) -> String {
        let mut text = format!("packs 1 {}\n", self.version);
        for Entry { name, ours } in &self.packs {
            let _ = writeln!(text, "{} {name}", if *ours { "ours" } else { "foreign" });
        }
        for Span { newest, below } in &self.spans {
            let below = below.map_or_else(|| "root".to_owned(), |id| id.to_string());
            let _ = writeln!(text, "span {newest} {below}");
        }
        for Retired { name, at } in &self.retired {
            let _ = writeln!(text, "retired {name} {at}");
        }
        text
    }

    /// Opens its packs. Those that have gone are left out.
    pub(crate) fn open(&self, layout: &Layout) -> Result<Vec<PackFile>> {
        let mut packs = Vec::new();
        for entry in &self.packs {
            packs.extend(PackFile::open(&layout.packs, &entry.name)?);
        }
        Ok(packs)
    }

    /// These commits, too, are in packs of the catalogue. Spans that meet become one.
    pub(crate) fn add_span(&mut self, mut new: Span) {
        if let Some(at) = self.spans.iter().position(|span| Some(span.newest) == new.below) {
            new.below = self.spans.swap_remove(at).below;
        }
        match self.spans.iter_mut().find(|span| span.below == Some(new.newest)) {
            Some(span) => span.below = new.below,
            None => self.spans.push(new),
        }
    }

    /// The packs that it lists or retires.
    pub(crate) fn known(&self) -> HashSet<String> {
        let listed = self.packs.iter().map(|pack| &pack.name);
        listed.chain(self.retired.iter().map(|pack| &pack.name)).cloned().collect()
    }

    /// Writes it durably as the next version. `false`, and nothing is changed, if another
    /// writer has made that.
    pub(crate) fn write(&mut self, layout: &Layout) -> Result<bool> {
        self.version += 1;
        let name = version_name(self.version);
        let file = Temporary::write(layout.temporary()?, self.format().as_bytes())?;
        match file.link(&layout.platform, &name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            other => other.map_err(Error::io("link to", layout.platform.path_of(&name)))?,
        }
        layout.root.sync_inner("platform")?;
        let brief = Self { retired: Vec::new(), ..self.clone() };
        Temporary::write(layout.temporary()?, brief.format().as_bytes())?
            .rename(&layout.platform, NAME)
            .map_err(Error::io("rename to", layout.platform.path_of(NAME)))?;
        if let Some(old) = self.version.checked_sub(KEPT) {
            // Most likely there; and if not, all the better.
            let _ = layout.platform.remove(&version_name(old));
        }
        Ok(true)
    }
}

fn version_name(version: u64) -> String {
    format!("{NAME}.{version}")
}

/// A pack's name, which must not lead out of the folder.
fn checked(name: &str) -> Option<String> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (name.chars().all(harmless) && name.starts_with("pack-")).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_meet_become_one() {
        let id = |n: u8| ObjectId::from_bytes_or_panic(&[n; 20]);
        let mut catalogue = Catalogue::default();
        catalogue.add_span(Span { newest: id(9), below: Some(id(7)) });
        catalogue.add_span(Span { newest: id(5), below: None });
        assert_eq!(catalogue.spans.len(), 2);
        catalogue.add_span(Span { newest: id(7), below: Some(id(5)) });
        assert_eq!(catalogue.spans, [Span { newest: id(9), below: None }]);
        catalogue.add_span(Span { newest: id(11), below: Some(id(9)) });
        assert_eq!(catalogue.spans, [Span { newest: id(11), below: None }]);
    }

    #[test]
    fn what_is_written_is_read() {
        let id = |n: u8| ObjectId::from_bytes_or_panic(&[n; 20]);
        let catalogue = Catalogue {
            version: 3,
            packs: vec![
                Entry { name: "pack-1".into(), ours: true },
                Entry { name: "pack-2".into(), ours: false },
            ],
            spans: vec![
                Span { newest: id(1), below: Some(id(2)) },
                Span { newest: id(3), below: None },
            ],
            retired: vec![Retired { name: "pack-3".into(), at: 7 }],
        };
        assert_eq!(Catalogue::parse(&catalogue.format()), Some(catalogue));
        for bad in ["", "packs 2 1\n", "packs 1 1\nours ../x\n", "packs 1 1\nours pack-/x\n"] {
            assert_eq!(Catalogue::parse(bad), None, "{bad}");
        }
        assert!(Catalogue::parse("packs 1 1\nnews 1 2 3\n").is_some());
    }
}
