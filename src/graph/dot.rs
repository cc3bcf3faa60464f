//! A graph in the language of Graphviz.

use super::{EdgeKind, Graph, NodeKind, resources};

/// The digraph.
pub(super) fn text(graph: &Graph) -> String {
    let mut text = concat!(
        "digraph platform {\n",
        "  graph [rankdir=LR, compound=true, fontname=\"Helvetica\", nodesep=0.2];\n",
        "  node [shape=box, style=\"rounded\", fontname=\"Helvetica\", fontsize=11];\n",
        "  edge [fontname=\"Helvetica\", fontsize=9];\n",
    )
    .to_owned();
    for (number, region) in graph.regions().into_iter().enumerate() {
        text.push_str(&format!("  subgraph cluster_r{number} {{\n"));
        text.push_str(&format!("    label={};\n", quoted(region)));
        for outer in graph.outer(region) {
            node(graph, outer, &mut text);
        }
        text.push_str("  }\n");
    }
    for edge in &graph.edges {
        let (from, from_cluster) = end(graph, edge.from);
        let (to, to_cluster) = end(graph, edge.to);
        let mut attributes = Vec::new();
        if !edge.values.is_empty() {
            attributes.push(format!("label={}", quoted(&edge.values.join("\n"))));
        }
        match edge.kind {
            EdgeKind::Order | EdgeKind::DependsOn => attributes.push("style=dashed".to_owned()),
            EdgeKind::DeployValue => attributes.push("style=bold".to_owned()),
            _ => {}
        }
        attributes.extend(from_cluster.map(|name| format!("ltail={name}")));
        attributes.extend(to_cluster.map(|name| format!("lhead={name}")));
        let attributes = match attributes.as_slice() {
            [] => String::new(),
            all => format!(" [{}]", all.join(", ")),
        };
        text.push_str(&format!("  n{from} -> n{to}{attributes};\n"));
    }
    text.push_str("}\n");
    text
}

fn node(graph: &Graph, index: usize, text: &mut String) {
    let node = &graph.nodes[index];
    let inside: Vec<_> = graph.inside(index).collect();
    match node.kind {
        NodeKind::Stack if inside.is_empty() => {
            let label = format!("{}\n{}", node.label, resources(node.resources()));
            text.push_str(&format!("    n{index} [label={}];\n", quoted(&label)));
        }
        NodeKind::Stack => {
            text.push_str(&format!("    subgraph cluster_n{index} {{\n"));
            text.push_str(&format!("      label={};\n", quoted(&node.label)));
            for part in inside {
                let node = &graph.nodes[part];
                let label = quoted(&format!("{}\n{}", node.label, node.detail));
                let shape = if node.kind == NodeKind::Parameter { ", shape=ellipse" } else { "" };
                text.push_str(&format!("      n{part} [label={label}{shape}];\n"));
            }
            text.push_str("    }\n");
        }
        _ => {
            let label = quoted(&node.label);
            text.push_str(&format!("    n{index} [label={label}, shape=ellipse, style=dashed];\n"));
        }
    }
}

/// An edge of a stack that is a cluster begins at a node in it, cut off at the cluster.
fn end(graph: &Graph, node: usize) -> (usize, Option<String>) {
    match graph.inside(node).next() {
        Some(part) => (part, Some(format!("cluster_n{node}"))),
        None => (node, None),
    }
}

/// A string of Graphviz. Control characters but the line feed mean nothing in a label.
fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            other if other.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_where_it_should() {
        assert_eq!(quoted("a\"];\\\nb\r"), r#""a\"];\\\nb ""#);
    }
}
