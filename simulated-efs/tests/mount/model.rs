//! Whatever is done, a mount behaves as a plain folder does.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink},
    path::Path,
};

use proptest::{prelude::*, test_runner::TestRunner};
use rustix::fs::{CWD, RenameFlags};
use simulated_efs::{Cache, Profile};

use crate::support::{Server, can_mount};

#[derive(Debug, Clone)]
enum Action {
    Create { name: String, exclusive: bool, mode: u32 },
    Write { name: String, at: u64, bytes: Bytes },
    Append { name: String, bytes: Bytes },
    Replace { name: String, bytes: Bytes },
    Truncate { name: String, length: u64 },
    Read { name: String },
    ReadUnlinked { name: String },
    Rename { from: String, to: String },
    RenameNew { from: String, to: String },
    Link { from: String, to: String },
    Unlink { name: String },
    Mkdir { name: String },
    Rmdir { name: String },
    Symlink { to: String, name: String },
    Readlink { name: String },
    List { name: String },
    Stat { name: String },
    Chmod { name: String, mode: u32 },
    Touch { name: String, seconds: u64 },
    Sync { name: String },
}

/// So many times this byte.
#[derive(Debug, Clone, Copy)]
struct Bytes(u8, usize);

impl Bytes {
    fn get(self) -> Vec<u8> {
        vec![self.0; self.1]
    }
}

/// Few names, so that actions meet.
fn name() -> impl Strategy<Value = String> {
    proptest::sample::select(vec!["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "."])
        .prop_map(str::to_owned)
}

fn bytes() -> impl Strategy<Value = Bytes> {
    (any::<u8>(), 0..9_000_usize).prop_map(|(byte, length)| Bytes(byte, length))
}

fn mode() -> impl Strategy<Value = u32> {
    proptest::sample::select(vec![0o444_u32, 0o600, 0o644, 0o666, 0o755, 0o777])
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        (name(), any::<bool>(), mode()).prop_map(|(name, exclusive, mode)| Action::Create {
            name,
            exclusive,
            mode
        }),
        (name(), 0..9_000_u64, bytes()).prop_map(|(name, at, bytes)| Action::Write {
            name,
            at,
            bytes
        }),
        (name(), bytes()).prop_map(|(name, bytes)| Action::Append { name, bytes }),
        (name(), bytes()).prop_map(|(name, bytes)| Action::Replace { name, bytes }),
        (name(), 0..20_000_u64).prop_map(|(name, length)| Action::Truncate { name, length }),
        name().prop_map(|name| Action::Read { name }),
        name().prop_map(|name| Action::ReadUnlinked { name }),
        (name(), name()).prop_map(|(from, to)| Action::Rename { from, to }),
        (name(), name()).prop_map(|(from, to)| Action::RenameNew { from, to }),
        (name(), name()).prop_map(|(from, to)| Action::Link { from, to }),
        name().prop_map(|name| Action::Unlink { name }),
        name().prop_map(|name| Action::Mkdir { name }),
        name().prop_map(|name| Action::Rmdir { name }),
        (name(), name()).prop_map(|(to, name)| Action::Symlink { to, name }),
        name().prop_map(|name| Action::Readlink { name }),
        name().prop_map(|name| Action::List { name }),
        name().prop_map(|name| Action::Stat { name }),
        (name(), mode()).prop_map(|(name, mode)| Action::Chmod { name, mode }),
        (name(), 0..2_000_000_000_u64).prop_map(|(name, seconds)| Action::Touch { name, seconds }),
        name().prop_map(|name| Action::Sync { name }),
    ]
}

/// What can be seen of an action: bytes, or a description; or the error's number.
type Outcome = Result<Vec<u8>, i32>;

fn run(root: &Path, action: &Action) -> Outcome {
    let at = |name: &String| root.join(name);
    let done = |result: io::Result<()>| result.map(|()| Vec::new());
    let result = match action {
        Action::Create { name, exclusive, mode } => {
            let mut options = OpenOptions::new();
            options.write(true).mode(*mode).create(true).create_new(*exclusive);
            options.open(at(name)).and_then(|file| Ok(describe(&file.metadata()?)))
        }
        Action::Write { name, at: offset, bytes } => {
            OpenOptions::new().read(true).write(true).open(at(name)).and_then(|file| {
                file.write_all_at(&bytes.get(), *offset)?;
                let mut back = bytes.get();
                file.read_exact_at(&mut back, *offset)?;
                Ok(back)
            })
        }
        Action::Append { name, bytes } => {
            OpenOptions::new().append(true).open(at(name)).and_then(|mut file| {
                file.write_all(&bytes.get())?;
                Ok(describe(&file.metadata()?))
            })
        }
        Action::Replace { name, bytes } => done(fs::write(at(name), bytes.get())),
        Action::Truncate { name, length } => {
            OpenOptions::new().write(true).open(at(name)).and_then(|mut file| {
                file.set_len(*length)?;
                file.seek(SeekFrom::End(0)).map(|length| length.to_le_bytes().to_vec())
            })
        }
        Action::Read { name } => fs::read(at(name)),
        Action::ReadUnlinked { name } => File::open(at(name)).and_then(|file| {
            fs::remove_file(at(name))?;
            let mut start = vec![0; 100];
            let read = file.read_at(&mut start, 0)?;
            start.truncate(read);
            Ok(start)
        }),
        Action::Rename { from, to } => done(fs::rename(at(from), at(to))),
        Action::RenameNew { from, to } => {
            let (from, to) = (at(from), at(to));
            done(
                rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
                    .map_err(Into::into),
            )
        }
        Action::Link { from, to } => done(fs::hard_link(at(from), at(to))),
        Action::Unlink { name } => done(fs::remove_file(at(name))),
        Action::Mkdir { name } => done(fs::create_dir(at(name))),
        Action::Rmdir { name } => done(fs::remove_dir(at(name))),
        Action::Symlink { to, name } => done(symlink(to, at(name))),
        Action::Readlink { name } => {
            fs::read_link(at(name)).map(|path| path.to_string_lossy().into_owned().into_bytes())
        }
        Action::List { name } => list(&at(name)),
        Action::Stat { name } => fs::symlink_metadata(at(name)).map(|of| describe(&of)),
        Action::Chmod { name, mode } => {
            done(fs::set_permissions(at(name), fs::Permissions::from_mode(*mode)))
        }
        Action::Touch { name, seconds } => File::open(at(name)).and_then(|file| {
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(*seconds);
            file.set_times(fs::FileTimes::new().set_modified(time))?;
            Ok(file.metadata()?.mtime().to_le_bytes().to_vec())
        }),
        Action::Sync { name } => File::open(at(name)).and_then(|file| done(file.sync_all())),
    };
    result.map_err(|error| error.raw_os_error().unwrap_or(0))
}

/// What of a file does not depend on when and where it was made.
fn describe(of: &fs::Metadata) -> Vec<u8> {
    let length = if of.is_dir() { 0 } else { of.len() };
    let links = if of.is_dir() { 0 } else { of.nlink() };
    format!("{:o} {length} {links} {} {}", of.mode(), of.uid(), of.gid()).into_bytes()
}

fn list(path: &Path) -> io::Result<Vec<u8>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        names.push(format!("{} {kind:?}", entry.file_name().to_string_lossy()));
    }
    names.sort();
    Ok(names.join("\n").into_bytes())
}

fn tree(root: &Path) -> Vec<(String, Outcome)> {
    let names = ["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "."];
    let mut all = Vec::new();
    for name in names {
        for action in [
            Action::Stat { name: name.to_owned() },
            Action::Read { name: name.to_owned() },
            Action::List { name: name.to_owned() },
        ] {
            all.push((format!("{action:?}"), run(root, &action)));
        }
    }
    all
}

/// Runs the actions in a folder of the mount and in a plain one.
fn compare(server: &Server, client: usize, actions: &[Action]) -> Result<(), TestCaseError> {
    let plain = tempfile::tempdir().unwrap();
    let mounted = tempfile::tempdir_in(server.path(client)).unwrap();
    for (number, action) in actions.iter().enumerate() {
        let (mounted, plain) = (run(mounted.path(), action), run(plain.path(), action));
        prop_assert_eq!(mounted, plain, "action {}, {:?}, of {:?}", number, action, actions);
    }
    let expected = tree(plain.path());
    let backing = server.backing().join(mounted.path().file_name().unwrap());
    prop_assert_eq!(&tree(mounted.path()), &expected, "mounted, after {:?}", actions);
    prop_assert_eq!(&tree(&backing), &expected, "backing, after {:?}", actions);
    // Hard links are one file, by number.
    for name in ["a", "d/a"] {
        let of = |root: &Path| fs::metadata(root.join(name)).map(|of| of.ino()).ok();
        prop_assert_eq!(of(mounted.path()), of(&backing), "{} after {:?}", name, actions);
    }
    Ok(())
}

#[test]
fn a_mount_behaves_as_a_folder() {
    if !can_mount() {
        return;
    }
    let mut server = Server::new();
    // Two clients, but never of the same files: the model knows no close-to-open.
    let clients = [Cache::Nfs, Cache::None].map(|cache| server.mount(Profile::NONE, cache));
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() };
    let strategy =
        (proptest::sample::select(clients.to_vec()), proptest::collection::vec(action(), 1..120));
    TestRunner::new(config)
        .run(&strategy, |(client, actions)| compare(&server, client, &actions))
        .unwrap();
}
