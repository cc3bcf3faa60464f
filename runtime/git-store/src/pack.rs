//! Packs: many objects in one file, and the index that git wants beside it.
//!
//! A commit's objects go into one pack, so that a commit is two files whatever its
//! number of objects, and a reader gets all of them with one read. The formats are
//! git's own, versions 2 of both:
//! <https://git-scm.com/docs/gitformat-pack>.

use std::{collections::HashSet, io::Write};

use gix::{
    hash::{Kind as HashKind, ObjectId},
    objs::{self, Data, Kind},
    odb::pack::data::{self, entry::Header},
    zlib::{Compression, Inflate, Status, stream::deflate},
};
use sha1::{Digest as _, Sha1};

use crate::{
    error::{Error, Result},
    objects::{NewObject, check_size},
    run::{Raw, Run},
};

/// Bytes of a SHA-1 id.
pub(crate) const ID: usize = 20;
/// Bytes before the first object: `PACK`, version, number of objects.
pub(crate) const HEADER: usize = 12;
/// Bytes of an index before its ids: magic, version, and how many ids begin with at
/// most each byte.
pub(crate) const INDEX_HEADER: usize = 8 + 256 * 4;
/// How an index begins: magic and version.
pub(crate) const INDEX_MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];

/// The name of the pack that holds the objects of `commit`, without extension.
pub(crate) fn name_of(commit: &ObjectId) -> String {
    format!("pack-{commit}")
}

/// A pack and its index.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) pack: Vec<u8>,
    pub(crate) index: Vec<u8>,
}

/// Makes a pack in memory.
#[derive(Debug)]
pub(crate) struct Builder {
    bytes: Vec<u8>,
    entries: Vec<(ObjectId, u32, u32)>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; HEADER], entries: Vec::new() }
    }

    /// Adds what is compressed already; `size` is what it inflates to.
    pub(crate) fn add_raw(
        &mut self,
        id: ObjectId,
        header: &Header,
        size: u64,
        deflated: &[u8],
    ) -> Result<()> {
        let start = self.bytes.len();
        let offset = u32::try_from(start)
            .ok()
            .filter(|offset| *offset < 1 << 31)
            .ok_or_else(|| Error::Corrupt("a pack of 2 GiB".to_owned()))?;
        header.write_to(size, &mut self.bytes).map_err(Error::io("encode a pack", ""))?;
        self.bytes.extend_from_slice(deflated);
        self.entries.push((id, crc32fast::hash(&self.bytes[start..]), offset));
        Ok(())
    }

    /// The pack and its index.
    pub(crate) fn finish(mut self) -> Packed {
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.bytes[..4].copy_from_slice(b"PACK");
        self.bytes[4..8].copy_from_slice(&2_u32.to_be_bytes());
        self.bytes[8..12].copy_from_slice(&count.to_be_bytes());
        let checksum = checksum(&self.bytes);
        self.bytes.extend_from_slice(checksum.as_slice());
        self.entries.sort_unstable();
        let index = index(&self.entries, &checksum);
        Packed { pack: self.bytes, index }
    }
}

/// The index of the pack `bytes`, which has whole objects only.
pub(crate) fn index_of(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut builder = Builder::new();
    for object in unpack(bytes)? {
        builder.add_raw(
            object.id,
            &header(object.kind),
            object.data.len() as u64,
            object.deflated,
        )?;
    }
    let Packed { pack, index } = builder.finish();
    // The same bytes: so the index is the one that its writer made.
    if pack == bytes { Ok(index) } else { Err(Error::Corrupt("a pack is odd".to_owned())) }
}

fn header(kind: Kind) -> Header {
    match kind {
        Kind::Blob => Header::Blob,
        Kind::Tree => Header::Tree,
        Kind::Commit => Header::Commit,
        Kind::Tag => Header::Tag,
    }
}

/// The index of a pack with these `entries` (id, CRC-32, offset), sorted by id.
fn index(entries: &[(ObjectId, u32, u32)], pack: &ObjectId) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(INDEX_HEADER + entries.len() * (ID + 8) + 2 * ID);
    bytes.extend_from_slice(&INDEX_MAGIC);
    let mut below = 0;
    for first in 0..=u8::MAX {
        while entries.get(below).is_some_and(|(id, ..)| id.as_slice()[0] <= first) {
            below += 1;
        }
        bytes.extend_from_slice(&u32::try_from(below).unwrap_or(u32::MAX).to_be_bytes());
    }
    bytes.extend(entries.iter().flat_map(|(id, ..)| id.as_slice()));
    bytes.extend(entries.iter().flat_map(|(_, crc, _)| crc.to_be_bytes()));
    bytes.extend(entries.iter().flat_map(|(.., offset)| offset.to_be_bytes()));
    bytes.extend_from_slice(pack.as_slice());
    let own = checksum(&bytes);
    bytes.extend_from_slice(own.as_slice());
    bytes
}

/// Compresses `objects`.
pub(crate) fn compress(objects: &[NewObject]) -> Result<Vec<Raw>> {
    let raw = |object: &NewObject| {
        let deflated = deflate(&object.data)?;
        Ok(Raw { id: object.id, kind: object.kind, size: object.data.len() as u64, deflated })
    };
    objects.iter().map(raw).collect()
}

/// The pack of a commit: its `objects`, in the order that readers want them, and those of
/// `older` ones. Answers what is in it, too.
pub(crate) fn of_commit(objects: Vec<Raw>, older: &[Run]) -> Result<(Packed, Vec<Raw>)> {
    let mut all = objects;
    let mut known: HashSet<ObjectId> = all.iter().map(|raw| raw.id).collect();
    let older = older.iter().flat_map(|run| run.objects.iter());
    all.extend(older.filter(|raw| known.insert(raw.id)).cloned());
    let mut builder = Builder::new();
    for raw in &all {
        builder.add_raw(raw.id, &header(raw.kind), raw.size, &raw.deflated)?;
    }
    Ok((builder.finish(), all))
}

fn checksum(bytes: &[u8]) -> ObjectId {
    ObjectId::Sha1(Sha1::digest(bytes).into())
}

/// The id of an object that this store wrote. New content is hashed in a way that detects
/// attempts at a collision ([`NewObject::new`]); what got past that needs it no more, and
/// the processor's own instructions are many times faster.
fn id_of(kind: Kind, data: &[u8]) -> ObjectId {
    let mut hash = Sha1::new();
    hash.update(objs::encode::loose_header(kind, data.len() as u64));
    hash.update(data);
    ObjectId::Sha1(hash.finalize().into())
}

/// An object of a pack.
#[derive(Debug)]
pub(crate) struct Unpacked<'a> {
    pub(crate) id: ObjectId,
    pub(crate) kind: Kind,
    pub(crate) data: Vec<u8>,
    /// The same, compressed, as it is in the pack.
    pub(crate) deflated: &'a [u8],
}

/// All objects of a pack that holds whole objects only, as those of commits do. Each is
/// checked by its id, which is that of its content.
pub(crate) fn unpack(bytes: &[u8]) -> Result<Vec<Unpacked<'_>>> {
    let corrupt = |what: &str| Error::Corrupt(format!("the pack of a commit {what}"));
    let end = bytes.len().checked_sub(ID).filter(|end| *end >= HEADER);
    let end = end.ok_or_else(|| corrupt("is too short"))?;
    if bytes[..8] != *b"PACK\0\0\0\x02" {
        return Err(corrupt("does not begin like one"));
    }
    let count = u32::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    let mut objects = Vec::new();
    // One for all: to make it takes longer than to use it.
    let mut inflater = Inflate::default();
    let mut at = HEADER;
    for _ in 0..count {
        let entry = entry(&bytes[at..end], at)?;
        let kind = entry.header.as_kind().ok_or_else(|| corrupt("has a delta"))?;
        check_size(kind, entry.decompressed_size)?;
        let start = at + entry.header_size();
        let (data, used) = inflate(&mut inflater, &bytes[start..end], entry.decompressed_size)?
            .ok_or_else(|| corrupt("ends too early"))?;
        let id = id_of(kind, &data);
        at = start + used;
        objects.push(Unpacked { id, kind, data, deflated: &bytes[start..at] });
    }
    Ok(objects)
}

/// The header of the object that `bytes` begin with; `at` is its place in the pack.
pub(crate) fn entry(bytes: &[u8], at: usize) -> Result<data::Entry> {
    data::Entry::from_bytes(bytes, at as u64, HashKind::Sha1)
        .map_err(|error| Error::Corrupt(format!("an object in a pack: {error}")))
}

/// Inflates the stream at the start of `bytes` to `size` bytes. Answers them and the
/// stream's length, or `None` if the stream goes on after `bytes`.
pub(crate) fn inflate(
    inflate: &mut Inflate,
    bytes: &[u8],
    size: u64,
) -> Result<Option<(Vec<u8>, usize)>> {
    let corrupt = |what: String| Error::Corrupt(format!("an object in a pack: {what}"));
    let size = usize::try_from(size).map_err(|error| corrupt(error.to_string()))?;
    // One more, so that the stream's end is seen, and one that is too long too.
    let mut data = vec![0; size + 1];
    inflate.reset();
    let (status, used, written) =
        inflate.once(bytes, &mut data).map_err(|error| corrupt(error.to_string()))?;
    match status {
        Status::StreamEnd if written == size => {
            data.truncate(size);
            Ok(Some((data, used)))
        }
        Status::Ok | Status::BufError if written <= size && used == bytes.len() => Ok(None),
        _ => Err(corrupt(format!("it is not {size} bytes long"))),
    }
}

pub(crate) fn deflate(data: &[u8]) -> Result<Vec<u8>> {
    let compress = || {
        let mut out = deflate::Write::new(Vec::new(), Compression::BEST_SPEED);
        out.write_all(data)?;
        out.flush()?;
        Ok(out.into_inner())
    };
    compress().map_err(Error::io("compress", ""))
}

/// Refuses an object whose content is not what its id says.
pub(crate) fn verify(id: &gix::hash::oid, kind: Kind, data: &[u8]) -> Result<()> {
    Data::new(data, kind, HashKind::Sha1)
        .verify_checksum(id)
        .map(drop)
        .map_err(|_| Error::Corrupt(format!("{kind} {id} has other content than its id says")))
}
