//! A graph as a picture.

use std::collections::{BTreeMap, BTreeSet};

use super::lines::{Line, VALUE_LINE, VALUE_SIZE};
use super::picture::{Picture, ROWS, Rect, picture, title_size};
use super::style::{self, Family, fit, number, width};
use super::{EdgeKind, Graph, Node, NodeKind, resources, short_type};

/// A file of its own, in the reader's light or dark.
pub(super) fn document(graph: &Graph) -> String {
    let picture = picture(graph);
    let page =
        format!("<rect class=\"page\" width=\"{:.0}\" height=\"{:.0}\"/>\n", picture.w, picture.h);
    let style = format!("<style>\n{}</style>\n", style::css());
    drawing(graph, &picture, &format!("{style}{page}"))
}

/// The drawing with something before it, inside of the `svg` element.
pub(super) fn drawing(graph: &Graph, picture: &Picture, before: &str) -> String {
    let Picture { w, h, .. } = picture;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w:.0} {h:.0}\" width=\"{w:.0}\" height=\"{h:.0}\" role=\"img\" aria-labelledby=\"drawing-title drawing-description\">\n"
    );
    let (title, description) = described(graph);
    text.push_str(&format!("<title id=\"drawing-title\">{}</title>\n", escaped(&title)));
    text.push_str(&format!("<desc id=\"drawing-description\">{}</desc>\n", escaped(&description)));
    text.push_str(before);
    text.push_str(&tips());
    text.push_str(&format!(
        "<text class=\"title\" x=\"30\" y=\"{0:.0}\" font-size=\"{1:.1}\">{2}</text>\n",
        picture.heading + 17.0,
        picture.heading,
        escaped(&title)
    ));
    for (name, rect) in &picture.regions {
        text.push_str(&format!(
            "<g class=\"region\"><rect {} rx=\"16\"/><text class=\"title muted\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{:.1}\">{}</text></g>\n",
            place(rect),
            rect.x + 20.0,
            rect.y + picture.region_title + 13.0,
            picture.region_title,
            escaped(name)
        ));
    }
    // Frames below lines, lines below cards.
    let with_parts: BTreeSet<usize> = graph.nodes.iter().filter_map(|node| node.stack).collect();
    for &stack in &with_parts {
        text.push_str(&frame(&graph.nodes[stack], stack, &picture.boxes[stack]));
    }
    for line in &picture.lines {
        text.push_str(&path(graph, line));
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        if !with_parts.contains(&index) {
            text.push_str(&box_of(node, index, &picture.boxes[index]));
        }
    }
    for line in picture.lines.iter().filter(|line| !line.inner) {
        text.push_str(&names(graph, line));
    }
    text.push_str(&legend(graph, picture));
    text.push_str("</svg>\n");
    text
}

/// A title, and a sentence for those who do not see the picture.
fn described(graph: &Graph) -> (String, String) {
    let stacks = graph.count(NodeKind::Stack);
    let total: usize = graph.nodes.iter().map(Node::resources).sum();
    let stacks = if stacks == 1 { "1 stack".to_owned() } else { format!("{stacks} stacks") };
    let title = format!("{stacks} · {}", resources(total));
    let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for edge in &graph.edges {
        let (from, to) = (graph.holder(edge.from), graph.holder(edge.to));
        if from != to {
            needs.entry(&graph.nodes[to].label).or_default().insert(&graph.nodes[from].label);
        }
    }
    let needs = needs.into_iter().map(|(stack, needed)| {
        format!("{stack} needs {}.", needed.into_iter().collect::<Vec<_>>().join(", "))
    });
    let description = needs.collect::<Vec<_>>().join(" ");
    (title, if description.is_empty() { "No stack needs another.".to_owned() } else { description })
}

/// The tips of arrows: one for each colour of lines.
fn tips() -> String {
    let mut text = "<defs>\n".to_owned();
    let families = Family::all().map(Family::class);
    for class in ["order", "import", "deploy-value"].map(str::to_owned).into_iter().chain(families)
    {
        text.push_str(&format!(
            "<marker id=\"tip-{class}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"9\" markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"tip {class}\" d=\"M0 0.8 L8 4 L0 7.2 z\"/></marker>\n"
        ));
    }
    text.push_str("</defs>\n");
    text
}

/// A stack around its resources.
fn frame(node: &Node, index: usize, rect: &Rect) -> String {
    format!(
        "<g class=\"node frame\" data-node=\"{index}\"><title>{}</title><rect class=\"card\" {} rx=\"12\"/>{}</g>\n",
        escaped(&spoken(node)),
        place(rect),
        head(node, rect)
    )
}

fn box_of(node: &Node, index: usize, rect: &Rect) -> String {
    let (class, inner) = match node.kind {
        NodeKind::Stack => ("stack", card(node, rect)),
        NodeKind::Resource => ("resource", leaf(node, rect, 8.0)),
        NodeKind::Parameter => ("parameter", leaf(node, rect, rect.h / 2.0)),
        NodeKind::Outside => ("outside", leaf(node, rect, rect.h / 2.0)),
    };
    format!(
        "<g class=\"node {class}\" data-node=\"{index}\"><title>{}</title>{inner}</g>\n",
        escaped(&spoken(node))
    )
}

/// What is read out, and shown when the pointer rests.
fn spoken(node: &Node) -> String {
    match node.kind {
        NodeKind::Stack => {
            let types =
                node.types.iter().map(|(name, count)| format!("\n{count} × {}", short_type(name)));
            let types: String = types.collect();
            format!("{} ({}): {}{types}", node.label, node.detail, resources(node.resources()))
        }
        _ => format!("{} · {}", node.label, node.detail),
    }
}

/// The names of a stack, its count, and the families of its resources as a bar.
fn head(node: &Node, rect: &Rect) -> String {
    let Rect { x, y, w, .. } = *rect;
    let count = node.resources().to_string();
    let size = title_size(w);
    let small = (size * 0.6).clamp(11.0, 20.0);
    let badge = width(&count, small) + small * 1.5;
    let label = fit(&node.label, size * 1.12, w - badge - 34.0);
    let detail = fit(&node.detail, small, w - 32.0);
    let mut text = format!(
        "<text class=\"title\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size:.1}\">{}</text>",
        x + 16.0,
        y + 10.0 + size,
        escaped(&label)
    );
    let high = small * 1.65;
    text.push_str(&format!(
        "<rect class=\"badge\" x=\"{:.1}\" y=\"{:.1}\" width=\"{badge:.1}\" height=\"{high:.1}\" rx=\"{:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{small:.1}\" text-anchor=\"middle\">{count}</text>",
        x + w - badge - 12.0,
        y + 11.0,
        high / 2.0,
        x + w - badge / 2.0 - 12.0,
        y + 11.0 + small * 1.18
    ));
    text.push_str(&format!(
        "<text class=\"muted\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"{small:.1}\">{}</text>",
        x + 16.0,
        y + 15.0 + size + small,
        escaped(&detail)
    ));
    text
}

fn card(node: &Node, rect: &Rect) -> String {
    let Rect { x, y, w, .. } = *rect;
    let mut text = format!("<rect class=\"card\" {} rx=\"12\"/>{}", place(rect), head(node, rect));
    let mut families: BTreeMap<Family, usize> = BTreeMap::new();
    for (name, count) in &node.types {
        *families.entry(Family::of(name)).or_default() += count;
    }
    let mut left = x + 16.0;
    let total = number(node.resources().max(1));
    for (family, count) in families {
        let part = (w - 32.0) * number(count) / total;
        text.push_str(&format!(
            "<rect class=\"{}\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"4\" rx=\"2\"/>",
            family.class(),
            y + 51.0,
            (part - 2.0).max(1.0)
        ));
        left += part;
    }
    let mut types: Vec<_> = node.types.iter().collect();
    types.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let shown = if types.len() > ROWS + 1 { ROWS } else { types.len() };
    let mut line = y + 73.0;
    for (name, count) in &types[..shown] {
        text.push_str(&format!(
            "<rect class=\"{}\" x=\"{:.1}\" y=\"{:.1}\" width=\"7\" height=\"7\" rx=\"2\"/><text x=\"{:.1}\" y=\"{line:.1}\" font-size=\"11\" text-anchor=\"end\">{count}</text><text class=\"muted\" x=\"{:.1}\" y=\"{line:.1}\" font-size=\"11\">{}</text>",
            Family::of(name).class(),
            x + 16.0,
            line - 7.5,
            x + 48.0,
            x + 55.0,
            escaped(&fit(&short_type(name), 11.0, w - 70.0))
        ));
        line += 17.0;
    }
    if shown < types.len() {
        let others: usize = types[shown..].iter().map(|(_, count)| **count).sum();
        text.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{line:.1}\" font-size=\"11\" text-anchor=\"end\">{others}</text><text class=\"muted\" x=\"{:.1}\" y=\"{line:.1}\" font-size=\"11\">of {} more types</text>",
            x + 48.0,
            x + 55.0,
            types.len() - shown
        ));
    }
    text
}

/// A resource, a parameter, or a value from outside.
fn leaf(node: &Node, rect: &Rect, radius: f64) -> String {
    let Rect { x, y, w, h } = *rect;
    let middle = y + h / 2.0;
    let mut text = format!("<rect class=\"card\" {} rx=\"{radius:.0}\"/>", place(rect));
    if node.kind == NodeKind::Resource {
        text.push_str(&format!(
            "<rect class=\"{}\" x=\"{:.1}\" y=\"{:.1}\" width=\"4\" height=\"{:.1}\" rx=\"2\"/>",
            Family::of(&node.type_name).class(),
            x + 6.0,
            y + 7.0,
            h - 14.0
        ));
    }
    text.push_str(&format!(
        "<text class=\"title\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\">{}</text><text class=\"muted\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"9.5\">{}</text>",
        x + 17.0,
        middle - 2.0,
        escaped(&fit(&node.label, 13.0, w - 24.0)),
        x + 17.0,
        middle + 11.0,
        escaped(&fit(&node.detail, 9.5, w - 24.0))
    ));
    text
}

fn class(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Import => "import",
        EdgeKind::DeployValue => "deploy-value",
        EdgeKind::Order => "order",
        EdgeKind::DependsOn => "depends-on",
        EdgeKind::Ref | EdgeKind::GetAtt | EdgeKind::Sub => "reference",
    }
}

fn path(graph: &Graph, line: &Line) -> String {
    let (from, to) = (&graph.nodes[line.from], &graph.nodes[line.to]);
    let mut d = String::new();
    let mut last = (0.0, 0.0);
    for (index, &(x, y)) in line.points.iter().enumerate() {
        if index == 0 {
            d.push_str(&format!("M{x:.1} {y:.1}"));
        } else if index % 2 == 1 {
            d.push_str(&format!("H{x:.1}"));
        } else {
            let (last_x, last_y) = last;
            let middle = f64::midpoint(last_x, x);
            d.push_str(&format!("C{middle:.1} {last_y:.1} {middle:.1} {y:.1} {x:.1} {y:.1}"));
        }
        last = (x, y);
    }
    let kind = class(line.kind);
    let (inner, tip) = if line.inner {
        let family = Family::of(&from.type_name).class();
        (format!(" inner {family}"), family)
    } else {
        (String::new(), kind.to_owned())
    };
    let values = if line.values.is_empty() {
        String::new()
    } else {
        format!(": {}", line.values.join(", "))
    };
    format!(
        "<g class=\"edge {kind}{inner}\" data-from=\"{}\" data-to=\"{}\"><title>{}</title><path d=\"{d}\" marker-end=\"url(#tip-{tip})\"/></g>\n",
        line.from,
        line.to,
        escaped(&format!("{} → {}{values}", from.label, to.label))
    )
}

/// The names of what flows, where the line arrives at a card.
fn names(graph: &Graph, line: &Line) -> String {
    let texts = line.label();
    let Some(&(x, y)) = line.points.last() else { return String::new() };
    if texts.is_empty() || graph.nodes[line.to].stack.is_some() {
        return String::new();
    }
    let mut out =
        format!("<g class=\"edge name\" data-from=\"{}\" data-to=\"{}\">", line.from, line.to);
    let top = y - 7.0 - VALUE_LINE * number(texts.len() - 1);
    for (index, text) in texts.iter().enumerate() {
        out.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" font-size=\"{VALUE_SIZE}\">{}</text>",
            x - 12.0,
            top + VALUE_LINE * number(index),
            escaped(text)
        ));
    }
    out.push_str("</g>\n");
    out
}

/// Which colour and which line means what; only what occurs.
fn legend(graph: &Graph, picture: &Picture) -> String {
    let types = graph.nodes.iter().flat_map(|node| node.types.keys());
    let families: BTreeSet<Family> = types.map(|name| Family::of(name)).collect();
    // In the size of the heading: readable when all is in view.
    let scale = picture.heading / 17.0;
    let mut text = format!(
        "<g class=\"legend muted\" transform=\"translate(34 {:.1}) scale({scale:.2})\">",
        picture.h - 44.0 * scale
    );
    let mut x = 0.0;
    for family in families {
        text.push_str(&format!(
            "<rect class=\"{}\" x=\"{x:.1}\" y=\"-8.5\" width=\"9\" height=\"9\" rx=\"2.5\"/><text x=\"{:.1}\" y=\"0\" font-size=\"11\">{}</text>",
            family.class(),
            x + 14.0,
            family.name()
        ));
        x += width(family.name(), 11.0) + 32.0;
    }
    x = 0.0;
    for (kind, name) in [
        (EdgeKind::Import, "published value"),
        (EdgeKind::DeployValue, "value at deployment"),
        (EdgeKind::Order, "order only"),
    ] {
        if graph.edges.iter().any(|edge| edge.kind == kind) {
            let class = class(kind);
            text.push_str(&format!(
                "<g class=\"edge {class}\"><path d=\"M{x:.1} 18H{:.1}\" marker-end=\"url(#tip-{class})\"/></g><text x=\"{:.1}\" y=\"22\" font-size=\"11\">{name}</text>",
                x + 26.0,
                x + 33.0
            ));
            x += width(name, 11.0) + 52.0;
        }
    }
    text.push_str("</g>\n");
    text
}

fn place(rect: &Rect) -> String {
    let Rect { x, y, w, h } = rect;
    format!("x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\"")
}

/// Text for XML. Characters that XML does not have are left out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            other if other.is_control() || matches!(other, '\u{fffe}' | '\u{ffff}') => {}
            other => out.push(other),
        }
    }
    out
}
