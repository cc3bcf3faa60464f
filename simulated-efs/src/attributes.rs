//! Attributes, in FUSE's form.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{FileAttr, FileType, INodeNo, TimeOrNow};
use rustix::{
    fs::{FileType as Backing, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT},
    io::Errno,
};

/// The attributes of a file that is shown under `number`.
#[expect(clippy::unnecessary_cast, reason = "the types differ by platform")]
#[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "FUSE's widths")]
pub(crate) fn of(number: u64, stat: &Stat) -> FileAttr {
    FileAttr {
        ino: INodeNo(number),
        size: stat.st_size as u64,
        blocks: stat.st_blocks as u64,
        atime: time(stat.st_atime as i64, stat.st_atime_nsec as u32),
        mtime: time(stat.st_mtime as i64, stat.st_mtime_nsec as u32),
        ctime: time(stat.st_ctime as i64, stat.st_ctime_nsec as u32),
        crtime: UNIX_EPOCH,
        kind: kind(Backing::from_raw_mode(stat.st_mode)),
        perm: (stat.st_mode & 0o7777) as u16,
        nlink: stat.st_nlink as u32,
        uid: stat.st_uid,
        gid: stat.st_gid,
        rdev: stat.st_rdev as u32,
        blksize: stat.st_blksize as u32,
        flags: 0,
    }
}

/// What stands for "there is no such file" in an answer that the kernel may remember.
pub(crate) fn absent() -> FileAttr {
    FileAttr {
        ino: INodeNo(0),
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: FileType::RegularFile,
        perm: 0,
        nlink: 0,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 0,
        flags: 0,
    }
}

pub(crate) fn kind(backing: Backing) -> FileType {
    match backing {
        Backing::Directory => FileType::Directory,
        Backing::Symlink => FileType::Symlink,
        Backing::Fifo => FileType::NamedPipe,
        Backing::Socket => FileType::Socket,
        Backing::CharacterDevice => FileType::CharDevice,
        Backing::BlockDevice => FileType::BlockDevice,
        _ => FileType::RegularFile,
    }
}

fn time(seconds: i64, nanoseconds: u32) -> SystemTime {
    let part = Duration::new(0, nanoseconds);
    let whole = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH - whole + part } else { UNIX_EPOCH + whole + part }
}

/// Times to set; `None` leaves one as it is.
pub(crate) fn timestamps(
    access: Option<TimeOrNow>,
    modification: Option<TimeOrNow>,
) -> Result<Timestamps, Errno> {
    Ok(Timestamps { last_access: timespec(access)?, last_modification: timespec(modification)? })
}

fn timespec(time: Option<TimeOrNow>) -> Result<Timespec, Errno> {
    let time = match time {
        None => return Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }),
        Some(TimeOrNow::Now) => return Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_NOW }),
        Some(TimeOrNow::SpecificTime(time)) => time,
    };
    let (seconds, nanoseconds) = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => (i64::try_from(since.as_secs()), since.subsec_nanos()),
        Err(before) => {
            let before = before.duration();
            let partial = before.subsec_nanos();
            let seconds = i64::try_from(before.as_secs()).map(|s| -s - i64::from(partial > 0));
            (seconds, if partial > 0 { 1_000_000_000 - partial } else { 0 })
        }
    };
    let seconds = seconds.map_err(|_| Errno::INVAL)?;
    Ok(Timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_survive() {
        for (seconds, nanoseconds) in [(0, 0), (5, 7), (-1, 0), (-2, 999_999_999), (-3, 1)] {
            let there = time(seconds, nanoseconds);
            let back = timespec(Some(TimeOrNow::SpecificTime(there))).unwrap();
            assert_eq!((back.tv_sec, back.tv_nsec), (seconds, nanoseconds.into()));
        }
    }
}
