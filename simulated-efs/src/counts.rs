//! What reached the file system, by kind and by class.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A kind of operation, as a client's kernel asks a file system for it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Kind {
            /// All kinds, in the order of their declaration.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// The kind's name in reports: `lookup`, `getattr` and so on.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

kinds! {
    /// A name is looked up in a folder.
    Lookup = "lookup",
    /// The attributes of a file or folder are asked for (`stat`).
    Getattr = "getattr",
    /// Attributes are set: mode, owner, times or length.
    Setattr = "setattr",
    /// The target of a symbolic link is read.
    Readlink = "readlink",
    /// Permissions are asked for (`access`, `chdir`).
    Access = "access",
    /// A file is opened.
    Open = "open",
    /// A file is made and opened.
    Create = "create",
    /// Bytes are read that the client does not hold.
    Read = "read",
    /// Bytes are written.
    Write = "write",
    /// A file is closed (`flush` in FUSE).
    Close = "close",
    /// A file is made durable.
    Fsync = "fsync",
    /// The last user of an open file is gone.
    Release = "release",
    /// A folder is opened.
    Opendir = "opendir",
    /// Entries of a folder are read.
    Readdir = "readdir",
    /// An open folder is closed.
    Releasedir = "releasedir",
    /// A folder is made durable.
    Fsyncdir = "fsyncdir",
    /// The file system's size is asked for.
    Statfs = "statfs",
    /// A folder is made.
    Mkdir = "mkdir",
    /// A folder is removed.
    Rmdir = "rmdir",
    /// A name of a file is removed.
    Unlink = "unlink",
    /// A symbolic link is made.
    Symlink = "symlink",
    /// A file gets another name.
    Link = "link",
    /// A file or folder gets a new name.
    Rename = "rename",
}

/// What a round trip to the server does, as AWS meters and publishes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Reads a file's bytes.
    Read,
    /// Writes a file's bytes.
    Write,
    /// Reads names, attributes or state.
    MetadataRead,
    /// Changes names or attributes.
    MetadataWrite,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::MetadataRead, Self::MetadataWrite];

    /// The class's name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::MetadataRead => "metadata-read",
            Self::MetadataWrite => "metadata-write",
        }
    }
}

const KINDS: usize = Kind::ALL.len();
const CLASSES: usize = Class::ALL.len();

/// How often each kind of operation was asked for, and how many round trips to the server
/// that would have cost. A plain value: take one before and one after, and subtract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    operations: [u64; KINDS],
    round_trips: [[u64; CLASSES]; KINDS],
}

impl Counts {
    /// Operations of `kind`, whether they cost a round trip or not.
    pub fn of(&self, kind: Kind) -> u64 {
        self.operations[kind as usize]
    }

    /// All operations.
    pub fn operations(&self) -> u64 {
        self.operations.iter().sum()
    }

    /// Round trips that operations of `kind` cost.
    pub fn round_trips_of(&self, kind: Kind) -> u64 {
        self.round_trips[kind as usize].iter().sum()
    }

    /// Round trips of `class`.
    pub fn round_trips_in(&self, class: Class) -> u64 {
        self.round_trips.iter().map(|classes| classes[class as usize]).sum()
    }

    /// All round trips: what an operation costs on a network file system.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.iter().flatten().sum()
    }

    /// What has been added since `earlier`. A look-up that turned out to be part of another
    /// operation is taken back, and so a count may have become less: the difference is then 0.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut difference = *self;
        for (kind, classes) in difference.round_trips.iter_mut().enumerate() {
            difference.operations[kind] -= earlier.operations[kind];
            for (class, count) in classes.iter_mut().enumerate() {
                *count = count.saturating_sub(earlier.round_trips[kind][class]);
            }
        }
        difference
    }

    /// One more operation of `kind`, which costs nothing by itself.
    pub(crate) fn add(&mut self, kind: Kind) {
        self.operations[kind as usize] += 1;
    }

    /// `number` more round trips of `class`, for an operation of `kind`.
    pub(crate) fn add_round_trips(&mut self, kind: Kind, class: Class, number: u64) {
        self.round_trips[kind as usize][class as usize] += number;
    }
}

/// `{"operations": N, "round_trips": N, "classes": {…}, "kinds": {"lookup": {"operations":
/// N, "round_trips": N}, …}}`; kinds that did not occur are left out.
impl Serialize for Counts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct OfKind {
            operations: u64,
            round_trips: u64,
        }
        let classes = Class::ALL.map(|class| (class.name(), self.round_trips_in(class)));
        let kinds = Kind::ALL.into_iter().filter(|kind| self.of(*kind) > 0).map(|kind| {
            let of = OfKind { operations: self.of(kind), round_trips: self.round_trips_of(kind) };
            (kind.name(), of)
        });
        let mut object = serde_json::Map::new();
        object.insert("operations".to_owned(), self.operations().into());
        object.insert("round_trips".to_owned(), self.round_trips().into());
        let classes = classes.into_iter().map(|(name, count)| (name.to_owned(), count.into()));
        object.insert("classes".to_owned(), serde_json::Value::Object(classes.collect()));
        let mut of_kinds = serde_json::Map::new();
        for (name, of) in kinds {
            let of = serde_json::to_value(of).map_err(serde::ser::Error::custom)?;
            of_kinds.insert(name.to_owned(), of);
        }
        object.insert("kinds".to_owned(), serde_json::Value::Object(of_kinds));
        object.serialize(serializer)
    }
}

/// [`Counts`] that many threads add to.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    operations: [AtomicU64; KINDS],
    round_trips: [[AtomicU64; CLASSES]; KINDS],
}

impl Counters {
    pub(crate) fn add(&self, kind: Kind) {
        self.operations[kind as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn add_round_trips(&self, kind: Kind, class: Class, number: u64) {
        self.round_trips[kind as usize][class as usize].fetch_add(number, Relaxed);
    }

    /// Takes back a round trip that was counted.
    pub(crate) fn take_back(&self, kind: Kind, class: Class) {
        self.round_trips[kind as usize][class as usize].fetch_sub(1, Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Relaxed);
        Counts {
            operations: self.operations.each_ref().map(load),
            round_trips: self.round_trips.each_ref().map(|classes| classes.each_ref().map(load)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_and_sums_agree() {
        let counters = Counters::default();
        counters.add(Kind::Lookup);
        counters.add_round_trips(Kind::Lookup, Class::MetadataRead, 1);
        let before = counters.snapshot();
        counters.add(Kind::Close);
        counters.add_round_trips(Kind::Close, Class::Write, 2);
        counters.add_round_trips(Kind::Close, Class::MetadataRead, 1);
        counters.add(Kind::Release);
        let difference = counters.snapshot().since(&before);
        assert_eq!(difference.operations(), 2);
        assert_eq!(difference.round_trips(), 3);
        assert_eq!(difference.of(Kind::Lookup), 0);
        assert_eq!(difference.round_trips_of(Kind::Close), 3);
        assert_eq!(difference.round_trips_in(Class::Write), 2);
        let json = serde_json::to_value(difference).unwrap();
        assert_eq!(json["kinds"]["close"]["round_trips"], 3);
        assert_eq!(json["classes"]["metadata-read"], 1);
        assert!(json["kinds"].get("lookup").is_none());
    }

    #[test]
    fn names_are_unique_and_indexes_dense() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
            assert_eq!(Kind::ALL.iter().filter(|other| other.name() == kind.name()).count(), 1);
        }
    }
}
