//! Machines that contend for a lease: processes with state folders of their own, and one
//! emulator that all of them see.
//!
//! `PLATFORMCTL_TEST_FULL=1` takes 64 processes instead of 8.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use platformctl::local::ACCOUNT;
use platformctl::lock::{DynamoDbLeases, LeaseStore, S3Leases, Seen};
use runtime_core::model::{LockName, OpsLock};

use crate::platform::{Done, Platform, REGION, Started, block_on, eventually};

/// The lease of the contenders.
const LEASE: Duration = Duration::from_secs(5);

/// Beyond the lease: two looks at the record, the requests, and a machine that is busy with
/// all the others.
const BOUND: Duration = Duration::from_secs(10);

fn contenders() -> usize {
    if std::env::var_os("PLATFORMCTL_TEST_FULL").is_some() { 64 } else { 8 }
}

/// A platform that other machines see, by its endpoint.
struct Shared {
    platform: Platform,
    endpoint: String,
}

impl Shared {
    fn new() -> Self {
        let platform = Platform::new();
        platform.run(&["local", "up"]).exits(0);
        let endpoint = platform.running().endpoint;
        Self { platform, endpoint }
    }

    /// With the table of locks, and nothing else.
    fn with_table() -> Self {
        let shared = Self::new();
        let key = AttributeDefinition::builder()
            .attribute_name("lock_name")
            .attribute_type(ScalarAttributeType::S);
        let schema =
            KeySchemaElement::builder().attribute_name("lock_name").key_type(KeyType::Hash);
        let create = shared.platform.aws().dynamodb.create_table().table_name("acme-dev-ops-locks");
        let create = create
            .attribute_definitions(key.build().unwrap())
            .key_schema(schema.build().unwrap())
            .billing_mode(BillingMode::PayPerRequest);
        block_on(create.send()).unwrap();
        shared
    }

    /// With a stack of the platform's name: the table belongs to it.
    fn with_platform_stack(&self) {
        let template = r#"{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}"#;
        let cloudformation = self.platform.aws().cloudformation;
        let create = cloudformation.create_stack().stack_name("acme-dev-platform");
        block_on(create.template_body(template).send()).unwrap();
        eventually("the stack", || {
            let asked = cloudformation.describe_stacks().stack_name("acme-dev-platform").send();
            let status = block_on(asked).unwrap().stacks()[0].stack_status().cloned();
            status.is_some_and(|status| status.as_str() == "CREATE_COMPLETE")
        });
    }

    fn state(&self, machine: usize) -> PathBuf {
        self.platform.path(&format!("machine-{machine}"))
    }

    /// The binary on a machine of its own.
    fn command(&self, machine: usize, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_platformctl"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("PLATFORMCTL_") || name.starts_with("AWS_") {
                command.env_remove(&*name);
            }
        }
        command
            .args(arguments)
            .env("PLATFORMCTL_STATE_DIR", self.state(machine))
            .env("PLATFORMCTL_CONFIG", self.platform.path("platform.yaml"))
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .current_dir(self.platform.path(""))
            .stdin(Stdio::null());
        command
    }

    fn start(&self, machine: usize, arguments: &[&str]) -> Started {
        self.platform.start(self.command(machine, arguments))
    }

    fn run(&self, machine: usize, arguments: &[&str]) -> Done {
        self.start(machine, arguments).end()
    }

    fn leases(&self) -> DynamoDbLeases {
        DynamoDbLeases::new(self.platform.aws().dynamodb, "acme-dev-ops-locks")
    }

    fn read(&self, lock: &str) -> Option<Seen> {
        let name: LockName = lock.parse().unwrap();
        block_on(self.leases().read(&name)).unwrap()
    }

    fn token(&self, lock: &str) -> u64 {
        self.read(lock).map_or(0, |seen| seen.record.token)
    }
}

/// The one of the contenders that says that it holds the lock, with its token.
fn winner(contenders: &mut [(usize, Started)], token: u64) -> usize {
    let text = format!("the lock is held with token {token}\n");
    let mut found = None;
    eventually(&text, || {
        let mut winners = Vec::new();
        for (place, (_, contender)) in contenders.iter_mut().enumerate() {
            contender.still_runs();
            if contender.stderr().contains("the lock is held with token") {
                assert!(contender.stderr().contains(&text), "{}", contender.stderr());
                winners.push(place);
            }
        }
        assert!(winners.len() <= 1, "{} have it at once", winners.len());
        found = winners.pop();
        found.is_some()
    });
    found.unwrap()
}

#[test]
#[expect(clippy::print_stdout, reason = "the campaign's figures")]
fn of_many_processes_one_has_the_lease_also_after_its_holder_was_killed() {
    let shared = Shared::with_table();
    let hold = [
        "ops",
        "failover-lock-acquire",
        "--hold",
        "--wait",
        "10m",
        "--lease",
        "5s",
        "--reason",
        "a contest",
    ];
    let mut contenders: Vec<_> =
        (0..contenders()).map(|machine| (machine, shared.start(machine, &hold))).collect();
    let rounds = if contenders.len() > 8 { 8 } else { 2 };
    for round in 1..=rounds {
        let place = winner(&mut contenders, round);
        // The others wait, and go on waiting while it gives signs of life.
        let renewed = shared.read("runtime-region").unwrap().record.renewed;
        eventually("a renewal", || shared.read("runtime-region").unwrap().record.renewed > renewed);
        assert_eq!(winner(&mut contenders, round), place);
        assert_eq!(shared.token("runtime-region"), round);
        let (_, holder) = contenders.swap_remove(place);
        if round % 2 == 1 {
            let begun = Instant::now();
            holder.kill();
            eventually("the next holder", || shared.token("runtime-region") > round);
            let took = begun.elapsed();
            assert!(took > LEASE / 2, "taken from the living after {took:.1?}");
            assert!(took < LEASE + BOUND, "{took:.1?}");
            println!("{} left: taken {took:.1?} after kill -9", contenders.len());
        } else {
            let begun = Instant::now();
            holder.signal("INT");
            holder.end().exits(0).prints("given back");
            eventually("the next holder", || shared.token("runtime-region") > round);
            println!("{} left: taken {:.1?} after Ctrl-C", contenders.len(), begun.elapsed());
        }
    }
}

#[test]
fn at_once_one_of_many_succeeds_and_the_others_are_told_who() {
    let shared = Shared::with_table();
    let mut tokens = BTreeSet::new();
    for _ in 0..2 {
        let acquire = ["ops", "failover-lock-acquire", "--reason", "eu-west-1 is down"];
        let all: Vec<_> =
            (0..contenders()).map(|machine| (machine, shared.start(machine, &acquire))).collect();
        let ended: Vec<_> =
            all.into_iter().map(|(machine, contender)| (machine, contender.end())).collect();
        let winners: Vec<_> = ended.iter().filter(|(_, done)| done.code == Some(0)).collect();
        let [(winner, done)] = winners.as_slice() else { panic!("{} winners", winners.len()) };
        assert!(done.stdout.contains("is yours, with token"), "{}", done.stdout);
        for (machine, done) in &ended {
            if machine != winner {
                assert_eq!(done.code, Some(5), "{}", done.stderr);
                for text in ["locked by another run", "eu-west-1 is down", "lock break"] {
                    assert!(done.stderr.contains(text), "{}", done.stderr);
                }
            }
        }
        assert!(tokens.insert(shared.token("runtime-region")), "a token came twice");
        let shown = shared.run(*winner, &["ops", "failover-lock-show", "-o", "json"]).exits(0);
        assert_eq!(shown.json()["held"], true);
        shared.run(*winner, &["ops", "failover-lock-release"]).exits(0).prints("given back");
        assert!(shared.read("runtime-region").unwrap().record.holder.is_none());
    }
}

/// The record as another machine would write it that believes the holder dead.
fn steal(shared: &Shared, lock: &str) -> OpsLock {
    use platformctl::lock::{Machine as _, System};
    let seen = shared.read(lock).unwrap();
    let mut holder = seen.record.holder.clone().unwrap();
    holder.host = "another-machine".parse().unwrap();
    holder.run_id = "2026-11-21-thft".parse().unwrap();
    let stolen = seen.record.taken_by(holder, 60, System.write());
    let wrote = block_on(shared.leases().write(&stolen, Some(&seen.version))).unwrap();
    assert!(matches!(wrote, platformctl::lock::Wrote::Done(_)));
    stolen
}

#[test]
fn two_machines_do_not_deploy_one_environment() {
    let shared = Shared::with_table();
    shared.with_platform_stack();
    shared.platform.edit("environment: dev", "environment: dev\nlock:\n  lease: 5s");
    let deploy = ["deploy", "budget", "--yes"];
    let held = |machine: usize| {
        let before = shared.token("deploy");
        let mut command = shared.command(machine, &deploy);
        command.env(platformctl::failpoint::VARIABLE, "deploy.budget");
        let started = shared.platform.start(command);
        eventually("the lock", || shared.token("deploy") > before);
        started
    };
    let first = held(0);
    let refused = shared.run(1, &deploy).exits(5).complains("the environment is locked");
    let refused = refused.complains("lock break --if-dead");
    assert!(refused.stderr.contains("deploy"), "{}", refused.stderr);
    shared.run(1, &["lock", "show"]).exits(0).prints("held with token 1");
    // It is alive.
    let free = ["lock", "break", "--if-dead", "--reason", "a test", "--yes"];
    shared.run(1, &free).exits(5).complains("is alive");

    // Interrupted, it gives the lock back.
    first.signal("INT");
    first.end().exits(130);
    assert!(shared.read("deploy").unwrap().record.holder.is_none());

    // Killed, it leaves the lock behind: on its own machine that is known.
    held(0).kill();
    assert!(shared.read("deploy").unwrap().record.holder.is_some());
    shared.run(0, &deploy).exits(0);
    assert_eq!(shared.token("deploy"), 3);

    // Elsewhere it has to be found out.
    held(0).kill();
    shared.run(1, &deploy).exits(5);
    let begun = Instant::now();
    let broken = shared.run(1, &free).exits(0).prints("was taken away from");
    assert!(begun.elapsed() >= LEASE, "{}", broken.stdout);
    shared.run(1, &["lock", "show", "-o", "json"]).exits(0).prints("\"held\": false");
    shared.run(1, &deploy).exits(0);

    // Whoever is succeeded stops, and does not give back what is another's.
    let slow = held(0);
    let stolen = steal(&shared, "deploy");
    let done = slow.end().exits(7).complains("the lock of the environment was lost");
    assert!(done.stderr.contains("another-machine"), "{}", done.stderr);
    assert_eq!(shared.read("deploy").unwrap().record, stolen);
}

#[test]
fn two_machines_do_not_run_what_a_runbook_keeps_apart() {
    let shared = Shared::with_table();
    shared.with_platform_stack();
    shared.platform.edit("environment: dev", "environment: dev\nlock:\n  lease: 5s");
    let drill = "version: 1\nid: drill\ntitle: A drill\nlocks: [drill]\nsteps:\n\
        \x20 - id: look\n\
        \x20   verb: { lock show: {} }\n";
    std::fs::create_dir(shared.platform.path("runbooks")).unwrap();
    std::fs::write(shared.platform.path("runbooks/drill.yaml"), drill).unwrap();
    let drill = ["runbook", "run", "drill", "--reason", "a drill", "--yes"];
    let held = || {
        let before = shared.token("runbook/drill");
        let mut command = shared.command(0, &drill);
        command.env(platformctl::failpoint::VARIABLE, "runbook.look");
        let started = shared.platform.start(command);
        eventually("the lock", || shared.token("runbook/drill") > before);
        started
    };
    let first = held();
    let refused = shared.run(1, &drill).exits(5);
    refused.complains("the lock drill").complains("lock break runbook/drill --if-dead");
    // Interrupted, it gives the lock back; it may be through with its one step by then.
    first.signal("INT");
    assert!(matches!(first.end().code, Some(0 | 130)));
    assert!(shared.read("runbook/drill").unwrap().record.holder.is_none());
    shared.run(1, &drill).exits(0);

    // Killed: another machine finds out that it is dead.
    held().kill();
    shared.run(1, &drill).exits(5);
    let free = ["lock", "break", "runbook/drill", "--if-dead", "--reason", "a test", "--yes"];
    shared.run(1, &free).exits(0).prints("was taken away from");
    shared.run(1, &drill).exits(0);
}

#[test]
fn leases_in_a_bucket_are_written_over_what_was_seen_alone() {
    use platformctl::lock::{Machine as _, System, Wrote};
    let shared = Shared::with_table();
    let s3 = shared.platform.aws_in("us-east-1").s3;
    block_on(s3.create_bucket().bucket("locks").send()).unwrap();
    let leases = S3Leases::new(s3, "locks", "acme-dev");
    shared.run(0, &["ops", "failover-lock-acquire", "--reason", "a record"]).exits(0);
    let first = shared.read("runtime-region").unwrap().record;
    let write = |record: &OpsLock, over| block_on(leases.write(record, over)).unwrap();
    let Wrote::Done(version) = write(&first, None) else { panic!("it was there") };
    assert_eq!(write(&first, None), Wrote::Conflict);
    let name: LockName = "runtime-region".parse().unwrap();
    let seen = block_on(leases.read(&name)).unwrap().unwrap();
    assert_eq!((&seen.record, &seen.version), (&first, &version));
    let next = first.renew(System.write());
    assert!(matches!(write(&next, Some(&version)), Wrote::Done(_)));
    assert_eq!(write(&next, Some(&version)), Wrote::Conflict);

    // The verbs, with the bucket in another region.
    let lock = "environment: dev\nlock: {backend: s3, bucket: locks, region: us-east-1}";
    shared.platform.edit("environment: dev", lock);
    let acquire = ["ops", "failover-lock-acquire", "--reason", "a drill"];
    shared.run(1, &acquire).exits(5).complains("a record");
    shared.run(0, &["ops", "failover-lock-release"]).exits(0).prints("given back");
    shared.run(1, &acquire).exits(0).prints("with token 2");
}
