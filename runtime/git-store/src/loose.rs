//! Loose objects: a file for each, as former versions of the store and git itself write them.

use std::path::{Path, PathBuf};

use gix::{
    hash::oid,
    objs::{self, Kind},
    zlib::{Inflate, Status},
};

use crate::{
    error::{Error, Result},
    files::Folder,
    objects::{TREE_LIMIT, check_size},
};

/// What the header of a loose object fits into, in bytes (as in git and gix).
const HEADER: usize = 64;

/// The object `id`, if it has a file of its own in the folder `objects`.
pub(crate) fn find(objects: &Path, id: &oid) -> Result<Option<(Kind, Vec<u8>)>> {
    // Incompressible data grows by less than a thousandth in zlib.
    let limit = (TREE_LIMIT + TREE_LIMIT / 512 + 1024) as u64;
    let (shard, name) = path(objects, id);
    let folder = match Folder::open(&shard) {
        Ok(folder) => folder,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("open", &shard)(error)),
    };
    let Some(bytes) = folder.read(&name, limit)? else { return Ok(None) };
    inflate(&bytes)
        .map_err(|error| match error {
            Error::Corrupt(reason) => Error::Corrupt(format!("object {id}: {reason}")),
            other => other,
        })
        .map(Some)
}

/// The folder that it would be in, and its name there.
pub(crate) fn path(objects: &Path, id: &oid) -> (PathBuf, String) {
    let mut shard = id.to_hex().to_string();
    let name = shard.split_off(2);
    (objects.join(shard), name)
}

fn inflate(bytes: &[u8]) -> Result<(Kind, Vec<u8>)> {
    let corrupt = |error: gix::Error| Error::Corrupt(error.to_string());
    let mut inflate = Inflate::default();
    let mut start = [0; HEADER];
    let (status, consumed, written) = inflate.prefix(bytes, &mut start).map_err(corrupt)?;
    let start = &start[..written];
    let (kind, size, header) = objs::decode::loose_header(start).map_err(corrupt)?;
    check_size(kind, size)?;
    let size = usize::try_from(size).map_err(|error| Error::Corrupt(error.to_string()))?;
    let mut data = Vec::new();
    if status == Status::StreamEnd {
        data.extend_from_slice(&start[header..]);
    } else if written - header > size {
        return Err(Error::Corrupt("more content than its header says".to_owned()));
    } else {
        inflate.rest(&bytes[consumed..], start, header, &mut data, size).map_err(corrupt)?;
    }
    if data.len() != size {
        return Err(Error::Corrupt(format!("{} bytes instead of {size}", data.len())));
    }
    Ok((kind, data))
}
