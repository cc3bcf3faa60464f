//! The lines of a drawing: which there are, what stands at them, where they end.

use std::collections::BTreeMap;

use super::picture::{Rect, STACK_PADDING, title_size};
use super::style::{number, width};
use super::{Edge, EdgeKind, Graph};

/// Most values named at a line, and the size of their letters.
pub(super) const VALUES: usize = 3;
pub(super) const VALUE_SIZE: f64 = 10.5;
/// Height of a line of values.
pub(super) const VALUE_LINE: f64 = 13.0;

/// All edges between two nodes, as one line.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) from: usize,
    pub(super) to: usize,
    /// The strongest of the kinds.
    pub(super) kind: EdgeKind,
    /// Inside of a stack.
    pub(super) inner: bool,
    /// Horizontal pieces, joined by curves: in pairs of points.
    pub(super) points: Vec<(f64, f64)>,
    /// What flows.
    pub(super) values: Vec<String>,
}

impl Line {
    /// The texts at the line.
    pub(super) fn label(&self) -> Vec<String> {
        let mut texts: Vec<String> = self.values.iter().take(VALUES).cloned().collect();
        if self.values.len() > VALUES {
            texts.pop();
            texts.push(format!("+ {} more", self.values.len() + 1 - VALUES));
        }
        texts
    }

    /// How high the line is with its texts above it.
    pub(super) fn room(&self) -> f64 {
        number(self.label().len().max(1)) * VALUE_LINE + 16.0
    }

    /// How wide the texts at the line are.
    pub(super) fn label_width(&self) -> f64 {
        self.label().iter().map(|text| width(text, VALUE_SIZE)).fold(0.0, f64::max)
    }
}

/// One line for all edges between two nodes.
pub(super) fn lines(graph: &Graph) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut known = BTreeMap::new();
    for Edge { from, to, kind, values } in &graph.edges {
        let next = lines.len();
        let index = *known.entry((*from, *to)).or_insert(next);
        if index == next {
            let inner = graph.nodes[*from].stack.is_some()
                && graph.nodes[*from].stack == graph.nodes[*to].stack;
            let (points, values) = (Vec::new(), Vec::new());
            lines.push(Line { from: *from, to: *to, kind: *kind, inner, points, values });
        }
        let line = &mut lines[index];
        line.kind = line.kind.min(*kind);
        line.values.extend(values.iter().cloned());
    }
    lines
}

/// Begin and end of a line.
pub(super) type Ends = ((f64, f64), (f64, f64));

/// Where lines between stacks begin and end. On cards and frames they are spread in
/// the order of `bends`, the heights to and from which they go; at a small box they
/// meet in the middle. A line of a resource that does not stand at the edge of its
/// stack begins at the title of the stack.
pub(super) fn ends(
    graph: &Graph,
    lines: &[Line],
    bends: &[(f64, f64)],
    boxes: &[Rect],
) -> Vec<Ends> {
    let mut ends = Vec::new();
    let mut leaving: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut arriving: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        let holder = graph.holder(line.from);
        let at_edge = boxes[line.from].right() + STACK_PADDING + 1.0 > boxes[holder].right();
        let anchor = if at_edge { line.from } else { holder };
        if graph.nodes[anchor].stack.is_none() {
            leaving.entry(anchor).or_default().push(index);
        }
        if graph.nodes[line.to].stack.is_none() {
            arriving.entry(line.to).or_default().push(index);
        }
        let (from, to) = (boxes[anchor], boxes[line.to]);
        ends.push(((from.right(), from.middle()), (to.x, to.middle())));
    }
    for (node, mut all) in leaving {
        all.sort_by(|a, b| bends[*a].0.total_cmp(&bends[*b].0));
        for (line, at) in all.iter().zip(spread(graph, node, all.len(), boxes)) {
            ends[*line].0.1 = at;
        }
    }
    for (node, mut all) in arriving {
        all.sort_by(|a, b| bends[*a].1.total_cmp(&bends[*b].1));
        let (framed, rect) = (graph.inside(node).next().is_some(), boxes[node]);
        if framed || all.len() == 1 {
            for (line, at) in all.iter().zip(spread(graph, node, all.len(), boxes)) {
                ends[*line].1.1 = at;
            }
            continue;
        }
        // Each has room above it for its names.
        let total: f64 = all.iter().map(|line| lines[*line].room()).sum();
        let mut at = rect.middle() - total / 2.0;
        for line in all {
            at += lines[line].room();
            ends[line].1.1 = at - 8.0;
        }
    }
    ends
}

/// Heights at the side of a card, or beside the title of a frame.
fn spread(graph: &Graph, node: usize, count: usize, boxes: &[Rect]) -> Vec<f64> {
    let Rect { y, w, h, .. } = boxes[node];
    let framed = graph.inside(node).next().is_some();
    let height = if framed { title_size(w) + 26.0 } else { h };
    let step = height / number(count + 1);
    (1..=count).map(|place| y + step * number(place)).collect()
}
