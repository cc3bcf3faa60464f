//! Generated operations over tenants, tables and hostile ids: whatever is asked, in
//! whatever way, no row of another tenant is read or written.
//!
//! proptest, and not quickcheck: its strategies weigh the cases (most operations are to
//! be honest, or a table would stay empty and nothing could be stolen), and a failing
//! sequence shrinks to the few operations that matter, with their ids.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;
use crate::model::samples;
use crate::model::*;
use crate::tables::{self, Table};
use crate::tenant::TenantId;

/// Ids that begin alike, that mean something elsewhere, and the longest.
const TENANTS: [&str; 8] =
    ["acme", "acme-2", "acme2", "acm", "platform", "tenants", "a-b-c", "aaaaaaaaaaaaaaaaaaaaaa"];

/// What a row's place is made of by hand.
const HOSTILE: [&str; 18] = [
    "",
    ".",
    "..",
    "../acme",
    "acme#x",
    "acme/",
    "ACME",
    "acme ",
    " acme",
    "acme\0",
    "acme\n",
    "*",
    "%",
    "acme-",
    "${aws:PrincipalTag/tenant_id}",
    "аcme",
    "acme\u{200b}",
    "tenants/acme/",
];

/// Who does what to whom.
#[derive(Debug, Clone)]
struct Step {
    actor: usize,
    target: Target,
    table: usize,
    /// Which of a few rows, so that operations meet.
    row: u8,
    kind: Kind,
}

/// Whose row it is.
#[derive(Debug, Clone)]
enum Target {
    Own,
    Other(usize),
    /// A partition that is no tenant's id.
    Text(String),
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Get,
    Put,
    Create,
    Update,
    Steal,
    Delete,
    List,
    Index,
    GoOn,
    Start,
    BatchGet,
    BatchWrite,
    Transact,
}

const KINDS: [Kind; 13] = [
    Kind::Get,
    Kind::Put,
    Kind::Create,
    Kind::Update,
    Kind::Steal,
    Kind::Delete,
    Kind::List,
    Kind::Index,
    Kind::GoOn,
    Kind::Start,
    Kind::BatchGet,
    Kind::BatchWrite,
    Kind::Transact,
];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let text =
        prop_oneof![proptest::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned), ".{0,24}",];
    let target = prop_oneof![
        3 => Just(Target::Own),
        2 => (0..TENANTS.len()).prop_map(Target::Other),
        1 => text.prop_map(Target::Text),
    ];
    let step = (0..TENANTS.len(), target, 0..tables::ALL.len(), 0..4_u8, 0..KINDS.len());
    let step = step.prop_map(|(actor, target, table, row, kind)| Step {
        actor,
        target,
        table,
        row,
        kind: KINDS[kind],
    });
    vec(step, 100)
}

/// The row of a table in a partition: a real item, with the partition written over.
fn row(table: &Table, partition: &str, row: u8) -> Attributes {
    let tenant: TenantId = "acme".parse().unwrap();
    let seconds = i64::from(u32::MAX);
    let digest = [row; 16];
    let mut item = match table.name {
        "tenants" => samples::tenant().to_attributes(),
        "agents" => samples::agent(&tenant, &format!("a{row}")).to_attributes(),
        "invocations" => {
            let invocation_id = InvocationId::from_digest(digest);
            Invocation { invocation_id, expires_at: seconds, ..samples::invocation(&tenant) }
                .to_attributes()
        }
        "jobs" => {
            let job_id = JobId::from_digest(digest);
            Job { job_id, expires_at: seconds, ..samples::job(&tenant) }.to_attributes()
        }
        "sessions" => {
            let session_id = SessionId::from_digest(digest);
            Session { session_id, expires_at: seconds, ..samples::session(&tenant) }.to_attributes()
        }
        "tools" => samples::tool(&tenant).to_attributes(),
        "webhooks" => {
            let webhook_id = WebhookId::from_digest(digest);
            Webhook { webhook_id, ..samples::webhook(&tenant) }.to_attributes()
        }
        "ops-locks" => samples::ops_lock().to_attributes(),
        "operations" => {
            let notice_id = OperationId::from_digest(digest);
            Notice { notice_id, ..samples::notice() }.to_attributes()
        }
        _ => samples::bill(&tenant).to_attributes(),
    }
    .unwrap();
    item.insert(table.partition_key.to_owned(), AttributeValue::S(partition.to_owned()));
    item
}

fn key_of(table: &Table, row: &Attributes) -> Attributes {
    let names = std::iter::once(table.partition_key).chain(table.sort_key);
    names.map(|name| (name.to_owned(), row[name].clone())).collect()
}

/// The operation of a step, and what a query's start is, as somebody would make it who
/// got past everything typed.
fn operation(step: &Step, partition: &str, own: &str) -> Operation {
    let table = tables::ALL[step.table];
    let row_of = |partition: &str| row(&table, partition, step.row);
    let item = row_of(partition);
    let key = key_of(&table, &item);
    let write = |change| Write { table, change, condition: Condition::none() };
    let update = |name: &str| Change::Update {
        key: key.clone(),
        update: Update::new().set_text(name, partition),
    };
    let index = table.indexes.first().copied();
    let query = |partition_key, partition: &str, index, start| {
        Operation::Query(Query {
            table,
            index,
            partition_key,
            partition: partition.to_owned(),
            prefix: String::new(),
            newest_first: step.row.is_multiple_of(2),
            limit: 50,
            start,
        })
    };
    match step.kind {
        Kind::Get => Operation::Get { table, key },
        Kind::Put => Operation::Write(write(Change::Put(item))),
        Kind::Create => Operation::Write(Write {
            condition: Condition::absent_or_expired(samples::now()),
            ..write(Change::Put(item))
        }),
        Kind::Update => Operation::Write(write(update("agent"))),
        Kind::Steal => Operation::Write(Write {
            change: Change::Update {
                key: key_of(&table, &row_of(own)),
                update: Update::new().set_text(table.partition_key, partition),
            },
            ..write(Change::Delete(key))
        }),
        Kind::Delete => Operation::Write(write(Change::Delete(key))),
        Kind::List => query(table.partition_key, partition, None, None),
        Kind::Index => {
            let partition_key = index.map_or(table.partition_key, |it| it.partition_key);
            query(partition_key, partition, index, None)
        }
        // An own list that goes on in another's.
        Kind::GoOn => query(table.partition_key, own, None, Some(key)),
        // Another's list that goes on in an own one.
        Kind::Start => {
            query(table.partition_key, partition, None, Some(key_of(&table, &row_of(own))))
        }
        // One among one's own.
        Kind::BatchGet => {
            let mut keys = vec![key_of(&table, &row(&table, own, 9)), key];
            keys.dedup();
            Operation::BatchGet { table, keys }
        }
        Kind::BatchWrite => {
            let mine = BatchWrite::Put(row(&table, own, 9));
            let other = if step.row.is_multiple_of(2) {
                BatchWrite::Put(item)
            } else {
                BatchWrite::Delete(key)
            };
            Operation::BatchWrite { table, writes: vec![mine, other] }
        }
        Kind::Transact => {
            let mine = write(Change::Put(row(&table, own, 9)));
            let kinds =
                [Change::Put(item), Change::Delete(key.clone()), Change::Check(key.clone())];
            let other = kinds.into_iter().nth(step.row.into()).unwrap_or_else(|| update("agent"));
            Operation::Transact(vec![mine, write(other)])
        }
    }
}

#[derive(Debug, Default)]
struct Seen {
    operations: usize,
    through: usize,
    refused: usize,
}

/// Runs steps on one set of tables that all tenants share.
fn play(steps: &[Step], seen: &mut Seen) -> Result<(), TestCaseError> {
    let world = World::default();
    for table in &tables::ALL {
        for tenant in TENANTS {
            (0..4).for_each(|i| world.tables.plant(table, row(table, tenant, i)));
        }
    }
    let guards = TENANTS.map(|tenant| {
        let whose = guard::Whose::Tenant(Scope::tenant(&caller(tenant)));
        guard::Guard::new(whose, Arc::new(world.tables.clone()), world.watchers())
    });
    let mut violations = 0;
    for step in steps {
        let own = TENANTS[step.actor];
        let partition = match &step.target {
            Target::Own => own,
            Target::Other(other) => TENANTS[*other],
            Target::Text(text) => text,
        };
        let table = tables::ALL[step.table];
        let operation = operation(step, partition, own);
        let before = world.tables.operations();
        let result = run_now(guards[step.actor].send(&operation));
        let touched = world.tables.take_touched();
        seen.operations += 1;
        for (name, partition) in &touched {
            prop_assert_eq!(partition, own, "{} of {} touched a row", own, name);
        }
        // Writing over a key is refused whoever's it is.
        let honest = partition == own && table.tenant_scoped() && !matches!(step.kind, Kind::Steal);
        match result {
            Ok(reply) => {
                prop_assert!(honest, "{:?} got through: {:?}", step, operation);
                let own = AttributeValue::S(own.to_owned());
                prop_assert!(reply.items.iter().all(|item| item[tables::TENANT_ID] == own));
                seen.through += 1;
            }
            Err(AccessError::Condition) => prop_assert!(honest, "{:?} reached a row", step),
            Err(AccessError::Violation(violation)) => {
                prop_assert!(!honest, "{:?} was refused: {}", step, violation);
                prop_assert!(!violation.in_reply, "{}", violation);
                prop_assert_eq!(world.tables.operations(), before, "something was sent");
                seen.refused += 1;
                violations += 1;
            }
            Err(other) => prop_assert!(false, "{:?}: {}", step, other),
        }
    }
    prop_assert_eq!(world.violations(), violations, "each is counted and recorded");
    Ok(())
}

/// Nothing here waits: one poll is enough.
fn run_now<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("something in memory waits"),
    }
}

#[test]
fn no_operation_crosses_tenants() {
    let full = std::env::var_os("PLATFORMCTL_TEST_FULL").is_some();
    let (cases, random) =
        if full { (1_500, rand::random()) } else { (20, *b"tenants do not see each other.  ") };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &random);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let seen = std::cell::RefCell::new(Seen::default());
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&steps(), |steps| play(&steps, &mut seen.borrow_mut()));
    result.unwrap_or_else(|error| panic!("seed {random:?}: {error}"));
    let Seen { operations, through, refused } = seen.into_inner();
    assert_eq!(operations, 100 * usize::try_from(cases).unwrap());
    // Neither everything nor nothing is let through, or the test says nothing.
    assert!(
        through > operations / 5 && refused > operations / 5,
        "{through} {refused} {operations}"
    );
    if full {
        let mut out = std::io::stderr();
        let line = format!("{operations} operations: {through} let through, {refused} refused\n");
        std::io::Write::write_all(&mut out, line.as_bytes()).unwrap();
    }
}
