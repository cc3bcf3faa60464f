//! Runs nodes in dependency order, independent ones in parallel.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use tokio::task::JoinSet;

use crate::error::{Error, Result};
use crate::signal::Cancel;

/// How many stacks are worked on at once: at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency(usize);

impl Concurrency {
    /// `number` at once; one when it is zero.
    pub fn new(number: u16) -> Self {
        Self(usize::from(number).max(1))
    }

    /// How many at once.
    pub fn get(self) -> usize {
        self.0
    }
}

impl Default for Concurrency {
    /// Eight: each polls every few seconds, which leaves AWS's limits to others.
    fn default() -> Self {
        Self(8)
    }
}

/// Nodes and what each waits for.
#[derive(Debug, Clone, Default)]
pub struct Dag {
    /// In the order in which they were added, which is kept among equals.
    nodes: Vec<String>,
    needs: BTreeMap<String, BTreeSet<String>>,
}

/// What became of one node.
#[derive(Debug)]
pub enum Outcome<T> {
    /// Its work was done.
    Done(T),
    /// Its work failed.
    Failed(Error),
    /// A node that it needs failed, or the run was stopped, before it began.
    Skipped,
}

impl Dag {
    /// Adds a node. Needs that are not nodes themselves are ignored: they are not
    /// part of this run.
    pub fn add(&mut self, node: &str, needs: impl IntoIterator<Item = String>) {
        self.nodes.push(node.to_owned());
        self.needs.insert(node.to_owned(), needs.into_iter().collect());
    }

    /// The nodes in the order in which they were added.
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// The same nodes with every arrow turned round, last first.
    pub fn reversed(&self) -> Self {
        let mut reversed = Self::default();
        for node in self.nodes.iter().rev() {
            let needed_by =
                self.nodes.iter().filter(|other| self.needs[*other].contains(node)).cloned();
            reversed.add(node, needed_by);
        }
        reversed
    }

    fn ready(&self, done: &BTreeSet<String>, begun: &BTreeSet<String>) -> Vec<String> {
        let known = |need: &&String| self.needs.contains_key(*need);
        self.nodes
            .iter()
            .filter(|node| !begun.contains(*node))
            .filter(|node| self.needs[*node].iter().filter(known).all(|need| done.contains(need)))
            .cloned()
            .collect()
    }
}

/// Runs `work` for every item, at most `limit` at once, and begins no other after a
/// failure. Returns what was done, in the order of `items`, and the first error.
pub async fn each<I, T, F, W>(
    items: impl IntoIterator<Item = I>,
    limit: Concurrency,
    cancel: &Cancel,
    mut work: W,
) -> Result<(Vec<T>, Option<Error>)>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
    W: FnMut(I) -> F,
{
    let mut items = items.into_iter().enumerate();
    let mut results = BTreeMap::new();
    let mut first_error = None;
    let mut running = JoinSet::new();
    loop {
        while first_error.is_none() && !cancel.is_cancelled() && running.len() < limit.get() {
            let Some((index, item)) = items.next() else { break };
            let future = work(item);
            running.spawn(async move { (index, future.await) });
        }
        let Some(joined) = running.join_next().await else { break };
        let (index, result) = joined
            .map_err(|error| Error::failed("a task ended without a result").caused_by(error))?;
        match result {
            Ok(value) => {
                results.insert(index, value);
            }
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    if first_error.is_none() && cancel.is_cancelled() {
        first_error = Some(cancel.error());
    }
    Ok((results.into_values().collect(), first_error))
}

/// Runs `work` for every node whose needs are done, at most `limit` at once.
/// After a failure nothing that needs the failed node begins; what is under way
/// ends in peace. `stopped` is asked before each start.
///
/// Results are in the order of [`Dag::nodes`].
pub async fn run<T, F, W>(
    dag: &Dag,
    limit: Concurrency,
    stopped: impl Fn() -> bool,
    mut work: W,
) -> Result<Vec<(String, Outcome<T>)>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
    W: FnMut(&str) -> F,
{
    let mut done = BTreeSet::new();
    let mut begun = BTreeSet::new();
    let mut results: BTreeMap<String, Outcome<T>> = BTreeMap::new();
    let mut running = JoinSet::new();
    loop {
        if !stopped() {
            let free = limit.get().saturating_sub(running.len());
            for node in dag.ready(&done, &begun).into_iter().take(free) {
                let future = work(&node);
                begun.insert(node.clone());
                running.spawn(async move { (node, future.await) });
            }
        }
        let Some(joined) = running.join_next().await else { break };
        let (node, result) = joined
            .map_err(|error| Error::failed("a task ended without a result").caused_by(error))?;
        match result {
            Ok(value) => {
                done.insert(node.clone());
                results.insert(node, Outcome::Done(value));
            }
            Err(error) => {
                results.insert(node, Outcome::Failed(error));
            }
        }
    }
    Ok(dag
        .nodes
        .iter()
        .map(|node| (node.clone(), results.remove(node).unwrap_or(Outcome::Skipped)))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn dag(edges: &[(&str, &[&str])]) -> Dag {
        let mut dag = Dag::default();
        for (node, needs) in edges {
            dag.add(node, needs.iter().map(|need| (*need).to_owned()));
        }
        dag
    }

    /// Runs with a fake executor that records starts and ends.
    async fn trace(dag: &Dag, failing: &'static str) -> (Vec<String>, Vec<(String, &'static str)>) {
        let log = Arc::new(Mutex::new(Vec::new()));
        let results = run(
            dag,
            Concurrency::default(),
            || false,
            |node| {
                let (node, log) = (node.to_owned(), Arc::clone(&log));
                async move {
                    log.lock().expect("log").push(format!("start {node}"));
                    tokio::task::yield_now().await;
                    log.lock().expect("log").push(format!("end {node}"));
                    if node == failing { Err(Error::failed("fake")) } else { Ok(()) }
                }
            },
        )
        .await
        .expect("run");
        let results = results
            .into_iter()
            .map(|(node, outcome)| {
                let word = match outcome {
                    Outcome::Done(()) => "done",
                    Outcome::Failed(_) => "failed",
                    Outcome::Skipped => "skipped",
                };
                (node, word)
            })
            .collect();
        let log = log.lock().expect("log").clone();
        (log, results)
    }

    #[tokio::test]
    async fn needs_come_first_and_independent_nodes_overlap() {
        let dag = dag(&[("network", &[]), ("budget", &[]), ("efs", &["network"])]);
        let (log, _) = trace(&dag, "").await;
        assert_eq!(log[..2], ["start network", "start budget"]);
        let position = |entry: &str| log.iter().position(|line| line == entry).expect(entry);
        assert!(position("end network") < position("start efs"));
    }

    #[tokio::test]
    async fn a_failure_skips_what_needs_it_and_nothing_else() {
        let dag =
            dag(&[("network", &[]), ("efs", &["network"]), ("bench", &["efs"]), ("budget", &[])]);
        let (_, results) = trace(&dag, "network").await;
        let words: Vec<_> = results.iter().map(|(_, word)| *word).collect();
        assert_eq!(words, ["failed", "skipped", "skipped", "done"]);
    }

    #[tokio::test]
    async fn a_stopped_run_begins_nothing() {
        let dag = dag(&[("network", &[])]);
        let results =
            run(&dag, Concurrency::default(), || true, |_| async { Ok(()) }).await.expect("run");
        assert!(matches!(results[0].1, Outcome::Skipped));
    }

    #[tokio::test]
    async fn no_more_than_the_limit_run_at_once_and_all_of_them_do() {
        let mut dag = Dag::default();
        for number in 0..20 {
            dag.add(&number.to_string(), []);
        }
        let counts = Arc::new(Mutex::new((0, 0)));
        let at_once = |counts: &Arc<Mutex<(usize, usize)>>| {
            let counts = Arc::clone(counts);
            async move {
                {
                    let mut counts = counts.lock().expect("counts");
                    counts.0 += 1;
                    counts.1 = counts.1.max(counts.0);
                }
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                counts.lock().expect("counts").0 -= 1;
                Ok(())
            }
        };
        let limit = Concurrency::new(3);
        let results = run(&dag, limit, || false, |_| at_once(&counts)).await.expect("run");
        assert!(results.iter().all(|(_, outcome)| matches!(outcome, Outcome::Done(()))));
        assert_eq!(counts.lock().expect("counts").1, 3);
        *counts.lock().expect("counts") = (0, 0);
        let (done, error) =
            each(0..20, limit, &Cancel::never(), |_| at_once(&counts)).await.expect("each");
        assert_eq!((done.len(), error.is_none(), counts.lock().expect("counts").1), (20, true, 3));
    }

    #[tokio::test]
    async fn each_keeps_the_order_and_begins_nothing_after_a_failure() {
        let work = |number: u64| async move {
            tokio::time::sleep(std::time::Duration::from_millis(8 - number)).await;
            if number == 3 { Err(Error::failed("three")) } else { Ok(number) }
        };
        let limit = Concurrency::new(4);
        let (done, error) = each(0..8, limit, &Cancel::never(), work).await.expect("each");
        assert!(done.len() < 7 && done.is_sorted(), "{done:?}");
        assert_eq!(error.expect("failed").message(), "three");
    }

    #[tokio::test]
    async fn reversed_runs_consumers_first() {
        let dag = dag(&[("network", &[]), ("efs", &["network"])]).reversed();
        let (log, _) = trace(&dag, "").await;
        assert_eq!(log, ["start efs", "end efs", "start network", "end network"]);
    }

    #[tokio::test]
    async fn a_need_outside_the_run_is_ignored() {
        let (_, results) = trace(&dag(&[("efs", &["network"])]), "").await;
        assert_eq!(results[0].1, "done");
    }
}
