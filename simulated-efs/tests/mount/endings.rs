//! How mounts end, and what is refused.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
};

use rustix::{
    mount::{UnmountFlags, unmount},
    process::{Pid, Signal, kill_process},
};
use simulated_efs::{Cache, Profile, SimulatedEfs};

use crate::support::{Server, can_mount, processes_start};

fn is_mounted(path: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    mounts.lines().any(|line| line.split(' ').nth(1) == path.to_str())
}

#[test]
fn dropping_unmounts_even_what_is_in_use() {
    if !can_mount() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (backing, at) = (folder.path().join("backing"), folder.path().join("at"));
    fs::create_dir(&backing).unwrap();
    fs::create_dir(&at).unwrap();
    for busy in [false, true] {
        let mounted = SimulatedEfs::mount(&backing, &at, Profile::NONE, Cache::Nfs).unwrap();
        assert!(is_mounted(&at));
        fs::write(at.join("page"), "text").unwrap();
        let open = busy.then(|| File::open(at.join("page")).unwrap());
        drop(mounted);
        assert!(!is_mounted(&at));
        assert_eq!(fs::read_dir(&at).unwrap().count(), 0);
        if let Some(mut open) = open {
            let mut text = String::new();
            open.read_to_string(&mut text).unwrap();
            assert_eq!(text, "text", "who had the file open keeps it");
        }
    }
    assert_eq!(fs::read_to_string(backing.join("page")).unwrap(), "text");
}

#[test]
fn folders_that_do_not_fit_are_refused() {
    if !can_mount() {
        return;
    }
    let server = Server::new();
    let backing = server.backing();
    let inside = backing.join("inside");
    fs::create_dir(&inside).unwrap();
    fs::write(backing.join("file"), "").unwrap();
    let mount = |backing: &Path, at: &Path| {
        SimulatedEfs::mount(backing, at, Profile::NONE, Cache::Nfs).unwrap_err().to_string()
    };
    let error = mount(&backing, &inside);
    assert!(error.ends_with("is inside the backing folder, and would show itself"), "{error}");
    let error = mount(&inside, &backing);
    assert!(error.ends_with("is not empty: mount on an empty folder"), "{error}");
    let error = mount(&backing, &backing.join("file"));
    assert!(error.ends_with("is no folder"), "{error}");
    let error = mount(&backing, &backing.join("absent"));
    assert!(error.contains("failed to open"), "{error}");
}

fn start(backing: &Path, at: &Path, counts: &Path) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_simulated-efs"))
        .args([backing, at])
        .args(["--profile", "none", "--counts"])
        .arg(counts)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("mounted "), "{line}");
    child
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap()).unwrap()
}

#[test]
fn the_program_unmounts_when_it_is_told_to_end_and_writes_its_counts() {
    if !can_mount() {
        return;
    }
    let _starting = processes_start();
    let folder = tempfile::tempdir().unwrap();
    let (backing, at) = (folder.path().join("backing"), folder.path().join("at"));
    let counts = folder.path().join("counts.json");
    fs::create_dir(&backing).unwrap();
    fs::create_dir(&at).unwrap();
    for signal in [Signal::INT, Signal::TERM] {
        let mut child = start(&backing, &at, &counts);
        fs::create_dir(at.join("made")).unwrap();
        fs::remove_dir(at.join("made")).unwrap();
        kill_process(pid(&child), signal).unwrap();
        assert!(child.wait().unwrap().success());
        assert!(!is_mounted(&at));
        let json: serde_json::Value = serde_json::from_slice(&fs::read(&counts).unwrap()).unwrap();
        assert_eq!(json["kinds"]["mkdir"]["round_trips"], 1);
        assert_eq!(json["kinds"]["rmdir"]["operations"], 1);
        fs::remove_file(&counts).unwrap();
    }
}

#[test]
fn a_mount_that_a_killed_program_left_is_reported() {
    if !can_mount() {
        return;
    }
    let _starting = processes_start();
    let folder = tempfile::tempdir().unwrap();
    let (backing, at) = (folder.path().join("backing"), folder.path().join("at"));
    fs::create_dir(&backing).unwrap();
    fs::create_dir(&at).unwrap();
    let mut child = start(&backing, &at, &folder.path().join("counts.json"));
    child.kill().unwrap();
    child.wait().unwrap();
    let error = SimulatedEfs::mount(&backing, &at, Profile::NONE, Cache::Nfs).unwrap_err();
    let text = error.to_string();
    // Before anything can fail, so that the test leaves nothing behind.
    unmount(&at, UnmountFlags::DETACH).unwrap();
    assert!(text.contains("a mount whose process is gone is in the way"), "{text}");
    assert!(text.contains(&format!("umount --lazy {}", at.display())), "{text}");
    drop(SimulatedEfs::mount(&backing, &at, Profile::NONE, Cache::Nfs).unwrap());
}

#[test]
fn system_calls_are_counted_where_there_is_strace() {
    let _starting = processes_start();
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_simulated-efs"))
        .arg("--trace")
        .arg(folder.path())
        .arg("--")
        .args(["sh", "-c", "mkdir \"$0/made\" && echo text > \"$0/made/page\""])
        .arg(folder.path())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    if error.contains("strace is not installed") {
        println!("skipped: {error}");
        return;
    }
    assert!(output.status.success(), "{error}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for kind in ["mkdir", "create", "write"] {
        assert_eq!(json["kinds"][kind]["operations"], 1, "{kind}: {json}");
    }
}
