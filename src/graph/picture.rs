//! Where everything of a drawing stands: regions below each other, stacks in columns
//! that all regions share, and in a stack its parameters at the left edge, published
//! values at the right edge and resources in between.

use std::collections::{BTreeMap, BTreeSet};

use super::arrange::{Arranged, arrange};
use super::layers::{Place, ranks};
use super::lines::{Line, ends, lines};
use super::style::number;
use super::{Graph, NodeKind};

/// Left upper corner and size, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) w: f64,
    pub(super) h: f64,
}

impl Rect {
    pub(super) fn right(&self) -> f64 {
        self.x + self.w
    }

    pub(super) fn bottom(&self) -> f64 {
        self.y + self.h
    }

    pub(super) fn middle(&self) -> f64 {
        self.y + self.h / 2.0
    }
}

/// A laid out graph.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) w: f64,
    pub(super) h: f64,
    pub(super) regions: Vec<(String, Rect)>,
    /// One a node.
    pub(super) boxes: Vec<Rect>,
    pub(super) lines: Vec<Line>,
    /// Sizes of letters.
    pub(super) heading: f64,
    pub(super) region_title: f64,
}

/// Margin around everything; the top has the heading.
const MARGIN: f64 = 28.0;
/// Between the frame of a region and what is in it.
const REGION_PADDING: f64 = 26.0;
const REGION_GAP: f64 = 46.0;
/// A card of a stack.
const CARD: f64 = 236.0;
/// A stack with its resources drawn.
pub(super) const STACK_PADDING: f64 = 16.0;
/// A resource.
const LEAF: (f64, f64) = (168.0, 32.0);
const LEAF_GAP: (f64, f64) = (50.0, 8.0);
/// Two rows that say what colours and lines mean.
const LEGEND: f64 = 66.0;
/// Most rows of types on a card.
pub(super) const ROWS: usize = 4;
/// Letters of a stack's name, a region's and the heading: larger on what is larger, so
/// that they can be read when all of it is in view.
pub(super) fn title_size(width: f64) -> f64 {
    (width / 34.0).clamp(15.0, 40.0)
}

fn region_size(width: f64) -> f64 {
    (width / 120.0).clamp(13.0, 48.0)
}

fn heading_size(width: f64) -> f64 {
    (width / 110.0).clamp(17.0, 52.0)
}

/// The inside of a stack, from its left upper corner.
#[derive(Default)]
struct Inside {
    boxes: Vec<(usize, Rect)>,
    lines: Vec<Line>,
}

/// Lays `graph` out.
pub(super) fn picture(graph: &Graph) -> Picture {
    let (inner, crossing): (Vec<Line>, Vec<Line>) =
        lines(graph).into_iter().partition(|line| line.inner);
    let exported: BTreeSet<usize> = crossing.iter().map(|line| line.from).collect();
    let needed: BTreeSet<usize> = inner.iter().map(|line| line.from).collect();
    let last = |part: usize| {
        let published = graph.nodes[part].type_name == "AWS::SSM::Parameter";
        !needed.contains(&part) && (published || exported.contains(&part))
    };
    let mut insides = Vec::new();
    let mut sizes = Vec::new();
    for node in outer(graph) {
        let (inside, (w, h)) = inside(graph, node, &inner, &last);
        let arriving = crossing.iter().filter(|line| line.to == node);
        let room = arriving.map(Line::room).sum();
        insides.push(inside);
        sizes.push((w, h.max(room)));
    }
    let plan = Plan::new(graph, &crossing, sizes);
    let (heading, region_title) = (heading_size(plan.right), region_size(plan.right));
    let Stand { regions, mut boxes, passes, bottom } =
        plan.stand(graph, heading + 41.0, region_title + 17.0);

    let mut drawn = Vec::new();
    for (node, inside) in plan.outer.iter().zip(insides) {
        let origin = boxes[*node];
        for (part, rect) in inside.boxes {
            boxes[part] = Rect { x: origin.x + rect.x, y: origin.y + rect.y, ..rect };
        }
        for mut line in inside.lines {
            for point in &mut line.points {
                *point = (origin.x + point.0, origin.y + point.1);
            }
            drawn.push(line);
        }
    }
    drawn.extend(plan.routed(graph, crossing, &boxes, &regions, &passes));
    Picture {
        w: (plan.right + REGION_PADDING + MARGIN).max(520.0),
        h: bottom + 8.0 + LEGEND * heading / 17.0,
        regions,
        boxes,
        lines: drawn,
        heading,
        region_title,
    }
}

/// Stacks and values from outside.
fn outer(graph: &Graph) -> Vec<usize> {
    (0..graph.nodes.len()).filter(|node| graph.nodes[*node].stack.is_none()).collect()
}

/// Which column every stack stands in, and how wide the columns are.
struct Plan {
    /// Nodes of stacks and values from outside; everything else is by index in this.
    outer: Vec<usize>,
    sizes: Vec<(f64, f64)>,
    /// The region of each.
    bands: Vec<usize>,
    ranks: Vec<usize>,
    /// One edge for all lines between two stacks.
    pairs: Vec<(usize, usize)>,
    /// Left edge and width of each column.
    columns: Vec<Rect>,
    /// Right edge of the last column.
    right: f64,
    slots: BTreeMap<usize, usize>,
}

/// Columns that lines between two stacks pass through, and at which height.
type Passes = BTreeMap<(usize, usize), Vec<(usize, f64)>>;

/// Where stacks stand.
struct Stand {
    regions: Vec<(String, Rect)>,
    boxes: Vec<Rect>,
    passes: Passes,
    bottom: f64,
}

impl Plan {
    fn new(graph: &Graph, crossing: &[Line], sizes: Vec<(f64, f64)>) -> Self {
        let outer = outer(graph);
        let slots: BTreeMap<usize, usize> = outer.iter().copied().zip(0..).collect();
        let regions = graph.regions();
        let bands: Vec<usize> = outer
            .iter()
            .filter_map(|node| regions.iter().position(|name| *name == graph.nodes[*node].region))
            .collect();
        let pairs: BTreeSet<(usize, usize)> = crossing
            .iter()
            .map(|line| (slots[&graph.holder(line.from)], slots[&graph.holder(line.to)]))
            .filter(|(from, to)| from != to)
            .collect();
        let pairs: Vec<_> = pairs.into_iter().collect();
        let limit = (number(outer.len()).sqrt() * 1.2).max(6.0);
        let limit = (0..outer.len()).take_while(|count| number(*count) < limit).count().max(1);
        let ranks = ranks(&vec![Place::Any; outer.len()], &bands, &pairs, limit);

        // Before each column there is room for the names of what flows into it.
        let count = ranks.iter().max().map_or(0, |rank| rank + 1);
        let mut columns: Vec<Rect> = vec![Rect::default(); count];
        let mut room = vec![84.0_f64; count];
        for ((w, _), rank) in sizes.iter().zip(&ranks) {
            columns[*rank].w = columns[*rank].w.max(*w);
        }
        for line in crossing.iter().filter(|line| graph.nodes[line.to].stack.is_none()) {
            let rank = ranks[slots[&line.to]];
            room[rank] = room[rank].max(line.label_width() + 84.0);
        }
        let mut right = MARGIN + REGION_PADDING;
        for (index, column) in columns.iter_mut().enumerate() {
            column.x = right + if index > 0 { room[index] } else { 0.0 };
            right = column.right();
        }
        Self { outer, sizes, bands, ranks, pairs, columns, right, slots }
    }

    /// Stands the regions below each other.
    fn stand(&self, graph: &Graph, top: f64, title: f64) -> Stand {
        let mut boxes = vec![Rect::default(); graph.nodes.len()];
        let mut regions = Vec::new();
        let mut passes = BTreeMap::new();
        let mut y = top;
        for (band, name) in graph.regions().into_iter().enumerate() {
            let items: Vec<usize> =
                (0..self.outer.len()).filter(|item| self.bands[*item] == band).collect();
            let here = |item: usize| items.iter().position(|other| *other == item);
            let (keys, edges): (Vec<_>, Vec<_>) = self
                .pairs
                .iter()
                .filter_map(|&(from, to)| Some(((from, to), (here(from)?, here(to)?))))
                .unzip();
            let heights: Vec<f64> = items.iter().map(|item| self.sizes[*item].1).collect();
            let ranks: Vec<usize> = items.iter().map(|item| self.ranks[*item]).collect();
            let arranged = arrange(&heights, &ranks, &edges, 34.0);
            let start = y + title + REGION_PADDING / 2.0;
            for (item, middle) in items.iter().zip(arranged.middles) {
                let (w, h) = self.sizes[*item];
                let x = self.columns[self.ranks[*item]].x;
                boxes[self.outer[*item]] = Rect { x, y: start + middle - h / 2.0, w, h };
            }
            for (key, through) in keys.into_iter().zip(arranged.passes) {
                let through = through.into_iter().map(|(rank, at)| (rank, start + at)).collect();
                passes.insert(key, through);
            }
            let h = title + REGION_PADDING * 1.5 + arranged.height;
            let w = self.right + REGION_PADDING - MARGIN;
            regions.push((name.to_owned(), Rect { x: MARGIN, y, w, h }));
            y += h + REGION_GAP;
        }
        Stand { regions, boxes, passes, bottom: (y - REGION_GAP).max(top) }
    }

    /// The lines between stacks, with their points.
    fn routed(
        &self,
        graph: &Graph,
        mut lines: Vec<Line>,
        boxes: &[Rect],
        regions: &[(String, Rect)],
        passes: &Passes,
    ) -> Vec<Line> {
        let pair = |line: &Line| {
            (self.slots[&graph.holder(line.from)], self.slots[&graph.holder(line.to)])
        };
        let bends: Vec<_> = lines
            .iter()
            .map(|line| {
                let through = passes.get(&pair(line)).map(Vec::as_slice).unwrap_or_default();
                let first = through.first().map_or(boxes[line.to].middle(), |(_, at)| *at);
                let last = through.last().map_or(boxes[line.from].middle(), |(_, at)| *at);
                (first, last)
            })
            .collect();
        let ends = ends(graph, &lines, &bends, boxes);
        // Lines between the same stacks run beside each other.
        let mut beside: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for (index, (line, (start, end))) in lines.iter_mut().zip(ends).enumerate() {
            let (from, to) = pair(line);
            let lane = beside.entry((from, to)).or_default();
            let shift = number(*lane) * 3.0;
            *lane += 1;
            let (first, last) = (self.ranks[from], self.ranks[to]);
            line.points = vec![start, (self.columns[first].right(), start.1)];
            if self.bands[from] == self.bands[to] {
                for (rank, at) in passes.get(&(from, to)).into_iter().flatten() {
                    let column = self.columns[*rank];
                    line.points.extend([(column.x, at + shift), (column.right(), at + shift)]);
                }
            } else if first + 1 < last {
                // Between the regions, over to the column before.
                let region = regions[self.bands[from]].1;
                let down = self.bands[from] < self.bands[to];
                let gap = if down { region.bottom() } else { region.y - REGION_GAP };
                let at = gap + REGION_GAP / 2.0 - 14.0 + number(index % 8) * 4.0;
                line.points.push((self.columns[first + 1].x, at));
                line.points.push((self.columns[last - 1].right(), at));
            }
            // Straight beside its names.
            let names = line.label_width();
            let beside_names = graph.nodes[line.to].stack.is_none() && names > 0.0;
            let run = if beside_names { names + 16.0 } else { 0.0 };
            line.points.extend([(self.columns[last].x - run, end.1), end]);
        }
        lines
    }
}

/// What is in a stack, and how large the stack is with it; `last` says what stands at
/// the right edge.
fn inside(
    graph: &Graph,
    stack: usize,
    inner: &[Line],
    last: &dyn Fn(usize) -> bool,
) -> (Inside, (f64, f64)) {
    let parts: Vec<usize> = graph.inside(stack).collect();
    if parts.is_empty() {
        return (Inside::default(), (CARD, card_height(graph, stack)));
    }
    let places: Vec<Place> = parts
        .iter()
        .map(|part| match graph.nodes[*part].kind {
            NodeKind::Parameter => Place::First,
            _ if last(*part) => Place::Last,
            _ => Place::Any,
        })
        .collect();
    let slot: BTreeMap<usize, usize> = parts.iter().copied().zip(0..).collect();
    let own: Vec<&Line> = inner.iter().filter(|line| slot.contains_key(&line.to)).collect();
    let edges: Vec<_> = own.iter().map(|line| (slot[&line.from], slot[&line.to])).collect();
    let limit = (number(parts.len()).sqrt() * 2.4).max(9.0);
    let limit = (0..=parts.len()).take_while(|count| number(*count) < limit).count();
    let ranks = ranks(&places, &vec![0; parts.len()], &edges, limit);
    let (w, h) = LEAF;
    let Arranged { middles, passes, height } =
        arrange(&vec![h; parts.len()], &ranks, &edges, LEAF_GAP.1);

    let columns = ranks.iter().max().map_or(0, |rank| rank + 1);
    let left = |rank: usize| STACK_PADDING + number(rank) * (w + LEAF_GAP.0);
    let width = left(columns) - LEAF_GAP.0 + STACK_PADDING;
    let title = title_size(width) * 1.6 + 26.0;
    let boxes: Vec<(usize, Rect)> = parts
        .iter()
        .zip(&ranks)
        .zip(middles)
        .map(|((part, rank), middle)| {
            (*part, Rect { x: left(*rank), y: title + middle - h / 2.0, w, h })
        })
        .collect();
    let drawn = own.iter().zip(&edges).zip(passes).map(|((line, (from, to)), passes)| {
        let (from, to) = (boxes[*from].1, boxes[*to].1);
        let mut points = vec![(from.right(), from.middle()), (from.right(), from.middle())];
        for (rank, at) in passes {
            points.extend([(left(rank), title + at), (left(rank) + w, title + at)]);
        }
        points.extend([(to.x, to.middle()), (to.x, to.middle())]);
        Line { points, ..(*line).clone() }
    });
    let lines = drawn.collect();
    (Inside { boxes, lines }, (width, title + height + STACK_PADDING))
}

fn card_height(graph: &Graph, node: usize) -> f64 {
    let node = &graph.nodes[node];
    if node.kind != NodeKind::Stack {
        return 52.0;
    }
    78.0 + number(node.types.len().min(ROWS + 1)) * 17.0
}
