//! The columns of a layered drawing (Sugiyama's method): everything stands to the
//! right of what it needs.

use std::collections::{BTreeMap, BTreeSet};

/// Where a node may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the first column.
    First,
    /// Where its edges want it.
    Any,
    /// In a column after all others.
    Last,
}

/// The column of each node, from 0. Nodes of one band (a region) share columns with
/// those of others, and a column has at most `limit` nodes of a band, but for those
/// that have to stand first or last.
pub(super) fn ranks(
    places: &[Place],
    bands: &[usize],
    edges: &[(usize, usize)],
    limit: usize,
) -> Vec<usize> {
    let count = places.len();
    let edges = acyclic(count, edges);
    let mut before = vec![Vec::new(); count];
    let mut after = vec![Vec::new(); count];
    for &(from, to) in &edges {
        before[to].push(from);
        after[from].push(to);
    }
    let order = sorted(&before, &after);
    let mut ranks = vec![0; count];
    let mut filled: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let alone = |node: usize| before[node].is_empty() && after[node].is_empty();
    // Nodes with edges first; those without fill what is left.
    for wanted in [false, true] {
        for &node in order.iter().filter(|node| alone(**node) == wanted) {
            if places[node] == Place::Last {
                continue;
            }
            let mut rank = before[node].iter().map(|from| ranks[*from] + 1).max().unwrap_or(0);
            while places[node] == Place::Any
                && filled.get(&(bands[node], rank)).is_some_and(|nodes| *nodes >= limit)
            {
                rank += 1;
            }
            ranks[node] = rank;
            *filled.entry((bands[node], rank)).or_default() += 1;
        }
    }
    // What needs nothing stands next to what needs it.
    for &node in order.iter().rev() {
        let next = after[node].iter().filter(|to| places[**to] != Place::Last);
        let Some(nearest) = next.map(|to| ranks[*to]).min() else { continue };
        let free = |rank: &usize| filled.get(&(bands[node], *rank)).is_none_or(|n| *n < limit);
        if places[node] == Place::Any
            && before[node].is_empty()
            && let Some(rank) = (ranks[node] + 1..nearest).rev().find(free)
        {
            if let Some(nodes) = filled.get_mut(&(bands[node], ranks[node])) {
                *nodes -= 1;
            }
            *filled.entry((bands[node], rank)).or_default() += 1;
            ranks[node] = rank;
        }
    }
    let used: BTreeSet<usize> =
        nodes_at(places, |place| place != Place::Last).map(|node| ranks[node]).collect();
    let dense: BTreeMap<usize, usize> = used.iter().copied().zip(0..).collect();
    for node in 0..count {
        // A column that was left by all is none.
        ranks[node] = match places[node] {
            Place::Last => dense.len(),
            _ => dense[&ranks[node]],
        };
    }
    ranks
}

fn nodes_at(places: &[Place], is: impl Fn(Place) -> bool) -> impl Iterator<Item = usize> {
    let nodes = places.iter().enumerate();
    nodes.filter(move |(_, place)| is(**place)).map(|(node, _)| node)
}

/// The edges without those that would close a circle, and without doubles.
fn acyclic(count: usize, edges: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut after = vec![Vec::new(); count];
    for &(from, to) in edges.iter().collect::<BTreeSet<_>>() {
        after[from].push(to);
    }
    let mut kept = Vec::new();
    let mut state = vec![State::New; count];
    for start in 0..count {
        if state[start] != State::New {
            continue;
        }
        // Depth first, without recursion: a chain may be long.
        state[start] = State::Open;
        let mut path = vec![(start, 0)];
        while let Some((node, next)) = path.last_mut() {
            let from = *node;
            let Some(&to) = after[from].get(*next) else {
                state[from] = State::Done;
                path.pop();
                continue;
            };
            *next += 1;
            if state[to] != State::Open {
                kept.push((from, to));
            }
            if state[to] == State::New {
                state[to] = State::Open;
                path.push((to, 0));
            }
        }
    }
    kept
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

/// The nodes, each after those before it; among equals in their own order.
fn sorted(before: &[Vec<usize>], after: &[Vec<usize>]) -> Vec<usize> {
    let mut waiting: Vec<usize> = before.iter().map(Vec::len).collect();
    let mut ready: BTreeSet<usize> = (0..before.len()).filter(|node| waiting[*node] == 0).collect();
    let mut order = Vec::new();
    while let Some(node) = ready.pop_first() {
        order.push(node);
        for &to in &after[node] {
            waiting[to] -= 1;
            if waiting[to] == 0 {
                ready.insert(to);
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(count: usize, edges: &[(usize, usize)], limit: usize) -> Vec<usize> {
        ranks(&vec![Place::Any; count], &vec![0; count], edges, limit)
    }

    #[test]
    fn everything_stands_after_what_it_needs() {
        assert_eq!(any(4, &[(0, 1), (1, 2), (0, 2), (0, 3)], 9), [0, 1, 2, 1]);
    }

    #[test]
    fn a_circle_is_cut_where_it_closes() {
        assert_eq!(any(3, &[(0, 1), (1, 2), (2, 0)], 9), [0, 1, 2]);
        assert_eq!(any(2, &[(0, 0), (0, 1)], 9), [0, 1]);
    }

    #[test]
    fn a_column_that_would_get_too_long_goes_on_in_the_next() {
        let edges: Vec<_> = (1..=6).map(|to| (0, to)).collect();
        let mut sizes = BTreeMap::new();
        for rank in any(7, &edges, 3) {
            *sizes.entry(rank).or_insert(0) += 1;
        }
        assert_eq!(sizes.into_values().collect::<Vec<_>>(), [1, 3, 3]);
    }

    #[test]
    fn what_needs_nothing_stands_next_to_what_needs_it() {
        assert_eq!(any(4, &[(0, 1), (1, 2), (3, 2)], 9), [0, 1, 2, 1]);
    }

    #[test]
    fn first_and_last_keep_their_places() {
        let places = [Place::First, Place::Any, Place::Last, Place::Any];
        let edges = [(0, 1), (1, 3), (1, 2)];
        assert_eq!(ranks(&places, &[0; 4], &edges, 9), [0, 1, 3, 2]);
    }

    #[test]
    fn bands_fill_columns_of_their_own() {
        assert_eq!(ranks(&[Place::Any; 4], &[0, 0, 1, 1], &[], 1), [0, 1, 0, 1]);
    }
}
