//! The page store, measured: reads and writes of wikis of given sizes, one after another, at
//! once, and in new execution environments.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hasher as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fnv::FnvHasher;
use runtime_core::pages::{Reply, Response, Timings};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::executor::{Call, Executor};
use super::lambda::{Changes, Function};
use super::plan::{Phase, Plan};
use super::result::Prepared;
use super::sample::{Failure, Inside, rounded};
use crate::error::{Context as _, Error, Result};
use crate::event::{Events, Outcome};
use crate::signal::Cancel;

/// How many pages a folder of a benchmark's wiki has.
const PAGES_A_FOLDER: u64 = 100;

/// Bytes of a page's text, about.
const PAGE: usize = 1_500;

/// How many missing pages are written at a time.
const SEEDERS: usize = 6;

/// How many pages one answer of `list` has.
const LISTED: u32 = 5_000;

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Sizes {
    /// Pages of each wiki.
    pub pages: Vec<u64>,
    /// Warm reads, one after another.
    pub reads: usize,
    /// Warm writes, one after another.
    pub writes: usize,
    /// Forced cold starts.
    pub cold: usize,
    /// Reads under way at a time.
    pub readers: usize,
    /// Writes under way at a time.
    pub writers: usize,
    /// Calls of each concurrent phase.
    pub concurrent: usize,
    /// Calls before each phase.
    pub warm_up: usize,
    /// Reads at fixed times: so many a second.
    pub rate: Option<f64>,
}

/// The wiki of a size. There is no way to delete one: each size has one, which is used again.
pub fn wiki(pages: u64) -> String {
    format!("bench-{pages}")
}

/// The phases of all sizes. Cold starts are measured on the largest wiki.
pub fn plan(sizes: &Sizes) -> Plan {
    let mut phases = Vec::new();
    let largest = sizes.pages.iter().copied().max();
    for &pages in &sizes.pages {
        let named = |name: &str| format!("{name}-{pages}");
        let on = if pages == 1 { "1 page".to_owned() } else { format!("{pages} pages") };
        let one = |name: &str, what: &str, operation: &str, count: usize| {
            let title = format!("{what}, {on}");
            Phase::sequential(&named(name), &title, operation, count)
                .on_pages(pages)
                .warmed(sizes.warm_up)
        };
        phases.push(one("warm-read", "warm reads", "read", sizes.reads));
        phases.push(one("warm-write", "warm writes", "write", sizes.writes));
        let Sizes { readers, writers, concurrent, .. } = *sizes;
        let many = |phase: Phase, at_once: usize| phase.at_once(at_once).warmed(2 * at_once);
        let title = format!("{readers} reads at once");
        phases.push(many(one("concurrent-read", &title, "read", concurrent), readers));
        let title = format!("{writers} writes at once");
        phases.push(many(one("concurrent-write", &title, "write", concurrent), writers));
        let title = format!("{readers} reads and {writers} writes at once");
        let mut mixed = one("concurrent-mixed", &title, "read", concurrent);
        mixed.operations = mix(readers, writers);
        phases.push(many(mixed, readers + writers));
        if let Some(rate) = sizes.rate {
            let title = format!("reads at {rate} a second");
            phases.push(one("open-read", &title, "read", sizes.reads).at_rate(rate));
        }
        if Some(pages) == largest && sizes.cold > 0 {
            let cold = one("cold-read", "cold starts", "read", sizes.cold);
            phases.push(cold.warmed(0).forced_cold());
        }
    }
    phases.retain(|phase| phase.count > 0);
    Plan { phases }
}

/// Reads and writes in turn, as evenly as they can be.
fn mix(readers: usize, writers: usize) -> Vec<String> {
    let (mut read, mut written) = (0, 0);
    let mut operations = Vec::new();
    while read < readers || written < writers {
        // Whoever is further behind its share is next.
        if written >= writers || (read < readers && read * writers <= written * readers) {
            read += 1;
            operations.push("read".to_owned());
        } else {
            written += 1;
            operations.push("write".to_owned());
        }
    }
    operations
}

/// The path of a page, from 0.
pub fn path(page: u64) -> String {
    format!("bench/{:03}/{page:05}.md", page / PAGES_A_FOLDER)
}

/// Calls the store.
#[derive(Debug)]
pub struct Store {
    function: Function,
    changes: Changes,
    run: String,
    seed: u64,
}

impl Store {
    /// A store; `run` makes every page that is written another.
    pub fn new(function: Function, changes: Changes, run: &str, seed: u64) -> Self {
        Self { function, changes, run: run.to_owned(), seed }
    }

    /// The page of a call: at random, but the same with the same seed.
    fn page(&self, call: &Call, pages: u64) -> u64 {
        let mut hasher = FnvHasher::default();
        let text = format!("{}/{}/{}/{}", self.seed, call.phase.name, call.warm_up, call.index);
        hasher.write(text.as_bytes());
        (hasher.finish() >> 16) % pages.max(1)
    }

    fn payload(&self, call: &Call) -> Value {
        let pages = call.phase.pages.unwrap_or(1);
        let page = self.page(call, pages);
        if call.operation() == "write" {
            let mark = format!("{} {} {} {}", self.run, call.phase.name, call.warm_up, call.index);
            return write(pages, page, &mark);
        }
        json!({ "operation": "read", "wiki": wiki(pages), "path": path(page) })
    }

    /// Makes sure that the wiki of a size has its pages, for so long at most.
    pub async fn seed(
        self: &Arc<Self>,
        pages: u64,
        within: Duration,
        (events, cancel): (&Events, &Cancel),
    ) -> Result<Prepared> {
        let begun = Instant::now();
        let (id, wiki) = (format!("bench.seed.{pages}"), wiki(pages));
        events.started(&id, format!("pages of {wiki}"), Some(pages));
        let result = self.seeded(pages, within, (events, cancel), &id).await;
        let (outcome, detail) = match &result {
            Ok((before, _)) if *before >= pages => {
                (Outcome::Unchanged, "they are there".to_owned())
            }
            Ok((before, made)) => (Outcome::Done, format!("{made} written, {before} were there")),
            Err(error) => (Outcome::Failed, error.message().to_owned()),
        };
        events.finished(&id, outcome, detail);
        let (before, made) = result?;
        let what = format!("wiki {wiki}: {} pages, {made} of them written now", before + made);
        Ok(Prepared { what, seconds: rounded(begun.elapsed().as_secs_f64()) })
    }

    async fn seeded(
        self: &Arc<Self>,
        pages: u64,
        within: Duration,
        (events, cancel): (&Events, &Cancel),
        id: &str,
    ) -> Result<(u64, u64)> {
        let begun = Instant::now();
        self.ask(&json!({ "operation": "init", "wiki": wiki(pages) })).await?;
        let there = self.paths(pages).await?;
        let mut missing = (0..pages).filter(|page| !there.contains(&path(*page)));
        let before = there.len() as u64;
        let mut made = 0;
        let mut writers = JoinSet::new();
        loop {
            while writers.len() < SEEDERS
                && !cancel.is_cancelled()
                && begun.elapsed() <= within
                && let Some(page) = missing.next()
            {
                let store = Arc::clone(self);
                writers.spawn(async move { store.ask(&write(pages, page, "seed")).await });
            }
            let Some(written) = writers.join_next().await else { break };
            written.context("a write broke off")??;
            made += 1;
            events.progress(id, before + made, format!("{} of {pages}", before + made));
        }
        cancel.check()?;
        if before + made < pages {
            let (there, wiki, seconds) = (before + made, wiki(pages), within.as_secs());
            return Err(Error::failed(format!(
                "{there} of {pages} pages of {wiki} are there after {seconds} s"
            ))
            .hint("what is there stays: run it again, or give it longer with --seed-within"));
        }
        Ok((before, made))
    }

    /// The paths of a wiki's pages.
    async fn paths(&self, pages: u64) -> Result<HashSet<String>> {
        let mut paths = HashSet::new();
        let mut request =
            json!({ "operation": "list", "wiki": wiki(pages), "prefix": "bench", "limit": LISTED });
        loop {
            let Response::List(found) = self.ask(&request).await? else {
                return Err(Error::failed("the store answered something else than a list"));
            };
            match found.pages.last() {
                Some(last) if found.truncated => request["after"] = json!(last.path),
                _ => {
                    paths.extend(found.pages.into_iter().map(|page| page.path));
                    return Ok(paths);
                }
            }
            paths.extend(found.pages.into_iter().map(|page| page.path));
        }
    }

    async fn ask(&self, request: &Value) -> Result<Response> {
        let answer = self.function.call(request).await;
        let (answer, _) = answer.map_err(|it| Error::failed(it.message).caused_by(it.kind))?;
        let reply: Reply = serde_json::from_value(answer)
            .map_err(|error| Error::failed("the store's answer is none").caused_by(error))?;
        let refused = format!("{} refused a request", self.function.name());
        reply.into_result().map_err(|error| Error::failed(refused).caused_by(error))
    }
}

fn write(pages: u64, page: u64, mark: &str) -> Value {
    let line = format!("Page {page} of {pages}, written by a benchmark ({mark}).\n");
    let body = line.repeat((PAGE / line.len()).max(1));
    json!({
        "operation": "write",
        "wiki": wiki(pages),
        "path": path(page),
        "body": format!("# Page {page}\n\n{body}"),
        "author": { "name": "platformctl bench", "email": "bench@platformctl.invalid" },
        "message": format!("Benchmark: page {page}"),
    })
}

impl Executor for Store {
    async fn begin(&self, _: &Phase) -> Result<()> {
        Ok(())
    }

    async fn chill(&self, call: &Call) -> Result<()> {
        self.changes.chill(&format!("{}-{}", self.run, call.index)).await
    }

    async fn execute(&self, call: &Call) -> Result<Inside, Failure> {
        let (answer, inside) = self.function.call(&self.payload(call)).await?;
        let reply: Reply = serde_json::from_value(answer)
            .map_err(|error| Failure::new("no reply", error.to_string()))?;
        let timings = match reply.into_result() {
            Ok(Response::Read(page)) if call.operation() == "read" => page.timings,
            Ok(Response::Write(written)) if call.operation() == "write" => {
                if !written.changed {
                    return Err(Failure::new("not written", "the page had this text already"));
                }
                written.timings
            }
            Ok(_) => return Err(Failure::new("no reply", "it answers something else")),
            Err(error) => {
                let code = serde_json::to_value(error.code).unwrap_or_default();
                return Err(Failure::new(code.as_str().unwrap_or("error"), error.message));
            }
        };
        Ok(Inside { steps_ms: steps(&timings), ..inside })
    }
}

/// The steps that took time, in milliseconds.
fn steps(timings: &Timings) -> BTreeMap<String, f64> {
    let Value::Object(fields) = json!(timings) else { return BTreeMap::new() };
    let steps = fields.into_iter().filter_map(|(step, micros)| {
        let micros = micros.as_f64().filter(|micros| *micros > 0.0)?;
        Some((step, rounded(micros / 1000.0)))
    });
    steps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes() -> Sizes {
        Sizes {
            pages: vec![1, 1_000],
            reads: 50,
            writes: 50,
            cold: 5,
            readers: 3,
            writers: 5,
            concurrent: 40,
            warm_up: 3,
            rate: None,
        }
    }

    #[test]
    fn the_plan_has_every_phase_for_every_size_and_cold_starts_once() {
        let plan = plan(&sizes());
        let names: Vec<_> = plan.phases.iter().map(|it| it.name.as_str()).collect();
        insta::assert_snapshot!(names.join("\n"), @r"
        warm-read-1
        warm-write-1
        concurrent-read-1
        concurrent-write-1
        concurrent-mixed-1
        warm-read-1000
        warm-write-1000
        concurrent-read-1000
        concurrent-write-1000
        concurrent-mixed-1000
        cold-read-1000
        ");
        assert!(plan.phases.iter().all(|it| it.cold == it.name.starts_with("cold")));
        let open = super::plan(&Sizes { rate: Some(5.0), cold: 0, ..sizes() });
        assert!(open.phases.iter().any(|it| it.name == "open-read-1000"));
        assert!(open.phases.iter().all(|it| !it.cold));
    }

    #[test]
    fn a_mix_has_as_many_of_each_as_there_are_callers() {
        let mixed = mix(3, 5);
        let reads = mixed.iter().filter(|it| *it == "read").count();
        assert_eq!((reads, mixed.len()), (3, 8));
        assert_eq!(mix(1, 0), ["read"]);
        assert_eq!(mix(2, 2), ["read", "write", "read", "write"]);
    }

    #[test]
    fn requests_keep_the_contract_of_the_store() {
        use runtime_core::pages::Request;
        for page in [0, 99, 100, 49_999] {
            let request: Request = serde_json::from_value(write(50_000, page, "x")).expect("good");
            assert_eq!(request.operation(), "write");
            let Request::Write(written) = request else { panic!("a write") };
            assert!(written.body.as_str().len() > 1_000);
        }
        let paths: HashSet<_> = (0..50_000).map(path).collect();
        assert_eq!(paths.len(), 50_000);
    }
}
