//! The order of what is done, without a platform: a mock executor writes it down.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::compare::{Verdict, compare};
use super::criteria::of_efs;
use super::executor::{Call, Executor, Runner};
use super::plan::{Phase, Plan};
use super::result::{Folder, Machine, Measured, Run, SCHEMA, State, Where};
use super::sample::{Failure, Inside, Sample};
use super::suite::carry_out;
use crate::config::EfsCriteria;
use crate::error::{Error, Kind, Result};
use crate::event::Events;
use crate::signal::{Cancel, Canceller};

/// What a call of the mock does.
type Does = dyn Fn(&Call) -> Result<Inside, Failure> + Send + Sync;

/// One call at a time, and how long each takes.
type Slow = (tokio::sync::Mutex<()>, fn(usize) -> Duration);

#[derive(Default)]
struct Mock {
    log: Mutex<Vec<String>>,
    does: Option<Box<Does>>,
    refuses_to_begin: Option<&'static str>,
    /// Serves one call at a time, each for as long as it says.
    slow: Option<Slow>,
}

impl Mock {
    fn note(&self, text: String) {
        self.log.lock().unwrap().push(text);
    }
}

impl Executor for Mock {
    async fn begin(&self, phase: &Phase) -> Result<()> {
        self.note(format!("begin {}", phase.name));
        match self.refuses_to_begin {
            Some(name) if name == phase.name => Err(Error::failed("it cannot begin")),
            _ => Ok(()),
        }
    }

    async fn chill(&self, call: &Call) -> Result<()> {
        self.note(format!("chill {}", call.index));
        Ok(())
    }

    async fn execute(&self, call: &Call) -> Result<Inside, Failure> {
        let kind = if call.warm_up { "warm-up" } else { "measure" };
        self.note(format!("{kind} {} {}", call.operation(), call.index));
        if let Some((lock, time)) = &self.slow {
            let _alone = lock.lock().await;
            tokio::time::sleep(time(call.index)).await;
        }
        self.does.as_ref().map_or_else(|| Ok(Inside::default()), |does| does(call))
    }
}

fn runner(mock: Mock) -> (Runner<Mock>, Canceller) {
    let (canceller, cancel) = Cancel::new();
    (Runner { executor: Arc::new(mock), events: Events::none(), cancel }, canceller)
}

fn run(id: &str) -> Run {
    Run {
        schema: SCHEMA,
        id: id.to_owned(),
        suite: "efs".to_owned(),
        state: State::Running,
        started: "2026-11-21T10:00:00Z".to_owned(),
        finished: None,
        version: "0.1.0".to_owned(),
        commit: None,
        machine: Machine::default(),
        place: Where::default(),
        function: None,
        seed: 1,
        parameters: BTreeMap::new(),
        prepared: Vec::new(),
        left_behind: Vec::new(),
        phases: Vec::new(),
        criteria: Vec::new(),
        error: None,
    }
}

#[tokio::test]
async fn warm_up_comes_before_and_new_environments_are_forced_one_by_one() {
    let (runner, _canceller) = runner(Mock::default());
    let warm = Phase::sequential("warm", "warm", "read", 2).warmed(2);
    let mut mixed = Phase::sequential("mixed", "mixed", "read", 3);
    mixed.operations.push("write".to_owned());
    let cold = Phase::sequential("cold", "cold", "read", 2).forced_cold();
    let folder = tempfile::tempdir().unwrap();
    let folder = Folder::of(folder.path());
    let mut run = run("2026-11-21-k3f9");
    let plan = Plan { phases: vec![warm, mixed, cold] };
    carry_out(&runner, &plan, &mut run, &folder).await.unwrap();
    let log = runner.executor.log.lock().unwrap().join("\n");
    insta::assert_snapshot!(log, @r"
    begin warm
    warm-up read 0
    warm-up read 1
    measure read 0
    measure read 1
    begin mixed
    measure read 0
    measure write 1
    measure read 2
    begin cold
    chill 0
    measure read 0
    chill 1
    measure read 1
    ");
    assert_eq!((run.phases[0].warm_up.len(), run.phases[0].samples.len()), (2, 2));
    assert_eq!(folder.load("k3f9").unwrap(), run);
}

#[tokio::test]
async fn a_late_failure_loses_nothing_and_the_rest_can_be_measured_later() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Folder::of(folder.path());
    let plan = Plan {
        phases: ["one", "two", "three"].map(|it| Phase::sequential(it, it, "read", 3)).to_vec(),
    };
    let mut run = run("2026-11-21-k3f9");
    let (broken, _canceller) = runner(Mock { refuses_to_begin: Some("two"), ..Mock::default() });
    let error = carry_out(&broken, &plan, &mut run, &folder).await.unwrap_err();
    assert_eq!(error.message(), "it cannot begin");
    let stored = folder.load("k3f9").unwrap();
    assert_eq!((stored.state, stored.phases.len()), (State::Failed, 2));
    assert_eq!(stored.complete("one").unwrap().samples.len(), 3);
    assert!(stored.complete("two").is_none());
    let (whole, _canceller) = runner(Mock::default());
    let mut again = stored;
    carry_out(&whole, &plan, &mut again, &folder).await.unwrap();
    let log = whole.executor.log.lock().unwrap().join("\n");
    assert!(!log.contains("begin one") && log.contains("begin two"), "{log}");
    assert_eq!(again.phases.len(), 3);
}

#[tokio::test]
async fn an_interruption_keeps_what_was_measured() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Folder::of(folder.path());
    let (canceller, cancel) = Cancel::new();
    let does = move |call: &Call| {
        if call.phase.name == "two" && call.index == 4 {
            canceller.cancel();
        }
        Ok(Inside::default())
    };
    let mock = Mock { does: Some(Box::new(does)), ..Mock::default() };
    let runner = Runner { executor: Arc::new(mock), events: Events::none(), cancel };
    let plan =
        Plan { phases: ["one", "two"].map(|it| Phase::sequential(it, it, "read", 100)).to_vec() };
    let mut run = run("2026-11-21-k3f9");
    let error = carry_out(&runner, &plan, &mut run, &folder).await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (Kind::Interrupted, 130));
    let stored = folder.load("2026-11-21-k3f9").unwrap();
    assert_eq!((stored.state, stored.phases[0].samples.len()), (State::Interrupted, 100));
    assert_eq!((stored.phases[1].complete, stored.phases[1].samples.len()), (false, 5));
}

#[tokio::test]
async fn as_many_calls_are_under_way_as_the_plan_says() {
    static NOW: Mutex<(usize, usize)> = Mutex::new((0, 0));
    struct Counting;
    impl Executor for Counting {
        async fn begin(&self, _: &Phase) -> Result<()> {
            Ok(())
        }
        async fn chill(&self, _: &Call) -> Result<()> {
            Ok(())
        }
        async fn execute(&self, _: &Call) -> Result<Inside, Failure> {
            {
                let mut now = NOW.lock().unwrap();
                now.0 += 1;
                now.1 = now.1.max(now.0);
            }
            // Until as many are here as there can be, or it is known that no more come.
            for _ in 0..200 {
                if NOW.lock().unwrap().1 >= 5 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            NOW.lock().unwrap().0 -= 1;
            Ok(Inside::default())
        }
    }
    let (_canceller, cancel) = Cancel::new();
    let runner = Runner { executor: Arc::new(Counting), events: Events::none(), cancel };
    let (measured, error) = runner.run(&Phase::sequential("x", "x", "read", 20).at_once(5)).await;
    assert!(error.is_none());
    assert_eq!((NOW.lock().unwrap().1, measured.samples.len()), (5, 20));
}

/// A server that stalls once. With fixed times, what waited behind the stall is slow too;
/// callers that wait for each answer would have seen one slow call only.
#[tokio::test]
async fn what_waits_behind_a_slow_answer_counts_as_slow() {
    let stall = |index| Duration::from_millis(if index == 0 { 200 } else { 0 });
    let mock = Mock { slow: Some((tokio::sync::Mutex::new(()), stall)), ..Mock::default() };
    let (runner, _canceller) = runner(mock);
    let open = Phase::sequential("open", "open", "read", 10).at_rate(100.0);
    let (measured, error) = runner.run(&open).await;
    assert!(error.is_none());
    for (index, sample) in measured.samples.iter().enumerate() {
        let due = 10.0 * f64::from(u32::try_from(index).unwrap());
        assert!((sample.at_ms - due).abs() < 0.01, "{sample:?}");
        assert!(sample.wall_ms >= 200.0 - due - 0.01, "{sample:?}");
        assert!(sample.late_ms <= sample.wall_ms);
    }
}

#[tokio::test]
async fn failed_calls_are_counted_by_kind_and_are_in_no_statistics() {
    let does = |call: &Call| match call.index {
        1 => Err(Failure::new("throttled", "too many")),
        2 | 3 => Err(Failure::new("busy", "other writers won")),
        _ => Ok(Inside { duration_ms: Some(2.0), ..Inside::default() }),
    };
    let (runner, _canceller) = runner(Mock { does: Some(Box::new(does)), ..Mock::default() });
    let (measured, error) = runner.run(&Phase::sequential("x", "x", "write", 6)).await;
    assert!(error.is_none() && measured.complete);
    let kinds: Vec<_> = measured.errors().into_iter().collect();
    assert_eq!(kinds, [("busy".to_owned(), 2), ("throttled".to_owned(), 1)]);
    let series = super::digest::of_phase(&measured);
    assert!(series.iter().all(|it| it.values.len() == 3), "{series:?}");
}

/// A phase with these wall times.
fn measured(name: &str, walls: &[f64], failed: usize) -> Measured {
    let sample =
        |wall_ms: &f64| Sample { operation: "read".into(), wall_ms: *wall_ms, ..Sample::default() };
    let error = Some(Failure::new("busy", "other writers won"));
    let failure = Sample { operation: "read".into(), error, ..Sample::default() };
    let mut measured =
        Measured::of(Phase::sequential(name, name, "read", walls.len()), String::new());
    measured.samples = walls.iter().map(sample).collect();
    measured.samples.extend(std::iter::repeat_n(failure, failed));
    measured.complete = true;
    measured
}

#[test]
fn a_criterion_is_missed_by_the_worst_phase_by_errors_and_by_too_few_calls() {
    let mut run = run("2026-11-21-k3f9");
    let fast = [10.0; 20];
    run.phases = vec![
        measured("warm-read-1", &fast, 0),
        measured("warm-read-1000", &[600.0; 20], 0),
        measured("warm-write-1", &fast[..19], 0),
        measured("concurrent-write-1", &fast, 2),
        measured("cold-read-1", &fast[..5], 0),
    ];
    let checked = of_efs(&EfsCriteria::default(), &run);
    let lines: Vec<_> = checked
        .iter()
        .map(|it| format!("{} {}", if it.passed { "✓" } else { "✗" }, it.line()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    ✗ warm_read_p95_ms: measured 600.0, limit 500 (worst in warm-read-1000)
    ✗ warm_write_p95_ms: measured 10.0, limit 1000 (19 of at least 20 calls in warm-write-1)
    ✓ cold_start_p95_ms: measured 10.0, limit 5000 (worst in cold-read-1)
    ✗ concurrent_errors: measured 2.0, limit 0 (2 busy in 22 calls)
    ✓ sequential_errors: measured 0.0, limit 0 (64 calls)
    ");
    run.phases.clear();
    assert!(of_efs(&EfsCriteria::default(), &run).iter().all(|it| !it.passed));
}

#[test]
fn the_same_twice_shows_no_difference_and_a_shift_does() {
    // Two halves of one set, in turn: alike, but not the same numbers.
    let walls: Vec<f64> = (0..100).map(|it| 10.0 + f64::from(it * 37 % 101) / 10.0).collect();
    let half = |odd: usize, shift: f64| -> Vec<f64> {
        walls.iter().skip(odd).step_by(2).map(|it| it + shift).collect()
    };
    let of = |values: &[f64]| Run {
        phases: vec![measured("warm-read-1", values, 0)],
        ..run("2026-11-21-k3f9")
    };
    let first = of(&half(0, 0.0));
    let same = compare(&first, &of(&half(1, 0.0)));
    assert_eq!(same.series[0].verdict, Verdict::NoneShown);
    assert!(same.circumstances.is_empty());
    let slower = compare(&first, &of(&half(1, 4.0)));
    assert_eq!(slower.series[0].verdict, Verdict::Higher);
    assert!((slower.series[0].difference.shift.value - 4.0).abs() < 1.0);
    let faster = compare(&of(&half(1, 4.0)), &first);
    assert_eq!(faster.series[0].verdict, Verdict::Lower);
    // Certain, but tiny: many samples, hardly shifted.
    let many: Vec<f64> = (0..2_000).map(|it| f64::from(it % 997)).collect();
    let hardly: Vec<f64> = many.iter().map(|it| it + 60.0).collect();
    let tiny = compare(&of(&many), &of(&hardly));
    assert!(tiny.series[0].corrected_p < 0.01);
    assert_eq!(tiny.series[0].verdict, Verdict::NoneShown);
    let mut other = of(&half(1, 0.0));
    other.machine.host = "elsewhere".to_owned();
    other.phases[0].phase.name = "warm-read-2".to_owned();
    let none = compare(&first, &other);
    assert_eq!(none.circumstances, ["machine: , then elsewhere"]);
    assert_eq!((none.series.len(), none.only_first.len(), none.only_second.len()), (0, 1, 1));
}

/// Two runs of the same, over and over, as a whole run has series: hardly ever a claim.
#[test]
fn comparisons_of_the_same_claim_no_difference() {
    let mut state = 7_u64;
    let mut latency = || {
        // A sum of uniform numbers, exponentiated: skewed, as latencies are.
        let mut sum = 0.0;
        for _ in 0..6 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            sum += f64::from(u32::try_from(state >> 33).unwrap()) / f64::from(1_u32 << 31);
        }
        10.0 * (0.6 * (sum - 3.0)).exp()
    };
    let full = std::env::var_os("PLATFORMCTL_TEST_FULL").is_some();
    let rounds = if full { 2_000 } else { 150 };
    let mut claims = 0;
    for _ in 0..rounds {
        let mut one = || {
            let names = ["warm-read-1", "warm-write-1", "concurrent-read-1", "cold-read-1"];
            let phases = names.map(|name| {
                let count = if name.starts_with("cold") { 5 } else { 50 };
                let walls: Vec<f64> = (0..count).map(|_| latency()).collect();
                measured(name, &walls, 0)
            });
            Run { phases: phases.to_vec(), ..run("2026-11-21-k3f9") }
        };
        let comparison = compare(&one(), &one());
        let claim = comparison.series.iter().any(|it| it.verdict != Verdict::NoneShown);
        claims += usize::from(claim);
    }
    // One in a hundred is allowed by the level; the effect size makes it rarer.
    let most = if full { 30 } else { 5 };
    assert!(claims <= most, "{claims} claims in {rounds} comparisons of the same");
}

#[test]
fn results_are_found_by_name_letters_and_file_and_strangers_are_refused() {
    let base = tempfile::tempdir().unwrap();
    let folder = Folder::of(base.path());
    assert!(folder.list().unwrap().0.is_empty());
    for (id, day) in [("2026-11-20-k3f9", "20"), ("2026-11-21-j81c", "21")] {
        let started = format!("2026-11-{day}T10:00:00Z");
        folder.save(&Run { started, ..run(id) }).unwrap();
    }
    let (runs, broken) = folder.list().unwrap();
    let ids: Vec<_> = runs.iter().map(|it| it.id.as_str()).collect();
    assert_eq!((ids.as_slice(), broken.len()), (&["2026-11-21-j81c", "2026-11-20-k3f9"][..], 0));
    let file = folder.file("2026-11-20-k3f9").display().to_string();
    for name in ["k3f9", "2026-11-20-k3f9", &file] {
        assert_eq!(folder.load(name).unwrap().id, "2026-11-20-k3f9");
    }
    assert_eq!(folder.load("zzzz").unwrap_err().exit_code(), 2);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"schema\":1", "\"schema\":2")).unwrap();
    assert!(folder.load(&file).unwrap_err().message().contains("version 2"));
    std::fs::write(&file, "{}").unwrap();
    assert!(folder.load(&file).unwrap_err().message().contains("is not the result"));
    let (runs, broken) = folder.list().unwrap();
    assert_eq!((runs.len(), broken.len()), (1, 1));
}
