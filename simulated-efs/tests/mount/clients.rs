//! Several clients of one folder, as several Lambdas of one EFS file system.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Write},
    path::Path,
    process::Command,
};

use rustix::io::Errno;
use simulated_efs::{Cache, Profile};

use crate::support::{Server, can_mount, processes_start};

fn two_clients() -> Server {
    let mut server = Server::new();
    for _ in 0..2 {
        server.mount(Profile::NONE, Cache::Nfs);
    }
    server
}

fn read(root: &Path) -> String {
    fs::read_to_string(root.join("page")).unwrap()
}

#[test]
fn what_one_client_closes_another_one_opens() {
    if !can_mount() {
        return;
    }
    let server = two_clients();
    let (a, b) = (server.path(0), server.path(1));
    let mut expected = String::new();
    fs::write(a.join("page"), "").unwrap();
    for round in 0..50 {
        let (writer, reader) = if round % 2 == 0 { (a, b) } else { (b, a) };
        // Same length or longer, in place, appended, replaced: all are seen.
        match round % 3 {
            0 => {
                expected = format!("{round:05}");
                fs::write(writer.join("page"), &expected).unwrap();
            }
            1 => {
                expected += "more";
                let mut file = OpenOptions::new().append(true).open(writer.join("page")).unwrap();
                file.write_all(b"more").unwrap();
            }
            _ => {
                expected = format!("replaced in round {round}");
                fs::write(writer.join("new"), &expected).unwrap();
                fs::rename(writer.join("new"), writer.join("page")).unwrap();
            }
        }
        assert_eq!(read(reader), expected, "round {round}");
        assert_eq!(
            fs::File::open(reader.join("page")).unwrap().metadata().unwrap().len(),
            expected.len() as u64
        );
        assert_eq!(read(writer), expected, "round {round}");
    }
}

#[test]
fn absence_is_remembered_until_the_folder_is_opened() {
    if !can_mount() {
        return;
    }
    let server = two_clients();
    let (a, b) = (server.path(0), server.path(1));
    assert!(!b.join("page").exists());
    fs::write(a.join("page"), "text").unwrap();
    assert!(!b.join("page").exists(), "as an NFS client that trusts its cache");
    assert_eq!(fs::read_dir(b).unwrap().count(), 1);
    assert_eq!(read(b), "text");
}

#[test]
fn one_of_two_clients_creates_links_and_renames_exclusively() {
    if !can_mount() {
        return;
    }
    let server = two_clients();
    let (a, b) = (server.path(0), server.path(1));
    for name in ["claim", "link"] {
        // Both believe that there is nothing.
        assert!(!a.join(name).exists() && !b.join(name).exists());
    }
    File::create_new(a.join("claim")).unwrap().write_all(b"a").unwrap();
    let error = File::create_new(b.join("claim")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(b.join("claim")).unwrap(), "a", "the refusal is remembered");
    fs::hard_link(a.join("claim"), a.join("link")).unwrap();
    let error = fs::hard_link(b.join("claim"), b.join("link")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(b.join("link")).unwrap(), "a");
}

#[test]
fn a_file_that_another_client_removed_is_stale_and_ones_own_is_not() {
    if !can_mount() {
        return;
    }
    let server = two_clients();
    let (a, b) = (server.path(0), server.path(1));
    fs::write(a.join("page"), "text").unwrap();
    let mut elsewhere = File::open(b.join("page")).unwrap();
    let mut here = File::open(a.join("page")).unwrap();
    fs::write(a.join("new"), "next").unwrap();
    fs::rename(a.join("new"), a.join("page")).unwrap();
    let mut text = String::new();
    here.read_to_string(&mut text).unwrap();
    assert_eq!(text, "text");
    let error = elsewhere.read_to_string(&mut text).unwrap_err();
    assert_eq!(Errno::from_io_error(&error), Some(Errno::STALE));
    assert_eq!(read(b), "next", "opening again finds the new file");
}

#[test]
fn git_works_on_a_mount_and_another_client_reads_it() {
    if !can_mount() {
        return;
    }
    let _starting = processes_start();
    let server = two_clients();
    let git = |at: &Path, arguments: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "gc.auto=0"])
            .arg("-C")
            .arg(at)
            .args(arguments)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let wiki = server.path(0).join("wiki");
    fs::create_dir(&wiki).unwrap();
    git(&wiki, &["init", "-q", "-b", "main"]);
    for n in 0..5 {
        fs::write(wiki.join("page"), format!("{n}\n")).unwrap();
        git(&wiki, &["add", "page"]);
        git(&wiki, &["commit", "-q", "-m", "Write"]);
    }
    // Packs are mapped into memory.
    git(&wiki, &["gc", "-q"]);
    git(&wiki, &["fsck", "--strict"]);
    let elsewhere = server.path(1).join("wiki");
    assert_eq!(git(&elsewhere, &["rev-list", "--count", "main"]), "5\n");
    assert_eq!(git(&elsewhere, &["show", "main:page"]), "4\n");
}
