//! What is done to the backing folder, as a server does it: at once, and without a thought of
//! what it costs.

use std::{
    ffi::OsStr,
    os::{fd::AsFd, unix::ffi::OsStrExt},
};

use fuser::{RenameFlags, Request, TimeOrNow};
use rustix::{
    fs::{self as backing, AtFlags, CWD, Mode, OFlags, Stat},
    io::Errno,
    process::{Gid, Uid},
};

use crate::{
    attributes,
    client::{Client, Entry},
    nodes::{Node, Stamp},
};

/// What `setattr` is to change.
pub(crate) struct Change {
    pub(crate) mode: Option<u32>,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) size: Option<u64>,
    pub(crate) access: Option<TimeOrNow>,
    pub(crate) modification: Option<TimeOrNow>,
}

/// An open file.
pub(crate) struct Opened {
    pub(crate) number: u64,
    pub(crate) handle: u64,
    pub(crate) stat: Stat,
    /// What the client holds of its bytes is still good.
    pub(crate) unchanged: bool,
}

impl Client {
    /// Changes attributes; answers all of them.
    pub(crate) fn set(
        &self,
        node: &Node,
        change: &Change,
        handle: Option<u64>,
    ) -> Result<Stat, Errno> {
        let path = node.path();
        if let Some(mode) = change.mode {
            backing::chmodat(CWD, &path, permissions(mode), AtFlags::empty())?;
        }
        if change.uid.is_some() || change.gid.is_some() {
            let (uid, gid) = (change.uid.map(Uid::from_raw), change.gid.map(Gid::from_raw));
            backing::chownat(node, "", uid, gid, AtFlags::EMPTY_PATH)?;
        }
        if let Some(size) = change.size {
            match handle.and_then(|handle| self.handle(handle).ok()) {
                Some(handle) => backing::ftruncate(&handle.file, size)?,
                None => {
                    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
                    let file = backing::open(&path, flags, Mode::empty())?;
                    backing::ftruncate(&file, size)?;
                }
            }
        }
        if change.access.is_some() || change.modification.is_some() {
            let times = attributes::timestamps(change.access, change.modification)?;
            backing::utimensat(CWD, &path, &times, AtFlags::empty())?;
        }
        let stat = node.stat()?;
        self.learn(node, &stat);
        node.memory().content = Some(Stamp::of(&stat));
        Ok(stat)
    }

    /// Opens a file that is there.
    pub(crate) fn open_file(&self, number: u64, flags: i32) -> Result<Opened, Errno> {
        let node = self.nodes.get(number)?;
        self.refuse_stale(&node, &node.stat()?)?;
        // The kernel has followed links already, and the file is there.
        let dropped = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::DIRECT;
        let flags = open_flags(flags).difference(dropped) | OFlags::CLOEXEC;
        let file = backing::open(node.path(), flags, Mode::empty())?;
        let stat = backing::fstat(&file)?;
        let unchanged = self.revalidate(&node, &stat);
        Ok(Opened { number, handle: self.add_handle(file), stat, unchanged })
    }

    /// Makes a file, or opens the one that is there if that is allowed.
    pub(crate) fn create_file(
        &self,
        parent: u64,
        name: &OsStr,
        mode: u32,
        flags: i32,
        request: &Request,
    ) -> Result<Opened, Errno> {
        let parent = self.nodes.get(parent)?;
        let flags = open_flags(flags) | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = parent.change(|| {
            // Whether it is new decides whether it gets mode and owner.
            match backing::openat(&parent, name, flags | OFlags::EXCL, permissions(mode)) {
                Ok(file) => adopt(&parent, name, mode, request).map(|()| file),
                Err(Errno::EXIST) if !flags.contains(OFlags::EXCL) => {
                    backing::openat(&parent, name, flags, permissions(mode))
                }
                Err(errno) => Err(errno),
            }
        })?;
        parent.remember(name)?;
        let (node, _) = self.find(&parent, name)?;
        let stat = backing::fstat(&file)?;
        let unchanged = self.revalidate(&node, &stat);
        Ok(Opened { number: node.number, handle: self.add_handle(file), stat, unchanged })
    }

    /// Reads up to `size` bytes; fewer only at the end of the file.
    pub(crate) fn read_bytes(
        &self,
        number: u64,
        handle: u64,
        offset: u64,
        size: u32,
    ) -> Result<Vec<u8>, Errno> {
        let (node, handle) = (self.nodes.get(number)?, self.handle(handle)?);
        self.refuse_stale(&node, &backing::fstat(&handle.file)?)?;
        let mut bytes = vec![0; size as usize];
        let mut filled = 0;
        while filled < bytes.len() {
            let position = offset + filled as u64;
            match rustix::io::pread(&handle.file, &mut bytes[filled..], position) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Writes bytes; how many were written.
    pub(crate) fn write_bytes(
        &self,
        number: u64,
        handle: u64,
        offset: u64,
        data: &[u8],
    ) -> Result<u32, Errno> {
        let (node, handle) = (self.nodes.get(number)?, self.handle(handle)?);
        let mut written = 0;
        while written < data.len() {
            let position = offset + written as u64;
            match rustix::io::pwrite(&handle.file, &data[written..], position) {
                Ok(count) => written += count,
                Err(Errno::INTR) => {}
                Err(errno) if written == 0 => return Err(errno),
                Err(_) => break,
            }
        }
        if self.caches() {
            node.memory().dirty += written as u64;
        }
        u32::try_from(written).map_err(|_| Errno::FBIG)
    }

    /// Gives a file or folder another name, or two of them each other's.
    pub(crate) fn rename_entry(
        &self,
        parent: u64,
        name: &OsStr,
        new_parent: u64,
        new_name: &OsStr,
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        let (from, to) = (self.nodes.get(parent)?, self.nodes.get(new_parent)?);
        let flags = backing::RenameFlags::from_bits_retain(flags.bits());
        if flags.is_empty() {
            self.note_removal(&to, new_name);
        }
        let rename = || backing::renameat_with(&from, name, &to, new_name, flags);
        if from.number == to.number {
            from.change(rename)?;
        } else {
            from.change(|| to.change(rename))?;
        }
        to.remember(new_name)?;
        Ok(())
    }

    /// Opens a folder; its handle, and whether a list of it that the client holds is good.
    pub(crate) fn open_folder(&self, number: u64) -> Result<(u64, bool), Errno> {
        let node = self.nodes.get(number)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let file = backing::open(node.path(), flags, Mode::empty())?;
        let same = self.revalidate_folder(&node, &backing::fstat(&file)?);
        Ok((self.add_handle(file), same))
    }
}

/// The entries of a folder, in the order of the backing folder.
pub(crate) fn read_entries(node: &Node, file: impl AsFd) -> Result<Vec<Entry>, Errno> {
    let mut entries = Vec::new();
    for entry in backing::Dir::read_from(file)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes()).to_owned();
        let mut number = entry.ino();
        if name == "." {
            number = node.number;
        }
        entries.push(Entry { number, kind: attributes::kind(entry.file_type()), name });
    }
    Ok(entries)
}

/// Gives a new file the mode and owner that were asked for: this process's umask and user
/// are not the caller's.
pub(crate) fn adopt(
    parent: &Node,
    name: &OsStr,
    mode: u32,
    request: &Request,
) -> Result<(), Errno> {
    let stat = backing::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if (stat.st_uid, stat.st_gid) != (request.uid(), request.gid()) {
        let (uid, gid) = (Uid::from_raw(request.uid()), Gid::from_raw(request.gid()));
        backing::chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
    }
    let is_link = backing::FileType::from_raw_mode(stat.st_mode).is_symlink();
    if !is_link && stat.st_mode & 0o7777 != mode & 0o7777 {
        backing::chmodat(parent, name, permissions(mode), AtFlags::empty())?;
    }
    Ok(())
}

pub(crate) fn open_flags(flags: i32) -> OFlags {
    OFlags::from_bits_retain(flags.cast_unsigned())
}

pub(crate) fn permissions(mode: u32) -> Mode {
    Mode::from_raw_mode(mode & 0o7777)
}
