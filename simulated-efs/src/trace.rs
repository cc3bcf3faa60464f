//! Counting without FUSE: the system calls of a command, seen by `strace`.
//!
//! It counts what the command asks its own kernel for, under the names that FUSE has for it.
//! It knows no caches: every call is counted, and none is delayed.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    path::Path,
    process::{Command, ExitStatus},
};

use crate::counts::{Class, Counts, Kind};

/// Why nothing was counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `strace` is missing.
    #[error("strace is not installed: neither it nor FUSE is there to count operations with")]
    NoStrace,
    /// The command, or `strace`, cannot be run.
    #[error("{program}: failed to run: {source}", program = program.display())]
    Run {
        /// The program.
        program: OsString,
        /// Why it cannot be run.
        source: io::Error,
    },
    /// What `strace` wrote cannot be read.
    #[error("failed to read what strace wrote: {0}")]
    Output(io::Error),
}

/// Whether a program of this name is in one of `PATH`'s folders.
pub(crate) fn is_installed(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// Runs a command to its end and counts the operations on what is in `folder`, by it and
/// by all processes that it starts. `output` is a file that `strace` may write to.
pub fn count(
    folder: &Path,
    output: &Path,
    command: &[impl AsRef<OsStr>],
) -> Result<(ExitStatus, Counts), Error> {
    if !is_installed("strace") {
        return Err(Error::NoStrace);
    }
    let folder = folder.canonicalize().map_err(Error::Output)?;
    let status = Command::new("strace")
        // Of all threads and children; descriptors with their paths; nothing else.
        .args(["-f", "-qqq", "-y", "-s", "0", "-e", "signal=none", "-e", "trace=%file,%desc", "-o"])
        .arg(output)
        .arg("--")
        .args(command)
        .status()
        .map_err(|source| Error::Run { program: "strace".into(), source })?;
    let trace = std::fs::read(output).map_err(Error::Output)?;
    Ok((status, of_trace(&String::from_utf8_lossy(&trace), &folder.to_string_lossy())))
}

/// Counts the lines that name `folder` or something in it.
fn of_trace(trace: &str, folder: &str) -> Counts {
    let mut counts = Counts::default();
    for line in trace.lines().filter(|line| names(line, folder)) {
        // `PID call(arguments) = result`; a call that another thread's line interrupts is
        // counted where it begins.
        let Some((_, call)) = line.split_once(' ') else { continue };
        let Some((name, arguments)) = call.trim_start().split_once('(') else { continue };
        if let Some((kind, class)) = classify(name, arguments) {
            counts.add(kind);
            if let Some(class) = class {
                counts.add_round_trips(kind, class, 1);
            }
        }
    }
    counts
}

fn names(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + folder.len()..].chars().next();
        matches!(before, Some('"' | '<')) && matches!(after, Some('/' | '"' | '>'))
    })
}

/// What FUSE calls a system call. The class is absent where an NFS client would not wait.
fn classify(call: &str, arguments: &str) -> Option<(Kind, Option<Class>)> {
    use Class::{MetadataRead, MetadataWrite, Read, Write};

    Some(match call {
        "open" | "openat" | "openat2" | "creat" => {
            if call == "creat" || arguments.contains("O_CREAT") {
                (Kind::Create, Some(MetadataWrite))
            } else if arguments.contains("O_DIRECTORY") {
                (Kind::Opendir, Some(MetadataRead))
            } else {
                (Kind::Open, Some(MetadataRead))
            }
        }
        "stat" | "lstat" | "newfstatat" | "fstatat64" | "statx" | "fstat" => {
            (Kind::Getattr, Some(MetadataRead))
        }
        "access" | "faccessat" | "faccessat2" | "chdir" => (Kind::Access, Some(MetadataRead)),
        "readlink" | "readlinkat" => (Kind::Readlink, Some(MetadataRead)),
        "read" | "pread64" | "readv" | "preadv" | "mmap" => (Kind::Read, Some(Read)),
        "write" | "pwrite64" | "writev" | "pwritev" => (Kind::Write, None),
        "close" => (Kind::Close, Some(MetadataRead)),
        "fsync" | "fdatasync" => (Kind::Fsync, Some(Write)),
        "getdents" | "getdents64" => (Kind::Readdir, Some(MetadataRead)),
        "statfs" | "fstatfs" => (Kind::Statfs, Some(MetadataRead)),
        "mkdir" | "mkdirat" => (Kind::Mkdir, Some(MetadataWrite)),
        "rmdir" => (Kind::Rmdir, Some(MetadataWrite)),
        "unlinkat" if arguments.contains("AT_REMOVEDIR") => (Kind::Rmdir, Some(MetadataWrite)),
        "unlink" | "unlinkat" => (Kind::Unlink, Some(MetadataWrite)),
        "symlink" | "symlinkat" => (Kind::Symlink, Some(MetadataWrite)),
        "link" | "linkat" => (Kind::Link, Some(MetadataWrite)),
        "rename" | "renameat" | "renameat2" => (Kind::Rename, Some(MetadataWrite)),
        "chmod" | "fchmod" | "fchmodat" | "fchmodat2" | "chown" | "fchown" | "lchown"
        | "fchownat" | "utimensat" | "utime" | "utimes" | "truncate" | "ftruncate" => {
            (Kind::Setattr, Some(MetadataWrite))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_trace_are_counted_by_kind() {
        let trace = r#"
12 openat(AT_FDCWD</w>, "/w/x/file", O_WRONLY|O_CREAT|O_EXCL, 0666) = 3</w/x/file>
12 write(3</w/x/file>, ""..., 5)  = 5
12 fsync(3</w/x/file>) = 0
13 openat(AT_FDCWD</w>, "/w/xy/other", O_RDONLY) = 4</w/xy/other>
12 rename("/w/x/file", "/w/x/final") = 0
12 getdents64(5</w/x>, 0x1 /* 2 entries */, 32768) = 48
12 lseek(3</w/x/file>, 0, SEEK_CUR) = 0
12 +++ exited with 0 +++
"#;
        let counts = of_trace(trace, "/w/x");
        assert_eq!(counts.operations(), 5);
        assert_eq!(counts.round_trips(), 4, "a write is not waited for");
        for kind in [Kind::Create, Kind::Write, Kind::Fsync, Kind::Rename, Kind::Readdir] {
            assert_eq!(counts.of(kind), 1, "{}", kind.name());
        }
    }
}
