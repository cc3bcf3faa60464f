//! Which packs there are besides those of single commits: `platform/packs`.
//!
//! Consolidation writes it (see [`crate::maintain`]), so that readers find its packs
//! without listing a folder. It is a hint: an object that is not where it says is
//! looked for elsewhere, and a repository without it is complete.
//!
//! ```text
//! packs 1                     the format
//! ours <name>                 a pack that consolidation made
//! foreign <name>              one that git or an import made; never merged or removed
//! span <newest> <oldest>      commits whose objects are all in these packs
//! retired <name> <time>       a pack whose objects are in these packs; it may go some
//!                             time after <time> (Unix seconds)
//! ```

use std::{fmt::Write as _, io};

use gix::hash::ObjectId;

use crate::{
    error::{Error, Result},
    files::Temporary,
    layout::Layout,
};

/// The file's name in `platform`.
const NAME: &str = "packs";
/// Largest file that is read, in bytes: some 100,000 packs.
const LIMIT: u64 = 8 * 1024 * 1024;

/// What `platform/packs` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Catalogue {
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
    pub(crate) oldest: ObjectId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Retired {
    pub(crate) name: String,
    pub(crate) at: u64,
}

impl Catalogue {
    /// Reads it; an empty one if there is none.
    pub(crate) fn read(layout: &Layout) -> Result<Self> {
        let Some(bytes) = layout.platform.read(NAME, LIMIT)? else { return Ok(Self::default()) };
        Self::parse(&String::from_utf8_lossy(&bytes))
            .ok_or_else(|| Error::Corrupt("platform/packs makes no sense".to_owned()))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        (lines.next()? == "packs 1").then_some(())?;
        let mut this = Self::default();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["ours" | "foreign", name] => {
                    let name = checked(name)?;
                    this.packs.push(Entry { name, ours: words[0] == "ours" });
                }
                ["span", newest, oldest] => this.spans.push(Span {
                    newest: ObjectId::from_hex(newest.as_bytes()).ok()?,
                    oldest: ObjectId::from_hex(oldest.as_bytes()).ok()?,
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
        let mut text = "packs 1\n".to_owned();
        for Entry { name, ours } in &self.packs {
            let _ = writeln!(text, "{} {name}", if *ours { "ours" } else { "foreign" });
        }
        for Span { newest, oldest } in &self.spans {
            let _ = writeln!(text, "span {newest} {oldest}");
        }
        for Retired { name, at } in &self.retired {
            let _ = writeln!(text, "retired {name} {at}");
        }
        text
    }

    /// Writes it durably in place of the one before.
    pub(crate) fn write(&self, layout: &Layout) -> Result<()> {
        let mut file = Temporary::write(&layout.temporary, self.format().as_bytes())?;
        let rename =
            |error: io::Error| Error::io("rename to", layout.platform.path_of(NAME))(error);
        file.rename(&layout.platform, NAME).map_err(rename)?;
        layout.root.sync_inner("platform")
    }
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
    fn what_is_written_is_read() {
        let id = |n: u8| ObjectId::from_bytes_or_panic(&[n; 20]);
        let catalogue = Catalogue {
            packs: vec![
                Entry { name: "pack-1".into(), ours: true },
                Entry { name: "pack-2".into(), ours: false },
            ],
            spans: vec![Span { newest: id(1), oldest: id(2) }],
            retired: vec![Retired { name: "pack-3".into(), at: 7 }],
        };
        assert_eq!(Catalogue::parse(&catalogue.format()), Some(catalogue));
        for bad in ["", "packs 2\n", "packs 1\nours ../x\n", "packs 1\nours pack-/x\n"] {
            assert_eq!(Catalogue::parse(bad), None, "{bad}");
        }
        assert!(Catalogue::parse("packs 1\nnews 1 2 3\n").is_some());
    }
}
