//! The order and the heights at which nodes stand in their columns: few crossings,
//! and short, straight lines.

use super::style::number;

/// Height of a line where it passes through a column.
const LINE: f64 = 4.0;
/// How often order and heights are improved.
const SWEEPS: usize = 12;

/// Where things came to stand.
pub(super) struct Arranged {
    /// The middle of each node, downwards from 0.
    pub(super) middles: Vec<f64>,
    /// For each edge, the columns that it passes through, and at which height.
    pub(super) passes: Vec<Vec<(usize, f64)>>,
    /// From the top of the first to the bottom of the last.
    pub(super) height: f64,
}

/// What stands in a column: a node, or an edge that passes through.
struct Slot {
    rank: usize,
    height: f64,
    before: Vec<usize>,
    after: Vec<usize>,
    middle: f64,
}

/// Arranges nodes of these heights in these columns.
pub(super) fn arrange(
    heights: &[f64],
    ranks: &[usize],
    edges: &[(usize, usize)],
    gap: f64,
) -> Arranged {
    let new =
        |rank, height| Slot { rank, height, before: Vec::new(), after: Vec::new(), middle: 0.0 };
    let mut slots: Vec<Slot> =
        heights.iter().zip(ranks).map(|(height, rank)| new(*rank, *height)).collect();
    let mut through = Vec::new();
    for &(from, to) in edges {
        let mut passed = Vec::new();
        // A line backwards, of a circle that was cut, has no say.
        if ranks[from] < ranks[to] {
            let mut last = from;
            for rank in ranks[from] + 1..ranks[to] {
                slots.push(new(rank, LINE));
                let next = slots.len() - 1;
                link(&mut slots, last, next);
                passed.push(next);
                last = next;
            }
            link(&mut slots, last, to);
        }
        through.push(passed);
    }
    let columns = slots.iter().map(|slot| slot.rank + 1).max().unwrap_or(0);
    let mut order = vec![Vec::new(); columns];
    for (index, slot) in slots.iter().enumerate() {
        order[slot.rank].push(index);
    }
    untangle(&slots, &mut order);
    straighten(&mut slots, &order, gap);

    let top = slots.iter().map(|slot| slot.middle - slot.height / 2.0).fold(f64::MAX, f64::min);
    let bottom = slots.iter().map(|slot| slot.middle + slot.height / 2.0).fold(f64::MIN, f64::max);
    let at = |slot: &Slot| slot.middle - top;
    Arranged {
        middles: slots[..heights.len()].iter().map(at).collect(),
        passes: through
            .iter()
            .map(|passed| passed.iter().map(|s| (slots[*s].rank, at(&slots[*s]))).collect())
            .collect(),
        height: if slots.is_empty() { 0.0 } else { bottom - top },
    }
}

fn link(slots: &mut [Slot], from: usize, to: usize) {
    slots[from].after.push(to);
    slots[to].before.push(from);
}

/// Orders each column by the middle of its neighbours, to and fro, and keeps the
/// order with the fewest crossings.
fn untangle(slots: &[Slot], order: &mut Vec<Vec<usize>>) {
    let mut best = (crossings(slots, order), order.clone());
    for sweep in 0..SWEEPS {
        let forth = sweep % 2 == 0;
        let mut position = positions(slots.len(), order);
        let columns = order.len();
        for step in 0..columns {
            let column = if forth { step } else { columns - 1 - step };
            let wish = |slot: &usize| {
                let Slot { before, after, .. } = &slots[*slot];
                let neighbours = if forth { before } else { after };
                mean(neighbours.iter().map(|n| number(position[*n])))
                    .unwrap_or(number(position[*slot]))
            };
            let mut wishes: Vec<_> = order[column].iter().map(|s| (wish(s), *s)).collect();
            wishes.sort_by(|a, b| a.0.total_cmp(&b.0));
            order[column] = wishes.into_iter().map(|(_, slot)| slot).collect();
            for (index, slot) in order[column].iter().enumerate() {
                position[*slot] = index;
            }
        }
        let count = crossings(slots, order);
        if count < best.0 {
            best = (count, order.clone());
        }
    }
    *order = best.1;
}

fn positions(count: usize, order: &[Vec<usize>]) -> Vec<usize> {
    let mut position = vec![0; count];
    for column in order {
        for (index, slot) in column.iter().enumerate() {
            position[*slot] = index;
        }
    }
    position
}

/// How often lines between neighbouring columns cross.
fn crossings(slots: &[Slot], order: &[Vec<usize>]) -> usize {
    let position = positions(slots.len(), order);
    let mut count = 0;
    for column in order {
        // By the order at the left end; a crossing is a pair the wrong way round at
        // the right end.
        let mut ends = Vec::new();
        for slot in column {
            let mut next: Vec<_> = slots[*slot].after.iter().map(|to| position[*to]).collect();
            next.sort_unstable();
            ends.extend(next);
        }
        for (index, end) in ends.iter().enumerate() {
            count += ends[index + 1..].iter().filter(|later| *later < end).count();
        }
    }
    count
}

/// Moves everything towards the middle of its neighbours as far as the order allows.
fn straighten(slots: &mut [Slot], order: &[Vec<usize>], gap: f64) {
    for column in order {
        settle(slots, column, gap, |_| None);
    }
    for sweep in 0..=SWEEPS {
        for step in 0..order.len() {
            let column = if sweep % 2 == 0 { step } else { order.len() - 1 - step };
            let wishes: Vec<_> = order[column]
                .iter()
                .map(|index| {
                    let slot = &slots[*index];
                    let (before, after) = (slot.before.iter(), slot.after.iter());
                    let middle = |n: &usize| slots[*n].middle;
                    // The last sweep listens to both sides.
                    match sweep {
                        SWEEPS => mean(before.chain(after).map(middle)),
                        _ if sweep % 2 == 0 => mean(before.map(middle)),
                        _ => mean(after.map(middle)),
                    }
                })
                .collect();
            settle(slots, &order[column], gap, |index| wishes[index]);
        }
    }
}

/// Stands a column as near to its wishes as order and gaps allow, in the sense of
/// least squares (isotonic regression: neighbours that would overlap form a block at
/// the mean of their wishes).
fn settle(slots: &mut [Slot], column: &[usize], gap: f64, wish: impl Fn(usize) -> Option<f64>) {
    let mut below = 0.0;
    let mut offsets = Vec::new();
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (index, &slot) in column.iter().enumerate() {
        let half = slots[slot].height / 2.0;
        // Lines may pass close to each other.
        let room = if slots[slot].height > LINE { gap } else { gap / 2.0 };
        if index > 0 {
            below += half + room;
        }
        offsets.push(below);
        let wanted = wish(index).unwrap_or(slots[slot].middle) - below;
        below += half;
        let mut block = (wanted, 1);
        while let Some(&(sum, size)) = blocks.last() {
            if sum / number(size) <= block.0 / number(block.1) {
                break;
            }
            block = (sum + block.0, size + block.1);
            blocks.pop();
        }
        blocks.push(block);
    }
    let bases = blocks.iter().flat_map(|(sum, size)| vec![sum / number(*size); *size]);
    for ((&slot, offset), base) in column.iter().zip(offsets).zip(bases) {
        slots[slot].middle = base + offset;
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / number(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_cross_are_untangled() {
        let ranks = [0, 0, 1, 1];
        let done = arrange(&[10.0; 4], &ranks, &[(0, 3), (1, 2)], 5.0);
        assert_eq!(done.middles[0] < done.middles[1], done.middles[3] < done.middles[2]);
    }

    #[test]
    fn a_chain_is_straight_and_a_long_line_keeps_clear_of_what_it_passes() {
        let done = arrange(&[20.0; 3], &[0, 1, 2], &[(0, 1), (1, 2), (0, 2)], 8.0);
        let (column, height) = done.passes[2][0];
        assert_eq!(column, 1);
        assert!((height - done.middles[1]).abs() >= 10.0, "{height} {:?}", done.middles);
        let straight = arrange(&[20.0; 3], &[0, 1, 2], &[(0, 1), (1, 2)], 8.0);
        assert!(straight.middles.iter().all(|middle| (middle - 10.0).abs() < 1e-9));
    }

    #[test]
    fn nothing_overlaps() {
        let edges: Vec<_> = (1..30).map(|to| (0, to)).collect();
        let ranks: Vec<_> = (0..30).map(|node| usize::from(node > 0)).collect();
        let done = arrange(&[12.0; 30], &ranks, &edges, 6.0);
        let mut middles = done.middles[1..].to_vec();
        middles.sort_by(f64::total_cmp);
        assert!(middles.windows(2).all(|pair| pair[1] - pair[0] >= 18.0 - 1e-9));
        assert!((done.height - (29.0 * 12.0 + 28.0 * 6.0)).abs() < 1e-9);
    }

    #[test]
    fn nothing_is_nothing() {
        assert!(arrange(&[], &[], &[], 5.0).height.abs() < 1e-9);
    }
}
