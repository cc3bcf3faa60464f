//! Packs on disk that hold many objects: looked up through their index, read in parts.
//!
//! `gix` maps packs into memory, where an error of a network file system becomes a
//! fatal signal, and looks for them by listing folders. Here files are read, at the
//! offsets that are needed, and their names are known (see [`crate::catalogue`]).

use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    io,
    os::unix::fs::FileExt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
};

use gix::{
    hash::{ObjectId, oid},
    objs::Kind,
    odb::pack::data::{self, entry::Header},
    zlib::Inflate,
};

use crate::{
    beside::{Beside, beside},
    delta,
    error::{Error, Result},
    files::Folder,
    objects::check_size,
    pack::{self, ID, INDEX_HEADER, INDEX_MAGIC},
};

/// How much of an index is read at once. Up to some 4,600 objects that is all of it.
const INDEX_READ: usize = 128 * 1024;
/// Parts of larger indexes that are kept, in bytes.
const INDEX_KEPT: usize = 4 * 1024 * 1024;
/// Parts of an index that are read one by one, before all of it is.
const PARTS: usize = 4;
/// How much of a pack is read at once. Most objects are much smaller, and what belongs
/// together is near: commits in a row, the trees of one moment.
const BLOCK: usize = 64 * 1024;
/// What the header of any entry fits into: its kind and size, and a base's id.
const ENTRY_HEADER: usize = 64;
/// Blocks of a pack that are kept.
const BLOCKS_KEPT: usize = 16;
/// Longest chain of deltas. Git makes 50 at most by default, and never over 4,095.
const CHAIN: usize = 4_096;
/// Largest delta, in bytes. One that makes the largest tree is smaller.
const DELTA: u64 = 16 * 1024 * 1024;

/// An open pack.
#[derive(Debug)]
pub(crate) struct PackFile {
    name: String,
    pack: File,
    index: File,
    /// How the index begins: all of it, if it is short.
    start: Vec<u8>,
    count: u64,
    /// All of the index, once many parts of it were needed.
    whole: OnceLock<Vec<u8>>,
    parts: Mutex<Parts>,
    /// Blocks of the pack by number, the latest last.
    blocks: Mutex<VecDeque<(u64, Arc<Vec<u8>>)>>,
}

#[derive(Debug, Default)]
struct Parts {
    by_first_byte: HashMap<u8, Arc<Part>>,
    bytes: usize,
}

/// What the index says of the ids that begin with one byte.
#[derive(Debug)]
struct Part {
    ids: Vec<u8>,
    /// Where the objects are, four bytes each.
    offsets: Vec<u8>,
}

impl PackFile {
    /// Opens the pack `name` in `folder`; `None` if it is not there (any more).
    pub(crate) fn open(folder: &Folder, name: &str) -> Result<Option<Self>> {
        let file = |extension: &str| {
            let name = format!("{name}.{extension}");
            folder.open_file(&name).map_err(Error::io("open", folder.path_of(&name)))
        };
        let Some(index) = file("idx")? else { return Ok(None) };
        let Some(pack) = file("pack")? else { return Ok(None) };
        let mut this = Self {
            name: name.to_owned(),
            pack,
            index,
            start: Vec::new(),
            count: 0,
            whole: OnceLock::new(),
            parts: Mutex::default(),
            blocks: Mutex::default(),
        };
        this.start = this.read(&this.index, 0, INDEX_READ)?;
        if this.start.len() < INDEX_HEADER || this.start[..8] != INDEX_MAGIC {
            return Err(this.corrupt("its index does not begin like one of version 2"));
        }
        this.count = this.below(u8::MAX);
        Ok(Some(this))
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How many objects it holds.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The pack's size, in bytes.
    pub(crate) fn size(&self) -> Result<u64> {
        let metadata = self.pack.metadata().map_err(Error::io("look up", &self.name))?;
        Ok(metadata.len())
    }

    fn corrupt(&self, what: &str) -> Error {
        Error::Corrupt(format!("{}: {what}", self.name))
    }

    /// Up to `length` bytes of `file`; fewer only at its end.
    fn read(&self, file: &File, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut read = 0;
        while read < length {
            match file.read_at(&mut bytes[read..], offset + read as u64) {
                Ok(0) => break,
                Ok(more) => {
                    let asked = length - read;
                    read += more;
                    if more < asked {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("read", &self.name)(error)),
            }
        }
        bytes.truncate(read);
        Ok(bytes)
    }

    /// The bytes of the pack from `offset` to the end of its block.
    fn of_block(&self, offset: u64) -> Result<Vec<u8>> {
        let number = offset / BLOCK as u64;
        let within = usize::try_from(offset % BLOCK as u64).unwrap_or_default();
        let from = |block: &[u8]| block.get(within..).unwrap_or_default().to_vec();
        let lock = || self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, block)) = lock().iter().find(|(other, _)| *other == number) {
            return Ok(from(block));
        }
        let block = Arc::new(self.read(&self.pack, number * BLOCK as u64, BLOCK)?);
        let mut blocks = lock();
        if blocks.len() == BLOCKS_KEPT {
            blocks.pop_front();
        }
        blocks.push_back((number, Arc::clone(&block)));
        Ok(from(&block))
    }

    /// A part of the index.
    fn of_index(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let known = self.whole.get().unwrap_or(&self.start);
        let bytes = match known.get(start..start.saturating_add(length)) {
            Some(bytes) => bytes.to_vec(),
            None => self.read(&self.index, offset, length)?,
        };
        if bytes.len() < length { Err(self.corrupt("its index is too short")) } else { Ok(bytes) }
    }

    /// How many ids begin with at most `first`.
    fn below(&self, first: u8) -> u64 {
        let at = 8 + usize::from(first) * 4;
        u32::from_be_bytes(self.start[at..at + 4].try_into().unwrap_or_default()).into()
    }

    /// Where the object `id` begins in the pack.
    pub(crate) fn offset(&self, id: &oid) -> Result<Option<u64>> {
        let first = id.as_bytes()[0];
        let from = first.checked_sub(1).map_or(0, |before| self.below(before));
        let part = self.part(first, from)?;
        let (ids, rest) = part.ids.as_chunks::<ID>();
        let Ok(place) = ids.binary_search_by(|other| other[..].cmp(id.as_bytes())) else {
            return Ok(None);
        };
        let offset = part.offsets.as_chunks::<4>().0.get(place);
        let Some(offset) = offset.filter(|_| rest.is_empty()) else {
            return Err(self.corrupt("its index is odd"));
        };
        let offset = u64::from(u32::from_be_bytes(*offset));
        if offset < 1 << 31 {
            return Ok(Some(offset));
        }
        // Too large for four bytes: the number of one of eight.
        let at = self.offsets() + self.count * 4 + (offset - (1 << 31)) * 8;
        let bytes = self.of_index(at, 8)?;
        Ok(Some(bytes.into_iter().fold(0, |sum, byte| sum << 8 | u64::from(byte))))
    }

    /// Where the offsets begin in the index.
    fn offsets(&self) -> u64 {
        INDEX_HEADER as u64 + self.count * (ID as u64 + 4)
    }

    /// What the index says of ids that begin with the byte `first`; `from` is the number of
    /// those before.
    fn part(&self, first: u8, from: u64) -> Result<Arc<Part>> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = parts.by_first_byte.get(&first) {
            return Ok(Arc::clone(part));
        }
        if parts.by_first_byte.len() == PARTS && self.whole.get().is_none() {
            self.read_whole_index()?;
        }
        let number = self.below(first).checked_sub(from);
        let number = number.ok_or_else(|| self.corrupt("its index does not grow"))?;
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let length = number.saturating_mul(ID);
        let (ids, offsets) = thread::scope(|scope| {
            let at = self.offsets() + from * 4;
            let offsets = move || self.of_index(at, number.saturating_mul(4));
            let known = self.whole.get().unwrap_or(&self.start);
            let is_read = known.len() as u64 >= at + number as u64 * 4;
            let offsets = if is_read { Beside::Done(offsets()) } else { beside(scope, offsets) };
            (self.of_index(INDEX_HEADER as u64 + from * ID as u64, length), offsets.wait())
        });
        let part = Arc::new(Part { ids: ids?, offsets: offsets? });
        if parts.bytes + length > INDEX_KEPT {
            *parts = Parts::default();
        }
        parts.bytes += length;
        parts.by_first_byte.insert(first, Arc::clone(&part));
        Ok(part)
    }

    /// Reads all of the index, if that is not too much: who needs many objects, a history
    /// say, is better off.
    fn read_whole_index(&self) -> Result<()> {
        let length = self.count.saturating_mul(ID as u64 + 8) + INDEX_HEADER as u64;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length <= INDEX_KEPT {
            let _ = self.whole.set(self.of_index(0, length)?);
        }
        Ok(())
    }

    /// The object `id`, or `None` if it is not here.
    pub(crate) fn find(&self, id: &oid) -> Result<Option<(Kind, Vec<u8>)>> {
        match self.offset(id)? {
            Some(offset) => self.object(offset).map(Some),
            None => Ok(None),
        }
    }

    fn object(&self, mut offset: u64) -> Result<(Kind, Vec<u8>)> {
        let mut deltas = Vec::new();
        let (kind, mut data) = loop {
            let (entry, data) = self.at(offset)?;
            let base = match entry.header {
                Header::OfsDelta { base_distance } => entry.checked_base_pack_offset(base_distance),
                Header::RefDelta { base_id } => self.offset(&base_id)?,
                _ => break (entry.header.as_kind().unwrap_or(Kind::Blob), data),
            };
            deltas.push(data);
            if deltas.len() > CHAIN {
                return Err(self.corrupt("it has an endless chain of deltas"));
            }
            offset = base.ok_or_else(|| self.corrupt("a delta's base is missing"))?;
        };
        while let Some(delta) = deltas.pop() {
            check_size(kind, delta::result_size(&delta)?)?;
            data = delta::apply(&data, &delta)?;
        }
        Ok((kind, data))
    }

    /// The entry at `offset`, inflated: an object, or a delta.
    fn at(&self, offset: u64) -> Result<(data::Entry, Vec<u8>)> {
        let (entry, data, _) = self.raw(offset)?;
        Ok((entry, data))
    }

    /// The entry at `offset`, inflated and as it is.
    pub(crate) fn raw(&self, offset: u64) -> Result<(data::Entry, Vec<u8>, Vec<u8>)> {
        let mut length = 0;
        loop {
            let mut bytes = match length {
                // To the end of the block that it begins in.
                0 => self.of_block(offset)?,
                _ => self.read(&self.pack, offset, length)?,
            };
            if length == 0 && bytes.len() < ENTRY_HEADER {
                length = BLOCK;
                continue;
            }
            let at = usize::try_from(offset).unwrap_or(usize::MAX);
            let entry = pack::entry(&bytes, at)?;
            match entry.header.as_kind() {
                Some(kind) => check_size(kind, entry.decompressed_size)?,
                None if entry.decompressed_size > DELTA => {
                    return Err(self.corrupt("it has an enormous delta"));
                }
                None => {}
            }
            let start = entry.header_size();
            if let Some((data, used)) =
                pack::inflate(&mut Inflate::default(), &bytes[start..], entry.decompressed_size)?
            {
                bytes.truncate(start + used);
                bytes.drain(..start);
                return Ok((entry, data, bytes));
            }
            if bytes.len() < length {
                return Err(self.corrupt("it is too short"));
            }
            length = (length * 8).max(BLOCK);
        }
    }

    /// All objects: their places and ids, in the order of the pack. Reads the whole
    /// index at once.
    pub(crate) fn all(&self) -> Result<Vec<(u64, ObjectId)>> {
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        let length = count.saturating_mul(ID + 8).saturating_add(INDEX_HEADER);
        let index = self.of_index(0, length)?;
        let ids = index[INDEX_HEADER..].as_chunks::<ID>().0.iter().take(count);
        let offsets = index[INDEX_HEADER + count * (ID + 4)..].as_chunks::<4>().0;
        let mut all = Vec::with_capacity(count);
        for (id, offset) in ids.zip(offsets) {
            let offset = u32::from_be_bytes(*offset);
            if offset >= 1 << 31 {
                return Err(self.corrupt("it is too large to be read as a whole"));
            }
            all.push((offset.into(), ObjectId::Sha1(*id)));
        }
        all.sort_unstable();
        Ok(all)
    }
}
