//! What operations cost: in counts, and in time.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    thread,
    time::{Duration, Instant},
};

use simulated_efs::{Cache, Class, Counts, Kind, Profile};

use crate::support::{Server, can_mount, no_process_starts};

fn nonzero(counts: &Counts) -> Vec<(&'static str, u64, u64)> {
    Kind::ALL
        .into_iter()
        // The kernel releases files when it comes to it.
        .filter(|kind| !matches!(kind, Kind::Release | Kind::Releasedir) && counts.of(*kind) > 0)
        .map(|kind| (kind.name(), counts.of(kind), counts.round_trips_of(kind)))
        .collect()
}

#[test]
fn a_new_file_costs_its_creation_one_write_and_its_closing() {
    if !can_mount() {
        return;
    }
    let _counting = no_process_starts();
    let mut server = Server::new();
    let client = server.mount(Profile::NONE, Cache::Nfs);
    let (counts, ()) = server.cost(client, |root| {
        let mut file = File::create_new(root.join("page")).unwrap();
        for _ in 0..10 {
            file.write_all(b"a line\n").unwrap();
        }
    });
    let expected = [("lookup", 1, 0), ("create", 1, 1), ("write", 10, 0), ("close", 1, 2)];
    assert_eq!(nonzero(&counts), expected);
    assert_eq!(counts.round_trips_in(Class::Write), 1);
    assert_eq!(counts.round_trips_in(Class::MetadataWrite), 1);
    assert_eq!(counts.round_trips_in(Class::MetadataRead), 1);
}

#[test]
fn giving_a_name_costs_no_look_up_and_asking_for_it_does() {
    if !can_mount() {
        return;
    }
    let _counting = no_process_starts();
    let mut server = Server::new();
    let client = server.mount(Profile::NONE, Cache::Nfs);
    let (counts, ()) = server.cost(client, |root| {
        fs::create_dir(root.join("folder")).unwrap();
        File::create_new(root.join("new")).unwrap();
        fs::hard_link(root.join("new"), root.join("folder/link")).unwrap();
        fs::rename(root.join("new"), root.join("folder/final")).unwrap();
    });
    assert_eq!(counts.of(Kind::Lookup), 4);
    assert_eq!(counts.round_trips_of(Kind::Lookup), 0);
    let (counts, ()) = server.cost(client, |root| {
        assert!(!root.join("asked").exists());
        File::create_new(root.join("asked")).unwrap();
        assert!(!root.join("opened").exists());
        fs::write(root.join("opened"), "").unwrap();
    });
    assert_eq!(counts.round_trips_of(Kind::Lookup), 2, "{:?}", nonzero(&counts));
}

#[test]
fn a_sync_sends_the_bytes_and_closing_then_has_none_to_send() {
    if !can_mount() {
        return;
    }
    let _counting = no_process_starts();
    let mut server = Server::new();
    let client = server.mount(Profile::NONE, Cache::Nfs);
    let (counts, ()) = server.cost(client, |root| {
        let mut file = File::create_new(root.join("page")).unwrap();
        file.write_all(b"text").unwrap();
        file.sync_all().unwrap();
        file.sync_all().unwrap();
        drop(file);
        fs::rename(root.join("page"), root.join("final")).unwrap();
        File::open(root).unwrap().sync_all().unwrap();
    });
    assert_eq!((counts.of(Kind::Fsync), counts.round_trips_of(Kind::Fsync)), (2, 1));
    assert_eq!((counts.of(Kind::Close), counts.round_trips_of(Kind::Close)), (1, 1));
    assert_eq!((counts.of(Kind::Fsyncdir), counts.round_trips_of(Kind::Fsyncdir)), (1, 0));
    assert_eq!(counts.round_trips_of(Kind::Rename), 1);
}

#[test]
fn more_than_a_transfer_is_several_writes_and_a_commit() {
    if !can_mount() {
        return;
    }
    let _counting = no_process_starts();
    let mut server = Server::new();
    let client = server.mount(Profile::NONE, Cache::Nfs);
    let (counts, ()) = server.cost(client, |root| {
        let mut file = File::create_new(root.join("pack")).unwrap();
        file.write_all(&vec![7; 5 << 19]).unwrap();
        file.sync_all().unwrap();
    });
    assert_eq!(counts.round_trips_of(Kind::Fsync), 3 + 1);
}

#[test]
fn what_is_cached_costs_an_open_and_a_close() {
    if !can_mount() {
        return;
    }
    let _counting = no_process_starts();
    let mut server = Server::new();
    fs::write(server.backing().join("page"), "text").unwrap();
    let client = server.mount(Profile::NONE, Cache::Nfs);
    let read = |root: &std::path::Path| fs::read_to_string(root.join("page")).unwrap();
    let (cold, text) = server.cost(client, read);
    assert_eq!(text, "text");
    assert_eq!(cold.of(Kind::Read), 1);
    assert_eq!(cold.round_trips(), 4, "lookup, open, read, close: {:?}", nonzero(&cold));
    let (warm, text) = server.cost(client, read);
    assert_eq!(text, "text");
    assert_eq!(warm.round_trips(), 2, "open, close: {:?}", nonzero(&warm));
    let (absent, ()) = server.cost(client, |root| {
        for _ in 0..5 {
            assert!(!root.join("absent").exists());
        }
    });
    assert_eq!(nonzero(&absent), [("lookup", 1, 1)], "absence is remembered");
}

#[test]
fn without_a_cache_each_operation_costs_a_round_trip() {
    if !can_mount() {
        return;
    }
    let _counting = no_process_starts();
    let mut server = Server::new();
    let client = server.mount(Profile::NONE, Cache::None);
    let (counts, ()) = server.cost(client, |root| {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o444)
            .open(root.join("page"))
            .unwrap();
        file.write_all(b"one").unwrap();
        file.write_all(b"two").unwrap();
        file.sync_all().unwrap();
        drop(file);
        for _ in 0..3 {
            assert!(!root.join("absent").exists());
        }
    });
    assert_eq!((counts.of(Kind::Write), counts.round_trips_of(Kind::Write)), (2, 2));
    assert_eq!((counts.of(Kind::Fsync), counts.round_trips_of(Kind::Fsync)), (1, 1));
    assert!(counts.of(Kind::Lookup) >= 4, "absence is not remembered");
    for kind in Kind::ALL {
        if !matches!(kind, Kind::Release | Kind::Releasedir) {
            assert_eq!(counts.of(kind), counts.round_trips_of(kind), "{}", kind.name());
        }
    }
}

#[test]
fn listing_an_unchanged_folder_again_reads_no_entries() {
    if !can_mount() {
        return;
    }
    let _counting = no_process_starts();
    let mut server = Server::new();
    for n in 0..100 {
        fs::write(server.backing().join(format!("{n}")), "").unwrap();
    }
    let client = server.mount(Profile::NONE, Cache::Nfs);
    let list = |root: &std::path::Path| fs::read_dir(root).unwrap().count();
    // The first time the client learns of the folder, the second time it fills its cache.
    for _ in 0..2 {
        assert_eq!(server.cost(client, list).1, 100);
    }
    let (again, entries) = server.cost(client, list);
    assert_eq!(entries, 100);
    assert_eq!(nonzero(&again), [("opendir", 1, 1)]);
    fs::write(server.backing().join("100"), "").unwrap();
    assert_eq!(server.cost(client, list).1, 101);
}

#[test]
fn operations_take_at_least_what_their_round_trips_take() {
    if !can_mount() {
        return;
    }
    let _counting = no_process_starts();
    for profile in [Profile::EFS_REGIONAL, Profile::EFS_ONE_ZONE] {
        let mut server = Server::new();
        let client = server.mount(profile, Cache::Nfs);
        let started = Instant::now();
        let (counts, ()) = server.cost(client, |root| {
            for n in 0..5 {
                let path = root.join(format!("{n}"));
                let mut file = File::create_new(&path).unwrap();
                file.write_all(b"text").unwrap();
                file.sync_all().unwrap();
                drop(file);
                let mut text = String::new();
                File::open(&path).unwrap().read_to_string(&mut text).unwrap();
                fs::remove_file(&path).unwrap();
            }
        });
        let took = started.elapsed();
        let reads = counts.round_trips_in(Class::MetadataRead) + counts.round_trips_in(Class::Read);
        let writes =
            counts.round_trips_in(Class::MetadataWrite) + counts.round_trips_in(Class::Write);
        assert_eq!(writes, 5 * 3, "create, write, unlink");
        let least = profile.read * u32::try_from(reads).unwrap() + profile.write * 15;
        assert!(took >= least, "{took:?} is less than {least:?} for {counts:?}");
    }
}

/// Sixteen clients of a second each: one after the other they would take sixteen.
#[test]
fn operations_wait_at_the_same_time() {
    if !can_mount() {
        return;
    }
    let _counting = no_process_starts();
    let mut server = Server::new();
    let slow = Profile { read: Duration::ZERO, write: Duration::from_secs(1) };
    for n in 0..16 {
        fs::create_dir(server.backing().join(format!("{n}"))).unwrap();
    }
    let client = server.mount(slow, Cache::Nfs);
    let root = server.path(client);
    let started = Instant::now();
    thread::scope(|scope| {
        for n in 0..16 {
            scope.spawn(move || fs::create_dir(root.join(format!("{n}/new"))).unwrap());
        }
    });
    // Half of what waiting one after the other takes: far from both.
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}
